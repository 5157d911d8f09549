"""What a case system can rely on."""

import uuid
from typing import Any

import pytest
from flask import Flask

from feedback_service.cases.services import ServiceRef
from feedback_service.config import current_settings
from feedback_service.keyring import hash_case_number
from feedback_service.models import Case, Service
from tests.api.conftest import Caller, NewCaller, error_pointers, make_case, token_of
from tests.conftest import TimeIs
from tests.support import stored, story

NOW = "2026-11-20T12:00+02:00"
PUBLIC = "http://127.0.0.1:8000"
ELSEWHERE = "SN12000099"


@pytest.fixture(autouse=True)
def noon(time_is: TimeIs) -> None:
    """The clock stands at noon."""
    time_is(NOW)


@pytest.fixture
def elsewhere(app: Flask) -> str:
    """Another centre; its code."""
    with app.app_context():
        return story.create_centre(ELSEWHERE)


def test_a_completed_case_brings_an_invitation_and_the_next_call_the_same_one(case_system: Caller) -> None:
    first, second = case_system.post("/cases", make_case()), case_system.post("/cases", make_case())

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json
    case = first.json
    assert case["history"] == [{"status": "completed", "at": "2026-11-20T10:15:00+02:00"}]
    invitation = case["invitation"]
    assert invitation["url"].startswith(f"{PUBLIC}/S/")
    assert invitation["state"] == "issued"
    assert invitation["expires_at"] == "2026-12-20T23:59:59+02:00"
    assert invitation["qr"] == {
        "svg": f"{invitation['url']}/qr.svg",
        "png": f"{invitation['url']}/qr.png",
        "slip_58": f"{invitation['url']}/slip-58.png",
        "slip_80": f"{invitation['url']}/slip-80.png",
    }


def test_there_is_no_invitation_before_a_final_status(case_system: Caller) -> None:
    open_case = make_case(status="registered", status_at="2026-11-18T09:00:00+02:00")
    assert case_system.post("/cases", open_case).json["invitation"] is None
    closed = case_system.post("/cases", make_case(status="refused"))
    assert closed.status_code == 200
    assert closed.json["invitation"]["state"] == "issued"
    assert [status["status"] for status in closed.json["history"]] == ["registered", "refused"]


def test_an_older_status_enters_the_history_and_moves_nothing(case_system: Caller) -> None:
    case_system.post("/cases", make_case())
    older = case_system.post("/cases", make_case(status="in_progress", status_at="2026-11-19T08:00:00Z"))
    assert older.status_code == 200
    assert older.json["status"] == "completed"
    assert older.json["history"][0] == {"status": "in_progress", "at": "2026-11-19T10:00:00+02:00"}


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"status": "in_progress", "status_at": "2026-11-20T11:00:00+02:00"}, "already-final"),
        ({"status": "registered", "status_at": "2026-11-20T11:00:00+02:00"}, "already-final"),
        ({"service": {"code": "00035"}}, "another-case"),
        ({"front_office": "online"}, "another-case"),
    ],
)
def test_what_contradicts_a_final_case_is_a_conflict(case_system: Caller, change: dict[str, Any], slug: str) -> None:
    before = case_system.post("/cases", make_case()).json
    refused = case_system.post("/cases", make_case(**change))
    assert refused.status_code == 409
    assert refused.json["type"] == f"{PUBLIC}/problems/{slug}"
    assert case_system.get(f"/cases/{before['id']}").json == before


def test_refused_may_follow_completed_without_a_second_invitation(case_system: Caller) -> None:
    before = case_system.post("/cases", make_case()).json
    after = case_system.post("/cases", make_case(status="refused", status_at="2026-11-20T11:00:00+02:00"))
    assert after.status_code == 200
    assert after.json["status"] == "refused"
    assert after.json["invitation"] == before["invitation"]


@pytest.mark.parametrize("ahead", ["2026-11-20T12:05:01+02:00", "2027-01-01T00:00:00Z"])
def test_a_status_that_has_not_come_yet_is_refused(case_system: Caller, ahead: str) -> None:
    assert error_pointers(case_system.post("/cases", make_case(status_at=ahead))) == {"/status_at"}
    assert case_system.post("/cases", make_case(status_at="2026-11-20T12:04:59+02:00")).status_code == 201


