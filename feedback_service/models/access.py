"""Who may come in: keys of case systems, people with their roles and sessions, counts of what was typed wrongly.

The journal of who saw and did what is here too: a chain for each centre and one for what belongs to none.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Fingerprint, Id, Word, check_one_of
from feedback_service.vocabulary import ROLES


class ApiKey(Base):
    """A key of an integrator; the key itself was shown once and is kept nowhere."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("key_hash"),)

    id: Mapped[Id]
    key_hash: Mapped[Fingerprint]
    name: Mapped[str] = mapped_column(String(100), default="")  # what its makers call it
    scopes: Mapped[str] = mapped_column(String(200))  # separated by spaces
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]  # in Kyiv


class ApiKeyCentre(Base):
    """A centre that a key may act for."""

    __tablename__ = "api_key_centres"

    centre_id: Mapped[CentreId]
    api_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)


class ShortCodeGuesses(Base):
    """Wrong short codes typed with a centre's prefix in the current window; counted per centre, never per person."""

    __tablename__ = "code_guesses"

    centre_id: Mapped[CentreId]
    window_began_at: Mapped[datetime]
    wrong: Mapped[int]


class User(Base):
    """A person who works with figures or settings: one role, and what it reaches (``UserScope``)."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("email"), UniqueConstraint("link_hash"), check_one_of("role", ROLES))

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254))  # in small letters
    role: Mapped[Word]
    password_hash: Mapped[str | None] = mapped_column(String(200))  # Argon2id; none until a password is set
    second_factor: Mapped[bytes | None]  # the secret of one-time codes, sealed
    last_step: Mapped[int | None] = mapped_column(BigInteger)  # of the code used last: each works once
    link_hash: Mapped[Fingerprint | None]  # of the one-time link that sets a password
    link_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    version: Mapped[int]


class UserScope(Base):
    """A place or subject that a user's role reaches; what it says depends on the role, see ``access.roles``."""

    __tablename__ = "user_scopes"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(32), primary_key=True)


class UserSession(Base):
    """A session: somebody came in and has not left. The cookie's value is kept nowhere, only its hash."""

    __tablename__ = "sign_ins"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "user_id"),
        check_one_of("stage", ("code", "set_up", "full")),
    )

    id: Mapped[Id]
    token_hash: Mapped[Fingerprint]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    stage: Mapped[Word]  # a code is expected, a second factor is to be set up, or the door is open
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    offered: Mapped[bytes | None]  # the secret of a second factor that is being set up, sealed
    noted: Mapped[list[str]] = mapped_column(JSON)  # pages that the journal knows this session saw


class SignInAttempts(Base):
    """Wrong passwords or codes for a name somebody typed, whether a user has it or not."""

    __tablename__ = "attempts"

    name_hash: Mapped[bytes] = mapped_column(primary_key=True)
    wrong: Mapped[int]
    last_at: Mapped[datetime]
    wait_until: Mapped[datetime | None]


class JournalEntry(Base):
    """Who saw or did what; never changed. ``digest`` covers the entry and the digest before it."""

    __tablename__ = "journal"

    chain: Mapped[Id]  # the centre's id; all zeros for the installation's own chain
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    user_id: Mapped[uuid.UUID | None]  # nobody: an operator at the command line
    email: Mapped[str | None] = mapped_column(String(254))
    action: Mapped[Word]
    object: Mapped[str] = mapped_column(String(300))
    digest: Mapped[Fingerprint]


class JournalHead(Base):
    """The last entry of a chain; who writes the next one holds this row."""

    __tablename__ = "journal_heads"

    chain: Mapped[Id]
    number: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[Fingerprint]
