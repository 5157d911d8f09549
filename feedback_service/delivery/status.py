"""The state of deliveries for operators: how many events wait, which failed and why; never subject or data."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.models import Centre, Event, EventSequence, ReceiverChannel

UNFINISHED_STATES = ("dead", "pending")


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
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class DeliveryTotals:
    """How many events are in each state, and for how many seconds the oldest pending one has waited."""

    pending: int
    oldest_pending_seconds: int | None
    dead: int
    delivered: int


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
    position = tuple_(Event.state, Event.centre_id, Event.id)
    query = _select_deliveries(centres).add_columns(Event.centre_id)
    query = query.where(Event.state.in_(states))
    if after is not None:
        query = query.where(position > tuple_(*(literal(part) for part in after)))
    rows = tx.execute(query.order_by(Event.state, Event.centre_id, Event.id).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    next_cursor = PageCursor(last.state, last.centre_id, last.id) if last is not None else None
    return [_to_delivery(row) for row in rows[:limit]], next_cursor


def find_delivery(tx: Session, event_id: uuid.UUID, centres: Collection[str]) -> DeliveryRow | None:
    """Find the delivery of an event, if the event is of one of the centres."""
    row = tx.execute(_select_deliveries(centres).where(Event.id == event_id)).one_or_none()
    return _to_delivery(row) if row else None


def count_deliveries(tx: Session, centres: Collection[str] | None = None) -> DeliveryTotals:
    """Count the events of these centres (``None``: of all) in each state."""
    condition: ColumnElement[bool] = literal(True) if centres is None else Centre.code.in_(centres)
    pending, numbered = _count_events(tx, "pending", condition)
    dead, _ = _count_events(tx, "dead", condition)
    # Each number belongs to one event, so the delivered events follow from the numbers; counting them would be slow.
    numbers_given = select(func.coalesce(func.sum(EventSequence.last_sequence), 0)).join(
        Centre, Centre.id == EventSequence.centre_id
    )
    delivered = int(tx.scalar(numbers_given.where(condition)) or 0) - numbered - dead
    first_pending = select(Event.created_at).where(Event.centre_id == Centre.id, Event.state == "pending")
    oldest_pending = select(func.min(first_pending.order_by(Event.id).limit(1).correlate(Centre).scalar_subquery()))
    since = tx.scalar(oldest_pending.select_from(Centre).where(condition))
    return DeliveryTotals(pending, _seconds_since(since), dead, delivered)


def is_channel_paused(tx: Session) -> bool:
    """Whether the channel to the receiver is failing."""
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
