"""The outbox: events are stored in the transaction that causes them, and wait there for the relay."""

import uuid
from datetime import datetime

from sqlalchemy import Connection, insert
from uuid_utils.compat import uuid7

from feedback_service.database import execute_write, table_of
from feedback_service.delivery.events import NewEvent
from feedback_service.models import Event

_INSERT_EVENT = insert(table_of(Event))


def enqueue_events(connection: Connection, centre_id: uuid.UUID, new_events: list[NewEvent], *, now: datetime) -> None:
    """Store new events. They exist only if the caller's transaction commits; the relay sends them later."""
    rows = [
        {
            "centre_id": centre_id,
            "id": uuid7(),
            "type": new_event.type,
            "subject": new_event.subject,
            "time": new_event.time,
            "data": new_event.data,
            "created_at": now,
            "state": "pending",
            "due_at": now,
            "attempts": 0,
            "setbacks": 0,
        }
        for new_event in new_events
    ]
    if len(rows) == 1:
        execute_write(connection, _INSERT_EVENT, rows[0])
    elif rows:
        connection.execute(_INSERT_EVENT, rows)
