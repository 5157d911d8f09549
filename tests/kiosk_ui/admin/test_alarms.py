"""The page of alarms: those that wait, what was done about them, and the choice of e-mails."""

from dataclasses import replace

import pytest
from flask import Flask

from feedback_service.flow import alarm_duties, duties
from feedback_service.mail import MailServer
from tests.kiosk_ui.admin.conftest import OWN_CENTRE, SignedIn
from tests.kiosk_ui.outline import Outline
from tests.support.story import create_invitation, send_answer

PAGE = "/admin/alarms"


@pytest.fixture
def raised(app: Flask, centres: None) -> None:
    """Six bad answers and a breach have come in."""
    with app.app_context():
        for _ in range(6):
            send_answer(create_invitation().token, {"off.quality": "awful"})
        send_answer(create_invitation().token, {"any.breach": ["bribe"]})
        alarm_duties.raise_alarms(duties.never_stop)


def find_acknowledge_urls(page: str) -> list[str]:
    """Return the addresses of the forms that acknowledge an alarm."""
    actions = [each.get("action") or "" for each in Outline(page).root.walk() if each.tag == "form"]
    return [action for action in actions if "/acknowledge" in action]


def test_without_alarms_the_page_says_so(signed_in: SignedIn) -> None:
    assert "Тривог немає" in signed_in("administrator").get(PAGE).text


def test_the_head_reads_all_and_the_administrator_none_of_breaches(raised: None, signed_in: SignedIn) -> None:
    head, administrator = signed_in("head").get(PAGE).text, signed_in("administrator").get(PAGE).text

    assert "щось серйозне" in Outline(head).root.text.split("Чекає на Вас")[1]
    assert len(find_acknowledge_urls(head)) == 3
    assert len(find_acknowledge_urls(administrator)) == 2
    assert "Що написали люди" not in administrator


def test_a_way_leads_to_what_people_wrote(raised: None, signed_in: SignedIn) -> None:
    head = signed_in("head")
    page = Outline(head.get(PAGE).text)

    links = [each["href"] for each in page.root.walk() if each.tag == "a" and each.text == "Що написали люди"]

    assert len(links) == 3
    assert "breach=1" in links[0]
    assert any("service=00034" in link and "poor=1" in link for link in links)
    assert {head.get(link).status_code for link in links} == {200}


def test_who_takes_charge_is_seen_by_all_and_only_once(raised: None, signed_in: SignedIn) -> None:
    head, deputy = signed_in("head"), signed_in("head")
    [form, *_] = find_acknowledge_urls(head.get(PAGE).text)
    field = f"note-{form.split('/')[-2]}"

    assert head.post(form, {field: "Говорю з касою"}).status_code == 303
    second = deputy.post(form, {field: "Моя нотатка"})

    assert second.status_code == 409
    assert "Тим часом хтось інший" in second.text
    assert "Моя нотатка" in second.text
    page = deputy.get(PAGE).text
    assert "Говорю з касою" in page
    assert head.email in page
    assert "Моя нотатка" not in page
    assert "узяв(-ла) тривогу в роботу" in head.get("/admin/journal").text


def test_a_note_that_is_too_long_stays_in_the_form(raised: None, signed_in: SignedIn) -> None:
    head = signed_in("head")
    [form, *_] = find_acknowledge_urls(head.get(PAGE).text)
    note = "довго " * 100

    reply = head.post(form, {f"note-{form.split('/')[-2]}": note})

    assert reply.status_code == 422
    assert note in reply.text
    assert "<details open>" in reply.text
    assert len(find_acknowledge_urls(head.get(PAGE).text)) == 3


def test_letters_are_switched_off_and_on(app: Flask, signed_in: SignedIn) -> None:
    head = signed_in("head")
    assert "Поштового сервера тут не налаштовано" in head.get(PAGE).text
    server = MailServer("smtp", "127.0.0.1", 25, True)
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], smtp_url=server, mail_from="v@rada.example")

    assert f"надходять на {head.email}" in head.get(PAGE).text
    head.post(f"{PAGE}/letters", {"wanted": "0"})
    assert "Листів про тривоги Ви не отримуєте" in head.get(PAGE).text
    head.post(f"{PAGE}/letters", {"wanted": "1"})
    assert f"надходять на {head.email}" in head.get(PAGE).text


def test_one_centre_of_several_is_named_by_the_address(raised: None, app: Flask, signed_in: SignedIn) -> None:
    both = signed_in("head", OWN_CENTRE, "SN99000008")

    assert len(find_acknowledge_urls(both.get(PAGE).text)) == 3
    assert len(find_acknowledge_urls(both.get(f"{PAGE}?centre={OWN_CENTRE}").text)) == 3
    assert "Тривог немає" in both.get(f"{PAGE}?centre=SN99000008").text
    assert signed_in("head").get(f"{PAGE}?centre=SN99000008").status_code == 404
