"""Roll-ups: a closed day is recounted whole from the answers; an open one is counted live.

The row of ``counted_days`` is the one thing that closing a day and reopening it fight over: both write it
first and hold it until they commit, so who comes second sees what the other left and has the last word. A
day that nobody closed is simply counted live: being late with closing costs time, never a figure.

A month whose days are all closed has its sum stored too. It holds as long as none of its days is open, and
goes when one of them is recounted.

Invitations are counted by the day of issue once all of that day have expired; what a tablet brings later opens the days
from there on again. Such days are stored oldest first, so those after the latest stored one are counted live.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_service.database import table
from feedback_service.indicators import live, tallies
from feedback_service.indicators.live import Told
from feedback_service.indicators.tallies import INVITATIONS_BY, WHOLE
from feedback_service.models import Centre, CountedDay, Response, Tally

NAMED_CENTRES = 10_000  # in one statement; PostgreSQL takes 65,535 values, SQLite often 32,766

_INSERT: Mapping[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _mark(new: Any) -> Any:
    return new.on_conflict_do_update(
        index_elements=["centre_id", "day"], set_={"closed": new.excluded.closed}
    )


_MARK = {dialect: _mark(insert(table(CountedDay))) for dialect, insert in _INSERT.items()}


def reopen(connection: Connection, centre_id: uuid.UUID, day: date, *, today: date) -> None:
    """Count this day live again until it is recounted: an answer came late, or was taken back.

    Call it in the transaction that changed the answers. The row is written even if it says so already, so
    that it waits for a worker who is just closing the day.
    """
    if day < today:
        mark(connection, centre_id, day, closed=False)


def reopen_all(tx: Session, centre_id: uuid.UUID) -> None:
    """Count every day of the centre live until it is counted anew; nothing stays stored but what ``unsettle`` keeps."""
    hold(tx, centre_id)
    tx.execute(update(CountedDay).where(CountedDay.centre_id == centre_id).values(closed=False))
    tx.execute(delete(Tally).where(Tally.centre_id == centre_id, Tally.subject.in_(("answers", "people"))))
    unsettle(tx, centre_id)


def unsettle(tx: Session, centre_id: uuid.UUID, *, since: date = date.min) -> None:
    """Count invitations issued ``since`` that day live until ``settle_days`` has counted them.

    Days of which some may have been purged stay as they are stored: that is all there is.
    """
    hold(tx, centre_id)  # what is just being stored would stand for what is deleted, too: see settled_until
    since = max(since, kept_from(tx, centre_id))
    these = (
        *(Tally.centre_id == centre_id, Tally.subject == "invitations"),
        Tally.by.in_(INVITATIONS_BY),
    )
    tx.execute(delete(Tally).where(*these, Tally.span == "day", Tally.day >= since))
    tx.execute(delete(Tally).where(*these, Tally.span == "month", Tally.day >= since.replace(day=1)))


def waiting(tx: Session, *, before: date) -> int:
    """How many days ``before`` a day, of all centres, are counted live because nobody has closed them."""
    found = open_days(literal(True), before - timedelta(days=1)).subquery()
    return tx.scalars(select(func.count()).select_from(found)).one()


def answers(
    tx: Session,
    centres: Collection[uuid.UUID],
    first: date,
    last: date,
    by: str = WHOLE,
    *,
    daily: bool = False,
    headlines: bool = False,
    only: Collection[str] | None = None,
) -> Iterator[Told]:
    """What was answered from ``first`` to ``last``, told apart by one of ``ANSWERS_BY``.

    Days and months come as they are stored, open days are counted live; whole months come as one unless
    ``daily``. With ``headlines`` only what is in ``tallies.HEADLINES`` is sure to be told; if ``only`` names keys, of
    the others only how many people answered.
    """
    still_open: defaultdict[uuid.UUID, set[date]] = defaultdict(set)
    for centre_id, day in tx.execute(open_days(Centre.id.in_(centres), last, first)):
        still_open[centre_id].add(day)
    open_months = {(centre, day.replace(day=1)) for centre, days in still_open.items() for day in days}

    def holds(centre_id: uuid.UUID, span: str, day: date) -> bool:
        if span == "month":
            return (centre_id, day) not in open_months
        return day not in still_open.get(centre_id, ())

    def kept(subject: str, **how: Any) -> Iterator[Told]:
        return stored(tx, subject, by, centres, first, last, holds, daily=daily, **how)

    yield from kept("answers", headlines=headlines, only=only)
    if only is not None:
        for people in kept("people"):
            yield from (told for told in live.groups(people) if told.key not in only)
    yield from live.answers(tx, still_open, [by])[by]


def invitations(
    tx: Session,
    centres: Collection[uuid.UUID],
    first: date,
    last: date,
    by: str = WHOLE,
    *,
    daily: bool = False,
    front_offices: bool = True,
    each_day: bool = True,
    only: Collection[str] | None = None,
) -> Iterator[Told]:
    """What became of the invitations issued from ``first`` to ``last``, told apart by one of ``INVITATIONS_BY``.

    Without ``front_offices`` those counted live are told under none, without ``each_day`` all of one day; which saves
    SQLite sorting them. If ``only`` names keys, others need not be told.
    """
    settled = settled_until(tx, centres)
    if settled:
        yield from stored(
            tx, "invitations", by, centres, first, last, lambda *_: True, daily=daily, only=only
        )
    beginnings: defaultdict[date, list[uuid.UUID]] = defaultdict(list)
    for centre_id in centres:
        beginnings[max(first, settled.get(centre_id, date.min) + timedelta(days=1))].append(centre_id)
    for begin, some in beginnings.items():
        if begin <= last:
            yield from live.invitations(
                tx, some, begin, last, by, front_offices=front_offices, each_day=each_day
            )


def stored(
    tx: Session,
    subject: str,
    by: str,
    centres: Collection[uuid.UUID],
    first: date,
    last: date,
    holds: Callable[[uuid.UUID, str, date], bool],
    *,
    daily: bool = False,
    headlines: bool = False,
    only: Collection[str] | None = None,
) -> Iterator[Told]:
    """Stored months, and stored days where there is no month that ``holds``; those of ``only`` these keys, if named."""
    counts = Tally.headlines if headlines else Tally.counts
    months = [] if daily else list(_months(first, last))
    these = [Tally.centre_id.in_(centres), Tally.subject == subject, Tally.by == by]
    if only is not None:
        these.append(Tally.key.in_(only))
    everyone, covered = set(centres), defaultdict[date, set[uuid.UUID]](set)
    if months:
        whole = (*these, Tally.span == "month", Tally.day.between(months[0], months[-1]))
        for told in _rows(tx, centres, counts, *whole):
            if holds(told.centre_id, "month", told.day):
                covered[told.day].add(told.centre_id)
                yield told
    stretches = list(_uncovered(first, last, everyone, {m: everyone - covered[m] for m in months}))
    named = sum(len(some) for _, _, some in stretches) <= NAMED_CENTRES
    missing = [
        Tally.day.between(begin, end) & (Tally.centre_id.in_(some) if named else true())
        for begin, end, some in stretches
    ]
    for told in _rows(tx, centres, counts, *these, Tally.span == "day", or_(*missing)) if missing else ():
        if told.centre_id not in covered[told.day.replace(day=1)] and holds(told.centre_id, "day", told.day):
            yield told


def _rows(
    tx: Session,
    centres: Collection[uuid.UUID],
    counts: InstrumentedAttribute[str],
    *where: ColumnElement[bool],
) -> Iterator[Told]:
    columns = (Tally.day, Tally.key, counts)
    if len(centres) == 1:
        [centre_id] = centres  # reading the same id from thousands of rows would take a tenth of all
        for day, key, told in tx.execute(select(*columns).where(*where)):
            yield Told(centre_id, day, key, tallies.read(told))
    else:
        for centre_id, day, key, told in tx.execute(select(Tally.centre_id, *columns).where(*where)):
            yield Told(centre_id, day, key, tallies.read(told))


def _months(first: date, last: date) -> Iterator[date]:
    """The first days of the months that lie within the period whole."""
    month = first if first.day == 1 else next_month(first)
    while (following := next_month(month)) - timedelta(days=1) <= last:
        yield month
        month = following


def next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _uncovered(
    first: date, last: date, centres: set[uuid.UUID], lacking: Mapping[date, set[uuid.UUID]]
) -> Iterator[tuple[date, date, set[uuid.UUID]]]:
    """Stretches of the period with the centres to be read day by day: those that a month lacks, else all of them."""
    begins = {first: centres, **lacking}
    if lacking:
        begins[next_month(max(lacking))] = centres
    stretches = [(next(same)[0], some) for some, same in groupby(sorted(begins.items()), key=itemgetter(1))]
    for (begin, some), (following, _) in pairwise([*stretches, (last + timedelta(days=1), set())]):
        if some and begin <= last:
            yield begin, following - timedelta(days=1), some


def hold(tx: Session, centre_id: uuid.UUID) -> None:
    """Nobody else closes, settles, recounts or purges anything of the centre until the transaction ends."""
    # Not "for update": every row of the centre refers to it, and writing one must not wait for us.
    tx.execute(select(Centre.id).where(Centre.id == centre_id).with_for_update(key_share=True))


def kept_from(tx: Session, centre_id: uuid.UUID) -> date:
    """The first day from which on no invitation of the centre can have been purged."""
    purged_until = tx.scalars(select(Centre.purged_until).where(Centre.id == centre_id)).one()
    return date.min if purged_until is None else purged_until + timedelta(days=1)


def note_purged(tx: Session, centre_id: uuid.UUID, *, until: date) -> None:
    """From now on what is stored of invitations issued ``until`` that day is all there is."""
    later = Centre.purged_until.is_(None) | (Centre.purged_until < until)
    tx.execute(update(Centre).where(Centre.id == centre_id, later).values(purged_until=until))


def settled_until(tx: Session, centres: Collection[uuid.UUID]) -> dict[uuid.UUID, date]:
    """The latest day of each centre whose invitations are stored; there may be none."""
    these = (Tally.subject == "invitations", Tally.by == WHOLE, Tally.span == "day")
    latest = select(Tally.centre_id, func.max(Tally.day)).where(Tally.centre_id.in_(centres), *these)
    return {centre_id: day for centre_id, day in tx.execute(latest.group_by(Tally.centre_id))}


def mark(connection: Connection, centre_id: uuid.UUID, day: date, *, closed: bool) -> None:
    """Write whether the day is closed, and keep everybody else from writing it until the transaction ends."""
    values = {"centre_id": centre_id, "day": day, "closed": closed}
    connection.execute(_MARK[connection.dialect.name], values)


def _open_from() -> ColumnElement[date]:
    """The day before which a ``Centre`` has no open day."""
    # Days are closed oldest first, so before the latest closed one only a day marked open can be open. A mark
    # alone says nothing about the days before it: it may have been made before anybody closed these.
    reopened = func.min(CountedDay.day).filter(~CountedDay.closed)
    latest = func.max(CountedDay.day).filter(CountedDay.closed)
    first = select(func.coalesce(case((reopened < latest, reopened), else_=latest), literal(date.min)))
    return first.where(CountedDay.centre_id == Centre.id).correlate(Centre).scalar_subquery()


def open_days(which: ColumnElement[bool], last: date, first: date = date.min) -> Select[Any]:
    """The days from ``first`` to ``last`` that have answers and are not closed, of ``which`` centres.

    The index is asked for one day after the other, so the cost is of days and not of answers.
    """

    def next_day(centre_id: Any, *after: ColumnElement[bool]) -> ColumnElement[date]:
        soonest = select(func.min(Response.answered_on)).where(Response.centre_id == centre_id, *after)
        return soonest.where(Response.answered_on <= last).scalar_subquery().label("day")

    open_from = _open_from()
    begin = case((open_from > first, open_from), else_=literal(first))
    days = (
        select(Centre.id.label("centre_id"), next_day(Centre.id, Response.answered_on >= begin))
        .where(which)
        .cte("days", recursive=True)
    )
    later = next_day(days.c.centre_id, Response.answered_on > days.c.day)
    days = days.union_all(select(days.c.centre_id, later).where(days.c.day.is_not(None)))
    closed = exists().where(
        CountedDay.centre_id == days.c.centre_id, CountedDay.day == days.c.day, CountedDay.closed
    )
    return select(days.c.centre_id, days.c.day).where(days.c.day.is_not(None), ~closed)
