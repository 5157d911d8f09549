"""Cases with their history, invitations to rate them, draft answers, and wrong short codes."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Edrpou, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES, STATUSES, WORKPLACE_KINDS


class Case(Base):
    """One applicant's case; of its number only a keyed hash is stored."""

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
    repository_id: Mapped[uuid.UUID | None]  # of the ordered service in the repository of the State


class CaseStatus(Base):
    """A status that the case had at an instant; case systems may report statuses in any order."""

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
    """The right to rate a case once. The row says whether and on which day it was used, never the answers."""

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
    key_id: Mapped[str] = mapped_column(String(8))  # of TOKEN_KEYS: derives token and short code
    token_hash: Mapped[Fingerprint]
    short_code_hash: Mapped[Fingerprint]
    questionnaire: Mapped[str] = mapped_column(String(64))  # the version in force on the day of issue
    issued_on: Mapped[date]
    last_day: Mapped[date]  # in Kyiv, included
    cancelled: Mapped[bool] = mapped_column(default=False)
    opened: Mapped[bool] = mapped_column(default=False)
    started: Mapped[bool] = mapped_column(default=False)
    answered_on: Mapped[date | None]
    client_hash: Mapped[Fingerprint | None]  # of the client id that answered, to recognise its repeat
    left_begun: Mapped[bool] = mapped_column(default=False)  # the answer was an abandoned draft


class DraftAnswer(Base):
    """What a person has chosen so far; the final answer deletes the row. Tables and columns say "begun" for "draft"."""

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
    client_id: Mapped[uuid.UUID]  # the first client
    answers: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Answers of other clients: question id to the keyed hash of the client id, in hex.
    owners: Mapped[dict[str, str]] = mapped_column(JSON, server_default="{}")
    language: Mapped[Word]
    source: Mapped[Word]
    begun_at: Mapped[datetime]
    touched_at: Mapped[datetime]


class ShortCodeGuesses(Base):
    """Wrong short codes typed with a centre's prefix in the current window; counted by centre, never by person."""

    __tablename__ = "code_guesses"

    centre_id: Mapped[CentreId]
    window_began_at: Mapped[datetime]
    wrong: Mapped[int]