def test_a_case_system_never_learns_that_somebody_answered(case_system: Caller, stranger: Caller) -> None:
    case = case_system.post("/cases", make_case()).json
    answers = {"client_id": str(uuid.uuid4()), "language": "uk", "answers": {"off.nps": 2}}
    assert stranger.post(f"/surveys/{token_of(case)}/responses", answers).status_code == 201

    assert case_system.get(f"/cases/{case['id']}").json == case
    assert case_system.post("/cases", make_case()).json == case
    cancelled = case_system.post(f"/cases/{case['id']}/invitation/cancel").json
    assert cancelled["invitation"]["state"] == "cancelled"


def test_cancelling_closes_the_link_and_can_be_repeated(case_system: Caller, stranger: Caller) -> None:
    case = case_system.post("/cases", make_case()).json
    path = f"/cases/{case['id']}/invitation/cancel"
    assert case_system.post(path).json["invitation"]["state"] == "cancelled"
    assert case_system.post(path, {}).status_code == 200
    assert case_system.post(path, {"why": "помилка"}).status_code == 422
    assert stranger.get(f"/surveys/{token_of(case)}").status_code == 410


def test_a_link_expires_at_the_end_of_its_last_day(case_system: Caller, stranger: Caller, time_is: TimeIs) -> None:
    case = case_system.post("/cases", make_case()).json
    time_is("2026-12-20T23:59:59+02:00")
    assert stranger.get(f"/surveys/{token_of(case)}").status_code == 200
    time_is("2026-12-21T00:00:00+02:00")
    assert stranger.get(f"/surveys/{token_of(case)}").json["type"] == f"{PUBLIC}/problems/invitation-expired"
    assert case_system.get(f"/cases/{case['id']}").json["invitation"]["state"] == "expired"


def test_a_case_of_a_foreign_centre_is_not_found(case_system: Caller, new_caller: NewCaller, elsewhere: str) -> None:
    theirs = new_caller(centres=(elsewhere,))
    case = case_system.post("/cases", make_case()).json
    assert theirs.post("/cases", make_case()).status_code == 404
    assert theirs.get(f"/cases/{case['id']}").status_code == 404
    assert theirs.post(f"/cases/{case['id']}/invitation/cancel").status_code == 404
    assert theirs.post("/cases", make_case(centre="SN12999999")).status_code == 404
    assert theirs.post("/cases", make_case(centre=elsewhere)).status_code == 201
    both = new_caller(centres=(elsewhere, story.CENTRE))
    assert both.get(f"/cases/{case['id']}").json == case
    assert case_system.get(f"/cases/{case['id']}").json["invitation"]["state"] == "issued"


def test_a_foreign_centre_is_named_in_the_same_words_as_one_that_does_not_exist(
    case_system: Caller, elsewhere: str
) -> None:
    foreign, unknown = (case_system.post("/cases", make_case(centre=code)) for code in (elsewhere, "SN12999999"))
    [in_batch] = case_system.post("/cases/batch", {"cases": [make_case(centre=elsewhere)]}).json["results"]

    assert [error["pointer"] for error in foreign.json["errors"]] == ["/centre"]
    assert [error["pointer"] for error in in_batch["problem"]["errors"]] == ["/cases/0/centre"]
    assert foreign.json["detail"] != case_system.get(f"/cases/{uuid.uuid4()}").json["detail"]
    assert foreign.json | {"instance": ""} == unknown.json | {"instance": ""}


def test_the_same_number_in_two_centres_is_two_cases(new_caller: NewCaller, elsewhere: str) -> None:
    both = new_caller(centres=(elsewhere, story.CENTRE))
    here, there = both.post("/cases", make_case()), both.post("/cases", make_case(centre=elsewhere))
    assert (here.status_code, there.status_code) == (201, 201)
    assert here.json["id"] != there.json["id"]


