"""Alarms: answers that need a check, alarms raised from them, and e-mails about alarms.

Nothing here leads to an answer: there is no id of one, and instants are stored only as long as e-mails need them.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, Id, Word, check_one_of
from feedback_service.vocabulary import ALARM_KINDS

LONGEST_NOTE = 500  # characters

_IS_STANDING = text("over_on IS NULL")


class AlarmCheck(Base):
    """A bad answer or a breach came in: the worker checks the centre and deletes the row."""

    __tablename__ = "concerns"
    __table_args__ = (check_one_of("kind", ALARM_KINDS), {"sqlite_with_rowid": False})

    centre_id: Mapped[CentreId]
    id: Mapped[Id]  # random (v4), and not the answer's
    kind: Mapped[Word]
    service_id: Mapped[uuid.UUID | None]
    without_case: Mapped[bool] = mapped_column(server_default=false())  # the answer belongs to no case


class Alarm(Base):
    """Something that a human should look at. A subject has one open alarm at a time."""

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
    subject: Mapped[str] = mapped_column(String(36))  # the id of the service; empty for the whole centre
    since: Mapped[date]
    noticed: Mapped[date]
    n: Mapped[int]  # answers since that day
    bad: Mapped[int]  # those of them that the alarm is about
    without_case: Mapped[int] = mapped_column(default=0, server_default="0")  # of a breach: answers beside ``bad``
    over_on: Mapped[date | None]
    told: Mapped[bool] = mapped_column(default=False)  # whether the e-mails that users want are written
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(254))
    note: Mapped[str | None] = mapped_column(String(LONGEST_NOTE))


class EmailDigest(Base):
    """Collects alarms of one kind for one e-mail; after it, no e-mail goes out for a while."""

    __tablename__ = "gatherings"
    __table_args__ = (check_one_of("kind", ALARM_KINDS),)

    centre_id: Mapped[CentreId]
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    until: Mapped[datetime | None]  # when the e-mails are written; NULL when no alarm waits
    told_at: Mapped[datetime | None]


class QueuedEmail(Base):
    """An e-mail to one user that is not sent yet; sending it deletes the row."""

    __tablename__ = "letters"
    __table_args__ = (Index(None, "due_at"), Index(None, "user_id"))

    centre_id: Mapped[CentreId]
    id: Mapped[Id]  # random (v4); it is the Message-ID, so that mail programs recognise a repeat
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    due_at: Mapped[datetime]  # a claim postpones it
    attempts: Mapped[int] = mapped_column(default=0)


class EmailPreference(Base):
    """Whether a user wants e-mails about alarms; a user without a row wants them."""

    __tablename__ = "mail_wishes"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    alarms: Mapped[bool]
