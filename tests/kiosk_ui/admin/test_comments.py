"""The head of a centre searches comments by filters that the address holds."""

from datetime import timedelta

import pytest
from flask import Flask

from feedback_service import clock
from tests.kiosk_ui.admin.conftest import OWN_CENTRE, SignedIn
from tests.kiosk_ui.outline import Outline
from tests.support.staff import StaffClient
from tests.support.story import create_invitation, send_answer

pytestmark = pytest.mark.slow  # many people answer before each test

PAGE = f"/admin/centres/{OWN_CENTRE}/comments"


@pytest.fixture
def head(app: Flask, signed_in: SignedIn) -> StaffClient:
    """The head of a centre where eight people wrote something."""
    head = signed_in("head")
    with app.app_context():
        for number in range(6):
            send_answer(create_invitation().token, {"off.nps": 10, "any.comment": f"Дякую {number}"})
        send_answer(
            create_invitation().token,
            {"off.nps": 2, "off.staff": "awful", "any.reasons": ["queue"], "any.comment": "Стояла в черзі"},
        )
        send_answer(create_invitation().token, {"any.breach": ["bribe"], "any.comment": "Натякали на подяку"})
    return head


def find_heading(page: str) -> str:
    """Return the heading above the comments."""
    return next(each.text for each in Outline(page).root.walk() if each.get("id") == "found")


def find_set_aside_url(page: str) -> str:
    """Return the address of the form that sets the first comment on the page aside."""
    forms = (each["action"] for each in Outline(page).root.walk() if each.tag == "form" and each.get("action"))
    return next(action for action in forms if "/aside" in action)


@pytest.mark.parametrize(
    ("query", "count", "shown"),
    [
        ("", "8 коментарів", "Дякую 3"),
        ("q=ЧЕРГА", "1 коментар", "Стояла в черзі"),
        ("poor=1", "1 коментар", "Жахливо"),
        ("reason=seats&reason=queue", "1 коментар", "Довга черга"),
        ("breach=1", "1 коментар", "Вимагали гроші"),
        ("service=00034", "8 коментарів", "Реєстрація місця проживання"),
        ("source=qr_case&front_office=offline&language=uk", "8 коментарів", "Дякую 3"),
        ("aside=1", "Коментарів немає", ""),
        ("q=немає такого", "Коментарів немає", "за початком"),
    ],
)
def test_what_the_address_asks_for_is_shown(head: StaffClient, query: str, count: str, shown: str) -> None:
    page = head.get(f"{PAGE}?{query}").text

    assert find_heading(page) == count
    assert shown in Outline(page).root.text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=вчора", "«вчора» — це не день"),
        ("from=2026-13-01", "Дня 2026-13-01 немає"),
        ("from=2030-01-01&to=2020-01-01", "їх поміняно місцями"),
        ("service=99999", "«99999» тут вибрати не можна"),
        ("source=<b>", "«<b>» тут вибрати не можна"),
        ("reason=nonsense", "«nonsense» тут вибрати не можна"),
        ("q=" + "я" * 101, "лише за першими 100"),
        ("language=ru", "«ru» тут вибрати не можна"),
    ],
)
def test_a_wish_that_makes_no_sense_gets_a_sentence_and_the_nearest_view(
    head: StaffClient, query: str, sentence: str
) -> None:
    reply = head.get(f"{PAGE}?{query}")

    assert reply.status_code == 200
    assert sentence in Outline(reply.text).root.text


@pytest.mark.parametrize("after", ["", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_a_place_that_the_list_does_not_have_is_refused(head: StaffClient, after: str) -> None:
    assert head.get(f"{PAGE}?after={after}").status_code == 422


def test_few_alike_are_withheld_with_a_reason(head: StaffClient, app: Flask) -> None:
    yesterday = clock.kyiv_day(clock.now() - timedelta(days=1))
    with app.app_context():
        send_answer(create_invitation(front_office="online").token, {"on.nps": 1, "any.comment": "одна онлайн"})

    page = head.get(f"{PAGE}?front_office=online").text

    assert find_heading(page) == "Відповіло замало людей"
    assert "одна онлайн" not in page
    assert find_heading(head.get(f"{PAGE}?from={yesterday}&to={yesterday}").text) == "Коментарів немає"


@pytest.mark.slow
def test_pages_keep_every_filter(app: Flask, head: StaffClient) -> None:
    with app.app_context():
        for number in range(30):
            answers = {"off.nps": 1, "any.reasons": ["queue"], "any.comment": f"черга {number}"}
            send_answer(create_invitation().token, answers)
    first = head.get(f"{PAGE}?q=черга&reason=queue&reason=seats&lang=en")
    assert find_heading(first.text) == "31 comments"

    [older] = [
        each["href"] for each in Outline(first.text).root.walk() if each.text == "Older comments" and each.tag == "a"
    ]
    second = head.get(older).text

    assert older.count("reason=") == 2
    assert second.count("<article") == 6
    texts = [page.split("черга ")[1:] for page in (first.text, second)]
    assert len({piece[:2] for piece in texts[0][1:]} & {piece[:2] for piece in texts[1][1:]}) <= 2


def test_what_is_set_aside_goes_and_comes_back_and_the_journal_knows(head: StaffClient) -> None:
    form = find_set_aside_url(head.get(f"{PAGE}?q=подяка&breach=1").text)

    reply = head.post(form)

    assert reply.status_code == 303
    assert reply.headers["Location"] == f"{PAGE}?q=%D0%BF%D0%BE%D0%B4%D1%8F%D0%BA%D0%B0&breach=1"
    assert find_heading(head.get(reply.headers["Location"]).text) == "Коментарів немає"
    assert find_heading(head.get(f"{PAGE}?aside=1").text) == "1 коментар"
    head.post(form, {"back": "1"})
    assert find_heading(head.get(PAGE).text) == "8 коментарів"
    journal = head.get("/admin/journal").text
    assert "відклав(-ла) коментар" in journal
    assert "повернув(-ла) коментар" in journal
    assert "Коментарі" in journal and OWN_CENTRE in journal


@pytest.mark.parametrize("query", ["endpoint=x", "_external=1&_scheme=javascript", "_anchor=x", "_method=GET"])
def test_no_word_in_the_address_leads_elsewhere_afterwards(head: StaffClient, query: str) -> None:
    form = find_set_aside_url(head.get(f"{PAGE}?{query}").text)

    reply = head.post(form)

    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(f"{PAGE}?")


def test_a_comment_of_another_centre_is_not_there(head: StaffClient, signed_in: SignedIn) -> None:
    stranger = signed_in("head", "SN99000008")
    form = find_set_aside_url(head.get(PAGE).text)

    assert stranger.post(form).status_code == 404
    assert stranger.post(form.replace(OWN_CENTRE, "SN99000008")).status_code == 404
    assert stranger.get(PAGE).status_code == 404
    assert head.post(f"{PAGE}/nonsense/aside").status_code == 404


@pytest.mark.parametrize("format", ["csv", "xlsx", "json"])
def test_a_file_holds_what_the_page_shows(head: StaffClient, format: str) -> None:
    reply = head.get(f"{PAGE}.{format}?q=черга")

    assert reply.status_code == 200
    assert f"comments-{OWN_CENTRE}.{format}" in reply.headers["Content-Disposition"]
    if format != "xlsx":
        assert "Стояла в черзі" in reply.text
        assert "Дякую" not in reply.text
        assert "У центрі" in reply.text, "the rows are in the page's language too"
    assert head.get(f"{PAGE}.exe").status_code == 404
