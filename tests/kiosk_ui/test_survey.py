"""The survey as forms and pages, without a browser: what it asks, stores, refuses and never shows."""

import gzip
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import transaction
from feedback_service.errors import Unavailable
from feedback_service.flow import answers, cases, publishing, uninvited_answers
from feedback_service.flow.answers import opened_invitations
from feedback_service.models import Centre, Response
from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import LONGEST_COMMENT
from kiosk_ui.survey.screens import Preview
from tests.conftest import TimeIs
from tests.kiosk_ui.conftest import GetPage
from tests.support import stored, story
from tests.support.summaries import read_summary_json

Invited = Callable[..., str]

PHONE = "050 123 45 67"
SECOND = {"rest": "1"}


def summary(
    app: Flask, centre: str = story.CENTRE, *, by: str | None = None, source: str | None = None
) -> dict[str, Any]:
    """Return the summary of this year's answers."""
    today = clock.kyiv_day(clock.now())
    first = today.replace(month=1, day=1)
    with app.app_context():
        opened_invitations.write_now()
        return read_summary_json(centres=[centre], first=first, last=today, by=by, source=source, min_group=1)


def counts(app: Flask, question: str) -> dict[str, int]:
    """Count how often each value of a question was chosen this year."""
    of_each: dict[str, dict[str, int]] = {one["id"]: one["counts"] for one in summary(app)["questions"]}
    return of_each.get(question, {})


def read_values(app: Flask) -> set[tuple[str, str]]:
    """Return every value that is stored, with its question."""
    with app.app_context():
        return stored.read_answers()


@transaction
def offer_languages(tx: Session, centre: str, languages: list[str]) -> None:
    """Have the centre offer its surveys in these languages."""
    tx.execute(update(Centre).where(Centre.code == centre).values(languages=languages))


def publish_with_comment(app: Flask, **members: object) -> None:
    """Publish a new version of the hall's questionnaire whose question for free text has these members."""
    [shipped] = Path(questionnaires.__file__).parent.glob("questionnaires/offline-*.json")
    document = json.loads(shipped.read_text(encoding="utf-8"))
    [comment] = [question for question in document["questions"] if question["kind"] == "text"]
    comment.update(members)
    with app.app_context():
        publishing.publish_questionnaire(document | {"version": "offline-2026.2"})


# --- the first screen ---


def test_the_first_screen_says_whose_survey_it_is_and_asks_one_thing(
    invited: Invited, get_page: GetPage, time_is: TimeIs
) -> None:
    time_is("2026-11-20T12:00+02:00")

    page = get_page(invited())

    place = page.find_one("main").text
    assert "ЦНАП міста Підзвітне" in place
    assert "Реєстрація місця проживання" in place
    assert "Завершено 20\u00a0листопада\u00a02026\u00a0року" in place
    points = [button for button in page.find_all("button") if button.get("name") == "off.nps"]
    assert [button["value"] for button in points] == [str(point) for point in range(11)]
    assert points[0].text == "0 точно не пораджу"
    assert points[10].text == "10 обов’язково пораджу"
    assert list(page.form_data()) == ["client_id"], "one question, and nothing chosen for her"


def test_an_online_case_is_asked_the_online_questions(invited: Invited, get_page: GetPage) -> None:
    path = invited(front_office="online")

    assert get_page(path).find_field("on.nps", "9")
    assert get_page(f"{path}?step=2").find_field("on.overall", "excellent")


def test_letters_of_the_address_may_be_small_or_capital(invited: Invited, get_page: GetPage) -> None:
    path = invited()

    assert get_page(path.lower()).find_field("off.nps", "10")
    assert get_page(f"/s{path[2:]}").find_field("off.nps", "10")


@pytest.mark.parametrize("glued", [".", ")", ",", "»", "%E2%80%8B", "/", ").", "./"])
def test_a_link_with_a_sign_that_a_message_glued_to_it_opens_the_survey_and_takes_the_answer(
    client: FlaskClient, get_page: GetPage, invited: Invited, glued: str
) -> None:
    path = f"{invited()}{glued}"

    assert get_page(path).find_field("off.nps", "10")
    sent = client.post(path, data={"off.nps": "9", "finish": "1"})
    assert sent.status_code == 303
    assert get_page(sent.location + glued)
    assert get_page(f"/C/{story.CENTRE}{glued}").find_field("off.nps", "10")


