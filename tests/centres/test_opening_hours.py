"""Hours as people type them."""

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
