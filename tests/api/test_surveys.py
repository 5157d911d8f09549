"""Portals that draw their own form, and staff who type in what they heard."""

import uuid
from typing import Any

import pytest
from flask import Flask

from feedback_service.models import Response
from tests.api.conftest import Caller, NewCaller, error_pointers, make_case, token_of
from tests.conftest import TimeIs
from tests.support import stored, story

NOW = "2026-11-20T12:00+02:00"
CLIENT = "8a3f1f0e-6f0b-4c5f-9d55-2f6f1f5f7a10"


@pytest.fixture(autouse=True)
def noon(time_is: TimeIs) -> None:
    """The clock stands at noon."""
    time_is(NOW)


@pytest.fixture
def survey(case_system: Caller) -> str:
    """The address of the survey of a case just completed."""
    return f"/surveys/{token_of(case_system.post('/cases', make_case()).json)}"


def sent(**facts: Any) -> dict[str, Any]:
    """What a portal sends; say only what the test is about."""
    return {"client_id": CLIENT, "language": "uk", "answers": {"off.nps": 9}} | facts


def heard(**facts: Any) -> dict[str, Any]:
    """What staff type in; say only what the test is about."""
    usual = {
        "client_id": CLIENT,
        "centre": story.CENTRE,
        "service": {"code": "00034"},
        "front_office": "offline",
        "source": "paper_box",
        "answered_on": "2026-11-19",
        "language": "uk",
        "answers": {"off.nps": 7, "any.reasons": ["seats", "queue"]},
    }
    return usual | facts


def test_the_survey_is_read_in_ukrainian_or_as_asked(stranger: Caller, survey: str) -> None:
    ours, english = stranger.get(survey).json, stranger.get(f"{survey}?lang=en").json
    assert ours["version"] == english["version"] == "offline-2026.1"
    assert (ours["language"], english["language"]) == ("uk", "en")
    assert ours["questions"][0]["id"] == "off.nps"
    assert ours["questions"][0]["kind"] == "scale_0_10"
    assert not any(question["required"] for question in ours["questions"])
    staff = next(question for question in ours["questions"] if question["id"] == "off.staff")
    assert [option["value"] for option in staff["options"]] == ["great", "good", "acceptable", "awful"]
    assert staff["options"][0]["text"].lower() == "чудово"
    assert [q["text"] for q in ours["questions"]] != [q["text"] for q in english["questions"]]
    assert ours["centre"]["code"] == story.CENTRE
    assert ours["service"] == {"title": "Реєстрація місця проживання"}
    assert ours["completed_on"] == "2026-11-20"


@pytest.mark.parametrize("query", ["?lang=xx", "?lang=", "?lang=en&lang=uk", "?language=en", "?lang=%00"])
def test_a_survey_is_not_read_with_parameters_that_mean_nothing(stranger: Caller, survey: str, query: str) -> None:
    assert len(error_pointers(stranger.get(survey + query))) == 1


def test_the_token_may_be_written_in_small_letters(stranger: Caller, survey: str) -> None:
    assert stranger.get(survey.lower()).status_code == 200


def test_reading_a_survey_spends_nothing(stranger: Caller, survey: str) -> None:
    for _ in range(5):
        assert stranger.get(survey).status_code == 200
    assert stranger.post(f"{survey}/responses", sent()).status_code == 201


def test_one_answer_a_link_and_the_same_client_gets_the_same_receipt(app: Flask, stranger: Caller, survey: str) -> None:
    first = stranger.post(f"{survey}/responses", sent())
    again = stranger.post(f"{survey}/responses", sent())
    another = stranger.post(f"{survey}/responses", sent(client_id=str(uuid.uuid4())))

    assert (first.status_code, again.status_code, another.status_code) == (201, 200, 409)
    assert first.json == again.json
    assert stranger.get(survey).status_code == 409
    with app.app_context():
        assert stored.read_answers() == {("off.nps", "9")}


def test_a_repeat_with_other_answers_is_refused_and_nothing_is_dropped(
    app: Flask, stranger: Caller, survey: str
) -> None:
    stranger.post(f"{survey}/responses", sent())

    refused = stranger.post(f"{survey}/responses", sent(answers={"off.nps": 0}))

    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (409, "other-answer")
    assert "client_id" in refused.json["title"]


def test_what_another_page_began_stays_and_the_rest_joins_it(app: Flask, stranger: Caller, survey: str) -> None:
    with app.app_context():
        story.begin_answer(survey.rpartition("/")[2], {"off.nps": 2})
    body = sent(answers={"off.nps": 10, "off.staff": "great"})

    refused = stranger.post(f"{survey}/responses", sent(answers={"off.nps": 10}))
    replies = [stranger.post(f"{survey}/responses", body) for _ in range(2)]

    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (409, "begun-elsewhere")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/answers/off.nps"]
    assert [reply.status_code for reply in replies] == [201, 200]
    with app.app_context():
        assert stored.read_answers() == {("off.nps", "2"), ("off.staff", "great")}


def test_a_comment_is_masked_before_it_is_stored(app: Flask, stranger: Caller, survey: str) -> None:
    answers = {"any.comment": "Подзвоніть мені: +380 67 123 45 67"}
    assert stranger.post(f"{survey}/responses", sent(answers=answers)).status_code == 201
    with app.app_context():
        [comment] = stored.read_comments()
    assert "123" not in comment


