"""What was done for people: cases with their history, the invitation to rate, and an answer begun on it."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Edrpou, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES, STATUSES, WORKPLACE_KINDS


class Case(Base):
    """One applicant's case; its number exists here only as a keyed hash."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("number_hash", "centre_id"),
        ForeignKeyConstraint(["centre_id", "service_id"], ["services.centre_id", "services.id"]),
        check_one_of("front_office", FRONT_OFFICES),
        check_one_of("status", STATUSES),
        check_one_of("workplace_kind", WORKPLACE_KINDS),
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]
    number_hash: Mapped[Fingerprint]
    service_id: Mapped[uuid.UUID]
    provider_edrpou: Mapped[Edrpou | None]
    front_office: Mapped[Word]
    workplace: Mapped[str | None] = mapped_column(String(64))
    workplace_kind: Mapped[Word | None]
    status: Mapped[Word]
    status_at: Mapped[datetime]
    registered_at: Mapped[datetime | None]
    repository_id: Mapped[uuid.UUID | None]  # the ordered service in the State's own repository


class CaseStatus(Base):
    """A status that the case had at an instant, in whatever order we were told."""

    __tablename__ = "case_statuses"
    __table_args__ = (
        ForeignKeyConstraint(["centre_id", "case_id"], ["cases.centre_id", "cases.id"], ondelete="CASCADE"),
        check_one_of("status", STATUSES),
    )

    centre_id: Mapped[CentreId]
    case_id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(String(32), primary_key=True)


class Invitation(Base):
    """The one chance to rate a case. It knows that it was answered and on which day, never what was said."""

    __tablename__ = "invitations"
    __table_args__ = (
        ForeignKeyConstraint(["centre_id", "case_id"], ["cases.centre_id", "cases.id"], ondelete="CASCADE"),
        UniqueConstraint("case_id", "centre_id"),
        UniqueConstraint("token_hash"),
        UniqueConstraint("short_code_hash", "centre_id"),
        CheckConstraint("(answered_on IS NULL) = (client_hash IS NULL)", name="answered_by_somebody"),
        CheckConstraint("started OR answered_on IS NULL", name="started_before_answered"),
        Index(None, "centre_id", "issued_on"),
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]
    case_id: Mapped[uuid.UUID]
    key_id: Mapped[str] = mapped_column(String(8))  # which of TOKEN_KEYS its token and short code come from
    token_hash: Mapped[Fingerprint]
    short_code_hash: Mapped[Fingerprint]
    questionnaire: Mapped[str] = mapped_column(String(64))  # the version pinned when it was issued
    issued_on: Mapped[date]
    last_day: Mapped[date]  # in Kyiv, inclusive
    cancelled: Mapped[bool] = mapped_column(default=False)
    opened: Mapped[bool] = mapped_column(default=False)
    started: Mapped[bool] = mapped_column(default=False)
    answered_on: Mapped[date | None]
    client_hash: Mapped[Fingerprint | None]  # of the client id that answered, so that its repeat is known
    left_begun: Mapped[bool] = mapped_column(default=False)  # nobody pressed "send": PARTIAL_MINUTES did


class DraftAnswer(Base):
    """Taps kept before the answer is final; the row is gone when it is."""

    __tablename__ = "begun_answers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["centre_id", "invitation_id"], ["invitations.centre_id", "invitations.id"], ondelete="CASCADE"
        ),
        Index(None, "touched_at"),
        check_one_of("source", SOURCES),
    )

    centre_id: Mapped[CentreId]
    invitation_id: Mapped[Id]
    client_id: Mapped[uuid.UUID]
    answers: Mapped[dict[str, Any]] = mapped_column(JSON)
    language: Mapped[Word]
    source: Mapped[Word]
    begun_at: Mapped[datetime]
    touched_at: Mapped[datetime]
