"""Roll-ups: a closed day is recounted whole from the answers; an open one is counted live.

The row of ``counted_days`` is the one thing that closing a day and reopening it fight over: both write it
first and hold it until they commit, so who comes second sees what the other left and has the last word. A
day that nobody closed is simply counted live: being late with closing costs time, never a figure.

A month whose days are all closed has its sum stored too. It holds as long as none of its days is open, and
goes when one of them is recounted; only who has the centre's lock closes days and sums months.

Invitations are counted by the day of issue once nothing can happen to that day's any more: all have expired. Such
days are stored oldest first, so those after the latest stored one are counted live.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_service.db import Tx
from feedback_service.indicators import tallies
from feedback_service.indicators.tallies import ANSWERS_BY, INVITATIONS_BY, INVITED, STEPS, WHOLE, Counts
from feedback_service.models import Answer, BegunAnswer, Case, Centre, CountedDay, Invitation, Response, Tally
from feedback_service.statements import Ready

SETTLING = timedelta(days=3)  # after its last day an invitation may still be answered by what is under way

_INSERT: Mapping[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_MARK = Ready(
    {
        dialect: new(CountedDay)
        .values({name: bindparam(name) for name in ("centre_id", "day", "closed")})
        .on_conflict_do_update(index_elements=["centre_id", "day"], set_={"closed": bindparam("closed")})
        for dialect, new in _INSERT.items()
    }
)
_OF_CASE: Mapping[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
    WHOLE: literal(""),
    "service": Case.service_id,
    "provider": Case.provider_edrpou,
    "workplace": Case.workplace,
}


class Told(NamedTuple):
    """What one group of a day or month, told by its first day, adds up to."""

    centre_id: uuid.UUID
    day: date
    key: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored count that is not what the answers or invitations add up to."""

    centre: str
    subject: str
    by: str
    span: str
    day: date
    key: str
    front_office: str
    source: str
    question: str
    value: str
    stored: int
    recounted: int


def reopen(tx: Tx, centre_id: uuid.UUID, day: date, *, today: date) -> None:
    """Count this day live again until it is recounted: an answer came late, or was taken back.

    Call it in the transaction that changed the answers. The row is written even if it says so already, so
    that it waits for a worker who is just closing the day.
    """
    if day < today:
        _mark(tx, centre_id, day, closed=False)


def reopen_all(tx: Session, centre_id: uuid.UUID, *, kept_from: date = date.min) -> None:
    """Count every day of the centre live until ``close_days`` has recounted it.

    Invitations issued before ``kept_from`` may have been purged; what is stored of them is all there is.
    """
    tx.execute(update(CountedDay).where(CountedDay.centre_id == centre_id).values(closed=False))
    unsettle(tx, centre_id, since=kept_from)


def unsettle(tx: Session, centre_id: uuid.UUID, *, since: date) -> None:
    """Count invitations issued ``since`` that day live until ``settle_days`` has counted them."""
    these = (
        *(Tally.centre_id == centre_id, Tally.subject == "invitations"),
        Tally.by.in_(INVITATIONS_BY),
    )
    tx.execute(delete(Tally).where(*these, Tally.span == "day", Tally.day >= since))
    tx.execute(delete(Tally).where(*these, Tally.span == "month", Tally.day >= since.replace(day=1)))


def close_days(tx: Session, centre_id: uuid.UUID, *, before: date, limit: int = 31) -> int:
    """Recount and close the centre's oldest open days ``before`` a day, at most ``limit``; tells how many.

    Choose ``before`` so that no answer of an earlier day can still be under way without ``reopen``: the
    Kyiv day of ten minutes ago. Repeating it, and two workers at once, do no harm.
    """
    _hold(tx, centre_id)
    found = _open_days(Centre.id == centre_id, _open_from(), before - timedelta(days=1)).subquery()
    days = tx.scalars(select(found.c.day).order_by(found.c.day).limit(limit)).all()
    for day in days:
        _mark(tx, centre_id, day, closed=True)
        # Every way is named, or SQLite would look through all that is stored of the centre.
        of_answers = (Tally.centre_id == centre_id, Tally.subject == "answers", Tally.by.in_(ANSWERS_BY))
        of_month = (Tally.span == "month", Tally.day == day.replace(day=1))
        tx.execute(delete(Tally).where(*of_answers, Tally.span == "day", Tally.day == day))
        tx.execute(delete(Tally).where(*of_answers, *of_month))
        for by, told in _counted_live(tx, {centre_id: {day}}, ANSWERS_BY).items():
            _store(tx, "answers", by, "day", told)
    if days:
        _sum_months(tx, "answers", centre_id, before)
    return len(days)


