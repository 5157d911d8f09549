"""Events that the central system refused are listed with their reasons and can be sent again."""

import uuid
from datetime import timedelta

import pytest
from flask import Flask

from feedback_service import clock
from feedback_service.models import Event, JournalEntry
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import FOREIGN_CENTRE, OWN_CENTRE, SignedIn
from tests.kiosk_ui.outline import check_house_rules
from tests.support import story
from tests.support.stored import read_rows


@pytest.fixture
def refused(app: Flask, centres: None) -> dict[str, uuid.UUID]:
    """One event of the own centre and one of a foreign centre were refused. Return their ids by centre."""
    with app.app_context():
        for centre in (OWN_CENTRE, FOREIGN_CENTRE):
            story.create_invitation(centre=centre)
        return {centre: story.refuse_newest_event(centre, "HTTP 422 <b>") for centre in (OWN_CENTRE, FOREIGN_CENTRE)}


@pytest.mark.parametrize("role", ["administrator", "head"])
def test_a_refused_event_is_on_the_first_page_and_listed_with_its_reason(
    refused: dict[str, uuid.UUID], signed_in: SignedIn, role: str
) -> None:
    me = signed_in(role)
    first, page = me.get("/admin/?lang=en").text, me.get("/admin/deliveries?lang=en").text

    check_house_rules(page)
    assert "1 event was refused by the central system" in first
    assert "1 refused event" in page
    assert "Status of a case" in page
    assert "HTTP 422 &lt;b&gt;" in page
    assert FOREIGN_CENTRE not in page


def test_it_is_sent_again_with_one_press_and_the_journal_knows_by_whom(
    app: Flask, refused: dict[str, uuid.UUID], signed_in: SignedIn
) -> None:
    me, mine, other = signed_in(), refused[OWN_CENTRE], refused[FOREIGN_CENTRE]

    assert me.post(f"/admin/deliveries/{other}/replay").status_code == 404
    reply = me.post(f"/admin/deliveries/{mine}/replay")

    assert reply.status_code == 303
    assert "Nothing was refused" in me.get("/admin/deliveries?lang=en").text
    with app.app_context():
        states = {event.id: event.state for event in read_rows(Event)}
        entries = [entry for entry in read_rows(JournalEntry) if entry.action == "sent_again"]
    assert states == {mine: "pending", other: "dead"}
    assert [(entry.email, str(mine) in entry.object) for entry in entries] == [(me.email, True)]


def test_who_looks_after_the_installation_sees_no_figures_but_every_refused_event(
    refused: dict[str, uuid.UUID], signed_in: SignedIn
) -> None:
    page = signed_in("operator", "*").get("/admin/deliveries?lang=en").text
    assert "2 refused events" in page
    assert FOREIGN_CENTRE in page


def test_the_page_says_that_events_are_kept_because_nobody_took_them(
    refused: dict[str, uuid.UUID], signed_in: SignedIn, time_is: TimeIs
) -> None:
    assert "for 30 days" not in signed_in().get("/admin/deliveries?lang=en").text

    time_is(clock.now() + timedelta(days=31))
    me = signed_in()
    assert "1 event has not been taken for 30 days" in me.get("/admin/deliveries?lang=en").text
    assert "1 подію не прийнято вже 30 днів" in me.get("/admin/deliveries").text
