"""What people said. Nothing here leads back to a case, an invitation, a device or an instant.

Both tables are kept in the order of their random keys where the database can do that (SQLite), so that
not even their place on disk tells who came after whom.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import JSON, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Edrpou, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import FRONT_OFFICES, PARTS_OF_DAY, SOURCES

IN_KEY_ORDER = {"sqlite_with_rowid": False}


class Response(Base):
    """One person's finished answer, on a Kyiv day; after withdrawal, its dated tombstone."""

    __tablename__ = "responses"
    __table_args__ = (
        ForeignKeyConstraint(["centre_id", "service_id"], ["services.centre_id", "services.id"]),
        UniqueConstraint("receipt_hash"),
        UniqueConstraint("client_hash", "centre_id"),
        # By day, and how many answered alike without a look at the rows.
        Index(
            "ix_responses_of_day",
            *("centre_id", "answered_on", "front_office", "source", "service_id", "withdrawn_on"),
        ),
        Index(None, "provider_edrpou", "centre_id"),  # which centres gave a provider's services
        check_one_of("front_office", FRONT_OFFICES),
        check_one_of("source", SOURCES),
        check_one_of("part_of_day", PARTS_OF_DAY),
        IN_KEY_ORDER,
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]  # random (v4), not time-ordered
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
    client_hash: Mapped[Fingerprint | None]  # only where no invitation guards against repeats
    withdrawn_on: Mapped[date | None]
    # The values chosen for each question, mostly one; none once it is withdrawn.
    answers: Mapped[Mapping[str, Sequence[str]]] = mapped_column(JSON, server_default="{}")


class Comment(Base):
    """A comment, masked before it came here; the raw text has never been stored.

    It repeats what its response says of itself, so that whoever reads comments reads one table, by day, and
    within a day in random order: looking each response up took ten times as long (300,000 answers).
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
    set_aside: Mapped[bool] = mapped_column(default=False)  # not meant seriously; by whom is in the journal
    front_office: Mapped[Word]
    source: Mapped[Word]
    service_id: Mapped[uuid.UUID | None]
    language: Mapped[Word]
    poor: Mapped[bool]  # an answer beside it called for the follow-up questions
    breach: Mapped[bool]  # something serious was told beside it
    reasons: Mapped[str] = mapped_column(String(500))  # between spaces, one before and one after each
    folded: Mapped[str] = mapped_column(Text)  # what searches look through, see surveys.search_stems
    text: Mapped[str] = mapped_column(Text)
