"""What calls a human: answers that may matter at once, alarms raised from them, letters that tell of alarms.

Nothing here leads to an answer: no id of one, and no instant for longer than letters need it.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Id, Word, check_one_of
from feedback_service.vocabulary import ALARM_KINDS

LONGEST_NOTE = 500  # characters

_IS_STANDING = text("over_on IS NULL")


class AlarmCheck(Base):
    """Somebody gave a bad answer or told of a breach: the worker looks at the centre and takes the row away."""

    __tablename__ = "concerns"
    __table_args__ = (check_one_of("kind", ALARM_KINDS), {"sqlite_with_rowid": False})

    centre_id: Mapped[CentreId]
    id: Mapped[Id]  # random (v4), and not the answer's
    kind: Mapped[Word]
    service_id: Mapped[uuid.UUID | None]


class Alarm(Base):
    """Something that a human should look at; it stands until it is over. One at a time for each subject."""

    __tablename__ = "alarms"
    __table_args__ = (
        check_one_of("kind", ALARM_KINDS),
        Index(
            "uq_alarms_standing",
            *("centre_id", "kind", "subject"),
            unique=True,
            sqlite_where=_IS_STANDING,
            postgresql_where=_IS_STANDING,
        ),
    )

    centre_id: Mapped[CentreId]
    id: Mapped[Id]  # random (v4)
    kind: Mapped[Word]
    subject: Mapped[str] = mapped_column(String(36))  # the service's id; empty: the centre as a whole
    since: Mapped[date]
    noticed: Mapped[date]
    n: Mapped[int]  # answers since then
    bad: Mapped[int]  # of these, what the alarm is about
    over_on: Mapped[date | None]
    told: Mapped[bool] = mapped_column(default=False)  # letters say so, as far as anybody wants them
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(254))
    note: Mapped[str | None] = mapped_column(String(LONGEST_NOTE))


class EmailDigest(Base):
    """Alarms of one kind are gathered until they are told together; then there is quiet for a while."""

    __tablename__ = "gatherings"
    __table_args__ = (check_one_of("kind", ALARM_KINDS),)

    centre_id: Mapped[CentreId]
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    until: Mapped[datetime | None]  # letters are written then; nothing waits to be told: none
    told_at: Mapped[datetime | None]


class QueuedEmail(Base):
    """An e-mail to one person that is not sent yet; the row is gone when it is."""

    __tablename__ = "letters"
    __table_args__ = (Index(None, "due_at"), Index(None, "user_id"))

    centre_id: Mapped[CentreId]
    id: Mapped[Id]  # random (v4); in the Message-ID, so that a repeat is known
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    due_at: Mapped[datetime]  # a claim puts that off
    attempts: Mapped[int] = mapped_column(default=0)


class EmailPreference(Base):
    """Whether a user wants letters about alarms; who has said nothing does."""

    __tablename__ = "mail_wishes"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    alarms: Mapped[bool]