@pytest.mark.parametrize(
    ("asks", "counted"),
    [
        ({}, 1),
        ({"Sec-Fetch-Mode": "navigate", "User-Agent": "Mozilla/5.0 (Linux; Android 9) Chrome/96"}, 1),
        ({"Sec-Purpose": "prefetch;prerender"}, 0),
        ({"Purpose": "prefetch"}, 0),
        ({"X-Purpose": "preview"}, 0),
        ({"Sec-Fetch-Mode": "no-cors"}, 0),
        ({"User-Agent": "TelegramBot (like TwitterBot)"}, 0),
        ({"User-Agent": "WhatsApp/2.24.1"}, 0),
        ({"User-Agent": "facebookexternalhit/1.1"}, 0),
    ],
)
def test_a_link_is_opened_when_a_person_follows_it(
    app: Flask, client: FlaskClient, invited: Invited, asks: dict[str, str], counted: int
) -> None:
    path = invited()
    client.head(path)

    client.get(path, headers=asks)

    assert summary(app)["funnel"]["opened"] == counted


def test_a_page_that_is_rendered_once_for_all_holds_no_address_of_another_reader(
    client: FlaskClient, invited: Invited
) -> None:
    first, second = invited(), invited()
    for query in ("", "?step=2"):
        client.get(f"{first}{query}")

        html = client.get(f"{second}{query}").text

        assert second in html
        assert first not in html


def test_looking_spends_nothing(app: Flask, client: FlaskClient, invited: Invited) -> None:
    path = invited()

    for _ in range(20):
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200

    assert client.post(path, data={"off.nps": "9", "finish": "1"}).status_code == 303


# --- the second screen ---


def test_the_first_tap_is_kept_and_the_rest_is_offered(app: Flask, invited: Invited, post_page: GetPage) -> None:
    path, client_id = invited(), str(uuid.uuid4())

    page = post_page(path, {"client_id": client_id, "off.nps": "9"})

    assert "Ваша оцінка: 9." in page.find_one("main").text
    assert page.form_data() == {
        "client_id": [client_id],
        "rest": ["1"],
        "off.nps": ["9"],
        "any.comment": [""],
    }
    assert (
        page.find_field("off.staff", "great")
        and page.find_field("any.reasons", "seats")
        and page.find_field("any.breach", "none")
    )
    assert summary(app)["funnel"]["started"] == 1


def test_who_opens_a_begun_link_later_sees_only_what_is_left_to_say(
    invited: Invited, get_page: GetPage, post_page: GetPage
) -> None:
    path = invited()
    post_page(path, {"off.nps": "3", "off.staff": "awful", "any.comment": "таємниця"})

    page = get_page(path)

    assert page.form_data().keys() == {"client_id", "rest", "any.comment"}, "nothing is chosen"
    text = page.find_one("main").text
    assert "таємниця" not in text
    another = invited()
    post_page(another, {"off.nps": "9", "off.staff": "good"})
    assert get_page(another).find_one("main").text == text, "whatever was said, the page is the same"
    [reasons] = [field for field in page.find_all("fieldset") if "не сподобалося" in field.text]
    assert reasons.parent and reasons.parent.get("class") == "follow-up", "not even that the tap was a poor one"


def test_reasons_are_offered_at_once_after_a_poor_rating(invited: Invited, post_page: GetPage) -> None:
    for rating, waits in (("6", False), ("7", True)):
        page = post_page(invited(), {"off.nps": rating})

        [reasons] = [field for field in page.find_all("fieldset") if "не сподобалося" in field.text]
        assert reasons.parent
        assert (reasons.parent.get("class") == "follow-up") is waits


def test_an_answer_is_final_and_thanked_for(
    app: Flask, client: FlaskClient, invited: Invited, get_page: GetPage
) -> None:
    path, client_id = invited(), str(uuid.uuid4())
    client.post(path, data={"client_id": client_id, "off.nps": "9"})

    reply = client.post(path, data=SECOND | {"client_id": client_id, "off.staff": "good", "finish": "1"})

    assert reply.status_code == 303
    receipt = reply.location.removeprefix("/R/")
    assert len(receipt) == 20
    for _ in range(2):  # a refresh does no harm
        page = get_page(reply.location)
        assert page.find_one("output").text.replace("-", "") == receipt
    assert counts(app, "off.staff")["good"] == 1
    again = client.post(path, data=SECOND | {"client_id": client_id, "off.staff": "awful", "finish": "1"})
    assert (again.status_code, again.location) == (303, reply.location)


