"""Periods of whole days in Kyiv, both ends included."""

from datetime import date


class EndsBeforeItBegins(ValueError):
    """The first day comes after the last."""


def complete_period(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """Fill in missing ends of a period: the last day is today, the first day 1 January of the last day's year.

    Raises ``EndsBeforeItBegins``.
    """
    last = last or today
    first = first or last.replace(month=1, day=1)
    if first > last:
        raise EndsBeforeItBegins
    return first, last
