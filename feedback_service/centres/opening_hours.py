"""Opening hours of a centre: hours of weekdays, and exceptions for dates.

They are stored as ``{"week": {"mon": [["09:00", "18:00"]]}, "except": {"2026-12-25": []}}``. A weekday that is
missing or has an empty list is closed. An empty week was not said: then ``NOT_SAID`` holds, and exceptions still do.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from feedback_service.clock import KYIV
from feedback_service.plain_text import normalise_dashes

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED_WORDS = ("", "-", "зачинено", "вихідний", "closed")
MAX_EXCEPTIONS = 100

# The week of a centre that did not say its hours: as wide as that of any centre.
NOT_SAID: Mapping[str, Any] = {day: [["08:00", "20:00"]] for day in WEEKDAYS[:6]}

Interval = list[str]  # start and end: "09:00", "18:00"

_INTERVAL = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*-\s*(\d{1,2})(?:[:.](\d{2}))?", re.ASCII)
_DAY_LINE = re.compile(r"(?:(\d{4})-(\d{2})-(\d{2})|(\d{1,2})\.(\d{1,2})\.(\d{4}))\s*(.*)", re.ASCII)


def parse_hours(text: str) -> list[Interval]:
    """Return the intervals of a text such as ``9–13, 14:00–18:00``; none for a closed day. Raises ``ValueError``."""
    text = normalise_dashes(text)
    if text.strip().casefold() in CLOSED_WORDS:
        return []
    intervals = [_parse_interval(part) for part in re.split(r"[,;]", text)]
    if any(earlier[1] > later[0] for earlier, later in pairwise(intervals)):
        raise ValueError("the intervals overlap or are out of order")
    return intervals


def parse_exceptions(text: str) -> dict[str, list[Interval]]:
    """Return the hours of dates, one date a line: ``25.12.2026 зачинено``. Raises ``ValueError(wrong line)``."""
    exceptions: dict[str, list[Interval]] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        parts = _DAY_LINE.fullmatch(normalise_dashes(line))
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
    """Return the hours of a day in the form that ``parse_hours`` reads; empty for a closed day."""
    return ", ".join(f"{start}–{end}" for start, end in hours)


def format_exceptions(exceptions: Mapping[str, Any], closed: str = "—") -> str:
    """Return the exceptions in the form that ``parse_exceptions`` reads."""
    return "\n".join(f"{day} {format_hours(hours) or closed}" for day, hours in exceptions.items())


def is_open(hours: Mapping[str, Any] | None, at: datetime) -> bool:
    """Whether the centre is open; without a week of its own it is taken as open from Monday to Saturday, 8 to 20."""
    hours, local_time = hours or {}, at.astimezone(KYIV)
    usual = (hours.get("week") or NOT_SAID).get(WEEKDAYS[local_time.weekday()], [])
    today = hours.get("except", {}).get(local_time.date().isoformat(), usual)
    return any(start <= f"{local_time:%H:%M}" < end for start, end in today)


def _parse_interval(text: str) -> Interval:
    parts = _INTERVAL.fullmatch(text.strip())
    if parts is None:
        raise ValueError("these are no hours")
    start, end = _parse_time(parts[1], parts[2]), _parse_time(parts[3], parts[4])
    if start >= end:
        raise ValueError("it ends before it begins")
    return [start, end]


def _parse_time(hours: str, minutes: str | None) -> str:
    hour, minute = int(hours), int(minutes or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise ValueError("there is no such time")
    return f"{hour:02}:{minute:02}"