def test_later_fields_join_earlier_ones(app: Flask, client: FlaskClient, invited: Invited) -> None:
    path = invited()
    client.post(path, data={"off.nps": "9", "off.staff": "good"})

    assert client.post(path, data={"off.premises": "awful", "finish": "1"}).status_code == 303

    assert counts(app, "off.staff")["good"] == counts(app, "off.premises")["awful"] == 1


def test_skip_finishes_with_the_first_answer_alone(app: Flask, client: FlaskClient, invited: Invited) -> None:
    path = invited()
    client.post(path, data={"off.nps": "9"})

    reply = client.post(path, data=SECOND | {"off.nps": "9", "off.staff": "awful", "finish": "skip"})

    assert reply.status_code == 303
    assert counts(app, "off.staff").get("awful", 0) == 0


def test_what_else_an_address_says_of_its_way_is_not_repeated(invited: Invited, get_page: GetPage) -> None:
    page = get_page(f"{invited()}?via=anything")

    assert "via" not in page.find_one("form")["action"]


@pytest.mark.parametrize(
    "via", ["sms", "viber", "sms.", "sms)", "viber,", "SMS", "Viber", "sms/", "sms%E2%80%8B", "sms%C2%BB.", "%20sms"]
)
def test_the_source_says_which_way_the_link_came(
    app: Flask, client: FlaskClient, invited: Invited, get_page: GetPage, via: str
) -> None:
    path = f"{invited()}?via={via}"
    page = get_page(path.upper() if via == "SMS" else path)

    client.post(page.find_one("form")["action"], data={"off.nps": "9", "finish": "1"})

    assert [group["key"] for group in summary(app, by="source")["groups"]] == ["sms_viber"]


# --- a link that two people opened ---

STAYS = "На це вже відповіли на іншій сторінці, і та відповідь лишається"


def test_a_rating_given_on_another_page_stays_and_the_page_says_so(
    app: Flask, client: FlaskClient, invited: Invited, post_page: GetPage, get_page: GetPage
) -> None:
    path, other = invited(), {"client_id": str(uuid.uuid4())}
    client.post(path, data={"off.nps": "2"})

    refused = post_page(path, other | {"off.nps": "10"}, 409)
    partly = post_page(path, other | {"off.nps": "10", "off.staff": "great"})
    sent = client.post(path, data=other | SECOND | {"off.nps": "10", "off.staff": "great", "finish": "1"})

    for page in (refused, partly, get_page(sent.location)):
        assert STAYS in page.find_one("main").text
    for page in (refused, partly):
        assert "Вашу оцінку збережено" not in page.root.text
        assert "off.nps" not in {field.get("name") for field in page.find_all("input")}
        assert page.find_field("client_id", other["client_id"])
    assert read_values(app) == {("off.nps", "2"), ("off.staff", "great")}


def test_whoever_only_presses_finish_on_another_page_ends_no_answer(
    app: Flask, client: FlaskClient, invited: Invited, post_page: GetPage
) -> None:
    path, who = invited(), {"client_id": str(uuid.uuid4())}
    client.post(path, data=who | {"off.nps": "2"})

    for finish in ("send", "skip"):
        refused = post_page(path, SECOND | {"client_id": str(uuid.uuid4()), "finish": finish}, 409)
        assert STAYS in refused.find_one("main").text
        assert "Вашу оцінку збережено" not in refused.root.text

    client.post(path, data=who | SECOND | {"off.nps": "2", "off.staff": "great", "finish": "1"})
    assert read_values(app) == {("off.nps", "2"), ("off.staff", "great")}


def test_nothing_is_said_of_another_page_where_there_is_none(
    client: FlaskClient, invited: Invited, get_page: GetPage, post_page: GetPage
) -> None:
    path, who = invited(), {"client_id": str(uuid.uuid4())}
    pages = [post_page(path, who | {"off.nps": value}) for value in ("2", "3")]
    sent = client.post(path, data=who | SECOND | {"off.nps": "4", "finish": "1"})

    for page in (*pages, get_page(sent.location)):
        assert STAYS not in page.root.text


