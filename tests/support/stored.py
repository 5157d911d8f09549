"""Reads rows of the tables as plain values."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.database import Base, reading
from feedback_service.delivery import contents
from feedback_service.models import Comment, Event, Response


@reading
def read_rows(tx: Session, model: type[Base], *conditions: Any) -> list[Any]:
    """Return all rows of a table that fulfil the conditions, detached."""
    instances = list(tx.scalars(select(model).where(*conditions)))
    tx.expunge_all()
    return instances


def read_answers() -> set[tuple[str, str]]:
    """Return every stored pair of question and value."""
    answer_items = [item for response in read_rows(Response) for item in response.answers.items()]
    return {(question, value) for question, values in answer_items for value in values}


def read_comments() -> list[str]:
    """Return every stored comment."""
    return [comment.text for comment in read_rows(Comment)]


class OpenedEvent(NamedTuple):
    """An event of the outbox, and what it tells; the latter is ``None`` once the event is blank."""

    row: Event
    subject: str | None
    time: datetime | None
    data: dict[str, Any] | None


def read_events(*conditions: Any) -> list[OpenedEvent]:
    """Return the events that fulfil the conditions, opened: by their numbers, then in the order of their causes."""
    rows = read_rows(Event, *conditions)
    rows.sort(key=lambda row: (row.sequence is None, row.sequence or 0, row.due_at or row.created_at, row.type))
    return [open_event(row) for row in rows]


def open_event(row: Event) -> OpenedEvent:
    """Open what an event tells."""
    if row.content is not None:
        content = contents.open_content(row.id, row.content)
        assert content is not None
        return OpenedEvent(row, content.subject, content.time, dict(content.data))
    if row.body is None:
        return OpenedEvent(row, None, None, None)
    body = contents.open_body(row.id, row.body)
    assert body is not None
    document = json.loads(body)
    return OpenedEvent(row, document["subject"], datetime.fromisoformat(document["time"]), document["data"])


def read_event_data(event_type: str) -> list[dict[str, Any]]:
    """Return the data of every event of that type that is not blank, oldest first."""
    return [event.data for event in read_events(Event.type == event_type) if event.data is not None]
