"""Roll-ups: what closed days add up to, recounted from the answers and never nudged."""

from datetime import date

from sqlalchemy import ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.db import Base
from feedback_service.models.columns import CentreId


class CountedDay(Base):
    """A day of a centre that was recounted; one reopened by a late answer is counted live until it is again."""

    __tablename__ = "counted_days"

    centre_id: Mapped[CentreId]
    day: Mapped[date] = mapped_column(primary_key=True)
    closed: Mapped[bool]


class DayCount(Base):
    """How often a value was given on a day; the question ``*`` counts the people themselves."""

    __tablename__ = "day_counts"
    __table_args__ = (
        ForeignKeyConstraint(["centre_id", "day"], ["counted_days.centre_id", "counted_days.day"]),
        {"sqlite_with_rowid": False},
    )

    centre_id: Mapped[CentreId]
    day: Mapped[date] = mapped_column(primary_key=True)
    front_office: Mapped[str] = mapped_column(String(32), primary_key=True)
    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    question: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(32), primary_key=True)
    n: Mapped[int]
