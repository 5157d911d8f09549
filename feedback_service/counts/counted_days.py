"""Notes which days of a centre have stored counts (closed days), and which are counted live (open days).

Closing and reopening a day are two transactions that both write its row in ``counted_days`` first and hold it until
they commit. So the second one sees what the first one left, and decides. An answer that a tablet brings after its
invitations were counted reopens the days of issue from there on.
"""

import uuid
from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, delete, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from feedback_service.counts.tallies import INVITATIONS_BY, WHOLE
from feedback_service.database import table_of
from feedback_service.models import Centre, CountedDay, CountRollup, Response


def _insert_or_change(insert: Callable[..., Any]) -> Any:
    statement = insert(table_of(CountedDay))
    return statement.on_conflict_do_update(
        index_elements=["centre_id", "day"], set_={"closed": statement.excluded.closed}
    )


_MARK = {"sqlite": _insert_or_change(sqlite.insert), "postgresql": _insert_or_change(postgresql.insert)}


def reopen_past_day(connection: Connection, centre_id: uuid.UUID, day: date, *, today: date) -> None:
    """Count this day live again until it is recounted, because an answer came late or was withdrawn.

    Nothing happens for ``today``, which is always counted live. Call it in the transaction that changed the answers.
    The row is written even if the day is open already: so the transaction waits for a worker that is closing the day.
    """
    if day < today:
        mark_day(connection, centre_id, day, closed=False)


def reopen_all_days(tx: Session, centre_id: uuid.UUID) -> None:
    """Count every day of the centre live until it is closed again.

    Stored counts are deleted, except those of invitations that may have been purged.
    """
    lock_days(tx, centre_id)
    tx.execute(update(CountedDay).where(CountedDay.centre_id == centre_id).values(closed=False))
    tx.execute(
        delete(CountRollup).where(CountRollup.centre_id == centre_id, CountRollup.subject.in_(("answers", "people")))
    )
    reopen_invitations(tx, centre_id)


def reopen_invitations(tx: Session, centre_id: uuid.UUID, *, since: date = date.min) -> None:
    """Count invitations issued ``since`` that day live until ``close_invitation_days`` has counted them.

    Stored days of which invitations may have been purged are kept: they cannot be counted again.
    """
    # Without the lock a worker could store a later day meanwhile, and the deleted days would seem to be stored.
    lock_days(tx, centre_id)
    since = max(since, oldest_kept_day(tx, centre_id))
    delete_stored = delete(CountRollup).where(
        CountRollup.centre_id == centre_id, CountRollup.subject == "invitations", CountRollup.by.in_(INVITATIONS_BY)
    )
    for span, first in (("day", since), ("month", since.replace(day=1))):
        tx.execute(delete_stored.where(CountRollup.span == span, CountRollup.day >= first))


def count_open_days(tx: Session, *, before: date) -> int:
    """How many days before ``before``, of all centres, are counted live because they are not closed."""
    days = select_open_days(literal(True), before - timedelta(days=1)).subquery()
    return tx.scalars(select(func.count()).select_from(days)).one()


def lock_days(tx: Session, centre_id: uuid.UUID) -> None:
    """Let nobody else close, recount or purge days of the centre until the transaction ends."""
    # Not "for update": every row of the centre refers to it, and writing such a row must not wait for us.
    tx.execute(select(Centre.id).where(Centre.id == centre_id).with_for_update(key_share=True))


def oldest_kept_day(tx: Session, centre_id: uuid.UUID) -> date:
    """The first day from which on no invitation of the centre can have been purged."""
    purged_until = tx.scalars(select(Centre.purged_until).where(Centre.id == centre_id)).one()
    return date.min if purged_until is None else purged_until + timedelta(days=1)


def record_purge(tx: Session, centre_id: uuid.UUID, *, until: date) -> None:
    """Note that invitations issued until that day may be purged, so that their stored counts are kept for good."""
    is_later = Centre.purged_until.is_(None) | (Centre.purged_until < until)
    tx.execute(update(Centre).where(Centre.id == centre_id, is_later).values(purged_until=until))


def invitations_closed_until(tx: Session, centres: Collection[uuid.UUID]) -> dict[uuid.UUID, date]:
    """The latest day of each centre whose invitations are stored; a centre without such a day is absent."""
    latest = select(CountRollup.centre_id, func.max(CountRollup.day)).where(
        CountRollup.centre_id.in_(centres),
        *(CountRollup.subject == "invitations", CountRollup.by == WHOLE, CountRollup.span == "day"),
    )
    return {centre_id: day for centre_id, day in tx.execute(latest.group_by(CountRollup.centre_id))}


def mark_day(connection: Connection, centre_id: uuid.UUID, day: date, *, closed: bool) -> None:
    """Write whether the day is closed; nobody else can write it until the transaction ends."""
    values = {"centre_id": centre_id, "day": day, "closed": closed}
    connection.execute(_MARK[connection.dialect.name], values)


def _first_open_day() -> ColumnElement[date]:
    """The day before which a ``Centre`` has no open day, as an SQL expression."""
    # Days are closed oldest first, so before the latest closed day only a day marked open can be open. A mark
    # alone says nothing about earlier days: it may have been made before they were closed.
    reopened = func.min(CountedDay.day).filter(~CountedDay.closed)
    latest = func.max(CountedDay.day).filter(CountedDay.closed)
    first = select(func.coalesce(case((reopened < latest, reopened), else_=latest), literal(date.min)))
    return first.where(CountedDay.centre_id == Centre.id).correlate(Centre).scalar_subquery()


def select_open_days(which: ColumnElement[bool], last: date, first: date = date.min) -> Select[Any]:
    """The days from ``first`` to ``last`` that have answers and are not closed, of the centres that meet a condition.

    The query looks up one day after the other in the index, so its cost grows with the days and not with the answers.
    """

    def next_day(centre_id: Any, *after: ColumnElement[bool]) -> ColumnElement[date]:
        soonest = select(func.min(Response.answered_on)).where(Response.centre_id == centre_id, *after)
        return soonest.where(Response.answered_on <= last).scalar_subquery().label("day")

    open_from = _first_open_day()
    begin = case((open_from > first, open_from), else_=literal(first))
    days = (
        select(Centre.id.label("centre_id"), next_day(Centre.id, Response.answered_on >= begin))
        .where(which)
        .cte("days", recursive=True)
    )
    later = next_day(days.c.centre_id, Response.answered_on > days.c.day)
    days = days.union_all(select(days.c.centre_id, later).where(days.c.day.is_not(None)))
    closed = exists().where(CountedDay.centre_id == days.c.centre_id, CountedDay.day == days.c.day, CountedDay.closed)
    return select(days.c.centre_id, days.c.day).where(days.c.day.is_not(None), ~closed)
