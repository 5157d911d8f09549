"""The period that a page's address asks for; what is impossible in it is put right, and said."""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta

from flask_babel import gettext as _

from kiosk_ui.languages import format_day as in_words

USUAL = timedelta(days=90)  # before the last day
EARLIEST = date(2021, 8, 11)  # when Resolution 864 came; no answer is older
_DAY = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})")


def read_period(arguments: Mapping[str, str], today: date, corrections: list[str]) -> tuple[date, date]:
    """Return the first and the last day nearest to ``from`` and ``to``; says in ``corrections`` what was changed."""
    last = _read_day(arguments, "to", corrections) or today
    if last > today:
        corrections.append(_("The last day lies ahead; today is shown as the last one."))
        last = today
    last = max(last, EARLIEST)
    first = _read_day(arguments, "from", corrections) or last - USUAL
    if first > last:
        corrections.append(_("The first day came after the last; they were exchanged."))
        first, last = last, min(first, today)
    if first < EARLIEST:
        corrections.append(
            _("There are no answers before %(day)s; the period begins there.", day=in_words(EARLIEST))
        )
        first = EARLIEST
    return first, last


def _read_day(arguments: Mapping[str, str], name: str, corrections: list[str]) -> date | None:
    """The day, or the nearest there is: of 31 February the last of February."""
    typed = arguments.get(name, "").strip()
    if not typed:
        return None
    found = _DAY.fullmatch(typed)
    if found is None:
        corrections.append(_("“%(typed)s” is no day; write it like 2026-11-20.", typed=typed[:40]))
        return None
    year, month, day = (int(part) for part in found.groups())
    year, month = min(max(year, 1900), 9998), min(max(month, 1), 12)
    nearest = date(year, month, min(max(day, 1), monthrange(year, month)[1]))
    if (year, month, nearest.day) != tuple(int(part) for part in found.groups()):
        corrections.append(
            _("There is no day %(typed)s; the nearest is %(day)s.", typed=typed, day=in_words(nearest))
        )
    return nearest
