"""Numbering of a centre's events: each gets its number and its body once, when it is first claimed."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, literal, select, text, tuple_, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from feedback_service.delivery import events
from feedback_service.models import Centre, Event, EventSequence


def lock_sequence(tx: Session, centre_id: uuid.UUID, now: datetime) -> EventSequence | None:
    """Lock the centre's numbering until the transaction ends; ``None`` if another transaction holds the lock."""
    query = select(EventSequence).where(EventSequence.centre_id == centre_id)
    sequence = tx.scalar(query.with_for_update(skip_locked=True))
    if sequence is None and tx.scalar(select(func.count()).select_from(query.subquery())) == 0:
        sequence = EventSequence(centre_id=centre_id, last_sequence=0, claimed_at=now)
        tx.add(sequence)
        tx.flush()  # of two that add the row at once, one fails by the primary key
    return sequence


def lock_due_events(
    tx: Session,
    centre_id: uuid.UUID,
    until: datetime,
    limit: int,
    after: tuple[datetime, uuid.UUID] | None = None,
) -> Sequence[Row[Any]]:
    """Lock the centre's events that are due by ``until`` and not locked by others, the longest due first.

    ``after`` is a due date and an id: only events behind these are locked.
    """
    if tx.get_bind().dialect.name == "postgresql":
        # The statistics lag behind a sudden backlog: the planner would take it for short, and read and sort all of it.
        tx.execute(text("SET LOCAL enable_sort = off"))
    columns = (
        *(Event.id, Event.type, Event.subject, Event.time, Event.data),
        *(Event.sequence, Event.body, Event.setbacks, Event.due_at),
    )
    query = select(*columns).where(Event.centre_id == centre_id, Event.due_at <= until)
    if after is not None:
        position = tuple_(literal(after[0], Event.due_at.type), literal(after[1], Event.id.type))
        query = query.where(tuple_(Event.due_at, Event.id) > position)
    return tx.execute(query.order_by(Event.due_at, Event.id).limit(limit).with_for_update(skip_locked=True)).all()


def number_events(
    rows: Iterable[Row[Any]], centre: Centre, event_sequence: EventSequence, public_url: str
) -> list[dict[str, Any]]:
    """Number events in the order in which they happened, and build their bodies, which never change afterwards.

    The rows come from ``lock_due_events``; those that have a body already are left out by the caller.
    """
    numbered = []
    for row in sorted(rows, key=lambda row: row.id):
        sequence = row.sequence
        if sequence is None:
            sequence = event_sequence.last_sequence = event_sequence.last_sequence + 1
        body = events.build_body(
            id=str(row.id),
            centre=centre.code,
            type=row.type,
            subject=row.subject,
            time=row.time,
            sequence=sequence,
            data=row.data,
            public_url=public_url,
        )
        digest = hashlib.sha256(body.encode()).digest()
        numbered.append({"event": row.id, "sequence": sequence, "body": body, "digest": digest, "data": None})
    return numbered


def store_numbered(tx: Session, centre_id: uuid.UUID, numbered: list[dict[str, Any]]) -> None:
    """Store the values that ``number_events`` returned, and any that the caller added to them."""
    if numbered:
        statement = update(Event).where(Event.centre_id == centre_id, Event.id == bindparam("event"))
        values: dict[str, Any] = {name: bindparam(name) for name in numbered[0] if name != "event"}
        tx.connection().execute(statement.values(values), numbered)
