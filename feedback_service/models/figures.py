"""Stored counts of closed days and months, and explanations of figures. Counts are recounted, never adjusted."""

from datetime import date, datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, check_one_of

EXPLANATION_TOPICS = ("sources",)  # sources: why they differ


class CountedDay(Base):
    """A day of a centre that was counted. A late answer reopens it: every request counts it until it is closed."""

    __tablename__ = "counted_days"

    centre_id: Mapped[CentreId]
    day: Mapped[date] = mapped_column(primary_key=True)
    closed: Mapped[bool]


class CountRollup(Base):
    """Counts of the answers or invitations of a day or month: of all, or of one service, window, language …

    ``counts`` is JSON: front office, source, question, value, and how often it was given. ``headlines`` is the part
    that lists of groups need. A row of ``people`` says how many people answered in each group. A request reads
    hundreds of rows, so a row holds a page of counts: see docs/decisions/0013.
    """

    __tablename__ = "tallies"
    __table_args__ = (
        check_one_of("subject", ("answers", "people", "invitations")),
        check_one_of("span", ("day", "month")),
        {"sqlite_with_rowid": False},
    )

    centre_id: Mapped[CentreId]
    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    by: Mapped[str] = mapped_column(String(16), primary_key=True)
    span: Mapped[str] = mapped_column(String(8), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)  # of a month, its first day
    key: Mapped[str] = mapped_column(String(64), primary_key=True)  # of the service, window, …; empty for all
    counts: Mapped[str] = mapped_column(Text)
    headlines: Mapped[str] = mapped_column(Text)


class Explanation(Base):
    """Why the figures of a period are as they are, in the words of the head of the centre. Every version stays."""

    __tablename__ = "explanations"
    __table_args__ = (check_one_of("topic", EXPLANATION_TOPICS),)

    centre_id: Mapped[CentreId]
    topic: Mapped[str] = mapped_column(String(32), primary_key=True)
    first: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)  # from 1; the latest one is shown
    text: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(254))  # the e-mail address of the author
    written_at: Mapped[datetime]
