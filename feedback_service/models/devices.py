"""Tablets in halls and at windows: who they are, how they fare, and what looked odd about an answer given there."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import DEVICE_MODES, SIGNALS


class Device(Base):
    """A tablet of a centre, and what its last heartbeat said. No answer leads here."""

    __tablename__ = "devices"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        UniqueConstraint("pairing_hash"),
        check_one_of("mode", DEVICE_MODES),
        CheckConstraint("(pairing_hash IS NULL) = (pairing_until IS NULL)", name="pairing_ends"),
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100))
    mode: Mapped[Word]
    workplace: Mapped[str | None] = mapped_column(String(64))  # whose cases a desk's tablet offers
    created_at: Mapped[datetime]
    pairing_hash: Mapped[Fingerprint | None]  # of the code, or the tablet's own secret, that fetches a key
    pairing_until: Mapped[datetime | None]
    key_hash: Mapped[Fingerprint | None]
    paired_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]  # from then on it only delivers what was given before
    seen_at: Mapped[datetime | None]
    version: Mapped[str | None] = mapped_column(String(64))
    waiting: Mapped[int | None]  # answers it still holds; none once it was seen: it cannot keep any
    oldest_at: Mapped[datetime | None]  # of them, by our clock
    persisted: Mapped[bool | None]  # whether its browser promised to keep them
    battery: Mapped[int | None]  # percent
    skew: Mapped[int] = mapped_column(BigInteger, default=0)  # seconds that its clock runs ahead of ours
    guessing_since: Mapped[datetime | None]
    wrong_codes: Mapped[int] = mapped_column(default=0)  # unknown short codes since then


class PairingRequest(Base):
    """A tablet that shows a code and waits for somebody to approve it; it belongs to no centre yet."""

    __tablename__ = "pairing_requests"
    __table_args__ = (UniqueConstraint("code_hash"), Index(None, "until"))

    secret_hash: Mapped[Fingerprint] = mapped_column(primary_key=True)  # what only the tablet knows
    code_hash: Mapped[Fingerprint]  # what it shows
    until: Mapped[datetime]


class RefusedTabletAnswer(Base):
    """Something a tablet sent that cannot be an answer: why, and when it came; not what it said."""

    __tablename__ = "refused_items"
    __table_args__ = (ForeignKeyConstraint(["centre_id", "device_id"], ["devices.centre_id", "devices.id"]),)

    centre_id: Mapped[CentreId]
    device_id: Mapped[Id]
    client_hash: Mapped[Fingerprint] = mapped_column(primary_key=True)
    came_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))


class Signal(Base):
    """Why an answer may not be a visitor's own; the answer counts, figures are also told without such."""

    __tablename__ = "signals"
    __table_args__ = (
        ForeignKeyConstraint(["centre_id", "response_id"], ["responses.centre_id", "responses.id"]),
        check_one_of("reason", SIGNALS),
        {"sqlite_with_rowid": False},
    )

    centre_id: Mapped[CentreId]
    response_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), primary_key=True)
