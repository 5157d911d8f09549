"""Reads stored sums of answers and invitations (roll-ups), together with days that have none yet.

A closed day has stored counts, which were recounted from its answers. An open day is counted live, directly from the
answers; closing days late costs time, but never changes a figure. A month whose days are all closed has a stored sum
too; the sum is deleted when one of its days is recounted, and it is not used while one of them is open.

Invitations are counted by their day of issue. They are stored when all invitations of the day have expired. Days are
stored oldest first, so all days after the latest stored one are counted live.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_service.counts import live, tallies
from feedback_service.counts.counted_days import invitations_closed_until, select_open_days
from feedback_service.counts.live import GroupCounts
from feedback_service.counts.tallies import WHOLE
from feedback_service.models import Centre, CountRollup

# Parameters of one statement that may be ids of centres: PostgreSQL takes 65,535 in all, SQLite often 32,766.
NAMED_CENTRES = 10_000


@dataclass(frozen=True, slots=True)
class WantedCounts:
    """Which counts to read: of these centres and days, ``by`` one way of grouping.

    Whole months come as one unless ``daily``. If ``only`` names keys, other groups are of no interest.
    """

    centres: Collection[uuid.UUID]
    first: date
    last: date
    by: str = WHOLE
    daily: bool = False
    only: Collection[str] | None = None


def read_answers(tx: Session, wanted: WantedCounts, *, headlines: bool = False) -> Iterator[GroupCounts]:
    """The counts of answers, grouped by one of ``ANSWERS_BY``.

    Closed days and months come as they are stored, open days are counted live. With ``headlines`` only the questions
    of ``tallies.headline_questions`` are sure to be counted; of groups that are not wanted, only the people who
    answered.
    """
    still_open: defaultdict[uuid.UUID, set[date]] = defaultdict(set)
    for centre_id, day in tx.execute(select_open_days(Centre.id.in_(wanted.centres), wanted.last, wanted.first)):
        still_open[centre_id].add(day)
    open_months = {(centre, day.replace(day=1)) for centre, days in still_open.items() for day in days}

    def is_valid(centre_id: uuid.UUID, span: str, day: date) -> bool:
        if span == "month":
            return (centre_id, day) not in open_months
        return day not in still_open.get(centre_id, ())

    yield from read_stored(tx, "answers", wanted, is_valid, headlines=headlines)
    if wanted.only is not None:
        for people in read_stored(tx, "people", replace(wanted, only=None), is_valid):
            yield from (group for group in live.split_groups(people) if group.key not in wanted.only)
    yield from live.count_answers(tx, still_open, [wanted.by])[wanted.by]


def read_invitations(
    tx: Session, wanted: WantedCounts, *, front_offices: bool = True, each_day: bool = True
) -> Iterator[GroupCounts]:
    """How far the invitations issued on these days went, grouped by one of ``INVITATIONS_BY``.

    Those counted live have an empty front office without ``front_offices``, and one day for all without
    ``each_day``: this saves SQLite a sort. Groups that are not wanted may be absent.
    """
    closed_until = invitations_closed_until(tx, wanted.centres)
    if closed_until:
        yield from read_stored(tx, "invitations", wanted, lambda *_: True)
    live_since: defaultdict[date, list[uuid.UUID]] = defaultdict(list)
    for centre_id in wanted.centres:
        begin = max(wanted.first, closed_until.get(centre_id, date.min) + timedelta(days=1))
        if begin <= wanted.last:
            live_since[begin].append(centre_id)
    for begin, centres in live_since.items():
        yield from live.count_invitations(
            tx, centres, begin, wanted.last, wanted.by, front_offices=front_offices, each_day=each_day
        )


def read_stored(
    tx: Session,
    subject: str,
    wanted: WantedCounts,
    is_valid: Callable[[uuid.UUID, str, date], bool],
    *,
    headlines: bool = False,
) -> Iterator[GroupCounts]:
    """Stored months, and stored days where a month has no valid sum, of the groups that are wanted.

    ``is_valid`` says of a centre, a span (``day`` or ``month``) and its first day whether the stored sum may be used.
    """
    centres, first, last = wanted.centres, wanted.first, wanted.last
    counts = CountRollup.headlines if headlines else CountRollup.counts
    months = [] if wanted.daily else list(_whole_months(first, last))
    conditions = [CountRollup.centre_id.in_(centres), CountRollup.subject == subject, CountRollup.by == wanted.by]
    if wanted.only is not None:
        conditions.append(CountRollup.key.in_(wanted.only))
    all_centres, covered = set(centres), defaultdict[date, set[uuid.UUID]](set)
    if months:
        of_months = (*conditions, CountRollup.span == "month", CountRollup.day.between(months[0], months[-1]))
        for group in _read_rows(tx, centres, counts, *of_months):
            if is_valid(group.centre_id, "month", group.day):
                covered[group.day].add(group.centre_id)
                yield group
    uncovered = {month: all_centres - covered[month] for month in months}
    stretches = list(_uncovered_stretches(first, last, all_centres, uncovered))
    named = sum(len(lacking) for _, _, lacking in stretches) <= NAMED_CENTRES
    missing = [
        CountRollup.day.between(begin, end) & (CountRollup.centre_id.in_(lacking) if named else true())
        for begin, end, lacking in stretches
    ]
    if not missing:
        return
    for group in _read_rows(tx, centres, counts, *conditions, CountRollup.span == "day", or_(*missing)):
        by_month = group.centre_id in covered[group.day.replace(day=1)]
        if not by_month and is_valid(group.centre_id, "day", group.day):
            yield group


def _read_rows(
    tx: Session, centres: Collection[uuid.UUID], counts: InstrumentedAttribute[str], *where: ColumnElement[bool]
) -> Iterator[GroupCounts]:
    # Of one centre, the id is not read: reading the same id from thousands of rows would take a tenth of the time.
    only_id = next(iter(centres)) if len(centres) == 1 else None
    columns: list[Any] = [CountRollup.day, CountRollup.key, counts, *([] if only_id else [CountRollup.centre_id])]
    for day, key, text, *ids in tx.execute(select(*columns).where(*where)):
        yield GroupCounts(only_id or ids[0], day, key, tallies.parse_counts(text))


def _whole_months(first: date, last: date) -> Iterator[date]:
    """The first days of the months that lie entirely in the period."""
    month = first if first.day == 1 else first_of_next_month(first)
    while (following := first_of_next_month(month)) - timedelta(days=1) <= last:
        yield month
        month = following


def first_of_next_month(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _uncovered_stretches(
    first: date, last: date, centres: set[uuid.UUID], lacking: Mapping[date, set[uuid.UUID]]
) -> Iterator[tuple[date, date, set[uuid.UUID]]]:
    """Parts of the period (first and last day) with the centres that have to be read day by day there.

    ``lacking`` has, for each whole month, the centres without a stored sum; outside of them all ``centres`` are read.
    """
    begins = {first: centres, **lacking}
    if lacking:
        begins[first_of_next_month(max(lacking))] = centres
    stretches = [(next(months)[0], unread) for unread, months in groupby(sorted(begins.items()), key=itemgetter(1))]
    for (begin, unread), (following, _) in pairwise([*stretches, (last + timedelta(days=1), set())]):
        if unread and begin <= last:
            yield begin, following - timedelta(days=1), unread
