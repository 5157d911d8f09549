"""What a test may look up in the tables, as plain values."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.database import Base, reading
from feedback_service.models import Comment, Event, Response


@reading
def rows(tx: Session, table: type[Base], *conditions: Any) -> list[Any]:
    """All rows of a table that fulfil the conditions, detached."""
    found = list(tx.scalars(select(table).where(*conditions)))
    tx.expunge_all()
    return found


def answers() -> set[tuple[str, str]]:
    """Every (question, value) that is stored."""
    chosen = [each for response in rows(Response) for each in response.answers.items()]
    return {(question, value) for question, values in chosen for value in values}


def comments() -> list[str]:
    """Every comment that is stored."""
    return [comment.text for comment in rows(Comment)]


def events(type: str) -> list[dict[str, Any]]:
    """The data of every event of that type, oldest first."""
    found = sorted(rows(Event, Event.type == type), key=lambda event: event.id)
    return [event.data for event in found]
