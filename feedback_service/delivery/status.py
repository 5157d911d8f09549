"""The state of deliveries for operators: how many events wait, which failed and why; never subject or data."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.delivery.events import ANSWER_TYPES
from feedback_service.delivery.outbox import CONTENT_KEPT_FOR
from feedback_service.models import Centre, Event, EventSequence, ReceiverChannel

UNFINISHED_STATES = ("dead", "pending")
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """The state of the delivery of one event."""

    id: uuid.UUID
    type: str
    centre: str
    state: str
    attempts: int
    created_at: datetime
    last_attempt_at: datetime | None
    reason: str | None


class PageCursor(NamedTuple):
    """The last row of a page of deliveries; the list is sorted by state, centre and age, oldest first."""

    state: str
    centre_id: uuid.UUID
    created_at: datetime
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class DeliveryTotals:
    """How many events are in each state, and for how many seconds the oldest pending one has waited.

    ``overdue``: events that the receiver has not taken in ``CONTENT_KEPT_FOR``, so that their content is still stored.
    """

    pending: int
    oldest_pending_seconds: int | None
    dead: int
    delivered: int
    overdue: int


_COLUMNS = (
    *(Event.id, Event.type, Centre.code, Event.state, Event.attempts),
    *(Event.created_at, Event.last_attempt_at, Event.reason),
)


def list_deliveries(
    tx: Session, centres: Collection[str], states: Collection[str], after: PageCursor | None, limit: int
) -> tuple[list[DeliveryRow], PageCursor | None]:
    """List a page of deliveries of these centres in these states.

    Returns the rows and the cursor of the next page, ``None`` if there is none.
    """
    order = (Event.state, Event.centre_id, Event.created_at, Event.id)
    query = _select_deliveries(centres).add_columns(Event.centre_id)
    query = query.where(Event.state.in_(states))
    if after is not None:
        position = [literal(part, column.type) for part, column in zip(after, order, strict=True)]
        query = query.where(tuple_(*order) > tuple_(*position))
    rows = tx.execute(query.order_by(*order).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    next_cursor = PageCursor(last.state, last.centre_id, last.created_at, last.id) if last is not None else None
    return [_to_delivery(row) for row in rows[:limit]], next_cursor


def find_delivery(tx: Session, event_id: uuid.UUID, centres: Collection[str]) -> DeliveryRow | None:
    """Find the delivery of an event, if the event is of one of the centres."""
    row = tx.execute(_select_deliveries(centres).where(Event.id == event_id)).one_or_none()
    return _to_delivery(row) if row else None


def count_deliveries(tx: Session, centres: Collection[str] | None = None) -> DeliveryTotals:
    """Count the events of these centres (``None``: of all) in each state."""
    condition: ColumnElement[bool] = literal(True) if centres is None else Centre.code.in_(centres)
    pending, pending_numbered = _count_events(tx, "pending", condition)
    dead, dead_numbered = _count_events(tx, "dead", condition)
    # Each number belongs to one event, so the delivered events follow from the numbers; counting them would be slow.
    numbers_given = select(func.coalesce(func.sum(EventSequence.last_sequence), 0)).join(
        Centre, Centre.id == EventSequence.centre_id
    )
    delivered = int(tx.scalar(numbers_given.where(condition)) or 0) - pending_numbered - dead_numbered
    waits_since = _find_oldest_pending(tx, condition) if pending else None
    overdue = count_overdue(tx, condition) if pending or dead else 0
    return DeliveryTotals(pending, _seconds_since(waits_since), dead, delivered, overdue)


def count_overdue(tx: Session, condition: ColumnElement[bool] | None = None) -> int:
    """Count the events that the receiver has not taken in ``CONTENT_KEPT_FOR``, of centres that meet the condition."""
    query = select(func.count()).select_from(Event).join(Centre, Centre.id == Event.centre_id)
    is_overdue = (Event.state.in_(UNFINISHED_STATES), Event.created_at < clock.now() - CONTENT_KEPT_FOR)
    return tx.scalar(query.where(*is_overdue, *([] if condition is None else [condition]))) or 0


def _find_oldest_pending(tx: Session, condition: ColumnElement[bool]) -> datetime | None:
    """Return since when the oldest pending event has waited, or a later instant of the same hour.

    The date of an event that was not tried yet is exact, but that of an answer must not be told: its hour counts from
    its end, and so does that of events that were tried.
    """
    # Each of these subqueries reads one row by an index, however many events wait.
    of_centre = Event.centre_id == Centre.id
    oldest = select(Event.created_at).where(of_centre, Event.state == "pending").order_by(Event.created_at, Event.id)
    first_due, first_due_type = (
        select(column).where(of_centre, Event.due_at.is_not(None)).order_by(Event.due_at, Event.type)
        for column in (Event.due_at, Event.type)
    )
    columns = [query.limit(1).correlate(Centre).scalar_subquery() for query in (oldest, first_due, first_due_type)]
    since: list[datetime] = []
    for created_at, due_at, event_type in tx.execute(select(*columns).select_from(Centre).where(condition)):
        since += [] if created_at is None else [created_at + HOUR]
        since += [] if due_at is None or event_type in ANSWER_TYPES else [due_at]
    return min(since, default=None)


def is_channel_failing(tx: Session) -> bool:
    """Whether the receiver takes nothing, with or without an answer. ``Circuit.is_paused`` means something else."""
    query = select(ReceiverChannel.name).where(ReceiverChannel.failing_since.is_not(None)).limit(1)
    return tx.scalar(query) is not None


def _select_deliveries(centres: Collection[str]) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).join(Centre, Centre.id == Event.centre_id).where(Centre.code.in_(centres))


def _to_delivery(row: Row[Any]) -> DeliveryRow:
    return DeliveryRow(*row[: len(_COLUMNS)])


def _count_events(tx: Session, state: str, condition: ColumnElement[bool]) -> tuple[int, int]:
    """Count the events in a state, and how many of them have a number."""
    query = select(func.count(), func.count(Event.sequence)).select_from(Event)
    query = query.join(Centre, Centre.id == Event.centre_id).where(Event.state == state, condition)
    events, numbered = tx.execute(query).one()
    return events, numbered


def _seconds_since(since: datetime | None) -> int | None:
    return max(0, int((clock.now() - since).total_seconds())) if since is not None else None
