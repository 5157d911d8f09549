"""Centres and the services that they give."""

from datetime import date
from typing import Any

from sqlalchemy import JSON, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Edrpou, Id, Title, Word

NullableJson = JSON(none_as_null=True)


class Centre(Base):
    """An administrative-service centre (ЦНАП); its id begins the key of every table of the centre."""

    __tablename__ = "centres"
    __table_args__ = (UniqueConstraint("code"), UniqueConstraint("prefix"))

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(String(10))  # in the monitoring system of the State: "SN12000007"
    prefix: Mapped[str] = mapped_column(String(4))  # the first four characters of its short codes
    name: Mapped[Title]
    edrpou: Mapped[Edrpou]
    katottg: Mapped[str] = mapped_column(String(19))
    controller: Mapped[Title | None]  # the owner of personal data that the privacy notice names
    contact: Mapped[Title | None]
    notice: Mapped[str | None] = mapped_column(Text)  # the centre's addition to the privacy notice
    opening: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)  # hours by weekday, and exceptions
    windows: Mapped[dict[str, str] | None] = mapped_column(NullableJson)  # names by the codes in cases
    languages: Mapped[list[str] | None] = mapped_column(NullableJson)  # of its surveys; NULL: all
    version: Mapped[int] = mapped_column(default=1)  # of the profile: detects concurrent changes
    purged_until: Mapped[date | None]  # invitations issued until this day may be deleted


class Service(Base):
    """A service as one centre lists it: by its national code, its local code, or both."""

    __tablename__ = "services"
    # A missing code is an empty text: NULLs differ from each other, so the constraint would not hold.
    __table_args__ = (UniqueConstraint("centre_id", "code", "local_code"),)

    centre_id: Mapped[CentreId]
    id: Mapped[Id]
    code: Mapped[Word]
    local_code: Mapped[Word]
    title: Mapped[Title]
