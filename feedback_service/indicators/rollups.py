"""Daily roll-ups: a closed day is recounted whole from the answers; an open one is counted live.

The row of ``counted_days`` is the one thing that closing a day and reopening it fight over: both write it
first and hold it until they commit, so who comes second sees what the other left and has the last word. A
day that nobody closed is simply counted live: being late with closing costs time, never a figure.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Subquery,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_service.models import Answer, Centre, CountedDay, DayCount, Response

PEOPLE = "*"  # the question that counts the people themselves; its value is empty

_COUNTED = ("centre_id", "day", "front_office", "source", "question", "value", "n")
_CELL = (Response.centre_id, Response.answered_on.label("day"), Response.front_office, Response.source)
_CLOSED = exists().where(
    CountedDay.centre_id == Response.centre_id, CountedDay.day == Response.answered_on, CountedDay.closed
)
_INSERT: Mapping[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored count that is not what the answers add up to."""

    centre: str
    day: date
    front_office: str
    source: str
    question: str
    value: str
    stored: int
    recounted: int


def reopen(tx: Session, centre_id: uuid.UUID, day: date, *, today: date) -> None:
    """Count this day live again until it is recounted: an answer came late, or was taken back.

    Call it in the transaction that changed the answers. The row is written even if it says so already, so
    that it waits for a worker who is just closing the day.
    """
    if day < today:
        _mark(tx, centre_id, day, closed=False)


def reopen_all(tx: Session, centre_id: uuid.UUID) -> None:
    """Count every day of the centre live until ``close_days`` has recounted it."""
    tx.execute(update(CountedDay).where(CountedDay.centre_id == centre_id).values(closed=False))


def close_days(tx: Session, centre_id: uuid.UUID, *, before: date, limit: int = 31) -> int:
    """Recount and close the centre's oldest open days ``before`` a day, at most ``limit``; tells how many.

    Choose ``before`` so that no answer of an earlier day can still be under way without ``reopen``: the
    Kyiv day of ten minutes ago. Repeating it, and two workers at once, do no harm.
    """
    found = _open_days(Centre.id == centre_id, _open_from(), before - timedelta(days=1)).subquery()
    days = tx.scalars(select(found.c.day).order_by(found.c.day).limit(limit)).all()
    for day in days:
        _mark(tx, centre_id, day, closed=True)
        tx.execute(delete(DayCount).where(DayCount.centre_id == centre_id, DayCount.day == day))
        counts = tally(_CELL, Response.centre_id == centre_id, _on(day))
        tx.execute(insert(DayCount).from_select(_COUNTED, counts))
    return len(days)


def waiting(tx: Session, *, before: date) -> int:
    """How many days ``before`` a day, of all centres, are counted live because nobody has closed them."""
    found = _open_days(literal(True), _open_from(), before - timedelta(days=1)).subquery()
    return tx.scalars(select(func.count()).select_from(found)).one()


def check(tx: Session) -> list[Difference]:
    """Where the stored counts of closed days differ from what their answers add up to: nowhere, if all is well."""
    kept, live = _stored().subquery(), tally(_CELL, _CLOSED).subquery()
    cell = _COUNTED[:-1]
    both = union_all(
        select(*(kept.c[name] for name in cell), kept.c.n.label("stored"), literal(0).label("recounted")),
        select(*(live.c[name] for name in cell), literal(0), live.c.n),
    ).subquery()
    where = [Centre.code.label("centre"), *(both.c[name] for name in cell[1:])]
    stored, recounted = func.sum(both.c.stored), func.sum(both.c.recounted)
    differing = (
        select(*where, stored.label("stored"), recounted.label("recounted"))
        .join(Centre, Centre.id == both.c.centre_id)
        .group_by(*where)
        .having(stored != recounted)
        .order_by(*where)
    )
    return [
        Difference(**row | {"stored": int(row["stored"]), "recounted": int(row["recounted"])})
        for row in map(dict, tx.execute(differing).mappings())
    ]


def counted(centres: Collection[uuid.UUID], first: date, last: date) -> Subquery:
    """Rows of centre, day, front office, source, question, value and n for a period, both days included.

    Closed days come as stored, open ones are counted live. ``PEOPLE`` as question counts people.
    """
    stored = _stored().where(DayCount.centre_id.in_(centres), DayCount.day.between(first, last))
    open_days = _open_days(Centre.id.in_(centres), literal(first), last).subquery()
    then = (Response.centre_id == open_days.c.centre_id) & _on(open_days.c.day)
    live = tally(_CELL, of=open_days.join(Response.__table__, then)).subquery()
    return union_all(stored, select(*(live.c[name] for name in _COUNTED))).subquery()


def tally(
    by: Collection[ColumnElement[Any] | InstrumentedAttribute[Any]],
    *where: ColumnElement[bool],
    of: FromClause = Response.__table__,
) -> CompoundSelect[Any]:
    """For each ``by``: how many people answered, and how often each value was given, straight from the answers.

    ``of`` is ``responses`` with what ``by`` needs beside it. Answers that were withdrawn count nowhere.
    """
    standing = (Response.withdrawn_on.is_(None), *where)
    their_answers = (Answer.centre_id == Response.centre_id) & (Answer.response_id == Response.id)
    people = (
        select(*by, literal(PEOPLE).label("question"), literal("").label("value"), func.count().label("n"))
        .select_from(of)
        .where(*standing)
        .group_by(*by)
    )
    values = (
        select(*by, Answer.question, Answer.value, func.count())
        .select_from(of)
        .join(Answer, their_answers)
        .where(*standing)
        .group_by(*by, Answer.question, Answer.value)
    )
    return union_all(people, values)


def _on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The answer is of that day."""
    # Said twice: from an equality alone SQLite, having no statistics, concludes to read the whole centre, and
    # from a range alone PostgreSQL to compare every answer with every day.
    return (Response.answered_on == day) & Response.answered_on.between(day, day)


def _mark(tx: Session, centre_id: uuid.UUID, day: date, *, closed: bool) -> None:
    """Write whether the day is closed, and keep everybody else from writing it until the transaction ends."""
    new = _INSERT[tx.get_bind().dialect.name](CountedDay)
    tx.execute(
        new.values(centre_id=centre_id, day=day, closed=closed).on_conflict_do_update(
            index_elements=["centre_id", "day"], set_={"closed": closed}
        )
    )


def _stored() -> Select[Any]:
    """The stored counts of closed days."""
    its_day = (CountedDay.centre_id == DayCount.centre_id) & (CountedDay.day == DayCount.day)
    columns = (getattr(DayCount, name) for name in _COUNTED)
    return select(*columns).join(CountedDay, its_day).where(CountedDay.closed)


def _open_from() -> ColumnElement[date]:
    """The day before which a ``Centre`` has no open day."""
    # Days are closed oldest first, so before the latest closed one only a day marked open can be open. A mark
    # alone says nothing about the days before it: it may have been made before anybody closed these.
    reopened = func.min(CountedDay.day).filter(~CountedDay.closed)
    latest = func.max(CountedDay.day).filter(CountedDay.closed)
    first = select(func.coalesce(case((reopened < latest, reopened), else_=latest), literal(date.min)))
    return first.where(CountedDay.centre_id == Centre.id).correlate(Centre).scalar_subquery()


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
