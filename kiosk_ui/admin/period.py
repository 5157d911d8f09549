"""The period that a page's address asks for. Impossible days are corrected, with a sentence about each."""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta

from flask_babel import gettext as _

from kiosk_ui.languages import format_day

DEFAULT_LENGTH = timedelta(days=90)  # from the first day to the last
EARLIEST_DAY = date(2021, 8, 11)  # Resolution 864 came that day; no answer is older
_DAY_PATTERN = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})")


def read_period(arguments: Mapping[str, str], today: date, corrections: list[str]) -> tuple[date, date]:
    """Return the first and the last day nearest to ``from`` and ``to``.

    A sentence about every day that had to be changed is added to ``corrections``.
    """
    last = _read_day(arguments, "to", corrections) or today
    if last > today:
        corrections.append(_("The last day lies ahead; today is shown as the last one."))
        last = today
    last = max(last, EARLIEST_DAY)
    first = _read_day(arguments, "from", corrections) or last - DEFAULT_LENGTH
    if first > last:
        corrections.append(_("The first day came after the last; they were exchanged."))
        first, last = last, min(first, today)
    if first < EARLIEST_DAY:
        corrections.append(
            _("There are no answers before %(day)s; the period begins there.", day=format_day(EARLIEST_DAY))
        )
        first = EARLIEST_DAY
    return first, last


def _read_day(arguments: Mapping[str, str], name: str, corrections: list[str]) -> date | None:
    """Return the day, or the nearest that exists: for 31 February the last day of February."""
    text = arguments.get(name, "").strip()
    if not text:
        return None
    match = _DAY_PATTERN.fullmatch(text)
    if match is None:
        corrections.append(_("“%(typed)s” is no day; write it like 2026-11-20.", typed=text[:40]))
        return None
    year, month, day = (int(part) for part in match.groups())
    nearest_year, nearest_month = min(max(year, 1900), 9998), min(max(month, 1), 12)
    last_of_month = monthrange(nearest_year, nearest_month)[1]
    nearest = date(nearest_year, nearest_month, min(max(day, 1), last_of_month))
    if nearest.timetuple()[:3] != (year, month, day):
        corrections.append(_("There is no day %(typed)s; the nearest is %(day)s.", typed=text, day=format_day(nearest)))
    return nearest
