"""Days and hours as people in Kyiv live them, also when the clocks change."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from feedback_service import clock


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-11-20T21:59:59+00:00", date(2026, 11, 20)),
        ("2026-11-20T22:00:00+00:00", date(2026, 11, 21)),  # midnight in winter
        ("2026-07-01T20:59:59+00:00", date(2026, 7, 1)),
        ("2026-07-01T21:00:00+00:00", date(2026, 7, 2)),  # midnight in summer
        ("2026-03-28T22:00:00+00:00", date(2026, 3, 29)),  # the day of 23 hours begins
        ("2026-03-29T20:59:59+00:00", date(2026, 3, 29)),
        ("2026-03-29T21:00:00+00:00", date(2026, 3, 30)),
        ("2026-10-24T21:00:00+00:00", date(2026, 10, 25)),  # the day of 25 hours begins
        ("2026-10-25T21:59:59+00:00", date(2026, 10, 25)),
        ("2026-10-25T22:00:00+00:00", date(2026, 10, 26)),
    ],
)
def test_a_day_ends_at_midnight_in_kyiv(instant: str, day: date) -> None:
    assert clock.kyiv_day(datetime.fromisoformat(instant)) == day


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 20), 24)]
)
def test_the_end_of_a_day_is_its_last_second_however_long_it_was(day: date, hours: int) -> None:
    end = clock.end_of_kyiv_day(day).astimezone(UTC)

    assert clock.kyiv_day(end) == day
    assert clock.kyiv_day(end + timedelta(seconds=1)) == day + timedelta(days=1)
    assert end - clock.end_of_kyiv_day(day - timedelta(days=1)).astimezone(UTC) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("at", "part"),
    [
        ("00:00", "morning"),
        ("10:59", "morning"),
        ("11:00", "midday"),
        ("13:59", "midday"),
        ("14:00", "afternoon"),
        ("16:59", "afternoon"),
        ("17:00", "evening"),
        ("23:59", "evening"),
    ],
)
@pytest.mark.parametrize("day", ["2026-03-28T{}+02:00", "2026-07-01T{}+03:00", "2026-10-26T{}+02:00"])
def test_parts_of_the_day_follow_the_clock_on_the_wall(day: str, at: str, part: str) -> None:
    assert clock.part_of_day(datetime.fromisoformat(day.format(at)).astimezone(UTC)) == part


@pytest.mark.parametrize("asked", [clock.kyiv_day, clock.part_of_day])
def test_an_instant_without_an_offset_has_no_day_and_no_part_of_one(
    asked: Callable[[datetime], object],
) -> None:
    with pytest.raises(ValueError, match="naive"):
        asked(datetime(2026, 11, 20, 12))
