"""The clock. Instants are aware and in UTC; a *day* is always the day in Kyiv."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

KYIV = ZoneInfo("Europe/Kyiv")
ACCEPTED_YEARS = range(2000, 2101)  # of days and instants in requests


def now() -> datetime:
    """Return the current instant in UTC. Tests replace this function."""
    return datetime.now(UTC)


def kyiv_day(instant: datetime) -> date:
    """Return the calendar day in Kyiv. Raises ``ValueError`` for an instant without an offset."""
    return _to_kyiv_time(instant).date()


def part_of_day(instant: datetime) -> str:
    """Return ``morning`` before 11:00 in Kyiv, ``midday`` before 14:00, ``afternoon`` before 17:00, then ``evening``.

    Raises ``ValueError`` for an instant without an offset.
    """
    hour = _to_kyiv_time(instant).hour
    if hour < 11:
        return "morning"
    if hour < 14:
        return "midday"
    return "afternoon" if hour < 17 else "evening"


def _to_kyiv_time(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("a naive datetime is no instant: use clock.now()")
    return instant.astimezone(KYIV)


def end_of_kyiv_day(day: date) -> datetime:
    """Return the last second of that day in Kyiv, with its offset."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=KYIV)


def truncate_to_hour(instant: datetime) -> datetime:
    """Return the instant without minutes and seconds: events give the time of an answer no finer, for privacy."""
    return instant.replace(minute=0, second=0, microsecond=0)
