"""The outbox: events are stored in the transaction that causes them, and wait there for the relay."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, insert, select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import execute_write, table_of
from feedback_service.delivery import contents
from feedback_service.delivery.contents import Content
from feedback_service.delivery.events import NewEvent, build_response_withdrawn
from feedback_service.models import Event

_INSERT_EVENT = insert(table_of(Event))
CONTENT_KEPT_FOR = timedelta(days=30)  # after delivery: nothing but an event's body links a case with a response
BLANK = {"content": None, "body": None, "response_hash": None}  # columns of an event whose content is deleted


def enqueue_events(connection: Connection, centre_id: uuid.UUID, new_events: list[NewEvent], *, now: datetime) -> None:
    """Store new events. They exist only if the caller's transaction commits; the relay sends them later.

    Ids are random, so only ``due_at`` keeps the order of the events until they get their numbers.
    """
    hour, last = clock.truncate_to_hour(now), len(new_events) - 1
    rows = []
    for position, new_event in enumerate(new_events):
        event_id = uuid.uuid4()
        content = Content(new_event.subject, new_event.time, new_event.data)
        rows.append(
            {
                "centre_id": centre_id,
                "id": event_id,
                "type": new_event.type,
                "content": contents.seal_content(event_id, content),
                "response_hash": contents.hash_response(new_event),
                "withdrawn": False,
                "created_at": hour,
                "state": "pending",
                "due_at": now - timedelta(microseconds=last - position),
                "attempts": 0,
                "setbacks": 0,
            }
        )
    if len(rows) == 1:
        execute_write(connection, _INSERT_EVENT, rows[0])
    elif rows:
        connection.execute(_INSERT_EVENT, rows)


def enqueue_withdrawal(tx: Session, centre_id: uuid.UUID, response_id: uuid.UUID, *, now: datetime) -> None:
    """Store the event that an answer was withdrawn, and delete what its own event says as far as that is possible.

    1. A delivered event is blanked.
    2. An event without a number loses the answers; it still travels, so that the withdrawal refers to something.
    3. An event with a number must travel as it is, because a request may be under way; its delivery blanks it.
    """
    query = select(Event).where(Event.response_hash.in_(contents.possible_response_hashes(response_id)))
    for event in tx.scalars(query.where(Event.centre_id == centre_id).with_for_update()):
        event.withdrawn = True
        if event.state == "delivered":
            event.content = event.body = event.response_hash = None
        elif event.content is not None:
            content = contents.open_content(event.id, event.content)
            # Without its key nobody can read it, and it cannot be sent: then it waits as it is.
            if content is not None:
                event.content = contents.seal_content(event.id, content.without_answers())
    tx.flush()
    withdrawal = build_response_withdrawn(str(response_id), clock.truncate_to_hour(now))
    enqueue_events(tx.connection(), centre_id, [withdrawal], now=now)


def mark_delivered(
    tx: Session,
    centre_id: uuid.UUID,
    event_ids: Collection[uuid.UUID],
    condition: ColumnElement[bool],
    *,
    now: datetime,
) -> None:
    """Mark those of the events that meet the condition as delivered.

    Of all these events, those are blanked that are delivered and whose answer was withdrawn meanwhile.
    Their dates are whole hours: a finer instant would tell that of an answer.
    """
    if not event_ids:
        return
    hour, events = clock.truncate_to_hour(now), (Event.centre_id == centre_id, Event.id.in_(event_ids))
    values = {
        **{"state": "delivered", "delivered_at": hour, "due_at": None, "claim": None, "reason": None},
        **{"attempts": Event.attempts + 1, "last_attempt_at": hour},
    }
    for statement in (
        update(Event).where(*events, condition).values(values),
        update(Event).where(*events, Event.withdrawn, Event.state == "delivered").values(BLANK),
    ):
        tx.execute(statement, execution_options={"synchronize_session": False})
