"""Who serves: centres, the services they give, and the documents that rule how they are rated."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Edrpou, Id, Title, Word, check_one_of

NullableJson = JSON(none_as_null=True)


class Centre(Base):
    """An administrative-service centre (ЦНАП): the fence around everything that it does."""

    __tablename__ = "centres"
    __table_args__ = (UniqueConstraint("code"), UniqueConstraint("prefix"))

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(String(10))  # as the static monitoring names it, "SN12000007"
    prefix: Mapped[str] = mapped_column(String(4))  # the first four characters of its short codes
    name: Mapped[Title]
    edrpou: Mapped[Edrpou]
    katottg: Mapped[str] = mapped_column(String(19))
    controller: Mapped[Title | None]  # who answers for personal data, as the notice says
    contact: Mapped[Title | None]
    notice: Mapped[str | None] = mapped_column(Text)  # what the centre adds to the privacy notice
    opening: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)  # hours by weekday, and exceptions
    windows: Mapped[dict[str, str] | None] = mapped_column(NullableJson)  # names by the code that cases carry
    languages: Mapped[list[str] | None] = mapped_column(
        NullableJson
    )  # of its surveys; none said: all there are
    version: Mapped[int] = mapped_column(default=1)  # of the profile, so that nobody overwrites unseen
    purged_until: Mapped[date | None]  # the latest day of issue of which an invitation may have been purged


class Service(Base):
    """A service as one centre lists it: by its national code, its local code, or both."""

    __tablename__ = "services"
    # An absent code is an empty text and not NULL: NULLs differ from each other and would break the promise.
    __table_args__ = (UniqueConstraint("centre_id", "code", "local_code"),)

    centre_id: Mapped[CentreId]
    id: Mapped[Id]
    code: Mapped[Word]
    local_code: Mapped[Word]
    title: Mapped[Title]


class PublishedDocument(Base):
    """A published questionnaire or methodology, loaded by an operator; never changed afterwards."""

    __tablename__ = "documents"
    __table_args__ = (check_one_of("kind", ("questionnaire", "methodology")),)

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    effective_from: Mapped[date]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    loaded_at: Mapped[datetime]
