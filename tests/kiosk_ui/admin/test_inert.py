"""Two hundred texts that would run elsewhere are only read here: in pages, pictures, files and letters."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases.register import ServiceRef
from feedback_service.config import parse_smtp_url
from feedback_service.database import transaction
from feedback_service.flow import alarm_duties, maintenance, uninvited_answers
from feedback_service.models import Centre, User
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import OWN_CENTRE, SignedIn
from tests.support.inert import find_active_content, find_active_content_in_svg, pack_payloads, read_page_text
from tests.support.mailbox import Mailbox
from tests.support.payloads import PAYLOADS
from tests.support.staff import StaffClient
from tests.support.story import create_invitation, make_submission, send_answer

pytestmark = pytest.mark.slow

PAGE = f"/admin/centres/{OWN_CENTRE}/comments"


@transaction
def call(tx: Session, /, name: str) -> None:
    """The centre is called so."""
    tx.execute(update(Centre).where(Centre.code == OWN_CENTRE).values(name=name))


@transaction
def write_to(tx: Session, /, old: str, new: str) -> None:
    """A user has this e-mail, whatever it is."""
    tx.execute(update(User).where(User.email == old).values(email=new))


@pytest.fixture
def head(app: Flask, signed_in: SignedIn) -> StaffClient:
    """A head whose centre was told all of it: as comments, as titles of services, as its own name."""
    head = signed_in("head")
    with app.app_context():
        call(" ".join(PAYLOADS)[:500])
        for number, payload in enumerate(PAYLOADS):
            answer = make_submission({"off.nps": 1, "any.comment": payload, "any.breach": ["insult"]})
            uninvited_answers.record_hall_answer(
                OWN_CENTRE, client_id=uuid.uuid4(), given=answer, language="uk"
            )
            if number % 8 == 0:
                service = ServiceRef("", f"x-{number}", " ".join(PAYLOADS[number : number + 8])[:500])
                for _ in range(6):
                    send_answer(
                        create_invitation(service=service).token,
                        {"off.quality": "awful", "any.comment": payload},
                    )
        alarm_duties.raise_alarms(maintenance.never)
    return head


def pages(head: StaffClient) -> Iterator[str]:
    """Every page of comments, one after another."""
    address: str | None = f"{PAGE}?source=qr_hall"
    while address:
        page = head.get(address).text
        yield page
        older = page.partition('<a class="button" href="')[2].partition('"')[0]
        address = older.replace("&amp;", "&") if "after=" in older else None


def test_comments_are_text(head: StaffClient) -> None:
    seen = ""
    for page in pages(head):
        assert find_active_content(page) == []
        seen += read_page_text(page)

    found = [payload for payload in PAYLOADS if payload in seen]
    assert len(found) >= 190  # in the others the privacy guard found a number


def test_a_search_for_each_of_them_is_text(head: StaffClient) -> None:
    for text in pack_payloads(100):
        page = head.get(PAGE, query_string={"q": text, "from": text, "service": text, "reason": text}).text
        assert find_active_content(page) == []


def test_alarms_and_their_notes_are_text(head: StaffClient, app: Flask) -> None:
    page = head.get("/admin/alarms").text
    assert find_active_content(page) == []
    for piece in page.split('action="')[1:]:
        form = piece.partition('"')[0].replace("&amp;", "&")
        if "/acknowledge" in form:
            field = f"note-{form.split('/')[-2]}"
            assert head.post(form, {field: " ".join(PAYLOADS)[:500]}).status_code == 303

    page = head.get("/admin/alarms").text
    assert find_active_content(page) == []
    assert PAYLOADS[0] in read_page_text(page)


def test_the_poster_is_text(head: StaffClient, app: Flask) -> None:
    for name in pack_payloads(500):
        with app.app_context():
            call(name)
        page = head.get(f"/centres/{OWN_CENTRE}/poster")
        assert find_active_content(page.text) == []
        assert find_active_content_in_svg(head.get(f"/centres/{OWN_CENTRE}/poster.svg").data) == []


def test_files_are_text(head: StaffClient) -> None:
    told = json.loads(head.get(f"{PAGE}.json?source=qr_hall").text)
    assert len(told["rows"]) == len(PAYLOADS)
    lines = head.get(f"{PAGE}.csv?source=qr_hall").text.splitlines()
    assert not [line for line in lines if line.rpartition(";")[2].startswith(("=", "+", "-", "@", "＝"))]


def test_letters_are_text_and_go_nowhere_else(head: StaffClient, app: Flask, time_is: TimeIs) -> None:
    with Mailbox() as box, app.app_context():
        told = app.config["SETTINGS"]
        app.config["SETTINGS"] = replace(told, smtp_url=parse_smtp_url(box.url), mail_from="v@rada.example")
        time_is(clock.now() + timedelta(minutes=6))
        alarm_duties.tell_alarms(maintenance.never)
        alarm_duties.tell_alarms(maintenance.never)

    assert len(box.emails) == 2
    for letter in box.emails:
        assert letter.recipients == (head.email,)
        assert letter.message.get_content_type() == "text/plain"
        assert letter.message["To"] == head.email
        assert "\n" not in letter.message["Subject"]
        assert letter.message["Bcc"] is None


def test_a_user_whose_address_is_markup_is_text_and_gets_no_letter(
    head: StaffClient, app: Flask, time_is: TimeIs
) -> None:
    strange = '"><script>alert(1)</script>@x.example'
    with Mailbox() as box, app.app_context():
        write_to(head.email, strange)
        told = app.config["SETTINGS"]
        app.config["SETTINGS"] = replace(told, smtp_url=parse_smtp_url(box.url), mail_from="v@rada.example")
        page = head.get("/admin/alarms").text
        time_is(clock.now() + timedelta(minutes=6))
        alarm_duties.tell_alarms(maintenance.never)

    assert find_active_content(page) == []
    assert strange in read_page_text(page)
    assert box.emails == []