@pytest.mark.parametrize(
    ("answers", "at"),
    [
        ({}, "/answers"),
        ({"any.comment": "  "}, "/answers"),
        ({"off.nps": 11}, "/answers/off.nps"),
        ({"off.nps": "9"}, "/answers/off.nps"),
        ({"off.nps": True}, "/answers/off.nps"),
        ({"off.nps": 9.0}, "/answers/off.nps"),
        ({"off.nps": None}, "/answers/off.nps"),
        ({"off.staff": "perfect"}, "/answers/off.staff"),
        ({"off.staff": ["great"]}, "/answers/off.staff"),
        ({"on.nps": 9}, "/answers/on.nps"),
        ({"any.breach": ["none", "bribe"]}, "/answers/any.breach"),
        ({"any.reasons": "seats"}, "/answers/any.reasons"),
        ({"any.reasons": [["seats"]]}, "/answers/any.reasons"),
        ({"any.comment": "a" * 1001}, "/answers/any.comment"),
        ({"any.comment": "\u202eабв"}, "/answers/any.comment"),
        ({"any.comment": "\ud800"}, "/answers/any.comment"),
        ({"any.comment": "\x00"}, "/answers/any.comment"),
        ({"\ud800/~": 1}, "/answers/\\ud800~1~0"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_an_answer_that_breaks_a_rule_is_named_and_spends_nothing(
    stranger: Caller, survey: str, answers: dict[str, Any], at: str
) -> None:
    assert error_pointers(stranger.post(f"{survey}/responses", sent(answers=answers))) == {at}
    assert stranger.post(f"{survey}/responses", sent()).status_code == 201


def test_every_mistake_is_named_at_once(stranger: Caller, survey: str) -> None:
    wrong = {"client_id": "7", "language": "xx", "answers": [], "more": 1}
    named = error_pointers(stranger.post(f"{survey}/responses", wrong))
    assert named == {"/client_id", "/language", "/answers", "/more"}
    assert error_pointers(stranger.post(f"{survey}/responses", {})) == {"/client_id", "/language", "/answers"}


@pytest.mark.parametrize("token", ["A" * 26, "A", "%00", "A" * 4000, "ЄЄЄ", "a b"])
def test_an_unknown_token_leads_nowhere(stranger: Caller, token: str) -> None:
    assert stranger.get(f"/surveys/{token}").status_code == 404
    assert stranger.post(f"/surveys/{token}/responses", sent()).status_code == 404


def test_an_answer_given_elsewhere_is_entered_once(app: Flask, case_system: Caller) -> None:
    first, again = case_system.post("/responses", heard()), case_system.post("/responses", heard())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    with app.app_context():
        [told] = stored.read_event_data("ua.vidhuk.response.recorded.v1")
    assert (told["source"], told["answered_on"]) == ("paper_box", "2026-11-19")


@pytest.mark.parametrize(
    "other",
    [
        {"answers": {"off.nps": 0}},
        {"answered_on": "2026-11-18"},
        {"source": "phone_interview"},
        {"language": "en"},
        {"service": {"code": "00099"}},
    ],
)
def test_another_answer_with_the_same_client_id_is_refused(
    app: Flask, case_system: Caller, other: dict[str, Any]
) -> None:
    case_system.post("/responses", heard())

    refused = case_system.post("/responses", heard(**other))

    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (409, "other-answer")
    assert case_system.post("/responses", heard()).status_code == 200
    with app.app_context():
        assert len(stored.read_rows(Response)) == 1


def test_a_client_means_something_within_its_centre_only(app: Flask, new_caller: NewCaller) -> None:
    with app.app_context():
        elsewhere = story.create_centre("SN12000099")
    both = new_caller(centres=(story.CENTRE, elsewhere))
    here, there = both.post("/responses", heard()), both.post("/responses", heard(centre=elsewhere))
    assert (here.status_code, there.status_code) == (201, 201)
    assert here.json["id"] != there.json["id"]


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"answered_on": "2026-11-21"}, "/answered_on"),
        ({"answered_on": "2024-11-20"}, "/answered_on"),
        ({"answered_on": "2025-12-31"}, "/answered_on"),
        ({"answered_on": "20.11.2026"}, "/answered_on"),
        ({"answered_on": "2026-11-31"}, "/answered_on"),
        ({"source": "qr_case"}, "/source"),
        ({"source": "tablet_hall"}, "/source"),
        ({"service": {}}, "/service"),
        ({"service": {"title": "Паспорт"}}, "/service"),
        ({"front_office": "online"}, "/answers/off.nps"),
        ({"answers": {}}, "/answers"),
    ],
    ids=str,
)
def test_an_assisted_answer_that_cannot_be_is_refused(case_system: Caller, change: dict[str, Any], at: str) -> None:
    assert at in error_pointers(case_system.post("/responses", heard(**change)))


def test_staff_enter_answers_for_their_own_centre_only(case_system: Caller) -> None:
    assert case_system.post("/responses", heard(centre="SN12000099")).status_code == 404