def test_a_batch_registers_valid_cases_and_names_refused_ones(case_system: Caller, elsewhere: str) -> None:
    case_system.post("/cases", make_case(case_number="known"))
    sent = [
        make_case(case_number="new"),
        make_case(case_number="known"),
        make_case(case_number="bad", status="finished"),
        make_case(centre=elsewhere),
        "not a case",
        make_case(case_number="new", front_office="online"),
        make_case(case_number="early", status_at="2026-11-21T00:00:00Z"),
        make_case(case_number="late", status="registered"),
    ]

    reply = case_system.post("/cases/batch", {"cases": sent})

    results = reply.json["results"]
    assert [result["index"] for result in results] == list(range(8))
    assert [result["status"] for result in results] == [201, 200, 422, 404, 422, 409, 422, 201]
    assert all(("case" in result) is (result["status"] < 300) for result in results)
    assert [wrong["pointer"] for wrong in results[2]["problem"]["errors"]] == ["/cases/2/status"]
    assert [wrong["pointer"] for wrong in results[4]["problem"]["errors"]] == ["/cases/4"]
    assert [wrong["pointer"] for wrong in results[6]["problem"]["errors"]] == ["/cases/6/status_at"]
    assert results[0]["case"] == case_system.post("/cases", make_case(case_number="new")).json


@pytest.mark.slow
def test_a_batch_may_hold_a_thousand_cases_and_no_more(case_system: Caller) -> None:
    cases = [make_case(case_number=f"{number}") for number in range(1000)]
    results = case_system.post("/cases/batch", {"cases": cases}).json["results"]
    assert {result["status"] for result in results} == {201}
    assert len({token_of(result["case"]) for result in results}) == 1000
    assert error_pointers(case_system.post("/cases/batch", {"cases": [*cases, make_case()]})) == {"/cases"}
    assert case_system.post("/cases/batch", {"cases": []}).json == {"results": []}
    assert error_pointers(case_system.post("/cases/batch", {})) == {"/cases"}
    assert error_pointers(case_system.post("/cases/batch", {"cases": {}, "more": 1})) == {"/cases", "/more"}


def test_a_refused_case_leaves_no_trace(app: Flask, case_system: Caller) -> None:
    case_system.post("/cases", make_case(status_at="2026-11-21T00:00:00Z"))
    case_system.post("/cases/batch", {"cases": [make_case(status="finished")]})
    with app.app_context():
        assert stored.read_event_data("ua.vidhuk.case.status.v1") == []


def test_spaces_around_a_number_and_a_code_mean_nothing(case_system: Caller) -> None:
    first = case_system.post("/cases", make_case())
    again = case_system.post(
        "/cases", make_case(case_number=" 12-2026/000123 ", service={"code": " 00034 ", "local_code": None})
    )
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json


@pytest.mark.parametrize(
    "spelled", ["12‑2026/000123", "12–2026/000123", "12−2026/000123", "\u00a012-2026/000123 "], ids=ascii
)
def test_a_number_with_another_dash_is_the_same_case(case_system: Caller, spelled: str) -> None:
    first = case_system.post("/cases", make_case()).json

    again = case_system.post("/cases", make_case(case_number=spelled))

    assert (again.status_code, again.json["id"]) == (200, first["id"])
    assert again.json["invitation"]["url"] == first["invitation"]["url"]


def test_the_key_of_a_number_in_normal_form_stays_what_it_was(app: Flask, case_system: Caller) -> None:
    number = "Справа №12-2026/000123 (б)"
    case_system.post("/cases", make_case(case_number=number))

    with app.app_context():
        [case] = stored.read_rows(Case)
        assert case.number_hash == hash_case_number(current_settings().case_key, case.centre_id, number)


def test_codes_and_windows_that_look_the_same_are_the_same(app: Flask, case_system: Caller) -> None:
    service = {"code": "00034", "local_code": "14-13", "title": "Витяг"}
    case_system.post("/cases", make_case(service=service, workplace="window-3"))
    case_system.post(
        "/cases", make_case(case_number="2", service=service | {"local_code": "14‑13"}, workplace="window–3")
    )

    with app.app_context():
        assert len(stored.read_rows(Service)) == 1
        assert {case.workplace for case in stored.read_rows(Case)} == {"window-3"}