def test_whose_answer_was_finished_elsewhere_learns_that_what_was_tapped_stays(
    client: FlaskClient, invited: Invited, get_page: GetPage, post_page: GetPage
) -> None:
    path, who = invited(), {"client_id": str(uuid.uuid4())}
    client.post(path, data=who | {"off.nps": "2"})
    client.post(path, data={"off.staff": "great", "finish": "1"})

    late = post_page(path, who | SECOND | {"off.premises": "good", "finish": "1"}, 409)

    assert "Те, що Ви вже натиснули, лишається" in late.find_one("main").text
    assert "лишається" not in get_page(path).find_one("main").text


def test_a_form_without_a_client_id_goes_on_with_what_such_a_form_began(
    app: Flask, client: FlaskClient, invited: Invited
) -> None:
    path, of_somebody = invited(), invited()
    client.post(of_somebody, data={"client_id": str(uuid.uuid4()), "off.nps": "2"})
    assert client.post(of_somebody, data={"off.nps": "9", "finish": "1"}).status_code == 409

    client.post(path, data={"off.nps": "2"})
    sent = client.post(path, data={"off.nps": "3", "finish": "1"})

    assert sent.status_code == 303
    assert read_values(app) == {("off.nps", "3")}
    for another in ({}, {"client_id": str(uuid.UUID(int=0))}):
        again = client.post(path, data=another | {"off.nps": "3", "finish": "1"})
        assert again.status_code == 409, "a receipt is shown once"
    assert client.post(sent.location, data={"withdraw": "1"}).status_code == 303


def test_the_code_of_who_only_finished_cannot_take_the_answer_back(
    app: Flask, client: FlaskClient, invited: Invited, get_page: GetPage
) -> None:
    path = invited()
    client.post(path, data={"client_id": str(uuid.uuid4()), "off.nps": "2"})
    receipt = client.post(path, data={"off.staff": "great", "finish": "1"}).location

    page = get_page(receipt)

    assert not page.find_all("button")
    assert "забрати її за цим кодом не можна" in page.find_one("main").text
    assert client.post(receipt, data={"withdraw": "1"}).status_code == 409
    assert read_values(app) == {("off.nps", "2"), ("off.staff", "great")}


def test_who_goes_back_to_the_first_question_stays_the_same_client(
    app: Flask, client: FlaskClient, invited: Invited, post_page: GetPage
) -> None:
    path, who = invited(), {"client_id": str(uuid.uuid4())}
    second = post_page(path, who | {"off.nps": "2"})
    first = post_page(path, who | SECOND | {"off.nps": "2", "again": "first"})
    skipped = post_page(path, who | {"again": "rest"})

    assert second.find_field("again", "first").text == "Змінити"
    assert first.find_field("off.nps", "9")
    for page in (second, first, skipped):
        assert page.find_field("client_id", who["client_id"])
    client.post(path, data=who | {"off.nps": "9"})
    client.post(path, data=who | SECOND | {"off.nps": "9", "finish": "1"})
    assert read_values(app) == {("off.nps", "9")}


# --- mistakes ---


def test_nothing_answered_is_refused_with_the_way_out(invited: Invited, post_page: GetPage) -> None:
    page = post_page(invited(), SECOND | {"finish": "1"}, 422)

    assert page.find_one("title").text.startswith("Помилка: ")
    [summary] = [
        element for element in page.root.walk() if element.get("role") == "alert" and "hidden" not in element.attrs
    ]
    assert "autofocus" in summary.attrs and summary["tabindex"] == "-1"
    assert "Дайте відповідь хоча б на одне запитання." in summary.text


def test_what_was_typed_is_still_there_after_a_mistake(invited: Invited, post_page: GetPage) -> None:
    typed = {
        "client_id": str(uuid.uuid4()),
        "off.nps": "4",
        "off.staff": "good",
        "any.reasons": ["seats", "queue"],
        "any.comment": "<b>два</b>\nрядки & «лапки»",
        "any.breach": ["none", "bribe"],
    }

    page = post_page(invited(), SECOND | typed | {"finish": "1"}, 422)

    again = page.form_data()
    assert again["any.comment"][0].split() == str(typed["any.comment"]).split()
    assert again == SECOND_LISTS | {
        name: value if isinstance(value, list) else [value] for name, value in typed.items() if name != "any.comment"
    } | {"any.comment": again["any.comment"]}
    [error] = [element for element in page.find_all("p") if element.get("id") == "error-any.breach"]
    [link] = [link for link in page.find_all("a") if link["href"] == "#any.breach"]
    assert error.text == link.text == "Цю відповідь можна обрати лише саму, без інших."


