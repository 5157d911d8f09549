"""When a centre is open: hours of a day and exceptions, as people type them and as they are kept.

Kept as ``{"week": {"mon": [["09:00", "18:00"]]}, "except": {"2026-12-25": []}}``: a day that is not named, or has
an empty list, is closed.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from feedback_service.clock import KYIV

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED_WORDS = ("", "-", "–", "—", "зачинено", "вихідний", "closed")
MAX_EXCEPTIONS = 100

DEFAULT_HOURS: Mapping[str, Any] = {
    "week": {day: [["08:00", "20:00"]] for day in WEEKDAYS[:6]}
}  # as wide as any is

Interval = list[str]  # from, to: "09:00", "18:00"

_INTERVAL = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*[-–—]\s*(\d{1,2})(?:[:.](\d{2}))?")
_DAY_LINE = re.compile(r"(?:(\d{4})-(\d{2})-(\d{2})|(\d{1,2})\.(\d{1,2})\.(\d{4}))\s*(.*)")


def parse_hours(text: str) -> list[Interval]:
    """Hours such as ``9–13, 14:00–18:00``, none for a closed day; ``ValueError`` for what cannot be read."""
    if text.strip().casefold() in CLOSED_WORDS:
        return []
    intervals = [_parse_interval(part) for part in re.split(r"[,;]", text)]
    if any(earlier[1] > later[0] for earlier, later in pairwise(intervals)):
        raise ValueError("the intervals overlap or are out of order")
    return intervals


def parse_exceptions(text: str) -> dict[str, list[Interval]]:
    """Days with other hours, one a line: ``25.12.2026 зачинено``; ``ValueError`` carries the line at fault."""
    exceptions: dict[str, list[Interval]] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        parts = _DAY_LINE.fullmatch(line)
        try:
            if parts is None:
                raise ValueError
            year, month, day = (parts[1], parts[2], parts[3]) if parts[1] else (parts[6], parts[5], parts[4])
            iso_day = date(int(year), int(month), int(day)).isoformat()
            if iso_day in exceptions:
                raise ValueError
            exceptions[iso_day] = parse_hours(parts[7])
        except ValueError:
            raise ValueError(line) from None
    if len(exceptions) > MAX_EXCEPTIONS:
        raise ValueError(text.strip().splitlines()[-1])
    return dict(sorted(exceptions.items()))


def format_hours(hours: list[Interval]) -> str:
    """The hours of a day as they may be typed again; an empty text for a closed day."""
    return ", ".join(f"{since}–{until}" for since, until in hours)


def format_exceptions(exceptions: Mapping[str, Any], closed: str = "—") -> str:
    """The exceptions as they may be typed again, one a line."""
    return "\n".join(f"{day} {format_hours(hours) or closed}" for day, hours in exceptions.items())


def is_open(hours: Mapping[str, Any] | None, at: datetime) -> bool:
    """Whether people may be in the hall; of a centre that has not said its hours, Monday to Saturday, 8 to 20."""
    hours, local_time = hours or DEFAULT_HOURS, at.astimezone(KYIV)
    usual = hours.get("week", {}).get(WEEKDAYS[local_time.weekday()], [])
    today = hours.get("except", {}).get(local_time.date().isoformat(), usual)
    return any(since <= f"{local_time:%H:%M}" < until for since, until in today)


def _parse_interval(text: str) -> Interval:
    parts = _INTERVAL.fullmatch(text.strip())
    if parts is None:
        raise ValueError("these are no hours")
    since, until = _parse_time(parts[1], parts[2]), _parse_time(parts[3], parts[4])
    if since >= until:
        raise ValueError("it ends before it begins")
    return [since, until]


def _parse_time(hours: str, minutes: str | None) -> str:
    hour, minute = int(hours), int(minutes or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise ValueError("there is no such time")
    return f"{hour:02}:{minute:02}"
