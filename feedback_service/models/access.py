"""Who may come in: keys of case systems, and the count of wrong short codes."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.db import Base
from feedback_service.models.columns import CentreId, Fingerprint, Id


class ApiKey(Base):
    """A key of an integrator; the key itself was shown once and is kept nowhere."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("key_hash"),)

    id: Mapped[Id]
    key_hash: Mapped[Fingerprint]
    scopes: Mapped[str] = mapped_column(String(200))  # separated by spaces
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ApiKeyCentre(Base):
    """A centre that a key may act for."""

    __tablename__ = "api_key_centres"

    centre_id: Mapped[CentreId]
    api_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)


class CodeGuesses(Base):
    """Wrong short codes typed with a centre's prefix in the current window; counted per centre, never per person."""

    __tablename__ = "code_guesses"

    centre_id: Mapped[CentreId]
    window_began_at: Mapped[datetime]
    wrong: Mapped[int]