def settle_days(tx: Session, centre_id: uuid.UUID, *, before: date, limit: int = 31) -> int:
    """Store what became of the invitations of the oldest days ``before`` which all have expired; how many days."""
    _hold(tx, centre_id)
    since = _settled_until(tx, [centre_id]).get(centre_id, date.min)
    later = (Invitation.centre_id == centre_id, Invitation.issued_on > since)
    begun = exists().where(
        BegunAnswer.centre_id == Invitation.centre_id, BegunAnswer.invitation_id == Invitation.id
    )
    alive = or_(Invitation.last_day >= before - SETTLING, begun)
    days = select(Invitation.issued_on).where(*later).distinct().order_by(Invitation.issued_on)
    settled: list[date] = []
    for day in tx.scalars(days.limit(limit)).all():
        if tx.scalar(select(exists().where(*later, Invitation.issued_on == day, alive))):
            break
        settled.append(day)
    if settled:
        for by in INVITATIONS_BY:
            _store(tx, "invitations", by, "day", _invited_live(tx, [centre_id], settled[0], settled[-1], by))
        _sum_months(tx, "invitations", centre_id, before)
    return len(settled)


def waiting(tx: Session, *, before: date) -> int:
    """How many days ``before`` a day, of all centres, are counted live because nobody has closed them."""
    found = _open_days(literal(True), _open_from(), before - timedelta(days=1)).subquery()
    return tx.scalars(select(func.count()).select_from(found)).one()


def answers(
    tx: Session,
    centres: Collection[uuid.UUID],
    first: date,
    last: date,
    by: str = WHOLE,
    *,
    daily: bool = False,
    full: Collection[str] | None = None,
) -> Iterator[Told]:
    """What was answered from ``first`` to ``last``, told apart by one of ``ANSWERS_BY``.

    Days and months come as they are stored, open days are counted live; whole months come as one unless
    ``daily``. If ``full`` names keys, of the others only ``tallies.HEADLINES`` are sure to be told.
    """
    found = _open_days(Centre.id.in_(centres), _later(literal(first), _open_from()), last)
    open_days: defaultdict[uuid.UUID, set[date]] = defaultdict(set)
    for centre_id, day in tx.execute(found):
        open_days[centre_id].add(day)
    open_months = {(centre, day.replace(day=1)) for centre, days in open_days.items() for day in days}

    def holds(centre_id: uuid.UUID, span: str, day: date) -> bool:
        return (
            day not in open_days.get(centre_id, ()) if span == "day" else (centre_id, day) not in open_months
        )

    yield from _stored(tx, "answers", by, centres, first, last, holds, daily=daily, full=full)
    yield from _counted_live(tx, open_days, [by])[by]


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
) -> Iterator[Told]:
    """What became of the invitations issued from ``first`` to ``last``, told apart by one of ``INVITATIONS_BY``.

    Without ``front_offices`` those counted live are told under none, which saves looking at their cases; without
    ``each_day`` they are all told of one day.
    """
    settled = _settled_until(tx, centres)
    if settled:
        yield from _stored(tx, "invitations", by, centres, first, last, lambda *_: True, daily=daily)
    beginnings: defaultdict[date, list[uuid.UUID]] = defaultdict(list)
    for centre_id in centres:
        beginnings[max(first, settled.get(centre_id, date.min) + timedelta(days=1))].append(centre_id)
    for begin, some in beginnings.items():
        if begin <= last:
            yield from _invited_live(
                tx, some, begin, last, by, front_offices=front_offices, each_day=each_day
            )


def check(tx: Session, *, kept_from: date = date.min) -> list[Difference]:
    """Where stored counts differ from what the answers and invitations add up to: nowhere, if all is well.

    Invitations issued before ``kept_from`` are passed over: they may have been purged.
    """
    return [
        difference
        for centre_id, code in tx.execute(select(Centre.id, Centre.code).order_by(Centre.code))
        for difference in _differences(tx, centre_id, code, kept_from)
    ]


# Reading ------------------------------------------------------------------------------------------------------