@pytest.mark.parametrize(
    "status_at",
    ["2025-12-31T23:59:59+02:00", "2021-01-01T00:00:00Z", "2000-01-01T00:00:00+02:00", "1999-12-31T22:00:00Z"],
)
def test_a_case_older_than_every_questionnaire_is_taken(case_system: Caller, stranger: Caller, status_at: str) -> None:
    alone = case_system.post("/cases", make_case(status_at=status_at, registered_at=status_at))
    batch = case_system.post("/cases/batch", {"cases": [make_case(case_number="2", status_at=status_at)]})

    assert (alone.status_code, batch.json["results"][0]["status"]) == (201, 201)
    survey = stranger.get(f"/surveys/{token_of(alone.json)}")
    assert (survey.status_code, survey.json["version"]) == (200, "offline-2026.1")


@pytest.mark.parametrize("offset", ["+02:60", "+02:99", "+24:00", "-02:60", "+2:00", "+0200"])
def test_an_offset_that_no_clock_has_is_refused(case_system: Caller, offset: str) -> None:
    reply = case_system.post("/cases", make_case(status_at=f"2026-11-20T10:15:00{offset}"))

    assert (reply.status_code, error_pointers(reply)) == (422, {"/status_at"})


@pytest.mark.parametrize(
    "status_at",
    ["2000-01-01T01:00:00+14:00", "1999-12-31T21:59:59Z", "2100-12-31T23:00:00Z", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59-14:00"],
)  # fmt: skip
def test_an_instant_of_a_year_that_no_reply_may_show_is_refused(case_system: Caller, status_at: str) -> None:
    for name in ("status_at", "registered_at"):
        reply = case_system.post("/cases", make_case(**{name: status_at}))

        assert (reply.status_code, error_pointers(reply)) == (422, {f"/{name}"})
        assert "2000" in reply.json["errors"][0]["detail"]


def test_a_case_is_taken_before_the_first_day_of_the_first_questionnaire(case_system: Caller, time_is: TimeIs) -> None:
    time_is("2025-12-01T12:00+02:00")

    reply = case_system.post("/cases", make_case(status_at="2025-12-01T10:00:00+02:00"))

    assert reply.status_code == 201


@pytest.mark.parametrize(
    ("registered_at", "status"), [("2026-11-20T12:05:00+02:00", 201), ("2027-01-01T00:00:00Z", 422)]
)
def test_a_case_is_not_registered_in_the_future(case_system: Caller, registered_at: str, status: int) -> None:
    reply = case_system.post("/cases", make_case(registered_at=registered_at))

    assert reply.status_code == status
    if status == 422:
        assert error_pointers(reply) == {"/registered_at"}
    batch = case_system.post("/cases/batch", {"cases": [make_case(case_number="2", registered_at=registered_at)]})
    assert batch.json["results"][0]["status"] == status


def test_a_case_whose_service_was_stored_with_another_dash_stays_the_same_case(app: Flask, case_system: Caller) -> None:
    with app.app_context():
        known = story.register_case(
            story.make_case_update(case_number="12-2026/000123", service=ServiceRef("", "14–13", "Витяг"))
        )

    reply = case_system.post("/cases", make_case(service={"local_code": "14–13", "title": "Витяг"}))

    assert (reply.status_code, reply.json["id"]) == (200, str(known.id))


@pytest.mark.slow
def test_a_thousand_statuses_of_one_case_have_a_short_reply(case_system: Caller) -> None:
    minutes = [f"2026-11-{1 + n // 1000:02}T{n // 60:02}:{n % 60:02}:00+02:00" for n in range(1000)]
    reports = [make_case(status="in_progress", status_at=minute) for minute in minutes]

    reply = case_system.post("/cases/batch", {"cases": reports})

    statuses = [result["status"] for result in reply.json["results"]]
    assert (statuses[:1], statuses[1:200], statuses[200:]) == ([201], [200] * 199, [409] * 800)
    assert len(reply.text.encode()) < 300_000
    assert len(reply.json["results"][199]["case"]["history"]) == 200
