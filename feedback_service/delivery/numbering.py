"""Numbering of a centre's events: each gets its number and its body once, when it is first claimed."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, literal, select, text, tuple_, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.delivery import contents, events
from feedback_service.delivery.contents import Content
from feedback_service.logs import log
from feedback_service.models import Centre, Event, EventSequence

UNREADABLE_WAIT = timedelta(minutes=4)  # shorter than ``retry_policy.FAR_AHEAD``
NO_KEY = "its key is not among EVENT_KEYS"


def lock_sequence(tx: Session, centre_id: uuid.UUID) -> EventSequence | None:
    """Lock the centre's numbering until the transaction ends; ``None`` if another transaction holds the lock."""
    query = select(EventSequence).where(EventSequence.centre_id == centre_id)
    sequence = tx.scalar(query.with_for_update(skip_locked=True))
    if sequence is None and tx.scalar(select(func.count()).select_from(query.subquery())) == 0:
        sequence = EventSequence(centre_id=centre_id, last_sequence=0, served=0)
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
    columns: tuple[Any, ...] = (
        *(Event.id, Event.type, Event.content, Event.sequence),
        *(Event.body, Event.setbacks, Event.due_at),
    )
    query = select(*columns).where(Event.centre_id == centre_id, Event.due_at <= until)
    if after is not None:
        position = tuple_(literal(after[0], Event.due_at.type), literal(after[1], Event.id.type))
        query = query.where(tuple_(Event.due_at, Event.id) > position)
    return tx.execute(query.order_by(Event.due_at, Event.id).limit(limit).with_for_update(skip_locked=True)).all()


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event with its number and its body, ready to be sent; ``row`` comes from ``lock_due_events``."""

    row: Row[Any]
    sequence: int
    body: str


def number_events(
    tx: Session,
    rows: Iterable[Row[Any]],
    centre: Centre,
    event_sequence: EventSequence,
    public_url: str,
    new_values: Mapping[str, Any] | None = None,
) -> list[NumberedEvent]:
    """Return the events in the order of their numbers; new ones get their numbers and bodies here.

    1. Open each event; one whose key is missing is put off, and goes when the key is back.
    2. Number new events in the order in which they happened, and build their bodies, which never change afterwards.
    3. Store numbers and bodies, and ``new_values`` for each of the events.
    """
    numbered: list[NumberedEvent] = []
    new_rows: list[tuple[Row[Any], Content]] = []
    unreadable: list[uuid.UUID] = []
    for row in rows:
        if row.body is not None and (body := contents.open_body(row.id, row.body)) is not None:
            numbered.append(NumberedEvent(row, row.sequence, body))
        elif row.content is not None and (content := contents.open_content(row.id, row.content)) is not None:
            new_rows.append((row, content))
        else:
            unreadable.append(row.id)
    if numbered and new_values:
        _update_events(tx, centre.id, [event.row.id for event in numbered], new_values)
    if unreadable:
        put_off = {"due_at": clock.now() + UNREADABLE_WAIT, "reason": NO_KEY}
        _update_events(tx, centre.id, unreadable, put_off)
        log.critical("events cannot be opened: a key is missing in EVENT_KEYS", centre=centre.code, n=len(unreadable))
    # Where the instants are equal, the names of the types put a case before its answer and that before its withdrawal.
    new_rows.sort(key=lambda new: (new[0].due_at, new[0].type))
    new_events = [_number_event(row, content, centre, event_sequence, public_url) for row, content in new_rows]
    if new_events:
        statement = update(Event).where(Event.centre_id == centre.id, Event.id == bindparam("event"))
        stored = [_make_values(event) | dict(new_values or {}) for event in new_events]
        values: dict[str, Any] = {name: bindparam(name) for name in stored[0] if name != "event"}
        tx.connection().execute(statement.values(values), stored)
    return sorted([*numbered, *new_events], key=lambda event: event.sequence)


def _number_event(
    row: Row[Any], content: Content, centre: Centre, event_sequence: EventSequence, public_url: str
) -> NumberedEvent:
    sequence = row.sequence
    if sequence is None:
        sequence = event_sequence.last_sequence = event_sequence.last_sequence + 1
    body = events.build_body(
        id=str(row.id),
        centre=centre.code,
        type=row.type,
        subject=content.subject,
        time=content.time,
        sequence=sequence,
        data=content.data,
        public_url=public_url,
    )
    return NumberedEvent(row, sequence, body)


def _make_values(event: NumberedEvent) -> dict[str, Any]:
    return {
        "event": event.row.id,
        "sequence": event.sequence,
        "content": None,
        "body": contents.seal_body(event.row.id, event.body),
        "digest": contents.digest_body(event.body),
    }


def _update_events(tx: Session, centre_id: uuid.UUID, event_ids: list[uuid.UUID], values: Mapping[str, Any]) -> None:
    statement = update(Event).where(Event.centre_id == centre_id, Event.id.in_(event_ids))
    tx.execute(statement.values(values), execution_options={"synchronize_session": False})
