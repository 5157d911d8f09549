"""What the central monitoring system is to be told, written in the transaction that made it true."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Id, Word, check_one_of
from feedback_service.vocabulary import EVENT_STATES

LONGEST_REASON = 200  # characters of it that are kept

IS_DUE, HAS_BODY = text("due_at IS NOT NULL"), text("body IS NOT NULL")


class Event(Base):
    """A promise to tell: it exists exactly when what it tells was committed, and waits for the relay.

    ``data`` is what to tell until a relay first claims the event; then ``sequence``, ``body`` (exactly what
    travels, for ever the same) and ``digest`` (its SHA-256) are set instead. A pending event may be claimed
    from ``due_at``; a claim puts that off, so that a relay that dies gives back what it held. Nobody looks
    for an event without ``due_at``.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("centre_id", "sequence"),
        Index(None, "state", "centre_id", "id"),
        # What a relay looks for, and what is to be blanked: as long as the backlog and a month, not as history.
        Index(None, "centre_id", "due_at", "id", sqlite_where=IS_DUE, postgresql_where=IS_DUE),
        Index(None, "delivered_at", sqlite_where=HAS_BODY, postgresql_where=HAS_BODY),
        check_one_of("state", EVENT_STATES),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="due_while_pending"),
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]
    type: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime]  # an answer's is whole hours
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    state: Mapped[Word] = mapped_column(default="pending")
    due_at: Mapped[datetime | None]
    claim: Mapped[uuid.UUID | None]  # whose it is until due_at
    sequence: Mapped[int | None] = mapped_column(BigInteger)  # given by the relay at its first claim
    body: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[bytes | None]
    attempts: Mapped[int] = mapped_column(default=0)
    setbacks: Mapped[int] = mapped_column(default=0)  # attempts that may have failed because of this event
    last_attempt_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))  # why it is dead, or still waits


class EventSequence(Base):
    """A centre's line of events: the last number given, and when its turn was."""

    __tablename__ = "queues"

    centre_id: Mapped[CentreId]
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    claimed_at: Mapped[datetime]


class ReceiverChannel(Base):
    """The way to a receiver, while it is not simply open: since when it fails, and when to try again."""

    __tablename__ = "channels"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    batch: Mapped[int]  # events that go in one request
    failing_since: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
