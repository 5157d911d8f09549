"""Events wait here for the relay, written in the transaction that made them true."""

import uuid
from datetime import datetime

from uuid_utils.compat import uuid7

from feedback_service.database import table
from feedback_service.delivery.events import Telling
from feedback_service.links import Tx
from feedback_service.models import Event
from feedback_service.statements import Ready

_FACTS = ("centre_id", "id", "type", "subject", "time", "data", "created_at", "state", "due_at")
_EVENT = Ready.insert(table(Event), *_FACTS, "attempts", "setbacks")


def put(tx: Tx, centre_id: uuid.UUID, tellings: list[Telling], *, at: datetime) -> None:
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
        _EVENT.run(tx, rows[0])
    elif rows:
        _EVENT.run_all(tx, rows)