SECOND_LISTS = {"rest": ["1"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"off.nps": "11"},
        {"off.nps": "９"},
        {"off.nps": ["3", "4"]},
        {"off.staff": "excellent"},
        {"on.overall": "good"},
        {"any.reasons": ["seats", "unheard_of"]},
        {"any.comment": "a" * 1001},
        {"any.comment": "нуль\x00"},
        {"any.comment": "\u202eнавпаки"},
        {"any.nonsense": "1"},
    ],
    ids=str,
)
@pytest.mark.parametrize("last", [{}, {"finish": "1"}], ids=["begun", "final"])
def test_invalid_answers_are_refused_and_change_nothing(
    app: Flask,
    invited: Invited,
    client: FlaskClient,
    post_page: GetPage,
    fields: dict[str, object],
    last: dict[str, str],
) -> None:
    path = invited()

    page = post_page(path, fields | last, 422)

    assert page.find_one("title").text.startswith("Помилка: ")
    assert summary(app)["funnel"]["started"] == 0
    assert client.post(path, data={"off.nps": "9", "finish": "1"}).status_code == 303


@pytest.mark.parametrize(
    ("meanwhile", "status", "heading"),
    [
        ("answered", 409, "Відповідь залишено 20\u00a0листопада\u00a02026\u00a0року"),
        ("expired", 410, "Час на відповідь минув"),
        ("busy", 503, "Сервіс зараз перевантажений"),
    ],
)
def test_a_link_that_closes_while_a_mistake_is_told_says_so(
    app: Flask,
    invited: Invited,
    post_page: GetPage,
    time_is: TimeIs,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
    status: int,
    heading: str,
) -> None:
    at = time_is("2026-11-20T12:00+02:00")
    path, open_original = invited(), answers.open_survey

    def open_survey(token: str, *, mark_opened: bool) -> answers.Survey:
        if meanwhile == "answered":
            story.send_answer(token, {"off.nps": 9})
        elif meanwhile == "expired":
            time_is(at + timedelta(days=31))
        else:
            raise Unavailable(retry_after=2)
        return open_original(token, mark_opened=mark_opened)

    monkeypatch.setattr(answers, "open_survey", open_survey)

    assert post_page(path, {"off.nps": "11"}, status).find_one("h1").text == heading


def test_a_form_without_a_client_id_is_taken(client: FlaskClient, invited: Invited) -> None:
    assert client.post(invited(), data={"off.nps": "9", "finish": "1", "client_id": "?"}).status_code == 303


# --- privacy of a comment ---


def test_a_comment_is_shown_as_it_will_be_kept_before_it_is(
    app: Flask, invited: Invited, get_page: GetPage, post_page: GetPage
) -> None:
    path = invited()
    typed = f"Дзвоніть {PHONE}"

    page = post_page(path, SECOND | {"off.staff": "good", "any.comment": typed, "again": "preview"})

    assert page.form_data()["any.comment"][0].strip() == typed, "still hers to change"
    assert page.form_data()["off.staff"] == ["good"]
    assert PHONE not in page.find_one("blockquote").text and "Дзвоніть" in page.find_one("blockquote").text
    assert get_page(path).find_field("off.nps", "9"), "looking has kept nothing"


def test_the_live_preview_answers_with_a_piece(client: FlaskClient) -> None:
    hides = client.post("/masked", data={"any.comment": PHONE}).text
    plain = client.post("/masked?lang=en", data={"any.comment": "All fine"}).text
    long = client.post("/masked", data={"any.comment": "a" * 1001}).text
    too_long_here = client.post("/masked?limit=20", data={"any.comment": "a" * 21}).text

    assert "blockquote" in hides and PHONE not in hides
    assert "Nothing in it needs hiding." in plain
    assert "Текст задовгий" in long and "Текст задовгий" in too_long_here
    assert "<html" not in hides + plain + long


