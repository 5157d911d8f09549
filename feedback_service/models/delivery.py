"""What the central monitoring system is to be told, written in the transaction that made it true."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.db import Base
from feedback_service.models.columns import EVENT_STATES, CentreId, Id, Word, one_of


class Event(Base):
    """A promise to tell: it exists exactly when what it tells was committed, and waits for the relay."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("centre_id", "sequence"),
        Index(None, "state", "created_at"),
        one_of("state", EVENT_STATES),
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]
    type: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime]  # an answer's is whole hours
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    state: Mapped[Word] = mapped_column(default="pending")
    sequence: Mapped[int | None] = mapped_column(BigInteger)  # given by the relay at its first claim
