"""Events for the central monitoring system, each written in the transaction that it reports."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Id, Word, check_one_of
from feedback_service.vocabulary import EVENT_STATES

LONGEST_REASON = 200  # characters

IS_DUE, HAS_BODY = text("due_at IS NOT NULL"), text("body IS NOT NULL")


class Event(Base):
    """An event that the relay must deliver; it exists exactly when the change that it reports was committed.

    ``data`` is the content until a relay first claims the event. The claim replaces it by ``sequence``, ``body``
    (the bytes that are sent, the same at every attempt) and ``digest`` (SHA-256 of the body). A relay may claim a
    pending event from ``due_at``; the claim postpones ``due_at``, so that another relay takes over from one that
    died. No query looks for an event without ``due_at``.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("centre_id", "sequence"),
        Index(None, "state", "centre_id", "id"),
        # For the relay and for the purge of bodies: as long as the backlog and one month, not as the history.
        Index(None, "centre_id", "due_at", "id", sqlite_where=IS_DUE, postgresql_where=IS_DUE),
        Index(None, "delivered_at", sqlite_where=HAS_BODY, postgresql_where=HAS_BODY),
        check_one_of("state", EVENT_STATES),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="due_while_pending"),
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]
    type: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime]  # of an answer: the whole hour
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    state: Mapped[Word] = mapped_column(default="pending")
    due_at: Mapped[datetime | None]
    claim: Mapped[uuid.UUID | None]  # the relay that owns it until due_at
    sequence: Mapped[int | None] = mapped_column(BigInteger)  # the first claim gives it
    body: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[bytes | None]
    attempts: Mapped[int] = mapped_column(default=0)
    setbacks: Mapped[int] = mapped_column(default=0)  # attempts that may have failed because of this event
    last_attempt_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))  # why it is dead or still waits


class EventSequence(Base):
    """The last sequence number of a centre's events, and when a relay last claimed its events."""

    __tablename__ = "queues"

    centre_id: Mapped[CentreId]
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    claimed_at: Mapped[datetime]


class ReceiverChannel(Base):
    """A receiver that fails: since when, and when to try again. A receiver that works needs no row."""

    __tablename__ = "channels"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    batch: Mapped[int]  # events that go in one request
    failing_since: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
