"""Access: API keys, users with roles and sessions, failed sign-ins, and the audit log.

The audit log is one chain of entries for each centre, and one for what belongs to no centre.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import ROLES


class ApiKey(Base):
    """An API key of a system; the key itself was shown once and is not stored."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("key_hash"),)

    id: Mapped[Id]
    key_hash: Mapped[Fingerprint]
    name: Mapped[str] = mapped_column(String(100), default="")  # of the system that uses the key
    scopes: Mapped[str] = mapped_column(String(200))  # separated by spaces
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]  # in Kyiv


class ApiKeyCentre(Base):
    """A centre that an API key may act for."""

    __tablename__ = "api_key_centres"

    centre_id: Mapped[CentreId]
    api_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)


class User(Base):
    """A person who works with figures or settings: one role, and the scopes of that role (``UserScope``)."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("email"), UniqueConstraint("link_hash"), check_one_of("role", ROLES))

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254))  # in lower case
    role: Mapped[Word]
    password_hash: Mapped[str | None] = mapped_column(String(200))  # Argon2id; none until a password is set
    second_factor: Mapped[bytes | None]  # the secret of one-time codes, encrypted
    last_step: Mapped[int | None] = mapped_column(BigInteger)  # time step of the last code: each works once
    link_hash: Mapped[Fingerprint | None]  # of the one-time link that sets a password
    link_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    failed_attempts: Mapped[int] = mapped_column(default=0)  # since the last complete sign-in
    version: Mapped[int]


class UserScope(Base):
    """A place or subject that a user may see; its meaning depends on the role, see ``access.roles``."""

    __tablename__ = "user_scopes"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(32), primary_key=True)


class UserSession(Base):
    """A session of a signed-in user. Only the hash of the cookie's value is stored."""

    __tablename__ = "sign_ins"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "user_id"),
        check_one_of("stage", ("code", "set_up", "full")),
    )

    id: Mapped[Id]
    token_hash: Mapped[Fingerprint]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    stage: Mapped[Word]  # it waits for a code, for the set-up of a second factor, or is complete
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    offered: Mapped[bytes | None]  # the secret of a second factor that is being set up, encrypted
    noted: Mapped[list[str]] = mapped_column(JSON)  # pages that the audit log has for this session
    failed_before: Mapped[int] = mapped_column(default=0)  # failed attempts before this sign-in, which its user is told


class SignInAttempts(Base):
    """Wrong passwords or codes for a typed name, whether a user has this name or not."""

    __tablename__ = "attempts"

    name_hash: Mapped[bytes] = mapped_column(primary_key=True)
    wrong: Mapped[int]
    last_at: Mapped[datetime]
    wait_until: Mapped[datetime | None]


class JournalEntry(Base):
    """An entry of the audit log: who saw or did what; never changed. ``digest`` covers it and the digest before it."""

    __tablename__ = "journal"

    chain: Mapped[Id]  # the centre's id; all zeros for the installation's own chain
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    user_id: Mapped[uuid.UUID | None]  # NULL: an operator at the command line, or a key that ``object`` names
    email: Mapped[str | None] = mapped_column(String(254))
    action: Mapped[Word]
    object: Mapped[str] = mapped_column(Text)
    digest: Mapped[Fingerprint]


class JournalHead(Base):
    """The last entry of a chain; a transaction locks this row to write the next one."""

    __tablename__ = "journal_heads"

    chain: Mapped[Id]
    number: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[Fingerprint]


class NotedRead(Base):
    """Equal reads of one reader in one hour; when the hour is over, they become one entry of the audit log."""

    __tablename__ = "reads"

    chain: Mapped[Id]
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    read_hash: Mapped[Fingerprint] = mapped_column(primary_key=True)  # of reader, page and details
    user_id: Mapped[uuid.UUID | None]  # NULL: a key that ``details`` name
    email: Mapped[str | None] = mapped_column(String(254))
    page: Mapped[Word]
    details: Mapped[str] = mapped_column(Text)  # JSON
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    times: Mapped[int]