def _stored(
    tx: Session,
    subject: str,
    by: str,
    centres: Collection[uuid.UUID],
    first: date,
    last: date,
    holds: Callable[[uuid.UUID, str, date], bool],
    *,
    daily: bool = False,
    full: Collection[str] | None = None,
) -> Iterator[Told]:
    """Stored months, and stored days where there is no month that ``holds``."""
    counts: ColumnElement[str] | InstrumentedAttribute[str] = Tally.counts
    if full is not None:
        counts = case((Tally.key.in_(full), Tally.counts), else_=Tally.headlines) if full else Tally.headlines
    months = [] if daily else list(_months(first, last))
    these = (Tally.centre_id.in_(centres), Tally.subject == subject, Tally.by == by)
    covered: set[tuple[uuid.UUID, date]] = set()
    if months:
        whole = (*these, Tally.span == "month", Tally.day.between(months[0], months[-1]))
        for told in _rows(tx, centres, counts, *whole):
            if holds(told.centre_id, "month", told.day):
                covered.add((told.centre_id, told.day))
                yield told
    everywhere = {month for month in months if all((centre, month) in covered for centre in centres)}
    ranges = [Tally.day.between(*part) for part in _without(first, last, everywhere)]
    for told in _rows(tx, centres, counts, *these, Tally.span == "day", or_(*ranges)) if ranges else ():
        if (told.centre_id, told.day.replace(day=1)) not in covered and holds(
            told.centre_id, "day", told.day
        ):
            yield told


