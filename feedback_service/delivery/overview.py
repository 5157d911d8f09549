"""What operators may know of deliveries: how many wait, which failed and why; never subject or data."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import reading
from feedback_service.models import Centre, Channel, Event, Queue

UNFINISHED = ("dead", "pending")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How it goes with one event."""

    id: uuid.UUID
    type: str
    centre: str
    state: str
    attempts: int
    created_at: datetime
    last_attempt_at: datetime | None
    reason: str | None


class Place(NamedTuple):
    """Where in the list of deliveries one is: by state, then centre by centre, oldest first."""

    state: str
    centre_id: uuid.UUID
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Sums:
    """How many events are in which state, and for how many seconds the oldest of those that wait has waited."""

    pending: int
    oldest_pending_seconds: int | None
    dead: int
    delivered: int


_COLUMNS = (
    *(Event.id, Event.type, Centre.code, Event.state, Event.attempts),
    *(Event.created_at, Event.last_attempt_at, Event.reason),
)


@reading
def page(
    tx: Session, centres: Collection[str], states: Collection[str], after: Place | None, limit: int
) -> tuple[list[Delivery], Place | None]:
    """The next deliveries of these centres in these states, and where they end.

    The place is ``None`` when there are no more.
    """
    where = tuple_(Event.state, Event.centre_id, Event.id)
    found = _deliveries(centres).add_columns(Event.centre_id)
    found = found.where(Event.state.in_(states))
    if after is not None:
        found = found.where(where > tuple_(*(literal(part) for part in after)))
    rows = tx.execute(found.order_by(Event.state, Event.centre_id, Event.id).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    end = Place(last.state, last.centre_id, last.id) if last is not None else None
    return [_delivery(row) for row in rows[:limit]], end


def find(tx: Session, event_id: uuid.UUID, centres: Collection[str]) -> Delivery | None:
    """How it goes with this event of one of the centres."""
    row = tx.execute(_deliveries(centres).where(Event.id == event_id)).one_or_none()
    return _delivery(row) if row else None


@reading
def sums(tx: Session, centres: Collection[str] | None = None) -> Sums:
    """How many events of these centres (of all if none are named) are in which state."""
    of_these: ColumnElement[bool] = literal(True) if centres is None else Centre.code.in_(centres)
    pending, numbered = _count(tx, "pending", of_these)
    dead, _ = _count(tx, "dead", of_these)
    # Every number was given to one event, so what was delivered need not be counted through all history.
    given = select(func.coalesce(func.sum(Queue.last_sequence), 0)).join(Centre, Centre.id == Queue.centre_id)
    delivered = int(tx.scalar(given.where(of_these)) or 0) - numbered - dead
    first = select(Event.created_at).where(Event.centre_id == Centre.id, Event.state == "pending")
    oldest = select(func.min(first.order_by(Event.id).limit(1).correlate(Centre).scalar_subquery()))
    since = tx.scalar(oldest.select_from(Centre).where(of_these))
    return Sums(pending, _seconds(since), dead, delivered)


@reading
def channel_paused(tx: Session) -> bool:
    """Whether delivery fails just now."""
    return tx.scalar(select(Channel.name).where(Channel.failing_since.is_not(None)).limit(1)) is not None


def _deliveries(centres: Collection[str]) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).join(Centre, Centre.id == Event.centre_id).where(Centre.code.in_(centres))


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(*row[: len(_COLUMNS)])


def _count(tx: Session, state: str, of_these: ColumnElement[bool]) -> tuple[int, int]:
    """How many events are in that state, and how many of these have a number."""
    counted = select(func.count(), func.count(Event.sequence)).select_from(Event)
    counted = counted.join(Centre, Centre.id == Event.centre_id).where(Event.state == state, of_these)
    events, numbered = tx.execute(counted).one()
    return events, numbered


def _seconds(since: datetime | None) -> int | None:
    return max(0, int((clock.now() - since).total_seconds())) if since is not None else None
