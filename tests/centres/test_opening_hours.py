"""Hours as people type them."""

from datetime import datetime
from typing import Any

import pytest

from feedback_service.centres import opening_hours


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("09:00–18:00", [["09:00", "18:00"]]),
        ("9-18", [["09:00", "18:00"]]),
        ("9.00 - 13.00; 14:00—18:30", [["09:00", "13:00"], ["14:00", "18:30"]]),
        ("0-24", [["00:00", "24:00"]]),
        ("", []),
        (" Зачинено ", []),
        ("closed", []),
        ("–", []),
        ("09:00\u201118:00", [["09:00", "18:00"]]),
        ("9\u221213, 14\u201018", [["09:00", "13:00"], ["14:00", "18:00"]]),
        ("\u2212", []),
    ],
)
def test_hours_are_read_however_they_are_written(typed: str, kept: list[list[str]]) -> None:
    assert opening_hours.parse_hours(typed) == kept
    assert opening_hours.parse_hours(opening_hours.format_hours(kept)) == kept


@pytest.mark.parametrize(
    "typed",
    ["з ранку", "18:00–09:00", "9–9", "9–25", "9:60–18", "9–13, 12–18", "14–18, 9–13", "9–18,", "24:30–25"],
)
def test_hours_that_cannot_be_are_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        opening_hours.parse_hours(typed)


def test_exceptions_are_days_with_hours_of_their_own() -> None:
    kept = opening_hours.parse_exceptions("25.12.2026 зачинено\n\n2026-12-24 9–15\n1.1.2027")

    assert kept == {"2026-12-24": [["09:00", "15:00"]], "2026-12-25": [], "2027-01-01": []}
    assert opening_hours.parse_exceptions(opening_hours.format_exceptions(kept)) == kept


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("25.12.2026 зачинено\n31.02.2027 9–15", "31.02.2027 9–15"),
        ("Різдво зачинено", "Різдво зачинено"),
        ("25.12.2026\n2026-12-25 9–15", "2026-12-25 9–15"),
    ],
)
def test_an_exception_that_cannot_be_read_is_named(typed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        opening_hours.parse_exceptions(typed)


def test_the_day_of_an_exception_may_be_written_with_any_dash() -> None:
    assert opening_hours.parse_exceptions("2026\u201112\u221225 \u2014") == {"2026-12-25": []}


@pytest.mark.parametrize("hours", [None, {}, {"week": {}, "except": {}}, {"week": {}, "except": {"2026-12-25": []}}])
def test_a_centre_that_said_no_week_is_open_as_widely_as_any(hours: dict[str, Any] | None) -> None:
    assert opening_hours.is_open(hours, datetime.fromisoformat("2026-12-24T10:00+02:00"))
    assert not opening_hours.is_open(hours, datetime.fromisoformat("2026-12-24T21:00+02:00"))


def test_a_single_exception_changes_its_day_alone() -> None:
    hours = {"week": {}, "except": {"2026-12-25": [], "2026-12-27": [["09:00", "12:00"]]}}

    assert not opening_hours.is_open(hours, datetime.fromisoformat("2026-12-25T10:00+02:00"))
    assert opening_hours.is_open(hours, datetime.fromisoformat("2026-12-26T10:00+02:00"))
    assert opening_hours.is_open(hours, datetime.fromisoformat("2026-12-27T10:00+02:00"))  # a Sunday
