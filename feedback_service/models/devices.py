"""Tablets in halls and at windows: keys, state, pairing, how many walk-ups they bring, what of theirs was refused."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import DEVICE_MODES


class Device(Base):
    """A tablet of a centre, with the state from its last heartbeat. No answer leads to it."""

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
    workplace: Mapped[str | None] = mapped_column(String(64))  # whose cases it offers in mode "desk"
    created_at: Mapped[datetime]
    pairing_hash: Mapped[Fingerprint | None]  # of the code, or of the tablet's secret, that fetches a key
    pairing_until: Mapped[datetime | None]
    key_hash: Mapped[Fingerprint | None]
    paired_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]  # later it may only deliver answers given before
    seen_at: Mapped[datetime | None]
    version: Mapped[str | None] = mapped_column(String(64))
    waiting: Mapped[int | None]  # answers that it still stores; NULL after a heartbeat: it cannot store any
    unreported: Mapped[int] = mapped_column(default=0)  # delivered after the key was revoked, but in no heartbeat
    oldest_at: Mapped[datetime | None]  # when the oldest of them was given, by the server's clock
    persisted: Mapped[bool | None]  # whether its browser promised not to delete them
    battery: Mapped[int | None]  # percent
    skew: Mapped[int] = mapped_column(BigInteger, default=0)  # seconds ahead of the server's clock
    guessing_since: Mapped[datetime | None]
    wrong_codes: Mapped[int] = mapped_column(default=0)  # unknown short codes since guessing_since


class PairingRequest(Base):
    """A tablet that shows a code and waits for approval; it belongs to no centre yet."""

    __tablename__ = "pairing_requests"
    __table_args__ = (UniqueConstraint("code_hash"), Index(None, "until"))

    secret_hash: Mapped[Fingerprint] = mapped_column(primary_key=True)  # the tablet alone knows the secret
    code_hash: Mapped[Fingerprint]  # of the code on its screen
    until: Mapped[datetime]
    looked_at: Mapped[datetime | None]  # when somebody opened its code in the administration: it is kept then


class RefusedTabletAnswer(Base):
    """An answer from a tablet that was refused: why and on which day, without its content."""

    __tablename__ = "refused_items"
    __table_args__ = (ForeignKeyConstraint(["centre_id", "device_id"], ["devices.centre_id", "devices.id"]),)

    centre_id: Mapped[CentreId]
    device_id: Mapped[Id]
    client_hash: Mapped[Fingerprint] = mapped_column(primary_key=True)
    came_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))


class WalkupCount(Base):
    """How many walk-ups of a day a tablet brought. Which answers these are is not known."""

    __tablename__ = "walkup_counts"
    __table_args__ = (ForeignKeyConstraint(["centre_id", "device_id"], ["devices.centre_id", "devices.id"]),)

    centre_id: Mapped[CentreId]
    device_id: Mapped[Id]
    day: Mapped[date] = mapped_column(primary_key=True)  # the Kyiv day on which people answered
    number: Mapped[int]