def _rows(
    tx: Session,
    centres: Collection[uuid.UUID],
    counts: ColumnElement[str] | InstrumentedAttribute[str],
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
    month = first if first.day == 1 else _next_month(first)
    while (following := _next_month(month)) - timedelta(days=1) <= last:
        yield month
        month = following


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _without(first: date, last: date, months: Collection[date]) -> Iterator[tuple[date, date]]:
    """The stretches of the period outside these months."""
    begin = first
    for month in sorted(months):
        if begin < month:
            yield begin, month - timedelta(days=1)
        begin = _next_month(month)
    if begin <= last:
        yield begin, last


# Counting -----------------------------------------------------------------------------------------------------


def _counted_live(
    tx: Session, days: Mapping[uuid.UUID, Collection[date]], by: Iterable[str]
) -> dict[str, list[Told]]:
    """What these days of centres add up to in several ways, straight from the answers.

    Answers that were taken back count nowhere.
    """
    their_answers = (Answer.centre_id == Response.centre_id) & (Answer.response_id == Response.id)
    said = select(func.aggregate_strings(Answer.question + "=" + Answer.value, ";")).where(their_answers)
    facts = select(
        Response.centre_id,
        Response.answered_on,
        Response.front_office,
        Response.source,
        Response.service_id,
        Response.provider_edrpou,
        Response.workplace,
        Response.part_of_day,
        Response.language,
        said.correlate(Response).scalar_subquery().label("said"),
    ).where(Response.withdrawn_on.is_(None))
    keys = {name: ANSWERS_BY[name] for name in by}
    found: dict[str, dict[tuple[uuid.UUID, date, str], Counts]] = {name: {} for name in keys}
    for begin, end in _stretches(set[date]().union(*days.values())):
        centres = [centre for centre, theirs in days.items() if any(begin <= day <= end for day in theirs)]
        these = (Response.centre_id.in_(centres), Response.answered_on.between(begin, end))
        for one in tx.execute(facts.where(*these)):
            if one.answered_on in days[one.centre_id]:
                for name, key in keys.items():
                    counts = found[name].setdefault((one.centre_id, one.answered_on, key(one)), {})
                    tallies.note(counts, one.front_office, one.source, one.said)
    return {name: [Told(*cell, counts) for cell, counts in groups.items()] for name, groups in found.items()}


def _stretches(days: Collection[date]) -> Iterator[tuple[date, date]]:
    """The days as few stretches: one with a week's gap is read in one go."""
    begin = end = None
    for day in sorted(days):
        if begin is None or end is None:
            begin = day
        elif day - end > timedelta(days=7):
            yield begin, end
            begin = day
        end = day
    if begin is not None and end is not None:
        yield begin, end


def _invited_live(
    tx: Session,
    centres: Collection[uuid.UUID],
    first: date,
    last: date,
    by: str,
    *,
    front_offices: bool = True,
    each_day: bool = True,
) -> Iterator[Told]:
    """What became of the invitations issued on these days, straight from them; all told of the first if not of each."""
    cases = front_offices or by != WHOLE
    front_office = Case.front_office if cases else literal("")
    day_of = Invitation.issued_on if each_day else literal(first)
    cell = (Invitation.centre_id, day_of, _OF_CASE[by], front_office)
    counted = (
        func.count(),
        func.count().filter(Invitation.opened),
        func.count().filter(Invitation.started),
        func.count(Invitation.answered_on),
    )
    query = select(*cell, *counted).select_from(Invitation).group_by(*cell)
    if cases:
        query = query.join(Case, (Case.centre_id == Invitation.centre_id) & (Case.id == Invitation.case_id))
    within = (Invitation.centre_id.in_(centres), Invitation.issued_on.between(first, last))
    groups: dict[tuple[uuid.UUID, date, str], Counts] = {}
    for centre_id, day, key, office, *numbers in tx.execute(query.where(*within)):
        name = key.hex if isinstance(key, uuid.UUID) else key or ""
        counts = groups.setdefault((centre_id, day, name), {})
        tallies.add(counts, {office: {"": {INVITED: dict(zip(STEPS, numbers, strict=True))}}})
    for group, counts in groups.items():
        yield Told(*group, counts)


# Storing ------------------------------------------------------------------------------------------------------


def _store(tx: Session, subject: str, by: str, span: str, told: Iterable[Told]) -> None:
    place = {"subject": subject, "by": by, "span": span}
    rows = [
        place
        | one._asdict()
        | {
            "counts": tallies.written(one.counts),
            "headlines": tallies.written(tallies.headlines(one.counts)) if subject == "answers" else "",
        }
        for one in told
    ]
    if rows:
        tx.execute(insert(Tally), rows)


def _settled_until(tx: Session, centres: Collection[uuid.UUID]) -> dict[uuid.UUID, date]:
    """The latest day of each centre whose invitations are stored; there may be none."""
    these = (Tally.subject == "invitations", Tally.by == WHOLE, Tally.span == "day")
    latest = select(Tally.centre_id, func.max(Tally.day)).where(Tally.centre_id.in_(centres), *these)
    return {centre_id: day for centre_id, day in tx.execute(latest.group_by(Tally.centre_id))}


def _sum_months(tx: Session, subject: str, centre_id: uuid.UUID, before: date) -> None:
    """Store the sums of whole months of which every day is stored and which have no sum yet."""
    these = (Tally.centre_id == centre_id, Tally.subject == subject, Tally.by == WHOLE)
    present = {(span, day) for span, day in tx.execute(select(Tally.span, Tally.day).where(*these))}
    months = {day.replace(day=1) for span, day in present if span == "day"}
    if subject == "answers":
        yesterday = before - timedelta(days=1)
        still_open = tx.execute(_open_days(Centre.id == centre_id, _open_from(), yesterday))
        months -= {day.replace(day=1) for _, day in still_open}
        ended = before
    else:
        ended = max((day for span, day in present if span == "day"), default=date.min) + timedelta(days=1)
    for month in sorted(months):
        if ("month", month) not in present and _next_month(month) <= ended:
            for by in ANSWERS_BY if subject == "answers" else INVITATIONS_BY:
                _store(tx, subject, by, "month", _summed(tx, subject, by, centre_id, month))


def _summed(tx: Session, subject: str, by: str, centre_id: uuid.UUID, month: date) -> list[Told]:
    sums: defaultdict[str, Counts] = defaultdict(dict)
    end = _next_month(month) - timedelta(days=1)
    for told in _stored(tx, subject, by, [centre_id], month, end, lambda *_: True, daily=True):
        tallies.add(sums[told.key], told.counts)
    return [Told(centre_id, month, key, counts) for key, counts in sums.items()]


# Days ---------------------------------------------------------------------------------------------------------


def _hold(tx: Session, centre_id: uuid.UUID) -> None:
    """Nobody else closes days of the centre until the transaction ends."""
    # Not "for update": every row of the centre refers to it, and writing one must not wait for us.
    tx.execute(select(Centre.id).where(Centre.id == centre_id).with_for_update(key_share=True))


def _mark(tx: Tx, centre_id: uuid.UUID, day: date, *, closed: bool) -> None:
    """Write whether the day is closed, and keep everybody else from writing it until the transaction ends."""
    _MARK.run(tx, {"centre_id": centre_id, "day": day, "closed": closed})


def _open_from() -> ColumnElement[date]:
    """The day before which a ``Centre`` has no open day."""
    # Days are closed oldest first, so before the latest closed one only a day marked open can be open. A mark
    # alone says nothing about the days before it: it may have been made before anybody closed these.
    reopened = func.min(CountedDay.day).filter(~CountedDay.closed)
    latest = func.max(CountedDay.day).filter(CountedDay.closed)
    first = select(func.coalesce(case((reopened < latest, reopened), else_=latest), literal(date.min)))
    return first.where(CountedDay.centre_id == Centre.id).correlate(Centre).scalar_subquery()


def _later(one: ColumnElement[date], other: ColumnElement[date]) -> ColumnElement[date]:
    return case((one > other, one), else_=other)


def _open_days(which: ColumnElement[bool], first: ColumnElement[date], last: date) -> Select[Any]:
    """The days from ``first`` to ``last`` that have answers and are not closed, of ``which`` centres.

    The index is asked for one day after the other, so the cost is of days and not of answers.
    """

    def next_day(centre_id: Any, *after: ColumnElement[bool]) -> ColumnElement[date]:
        soonest = select(func.min(Response.answered_on)).where(Response.centre_id == centre_id, *after)
        return soonest.where(Response.answered_on <= last).scalar_subquery().label("day")

    days = (
        select(Centre.id.label("centre_id"), next_day(Centre.id, Response.answered_on >= first))
        .where(which)
        .cte("days", recursive=True)
    )
    later = next_day(days.c.centre_id, Response.answered_on > days.c.day)
    days = days.union_all(select(days.c.centre_id, later).where(days.c.day.is_not(None)))
    closed = exists().where(
        CountedDay.centre_id == days.c.centre_id, CountedDay.day == days.c.day, CountedDay.closed
    )
    return select(days.c.centre_id, days.c.day).where(days.c.day.is_not(None), ~closed)


# Checking -----------------------------------------------------------------------------------------------------


def _differences(tx: Session, centre_id: uuid.UUID, code: str, kept_from: date) -> Iterator[Difference]:
    """What is stored of a centre beside what it should be."""
    marks = tx.execute(
        select(CountedDay.day, CountedDay.closed).where(CountedDay.centre_id == centre_id)
    ).all()
    closed = frozenset(day for day, is_closed in marks if is_closed)
    # What is stored of an open day is not used, nor of its month.
    unused = {day for day, is_closed in marks if not is_closed}
    for by, told in _counted_live(tx, {centre_id: closed}, ANSWERS_BY).items():
        yield from _compared(tx, centre_id, code, "answers", by, told, date.min, unused)
    settled = _settled_until(tx, [centre_id]).get(centre_id, date.min)
    for by in INVITATIONS_BY:
        invited = list(_invited_live(tx, [centre_id], kept_from, settled, by))
        yield from _compared(tx, centre_id, code, "invitations", by, invited, kept_from, ())


def _compared(
    tx: Session,
    centre_id: uuid.UUID,
    code: str,
    subject: str,
    by: str,
    recounted: Sequence[Told],
    since: date,
    unused: Collection[date],
) -> Iterator[Difference]:
    """Stored days beside the recounted ones, and stored months beside the sums of recounted days."""
    these = (Tally.centre_id == centre_id, Tally.subject == subject, Tally.by == by, Tally.day >= since)
    columns = (Tally.span, Tally.day, Tally.key, Tally.counts, Tally.headlines)
    unused_months = {day.replace(day=1) for day in unused}
    stored = {
        (span, day, key): (counts, headlines)
        for span, day, key, counts, headlines in tx.execute(select(*columns).where(*these))
        if day not in (unused if span == "day" else unused_months)
    }
    months = {day for span, day, _ in stored if span == "month"}
    right: defaultdict[tuple[str, date, str], Counts] = defaultdict(dict)
    for told in recounted:
        tallies.add(right["day", told.day, told.key], told.counts)
        if (month := told.day.replace(day=1)) in months:
            tallies.add(right["month", month, told.key], told.counts)
    for place in sorted(stored.keys() | right.keys()):
        counts, headlines = stored.get(place, ("{}", "{}"))
        yield from _differing((code, subject, by, *place), tallies.read(counts), right[place])
        if subject == "answers":
            shown = (code, "headlines", by, *place)
            yield from _differing(shown, tallies.read(headlines), tallies.headlines(right[place]))


def _differing(
    place: tuple[str, str, str, str, date, str], stored: Counts, recounted: Counts
) -> Iterator[Difference]:
    kept, found = dict(tallies.cells(stored)), dict(tallies.cells(recounted))
    for cell in sorted(kept.keys() | found.keys()):
        if kept.get(cell, 0) != found.get(cell, 0):
            yield Difference(*place, *cell, kept.get(cell, 0), found.get(cell, 0))
