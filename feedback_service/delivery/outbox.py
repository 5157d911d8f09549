"""Events wait here for the relay, written in the transaction that made them true."""

import uuid
from datetime import datetime

from sqlalchemy import Connection, insert
from uuid_utils.compat import uuid7

from feedback_service.database import table, write
from feedback_service.delivery.events import Telling
from feedback_service.models import Event

_EVENT = insert(table(Event))


def put(connection: Connection, centre_id: uuid.UUID, tellings: list[Telling], *, at: datetime) -> None:
    """Promise these events. They exist exactly when the caller's transaction does."""
    rows = [
        {
            "centre_id": centre_id,
            "id": uuid7(),
            "type": telling.type,
            "subject": telling.subject,
            "time": telling.time,
            "data": telling.data,
            "created_at": at,
            "state": "pending",
            "due_at": at,
            "attempts": 0,
            "setbacks": 0,
        }
        for telling in tellings
    ]
    if len(rows) == 1:
        write(connection, _EVENT, rows[0])
    elif rows:
        connection.execute(_EVENT, rows)
