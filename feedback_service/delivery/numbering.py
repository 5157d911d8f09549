"""A centre's line of events: who is at it, and which number and body each event has for ever."""

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
    """The centre's line, ours until the transaction ends; ``None`` if somebody else's."""
    query = select(EventSequence).where(EventSequence.centre_id == centre_id)
    sequence = tx.scalar(query.with_for_update(skip_locked=True))
    if sequence is None and tx.scalar(select(func.count()).select_from(query.subquery())) == 0:
        sequence = EventSequence(centre_id=centre_id, last_sequence=0, claimed_at=now)
        tx.add(sequence)
        tx.flush()  # the unique promise decides who was first
    return sequence


def lock_due_events(
    tx: Session,
    centre_id: uuid.UUID,
    until: datetime,
    limit: int,
    after: tuple[datetime, uuid.UUID] | None = None,
) -> Sequence[Row[Any]]:
    """The centre's events that are due and in nobody's hands, longest due first; ``after`` that date and id."""
    if tx.get_bind().dialect.name == "postgresql":
        # Statistics know nothing of a sudden backlog: taking it for short, the planner would read and sort all of it.
        tx.execute(text("SET LOCAL enable_sort = off"))
    columns = (
        *(Event.id, Event.type, Event.subject, Event.time, Event.data),
        *(Event.sequence, Event.body, Event.setbacks, Event.due_at),
    )
    query = select(*columns).where(Event.centre_id == centre_id, Event.due_at <= until)
    if after is not None:
        position = tuple_(literal(after[0], Event.due_at.type), literal(after[1], Event.id.type))
        query = query.where(tuple_(Event.due_at, Event.id) > position)
    return tx.execute(
        query.order_by(Event.due_at, Event.id).limit(limit).with_for_update(skip_locked=True)
    ).all()


def number_events(
    rows: Iterable[Row[Any]], centre: Centre, event_sequence: EventSequence, public_url: str
) -> list[dict[str, Any]]:
    """Number the events in the order in which they happened, and write each as it will travel for ever.

    The rows are some that were ``lock_due_events``, without those that have a body already.
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
    """What ``number_events`` made (and whatever was added to each) is in the table."""
    if numbered:
        statement = update(Event).where(Event.centre_id == centre_id, Event.id == bindparam("event"))
        values: dict[str, Any] = {name: bindparam(name) for name in numbered[0] if name != "event"}
        tx.connection().execute(statement.values(values), numbered)
