"""What people answered. Nothing here leads back to a case, an invitation, a device or an instant.

Where the database can do it (SQLite), rows stand in the order of their random keys, so that their place on disk does
not show in which order people answered.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import JSON, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Edrpou, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import FRONT_OFFICES, PARTS_OF_DAY, SIGNALS, SOURCES

IN_KEY_ORDER = {"sqlite_with_rowid": False}


class Response(Base):
    """One person's final answer, on a day in Kyiv; after a withdrawal, a dated row without answers."""

    __tablename__ = "responses"
    __table_args__ = (
        ForeignKeyConstraint(["centre_id", "service_id"], ["services.centre_id", "services.id"]),
        UniqueConstraint("receipt_hash"),
        UniqueConstraint("client_hash", "centre_id"),
        # Responses of a day, and how many are alike; the index alone answers both.
        Index(
            "ix_responses_of_day",
            *("centre_id", "answered_on", "front_office", "source", "service_id", "withdrawn_on"),
        ),
        Index(None, "provider_edrpou", "centre_id"),  # the centres that gave a provider's services
        check_one_of("front_office", FRONT_OFFICES),
        check_one_of("source", SOURCES),
        check_one_of("part_of_day", PARTS_OF_DAY),
        IN_KEY_ORDER,
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]  # derived from a secret; looks random (v4), so its order tells no time
    questionnaire: Mapped[str] = mapped_column(String(64))
    front_office: Mapped[Word]
    source: Mapped[Word]
    service_id: Mapped[uuid.UUID | None]
    provider_edrpou: Mapped[Edrpou | None]
    workplace: Mapped[str | None] = mapped_column(String(64))
    answered_on: Mapped[date]
    part_of_day: Mapped[Word | None]  # unknown for answers that staff typed in
    language: Mapped[Word]
    receipt_hash: Mapped[Fingerprint | None]
    client_hash: Mapped[Fingerprint | None]  # of answers by the poster, by staff and from tablets
    withdrawn_on: Mapped[date | None]
    # The values chosen for each question, mostly one; empty after a withdrawal.
    answers: Mapped[Mapping[str, Sequence[str]]] = mapped_column(JSON, server_default="{}")


class Comment(Base):
    """A comment, masked before it is stored; the raw text is never stored.

    It repeats columns of its response, so that a search reads one table, by day and within a day in random order.
    With a look at each response a search took ten times as long (300,000 answers).
    """

    __tablename__ = "comments"
    __table_args__ = (
        ForeignKeyConstraint(["centre_id", "response_id"], ["responses.centre_id", "responses.id"]),
        UniqueConstraint("response_id", "centre_id"),
        IN_KEY_ORDER,
    )

    centre_id: Mapped[CentreId]
    answered_on: Mapped[date] = mapped_column(primary_key=True)
    response_id: Mapped[Id]
    set_aside: Mapped[bool] = mapped_column(default=False)  # hidden as not serious; see the audit log
    front_office: Mapped[Word]
    source: Mapped[Word]
    service_id: Mapped[uuid.UUID | None]
    language: Mapped[Word]
    poor: Mapped[bool]  # the response has an answer that calls for the follow-up questions
    breach: Mapped[bool]  # the response reports a serious breach
    reasons: Mapped[str] = mapped_column(String(500))  # words with one space before and after each
    folded: Mapped[str] = mapped_column(Text)  # the text that searches use, see surveys.search_stems
    text: Mapped[str] = mapped_column(Text)


class HallAnswerCount(Base):
    """How many answers the poster of a centre's hall brought in the current hour, and how many were not kept.

    One row for a centre: counts of earlier hours would tell when somebody answered.
    """

    __tablename__ = "hall_counts"

    centre_id: Mapped[CentreId]
    hour: Mapped[datetime]
    kept: Mapped[int]
    not_kept_on: Mapped[date | None]  # the last day on which there were too many
    not_kept: Mapped[int] = mapped_column(default=0)  # of that day


class Signal(Base):
    """A reason to doubt that a visitor gave this response. It counts, and figures without such responses exist too."""

    __tablename__ = "signals"
    __table_args__ = (
        ForeignKeyConstraint(["centre_id", "response_id"], ["responses.centre_id", "responses.id"]),
        check_one_of("reason", SIGNALS),
        IN_KEY_ORDER,
    )

    centre_id: Mapped[CentreId]
    response_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), primary_key=True)