@pytest.mark.parametrize(
    "typed",
    ["a\rb", "\u200b \ufeff", " Пере\r\nйди\u0306 ", "a\u202eb", "a\x00", f"{PHONE}\r", "я" * 1001],
    ids=ascii,
)
def test_the_preview_shows_what_is_kept_and_refuses_what_is_not(
    app: Flask, client: FlaskClient, invited: Invited, typed: str
) -> None:
    with app.test_request_context():
        shown = Preview.of(typed, LONGEST_COMMENT)

    reply = client.post(invited(), data=SECOND | {"off.nps": "9", "any.comment": typed, "finish": "1"})

    assert (reply.status_code == 422) is bool(shown.problem)
    with app.app_context():
        assert stored.read_comments() == ([shown.text] if shown.text else [])


def test_the_preview_knows_how_long_this_questionnaires_comment_may_be(
    app: Flask, invited: Invited, post_page: GetPage
) -> None:
    publish_with_comment(app, max_length=10)
    path = invited()

    def preview_text(typed: str) -> str:
        page = post_page(path, SECOND | {"any.comment": typed, "again": "preview"})
        [preview] = [element for element in page.find_all("div") if element.get("id") == "masked"]
        return preview.text

    assert "задовгий" not in preview_text("я" * 10)
    assert "знаків у ньому 11, а можна щонайбільше 10" in preview_text("я" * 11)


def test_free_text_under_another_id_is_previewed_masked_and_taken_back_like_any_comment(
    app: Flask, client: FlaskClient, invited: Invited, get_page: GetPage, post_page: GetPage
) -> None:
    publish_with_comment(app, id="any.words")
    path = invited()
    [field] = [field for field in get_page(f"{path}?step=2").find_all("textarea") if field["name"] == "any.words"]

    live = client.post(field["data-hx-post"], data={"any.words": f"Дзвоніть {PHONE}"}).text
    page = post_page(path, SECOND | {"any.words": f"Дзвоніть {PHONE}", "again": "preview"})
    begun = post_page(path, SECOND | {"off.nps": "9", "any.words": "Стерте"}).form_data()
    client.post(path, data=begun | SECOND | {"any.words": "", "finish": "1"})

    assert "Дзвоніть" in live and PHONE not in live
    assert PHONE not in page.find_one("blockquote").text and "Дзвоніть" in page.find_one("blockquote").text
    with app.app_context():
        assert stored.read_comments() == []


# --- languages ---


def test_ukrainian_comes_first_whatever_the_browser_says(invited: Invited, get_page: GetPage) -> None:
    page = get_page(invited(), headers={"Accept-Language": "en-GB"})

    assert page.find_one("html")["lang"] == "uk"
    [other] = [link for link in page.find_all("a") if link.get("hreflang")]
    assert (other["hreflang"], other["lang"], other.text) == ("en", "en", "English")


def test_another_language_stays_all_the_way(client: FlaskClient, invited: Invited, get_page: GetPage) -> None:
    page = get_page(f"{invited()}?lang=en&via=sms")

    assert page.find_one("html")["lang"] == "en"
    assert page.find_one("h1").text == "How likely are you to recommend this centre to other people who need a service?"
    names = [element.text for element in page.root.walk() if element.tag == "p" and element.get("lang") == "uk"]
    assert names == ["ЦНАП міста Підзвітне", "Реєстрація місця проживання"]
    reply = client.post(page.find_one("form")["action"], data={"off.nps": "9", "finish": "1"})
    assert get_page(reply.location).find_one("h1").text == "Thank you, your answer has arrived"


def test_changing_the_language_on_the_second_screen_loses_nothing(
    client: FlaskClient, invited: Invited, post_page: GetPage
) -> None:
    path = invited()
    page = post_page(path, {"off.nps": "9"})
    [switch] = [button for button in page.find_all("button") if button.get("lang") == "en"]

    fields = page.form_data() | {
        "any.comment": ["Добре"],
        "off.staff": ["good"],
        switch["name"]: [switch["value"]],
    }
    english = post_page(switch["formaction"], fields)

    assert english.find_one("html")["lang"] == "en"
    assert english.form_data()["off.staff"] == ["good"]
    assert english.form_data()["any.comment"][0].strip() == "Добре"


