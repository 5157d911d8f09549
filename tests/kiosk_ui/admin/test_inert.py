"""Two hundred payloads with active content stay plain text in pages, images, files and e-mails."""

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
from feedback_service.cases.services import ServiceRef
from feedback_service.database import transaction
from feedback_service.flow import alarm_duties, duties, uninvited_answers
from feedback_service.models import Centre, User
from feedback_service.setting_parsers import parse_smtp_url
from feedback_service.surveys.answers import JsonSubmission
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import OWN_CENTRE, SignedIn
from tests.support.inert import find_active_content, find_active_content_in_svg, pack_payloads, read_page_text
from tests.support.mailbox import Mailbox
from tests.support.payloads import PAYLOADS
from tests.support.staff import StaffClient
from tests.support.story import create_invitation, send_answer

pytestmark = pytest.mark.slow

PAGE = f"/admin/centres/{OWN_CENTRE}/comments"


@transaction
def rename_centre(tx: Session, /, name: str) -> None:
    """Give the centre this name."""
    tx.execute(update(Centre).where(Centre.code == OWN_CENTRE).values(name=name))


@transaction
def change_email(tx: Session, /, old: str, new: str) -> None:
    """Give a user this e-mail address, even an invalid one."""
    tx.execute(update(User).where(User.email == old).values(email=new))


@pytest.fixture
def head(app: Flask, signed_in: SignedIn) -> StaffClient:
    """The head of a centre that has the payloads as comments, as titles of services and as its own name."""
    head = signed_in("head")
    with app.app_context():
        rename_centre(" ".join(PAYLOADS)[:500])
        for number, payload in enumerate(PAYLOADS):
            answer = JsonSubmission({"off.nps": 1, "any.comment": payload, "any.breach": ["insult"]})
            uninvited_answers.record_hall_answer(OWN_CENTRE, client_id=uuid.uuid4(), submission=answer, language="uk")
            if number % 8 == 0:
                service = ServiceRef("", f"x-{number}", " ".join(PAYLOADS[number : number + 8])[:500])
                for _ in range(6):
                    send_answer(
                        create_invitation(service=service).token,
                        {"off.quality": "awful", "any.comment": payload},
                    )
        alarm_duties.raise_alarms(duties.never_stop)
    return head


def read_comment_pages(head: StaffClient) -> Iterator[str]:
    """Read every page of comments, one after another."""
    address: str | None = f"{PAGE}?source=qr_hall"
    while address:
        page = head.get(address).text
        yield page
        older = page.partition('<a class="button" href="')[2].partition('"')[0]
        address = older.replace("&amp;", "&") if "after=" in older else None


def test_comments_are_text(head: StaffClient) -> None:
    seen_text = ""
    for page in read_comment_pages(head):
        assert find_active_content(page) == []
        seen_text += read_page_text(page)

    shown_payloads = [payload for payload in PAYLOADS if payload in seen_text]
    assert len(shown_payloads) >= 190  # in the others the privacy guard found a number


def test_a_search_for_each_of_them_is_text(head: StaffClient) -> None:
    for text in pack_payloads(100):
        reply = head.get(PAGE, query_string={"q": text, "from": text, "service": text, "reason": text})
        assert reply.status_code == 200
        assert find_active_content(reply.text) == []


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
            rename_centre(name)
        page, picture = (head.get(f"/centres/{OWN_CENTRE}/{name}") for name in ("poster", "poster.svg"))
        assert (page.status_code, picture.status_code) == (200, 200)
        assert "vdk_xss" in picture.text
        assert find_active_content(page.text) == []
        assert find_active_content_in_svg(picture.data) == []


def test_files_are_text(head: StaffClient) -> None:
    document = json.loads(head.get(f"{PAGE}.json?source=qr_hall").text)
    assert len(document["rows"]) == len(PAYLOADS)
    lines = head.get(f"{PAGE}.csv?source=qr_hall").text.splitlines()
    assert not [line for line in lines if line.rpartition(";")[2].startswith(("=", "+", "-", "@", "＝"))]


def test_letters_are_text_and_go_nowhere_else(head: StaffClient, app: Flask, time_is: TimeIs) -> None:
    with Mailbox() as mailbox, app.app_context():
        settings = app.config["SETTINGS"]
        app.config["SETTINGS"] = replace(settings, smtp_url=parse_smtp_url(mailbox.url), mail_from="v@rada.example")
        time_is(clock.now() + timedelta(minutes=6))
        alarm_duties.send_alarm_emails(duties.never_stop)
        alarm_duties.send_alarm_emails(duties.never_stop)

    assert len(mailbox.emails) == 2
    for email in mailbox.emails:
        assert email.recipients == (head.email,)
        assert email.message.get_content_type() == "text/plain"
        assert email.message["To"] == head.email
        assert "\n" not in email.message["Subject"]
        assert email.message["Bcc"] is None


def test_a_user_whose_address_is_markup_is_text_and_gets_no_letter(
    head: StaffClient, app: Flask, time_is: TimeIs
) -> None:
    markup_address = '"><script>alert(1)</script>@x.example'
    with Mailbox() as mailbox, app.app_context():
        change_email(head.email, markup_address)
        settings = app.config["SETTINGS"]
        app.config["SETTINGS"] = replace(settings, smtp_url=parse_smtp_url(mailbox.url), mail_from="v@rada.example")
        page = head.get("/admin/alarms").text
        time_is(clock.now() + timedelta(minutes=6))
        alarm_duties.send_alarm_emails(duties.never_stop)

    assert find_active_content(page) == []
    assert markup_address in read_page_text(page)
    assert mailbox.emails == []
