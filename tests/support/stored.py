"""Reads rows of the tables as plain values."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.database import Base, reading
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


def read_event_data(event_type: str) -> list[dict[str, Any]]:
    """Return the data of every event of that type, oldest first."""
    matching_events = sorted(read_rows(Event, Event.type == event_type), key=lambda event: event.id)
    return [event.data for event in matching_events]
