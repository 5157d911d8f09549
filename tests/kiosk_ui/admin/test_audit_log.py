"""The journal tells who read which figures and comments, by which parameters, and can be filtered."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import api_keys, noted_reads, roles
from feedback_service.database import deferred_writes, transaction
from feedback_service.flow import audit
from feedback_service.models import Centre, JournalEntry, NotedRead
from kiosk_ui.admin import ADDRESSES
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import FOREIGN_CENTRE, OWN_CENTRE, SignedIn
from tests.kiosk_ui.outline import check_house_rules
from tests.support import stored
from tests.support.staff import StaffClient

NOVEMBER = "from=2026-11-01&to=2026-11-30"
COMMENTS = f"/admin/centres/{OWN_CENTRE}/comments"


@pytest.fixture(autouse=True)
def december(time_is: TimeIs) -> None:
    """November is over."""
    time_is("2026-12-02T12:05+02:00")


@transaction
def create_key(tx: Session, name: str) -> str:
    """Create a key of the own centre that reads figures."""
    return api_keys.add_api_key(
        tx, ["summaries:read"], tx.scalars(select(Centre).where(Centre.code == OWN_CENTRE)).all(), name=name
    )


def list_rows(reader: StaffClient, query: str = "", lang: str = "uk") -> list[str]:
    """Return the rows of the journal as this member of staff sees them."""
    page = check_house_rules(reader.get(f"/admin/journal?lang={lang}&{query}").text)
    return [row.text for row in page.find_all("tr")[1:]]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (f"/admin/?{NOVEMBER}", "Огляд: 1.11.2026–30.11.2026, SN12000007"),
        (
            f"/admin/figures?{NOVEMBER}&by=service&front_office=offline",
            "Показники в розрізах: 1.11.2026–30.11.2026, за послугами, У центрі, SN12000007",
        ),
        (
            f"/admin/?{NOVEMBER}&service=00034&source=qr_case",
            "Огляд: 1.11.2026–30.11.2026, QR-код справи, послуга 00034, SN12000007",
        ),
        (f"/admin/sources-compared?{NOVEMBER}", "Порівняння каналів: 1.11.2026–30.11.2026, SN12000007"),
        (
            f"/admin/figures/export?{NOVEMBER}&table=reasons&format=xlsx",
            "файл показників: 1.11.2026–30.11.2026, таблиця «reasons», XLSX, SN12000007",
        ),
        (
            f"{COMMENTS}?{NOVEMBER}&poor=1&reason=queue&language=uk",
            "Коментарі: 1.11.2026–30.11.2026, Українська, причини: queue, лише з поганими оцінками, SN12000007",
        ),
        (f"{COMMENTS}.csv?{NOVEMBER}&aside=1", "файл коментарів: 1.11.2026–30.11.2026, CSV, відкладені, SN12000007"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_is_told_with_its_parameters(signed_in: SignedIn, method: str, address: str, words: str) -> None:
    me = signed_in("head")

    assert me.client.open(address, method=method).status_code == 200

    [row] = [row for row in list_rows(me) if "SN12000007" in row]
    assert "перегляд" in row and me.email in row
    assert words in row


def test_every_page_of_figures_or_comments_notes_its_reads(app: Flask, signed_in: SignedIn) -> None:
    me, seen = signed_in("head"), set()
    for method, address, view in ADDRESSES:
        if method == "GET" and view.need in (roles.AGGREGATES, roles.COMMENTS):
            path = address.replace("<centre>", OWN_CENTRE).replace("<format>", "csv")
            if me.get(f"/admin{path}").status_code == 200:
                seen.add(view.name)

    with app.app_context():
        audit.recent_reads.write_now()
        noted = {read.page for read in stored.read_rows(NotedRead)}
    assert len(seen) > 3
    assert noted == seen


def test_a_page_that_was_only_probed_is_noted_like_one_that_was_seen(signed_in: SignedIn) -> None:
    me = signed_in("head")

    assert me.client.head("/admin/keys").status_code == 200

    assert [row for row in list_rows(me) if "Ключі" in row and me.email in row]


def test_parameters_are_told_as_they_were_understood(signed_in: SignedIn) -> None:
    me = signed_in("head")
    me.get("/admin/?from=2026-11-31&to=2026-11-01&source=telepathy")

    [row] = [row for row in list_rows(me, lang="en") if "Overview" in row]

    assert "1.11.2026–30.11.2026, SN12000007" in row
    assert "telepathy" not in row


def test_equal_reads_of_an_hour_are_one_row_that_gets_its_number_when_the_hour_is_over(
    app: Flask, signed_in: SignedIn, time_is: TimeIs
) -> None:
    time_is("2026-12-02T12:50+02:00")
    me = signed_in("head")
    for minute in range(5):
        time_is(f"2026-12-02T12:5{minute}+02:00")
        me.get(f"/admin/?{NOVEMBER}")
    me.get(f"/admin/?{NOVEMBER}&source=qr_case")

    rows = [row for row in list_rows(me) if "Огляд" in row]
    assert len(rows) == 2
    [counted] = [row for row in rows if "5 разів, востаннє о 12:54" in row]
    assert counted.startswith("—")

    time_is("2026-12-02T13:00+02:00")
    with app.app_context():
        assert audit.enter_reads() == 2
    [entered] = [row for row in list_rows(me) if "5 разів, востаннє о 12:54" in row]
    assert entered[0].isdigit()


def test_who_and_what_filter_the_journal(app: Flask, signed_in: SignedIn) -> None:
    me, colleague = signed_in("head"), signed_in("administrator")
    me.get(f"/admin/?{NOVEMBER}")
    me.get("/admin/keys")
    me.get(COMMENTS)
    colleague.get(f"/admin/figures?{NOVEMBER}&by=service")

    def find_readers(query: str) -> set[str]:
        return {who for row in list_rows(me, query) for who in (me.email, colleague.email) if who in row}

    assert find_readers("") == {me.email, colleague.email}
    assert find_readers(f"who={colleague.email}") == {colleague.email}
    assert len(list_rows(me, "what=figures")) == 2
    [row] = list_rows(me, "what=comments")
    assert "Коментарі" in row
    assert all("Огляд" not in row and "Коментарі" not in row for row in list_rows(me, "what=other_pages"))
    assert list_rows(me, "who=nobody%40rada.example") == []
    assert len(list_rows(me, "what=nonsense")) == len(list_rows(me))


def test_a_key_is_named_and_never_shown(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    with app.app_context():
        secret = create_key("Портал громади")
    headers = {"Authorization": f"Bearer {secret}"}
    path = "/api/v1/summaries?from=2026-11-01&to=2026-11-30&by=month"
    for method in ("GET", "HEAD"):
        assert app.test_client().open(path, method=method, headers=headers).status_code == 200

    [row] = list_rows(me, "who=Портал")

    assert "ключ «Портал громади»" in row
    assert "показники, запитані програмою: 1.11.2026–30.11.2026, за місяцями, SN12000007" in row
    assert "2 рази, востаннє о 12:05" in row
    with app.app_context():
        assert all(secret not in row.details for row in stored.read_rows(NotedRead))


def test_words_sought_in_comments_are_not_kept(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    me.get(f"{COMMENTS}?{NOVEMBER}&q=Петренко")

    [row] = list_rows(me, "what=comments")

    assert "з пошуком слів" in row
    assert "Петренко" not in row
    with app.app_context():
        assert all("Петренко" not in read.details for read in stored.read_rows(NotedRead))


def test_what_was_refused_is_no_read(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    for address in (f"/admin/?centre={FOREIGN_CENTRE}", f"/admin/centres/{FOREIGN_CENTRE}/comments"):
        assert me.get(address).status_code == 404

    assert [row for row in list_rows(me) if "Огляд" in row or "Коментарі" in row] == []


def test_who_reads_the_figures_of_several_centres_is_told_in_each(app: Flask, signed_in: SignedIn) -> None:
    ministry, head, stranger = signed_in("ministry"), signed_in("head"), signed_in("head", FOREIGN_CENTRE)
    ministry.get(f"/admin/?{NOVEMBER}")

    for reader in (head, stranger):
        [row] = [row for row in list_rows(reader) if ministry.email in row]
        assert f"{OWN_CENTRE}, {FOREIGN_CENTRE}" in row


def test_figures_beside_a_refused_explanation_are_a_read_too(signed_in: SignedIn) -> None:
    me = signed_in("head")
    reply = me.post(f"/admin/sources-compared?{NOVEMBER}", {"text": "", "after": "0"})

    assert reply.status_code == 422
    assert [row for row in list_rows(me, "what=figures") if "Порівняння каналів" in row]


def test_nobody_reads_on_when_very_many_reads_wait_for_the_database(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = signed_in("head")
    monkeypatch.setattr(deferred_writes, "MAX_KEPT_ITEMS", 0)

    assert me.get(f"/admin/?{NOVEMBER}").status_code == 503


@pytest.mark.parametrize(("lang", "words"), [("uk", "і ще 2 перегляди"), ("en", "and 2 more reads")])
def test_reads_beyond_the_limit_of_a_reader_are_told_together(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, lang: str, words: str
) -> None:
    monkeypatch.setattr(noted_reads, "MOST_DIFFERENT_READS", 1)
    me = signed_in("head")
    for source in ("qr_case", "qr_hall", "tablet_hall"):
        me.get(f"/admin/?{NOVEMBER}&source={source}")

    assert sum(words in row for row in list_rows(me, lang=lang)) == 1


def test_the_journal_says_when_not_all_reads_of_the_hour_are_on_the_page(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = signed_in("head")
    monkeypatch.setattr(audit, "PAGE_SIZE", 2)
    for source, is_said in (("qr_case", False), ("qr_hall", True), ("tablet_hall", True)):
        me.get(f"/admin/?{NOVEMBER}&source={source}")
        assert ("лише найновіші" in me.get("/admin/journal").text) == is_said


def test_an_unknown_parameter_of_an_entry_is_told_as_it_is(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    with app.app_context():
        [centre] = [centre for centre in stored.read_rows(Centre) if centre.code == OWN_CENTRE]
        add_entry(centre.id, 'home {"centres": ["SN12000007"], "kind": "consultation"}')

    [row] = [row for row in list_rows(me) if "Огляд" in row]
    assert "Огляд: SN12000007, kind: consultation" in row


@transaction
def add_entry(tx: Session, chain: Any, object: str) -> None:
    """Add an entry as a later version may."""
    at = clock.now() - timedelta(days=1)
    tx.add(JournalEntry(chain=chain, number=1000, at=at, action="saw", object=object, digest=bytes(32)))
