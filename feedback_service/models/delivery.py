"""Events for the central monitoring system, each written in the transaction that it reports."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import EVENT_STATES

LONGEST_REASON = 200  # characters

IS_DUE, HAS_BODY = text("due_at IS NOT NULL"), text("body IS NOT NULL")
IS_OF_ANSWER = text("response_hash IS NOT NULL")


class Event(Base):
    """An event that the relay must deliver; it exists exactly when the change that it reports was committed.

    ``content`` is what it tells until a relay first claims it. The claim replaces it by ``sequence``, ``body`` (the
    bytes that are sent, the same at every attempt) and ``digest``, a keyed hash of the body. Content and body are
    sealed, see ``delivery.contents``. A relay may claim a pending event from ``due_at``; the claim postpones
    ``due_at``, so that another relay takes over from one that died. No query looks for an event without ``due_at``.

    In clear an event tells neither its case nor its minute: ids are random, instants but ``due_at`` are whole hours,
    and on SQLite rows stand in the order of their ids.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("centre_id", "sequence"),
        Index(None, "state", "centre_id", "created_at", "id"),
        # For the relay, for the purge of bodies and for withdrawals: as long as what waits and one month.
        Index(None, "centre_id", "due_at", "id", sqlite_where=IS_DUE, postgresql_where=IS_DUE),
        Index(None, "delivered_at", sqlite_where=HAS_BODY, postgresql_where=HAS_BODY),
        Index(None, "response_hash", sqlite_where=IS_OF_ANSWER, postgresql_where=IS_OF_ANSWER),
        check_one_of("state", EVENT_STATES),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="due_while_pending"),
        {"sqlite_with_rowid": False},
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]  # random (v4)
    type: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]  # the whole hour
    state: Mapped[Word] = mapped_column(default="pending")
    due_at: Mapped[datetime | None]
    claim: Mapped[uuid.UUID | None]  # the relay that owns it until due_at
    sequence: Mapped[int | None] = mapped_column(BigInteger)  # the first claim gives it
    content: Mapped[bytes | None]
    body: Mapped[bytes | None]
    digest: Mapped[Fingerprint | None]
    response_hash: Mapped[Fingerprint | None]  # of an answer: a keyed hash of its id, until the event is blanked
    withdrawn: Mapped[bool] = mapped_column(default=False)  # its answer was: the delivery blanks it
    attempts: Mapped[int] = mapped_column(default=0)
    setbacks: Mapped[int] = mapped_column(default=0)  # attempts that may have failed because of this event
    last_attempt_at: Mapped[datetime | None]  # the whole hour
    delivered_at: Mapped[datetime | None]  # the whole hour
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))  # why it is dead or still waits


class EventSequence(Base):
    """The last sequence number of a centre's events, and its place in the order of service.

    ``served`` grows with each claim of any centre. It is no instant, because that would be the last answer's.
    """

    __tablename__ = "queues"

    centre_id: Mapped[CentreId]
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    served: Mapped[int] = mapped_column(BigInteger, default=0)


class ReceiverChannel(Base):
    """A receiver that fails: since when, when it was tried, when to try again. One that works needs no row."""

    __tablename__ = "channels"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    batch: Mapped[int]  # events that go in one request
    failing_since: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
