"""The watch on a centre's bad answers: which days go into the CUSUM, and what it says of them.

Watched is the question about quality as a whole of each front office; bad are the words that call for the
follow-up questions. So the counts are those of ``questions`` in a summary with the same sources.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

from sqlalchemy.orm import Session

from feedback_service.indicators import cusum, library, rollups
from feedback_service.indicators.cusum import BASELINE_DAYS, WATCH_DAYS, Alarm, Day
from feedback_service.indicators.tallies import WHOLE, Counts, cells

Subject = uuid.UUID | None  # a service, or the centre as a whole

BAD: Mapping[str, frozenset[str]] = {
    "off.quality": frozenset({"acceptable", "awful"}),
    "on.overall": frozenset({"bad", "awful"}),
}


def is_bad(single: Mapping[str, str]) -> bool:
    """Whether somebody's answers count as bad."""
    return any(single.get(question) in words for question, words in BAD.items())


def alarms(
    tx: Session, centre_id: uuid.UUID, subjects: Collection[Subject], today: date, least: int
) -> dict[Subject, Alarm | None]:
    """For each subject, whether bad answers come more often than they used to."""
    watched_from = today - timedelta(days=WATCH_DAYS - 1)
    first = watched_from - timedelta(days=BASELINE_DAYS)
    found: dict[Subject, Alarm | None] = dict.fromkeys(subjects)
    for subject, days in _days(tx, centre_id, subjects, first, today):
        before = [day for day in days if day.on < watched_from]
        usual = cusum.parameters(sum(day.n for day in before), sum(day.bad for day in before))
        found[subject] = cusum.watch((day for day in days if day.on >= watched_from), usual, least=least)
    return found


def _days(
    tx: Session, centre_id: uuid.UUID, subjects: Collection[Subject], first: date, last: date
) -> Iterator[tuple[Subject, list[Day]]]:
    sources = library.in_force(tx.connection(), last).sources
    wanted: dict[str, dict[str, Subject]] = {"service": {each.hex: each for each in subjects if each}}
    if None in subjects:
        wanted[WHOLE] = {"": None}
    for by, keys in wanted.items():
        if not keys:
            continue
        totals: defaultdict[str, dict[date, tuple[int, int]]] = defaultdict(dict)
        for told in rollups.answers(tx, [centre_id], first, last, by, daily=True, only=keys):
            if told.key in keys:
                n, bad = totals[told.key].get(told.day, (0, 0))
                more, worse = _counted(told.counts, sources)
                totals[told.key][told.day] = n + more, bad + worse
        for key, days in totals.items():
            yield keys[key], [Day(day, *days[day]) for day in sorted(days)]


def _counted(counts: Counts, sources: Collection[str]) -> tuple[int, int]:
    """How many answered, and how many of them badly."""
    n = bad = 0
    for (_, source, question, value), count in cells(counts):
        if source in sources and question in BAD:
            n, bad = n + count, bad + (count if value in BAD[question] else 0)
    return n, bad
