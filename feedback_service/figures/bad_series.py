"""Finds series of bad answers: which days of a centre go into the CUSUM, and what it says about them.

The overall question of each front office is watched; the methodology says which words are bad answers. So the counts
equal those of ``questions`` in a summary with the same sources.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, timedelta

from sqlalchemy.orm import Session

from feedback_service.counts.rollups import WantedCounts, read_answers
from feedback_service.counts.tallies import WHOLE, NestedCounts, iterate_cells
from feedback_service.figures import cusum
from feedback_service.figures.cusum import BASELINE_DAYS, WATCH_DAYS, Day, Excess
from feedback_service.indicators import published
from feedback_service.indicators.methodology import Methodology

Subject = uuid.UUID | None  # a service, or None for the centre as a whole


def find_bad_series(
    tx: Session, centre_id: uuid.UUID, subjects: Collection[Subject], today: date, min_answers: int
) -> dict[Subject, Excess | None]:
    """For each subject the present rise of bad answers, ``None`` if they are as frequent as usual.

    ``today`` is the last of the days watched; with fewer than ``min_answers`` answers no rise is reported.
    """
    watched_from = today - timedelta(days=WATCH_DAYS - 1)
    first = watched_from - timedelta(days=BASELINE_DAYS)
    rises: dict[Subject, Excess | None] = dict.fromkeys(subjects)
    for subject, days in _read_days(tx, centre_id, subjects, first, today):
        before = [day for day in days if day.on < watched_from]
        usual = cusum.choose_parameters(sum(day.n for day in before), sum(day.bad for day in before))
        watched = (day for day in days if day.on >= watched_from)
        rises[subject] = cusum.find_excess(watched, usual, min_answers=min_answers)
    return rises


def _read_days(
    tx: Session, centre_id: uuid.UUID, subjects: Collection[Subject], first: date, last: date
) -> Iterator[tuple[Subject, list[Day]]]:
    methodology = published.read_in_force(tx.connection(), last)
    wanted: dict[str, dict[str, Subject]] = {"service": {each.hex: each for each in subjects if each}}
    if None in subjects:
        wanted[WHOLE] = {"": None}
    for by, keys in wanted.items():
        if not keys:
            continue
        totals: defaultdict[str, dict[date, tuple[int, int]]] = defaultdict(dict)
        for group in read_answers(tx, WantedCounts([centre_id], first, last, by, daily=True, only=keys)):
            if group.key in keys:
                n, bad = totals[group.key].get(group.day, (0, 0))
                more, worse = _count_bad_answers(group.counts, methodology)
                totals[group.key][group.day] = n + more, bad + worse
        for key, days in totals.items():
            yield keys[key], [Day(day, *days[day]) for day in sorted(days)]


def _count_bad_answers(counts: NestedCounts, methodology: Methodology) -> tuple[int, int]:
    """How many answers to overall questions there are, and how many of them are bad."""
    watched = {overall.id: overall.bad for overall in methodology.overall.values()}
    n = bad = 0
    for (_, source, question, value), count in iterate_cells(counts):
        if source in methodology.sources and question in watched:
            n, bad = n + count, bad + (count if value in watched[question] else 0)
    return n, bad
