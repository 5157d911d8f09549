"""Figures through the JSON door: what may be asked, for whom, and in which shape they come."""

import uuid
from typing import Any

import pytest
from flask import Flask

from tests.api.conftest import Caller, NewCaller, error_pointers, make_case, token_of
from tests.conftest import TimeIs
from tests.support import story

ELSEWHERE = "SN12000099"
BY = (
    "day",
    "week",
    "month",
    "quarter",
    "centre",
    "service",
    "provider",
    "source",
    "workplace",
    "front_office",
)


@pytest.fixture(autouse=True)
def noon(time_is: TimeIs) -> None:
    """The clock stands at noon."""
    time_is("2026-11-20T12:00+02:00")


def answered(caller: Caller, centre: str, scores: list[int]) -> None:
    """As many cases were completed and answered with these scores."""
    for number, score in enumerate(scores):
        case = caller.post("/cases", make_case(centre=centre, case_number=f"{number}", workplace="window-3")).json
        sent: dict[str, Any] = {
            "client_id": str(uuid.uuid4()),
            "language": "uk",
            "answers": {"off.nps": score},
        }
        if score < 7:
            sent["answers"]["any.reasons"] = ["seats"]
        assert caller.post(f"/surveys/{token_of(case)}/responses", sent).status_code == 201


def test_figures_come_as_the_contract_says(case_system: Caller) -> None:
    answered(case_system, story.CENTRE, [10, 9, 9, 9, 8, 7, 6, 0])

    summary = case_system.get("/summaries").json

    assert summary["period"] == {"from": "2026-01-01", "to": "2026-11-20"}
    assert summary["methodology"] == {"id": "864-2021", "status": "unconfirmed"}
    assert summary["funnel"] == {
        **{"completed": 8, "invited": 8, "opened": 8, "started": 8, "answered": 8},
        "response_rate": 100.0,
    }
    offline, online = summary["indicators"]
    assert (offline["n"], offline["promoters"], offline["passives"], offline["detractors"]) == (8, 4, 2, 2)
    assert offline["value"] == 25.0
    assert (online["n"], online["value"]) == (0, None)
    assert summary["reasons"] == [{"id": "seats", "n": 2}]
    assert summary["groups"] == []


@pytest.mark.parametrize("by", BY)
def test_groups_come_in_the_described_shape(case_system: Caller, by: str) -> None:
    answered(case_system, story.CENTRE, [9] * 6)
    groups = case_system.get(f"/summaries?by={by}").json["groups"]
    assert any(not group["suppressed"] and group["funnel"]["invited"] == 6 for group in groups)


def test_too_few_answers_are_withheld(case_system: Caller) -> None:
    answered(case_system, story.CENTRE, [9] * 4)
    summary = case_system.get("/summaries").json
    assert summary["suppressed"] is True
    assert summary["indicators"] == summary["questions"] == summary["reasons"] == []


def test_centres_are_pooled_and_foreign_ones_are_not_there(app: Flask, new_caller: NewCaller) -> None:
    with app.app_context():
        story.create_centre(ELSEWHERE)
    both, theirs = new_caller(centres=(story.CENTRE, ELSEWHERE)), new_caller(centres=(ELSEWHERE,))
    answered(both, story.CENTRE, [10] * 5)
    answered(both, ELSEWHERE, [0] * 6)

    def respondents(caller: Caller, query: str) -> int:
        return int(caller.get(f"/summaries{query}").json["indicators"][0]["n"])

    assert respondents(both, "") == respondents(both, f"?centre={story.CENTRE}&centre={ELSEWHERE}") == 11
    assert respondents(both, f"?centre={ELSEWHERE}") == respondents(theirs, "") == 6
    assert theirs.get(f"/summaries?centre={story.CENTRE}").status_code == 404
    assert theirs.get(f"/summaries?centre={ELSEWHERE}&centre={story.CENTRE}").status_code == 404
    unknown = theirs.get("/summaries?centre=SN00000000")
    assert (unknown.status_code, unknown.json["errors"][0]["pointer"]) == (404, "/centre")


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("by=hour", "/by"),
        ("by=", "/by"),
        ("by=day&by=week", "/by"),
        ("source=friend", "/source"),
        ("front_office=phone", "/front_office"),
        ("from=2026-13-01", "/from"),
        ("from=01.01.2026", "/from"),
        ("to=2026-02-30", "/to"),
        ("to=tomorrow", "/to"),
        ("to=0001-01-01", "/to"),
        ("to=9999-12-31", "/to"),
        ("from=2026-11-02&to=2026-11-01", "/from"),
        ("centre=", "/centre/0"),
        ("centre=%00", "/centre/0"),
        ("centre=sn12000007", "/centre/0"),
        ("period=2026", "/period"),
        ("%ED%A0%80=1", "/%EF%BF%BD%EF%BF%BD%EF%BF%BD"),
    ],
)
def test_invalid_parameters_of_a_summary_are_named(case_system: Caller, query: str, at: str) -> None:
    named = error_pointers(case_system.get(f"/summaries?{query}"))
    assert len(named) == 1
    if "%" not in at:
        assert named == {at}


def test_the_first_day_is_new_year_of_the_last_days_year(case_system: Caller) -> None:
    period = case_system.get("/summaries?to=2025-06-30").json["period"]
    assert period == {"from": "2025-01-01", "to": "2025-06-30"}