@pytest.mark.parametrize("way", ["a case's link", "the hall's code"])
def test_a_language_that_the_centre_does_not_offer_is_neither_shown_nor_stored(
    app: Flask, client: FlaskClient, centre: str, invited: Invited, post_page: GetPage, way: str
) -> None:
    with app.app_context():
        offer_languages(centre, ["uk"])
    path = invited() if way == "a case's link" else f"/C/{centre}"

    begun = post_page(f"{path}?lang=en", {"off.nps": "9"})
    corrected = post_page(f"{path}?lang=en", {"off.nps": "11", "finish": "1"}, 422)
    sent = client.post(f"{path}?lang=en", data=begun.form_data() | SECOND | {"finish": "1"})

    assert begun.find_one("html")["lang"] == corrected.find_one("html")["lang"] == "uk"
    assert sent.status_code == 303 and "lang=" not in sent.location
    with app.app_context():
        assert [response.language for response in stored.read_rows(Response)] == ["uk"]


# --- links that no longer ask ---


def test_a_used_link_tells_the_day_and_nothing_else(
    client: FlaskClient, invited: Invited, get_page: GetPage, post_page: GetPage, time_is: TimeIs
) -> None:
    time_is("2026-11-20T12:00+02:00")
    path = invited()
    receipt = client.post(path, data={"off.nps": "9", "finish": "1"}).location.removeprefix("/R/")

    looked = get_page(path)
    tried = post_page(path, {"off.nps": "0", "finish": "1"}, 409)

    for page in (looked, tried):
        assert page.find_one("h1").text == "Відповідь залишено 20\u00a0листопада\u00a02026\u00a0року"
        assert receipt not in page.root.text
        assert not page.find_all("form")


def test_an_answer_completed_meanwhile_counts_as_it_was(
    client: FlaskClient, invited: Invited, get_page: GetPage, time_is: TimeIs
) -> None:
    at = time_is("2026-11-20T12:00+02:00")
    path, who = invited(), {"client_id": str(uuid.uuid4())}
    client.post(path, data=who | {"off.nps": "9"})
    time_is(at + timedelta(minutes=31))

    reply = client.post(path, data=who | SECOND | {"off.staff": "good", "finish": "1"})

    assert reply.status_code == 303
    assert "зараховано лише це" in get_page(reply.location).find_one("main").text


def test_an_expired_link_is_gone(invited: Invited, get_page: GetPage, post_page: GetPage, time_is: TimeIs) -> None:
    at = time_is("2026-10-01T12:00+03:00")
    path = invited()
    time_is(at + timedelta(days=31))

    assert get_page(path, 410).find_one("h1").text == "Час на відповідь минув"
    assert post_page(path, {"off.nps": "9"}, 410).find_one("h1").text == "Час на відповідь минув"


def test_a_cancelled_link_is_gone(app: Flask, centre: str, get_page: GetPage) -> None:
    with app.app_context():
        case = story.register_case(story.make_case_update())
        assert case.invitation is not None
        cases.cancel_invitation(case.id, frozenset({story.CENTRE}))

    page = get_page(f"/S/{case.invitation.token}", 410)

    assert page.find_one("h1").text == "Це запрошення скасовано"


@pytest.mark.parametrize("path", ["/S/" + "A" * 26, "/S/x", "/S/%F0%9F%98%80", "/R/" + "0" * 20, "/C/SN99999999"])
def test_an_unknown_link_says_how_to_go_on(get_page: GetPage, path: str) -> None:
    assert (
        "Введіть" in get_page(path, 404).find_one("main").text or "введіть" in get_page(path, 404).find_one("main").text
    )


# --- the hall ---


def test_the_hall_is_rated_without_a_case(
    app: Flask, client: FlaskClient, centre: str, get_page: GetPage, post_page: GetPage
) -> None:
    first = get_page(f"/c/{centre}")
    assert "Оцінка залу, без справи" in first.find_one("main").text

    second = post_page(f"/C/{centre}", first.form_data() | {"off.nps": "9"})
    reply = client.post(f"/C/{centre}", data=second.form_data() | {"off.staff": "good", "finish": "1"})

    assert reply.status_code == 303
    assert get_page(reply.location)
    assert summary(app, centre, source="qr_hall")["indicators"][0]["promoters"] == 1


def test_the_hall_refuses_mistakes_like_a_case(centre: str, post_page: GetPage) -> None:
    assert post_page(f"/C/{centre}", {}, 422).find_field("off.nps", "0")
    assert post_page(f"/C/{centre}", {"off.nps": "11"}, 422).find_field("off.nps", "0")
    assert post_page(f"/C/{centre}", SECOND | {"finish": "1"}, 422).find_field("off.staff", "great")


