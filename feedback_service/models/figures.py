"""Figures: what closed days add up to, recounted and never nudged, and what people say about them."""

from datetime import date, datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import CentreId, check_one_of

EXPLANATION_TOPICS = ("sources",)  # what is explained: why sources differ


class CountedDay(Base):
    """A day of a centre that was recounted; one reopened by a late answer is counted live until it is again."""

    __tablename__ = "counted_days"

    centre_id: Mapped[CentreId]
    day: Mapped[date] = mapped_column(primary_key=True)
    closed: Mapped[bool]


class CountRollup(Base):
    """What the answers or invitations of a day or month add up to, whole or for one service, window, language …

    ``counts`` is JSON: front office, source, question, value, and how often it was given; ``headlines`` is the part of
    it that lists of groups need. A row of ``people`` tells of all groups how many answered in each, for who looks at
    one of them. Rows are read by the hundred, so each holds a page of counts: see docs/decisions.
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
    day: Mapped[date] = mapped_column(primary_key=True)  # of a month, its first
    key: Mapped[str] = mapped_column(String(64), primary_key=True)  # empty where there is none
    counts: Mapped[str] = mapped_column(Text)
    headlines: Mapped[str] = mapped_column(Text)


class Explanation(Base):
    """Why figures of a period are as they are, in the words of whoever runs the centre; every version is kept."""

    __tablename__ = "explanations"
    __table_args__ = (check_one_of("topic", EXPLANATION_TOPICS),)

    centre_id: Mapped[CentreId]
    topic: Mapped[str] = mapped_column(String(32), primary_key=True)
    first: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)  # from 1; the latest holds
    text: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(254))  # the e-mail address of who wrote it
    written_at: Mapped[datetime]