def test_a_hall_with_too_many_answers_says_honestly_that_one_was_not_kept(
    client: FlaskClient, centre: str, post_page: GetPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uninvited_answers, "HALL_ANSWERS_AN_HOUR", 1)
    final = {"off.nps": "9", "finish": "1"}
    assert client.post(f"/C/{centre}", data=final).status_code == 303

    page = post_page(f"/C/{centre}", final, 429)

    assert "Ваш відгук полічено, але що саме Ви обрали, не збережено" in page.find_one("main").text
    assert int(client.post(f"/C/{centre}", data=final).headers["Retry-After"]) <= 3601


# --- afterwards ---


def test_its_author_takes_an_answer_back(client: FlaskClient, invited: Invited, get_page: GetPage) -> None:
    thanks = client.post(invited(), data={"off.nps": "9", "finish": "1"}).location
    offered = get_page(thanks)
    button = offered.find_one("button")

    reply = client.post(offered.find_one("form")["action"], data={button["name"]: button["value"]})

    assert (reply.status_code, reply.location) == (303, thanks)
    page = get_page(thanks)
    assert page.find_one("h1").text == "Відповідь відкликано"
    assert not page.find_all("form")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"withdraw": ""},
        {"withdraw": "0"},
        {"withdraw": ["0", "1"]},
        {"detail": "Черга була довга"},
        {"solved": "yes"},
        {"finish": "1"},
    ],
)
def test_a_form_without_that_button_takes_no_answer_back(
    app: Flask, client: FlaskClient, invited: Invited, post_page: GetPage, fields: dict[str, object]
) -> None:
    thanks = client.post(invited(), data={"off.nps": "9", "finish": "1"}).location

    page = post_page(thanks, fields, 422)

    assert "Нічого не змінено" in page.find_one("main").text
    assert page.find_field("withdraw", "1")
    assert read_values(app) == {("off.nps", "9")}
    assert client.post(f"{thanks}?withdraw=1").status_code == 422, "a field, not an address"


# --- weight and headers ---


def test_the_survey_is_light(client: FlaskClient, invited: Invited) -> None:
    path = invited()
    for lang in ("uk", "en"):
        assert len(gzip.compress(client.get(f"{path}?lang={lang}").data)) <= 14 * 1024
        assert len(gzip.compress(client.get(f"{path}?lang={lang}&step=2").data)) <= 14 * 1024


def test_long_pages_travel_compressed_to_whoever_can_read_that(client: FlaskClient, invited: Invited) -> None:
    path = invited()

    packed = client.get(f"{path}?step=2", headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "client_id" in gzip.decompress(packed.data).decode()
    assert "Accept-Encoding" in packed.vary


def test_htmx_gets_the_piece_it_puts_in_place(client: FlaskClient, invited: Invited) -> None:
    path = invited()

    piece = client.post(path, data={"off.nps": "9"}, headers={"HX-Request": "true"})
    restored = client.get(path, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert piece.text.startswith("<title>")
    assert '<div id="page" lang="uk">' in piece.text and "<body" not in piece.text
    assert restored.text.startswith("<!doctype html>")
    assert {"HX-Request", "HX-History-Restore-Request"} <= set(piece.vary)


def test_a_survey_is_kept_by_no_cache_and_told_to_nobody(client: FlaskClient, invited: Invited) -> None:
    for reply in (client.get(invited()), client.get("/S/unknown")):
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in reply.headers


def test_a_look_without_reading_finds_a_used_link_as_a_reader_does(client: FlaskClient, invited: Invited) -> None:
    path = invited()
    client.post(path, data={"off.nps": "9", "finish": "1"})

    assert client.head(path).status_code == client.get(path).status_code == 200


def test_a_tap_that_brings_a_comment_too_long_gives_it_back(client: FlaskClient, invited: Invited) -> None:
    comment = "я" * 1001

    reply = client.post(invited(), data={"off.nps": "9", "any.comment": comment})

    assert reply.status_code == 422
    assert comment in reply.text


def test_half_a_character_is_refused_and_not_kept_as_percent_signs(client: FlaskClient, invited: Invited) -> None:
    path, form = invited(), "application/x-www-form-urlencoded"

    reply = client.post(path, data="off.nps=9&any.comment=%ED%A0%80&finish=1", content_type=form)

    assert reply.status_code == 400
    assert client.post(path, data={"off.nps": "9", "finish": "1"}).status_code == 303
