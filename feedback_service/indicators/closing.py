"""Closing days: what is over is recounted whole from the answers and stored, then summed up by month.

Only who has the centre's lock closes days and sums months.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import delete, exists, insert, or_, select
from sqlalchemy.orm import Session

from feedback_service.indicators import live, tallies
from feedback_service.indicators.live import Told
from feedback_service.indicators.rollups import hold, mark, next_month, open_days, settled_until, stored
from feedback_service.indicators.tallies import ANSWERS_BY, INVITATIONS_BY, WHOLE, Counts
from feedback_service.models import BegunAnswer, Centre, Invitation, Tally

SETTLING = timedelta(days=3)  # after its last day an invitation may still be answered by what is under way


def close_days(tx: Session, centre_id: uuid.UUID, *, before: date, limit: int = 31) -> int:
    """Recount and close the centre's oldest open days ``before`` a day, at most ``limit``; tells how many.

    Choose ``before`` so that no answer of an earlier day can still be under way without ``reopen``: the
    Kyiv day of ten minutes ago. Repeating it, and two workers at once, do no harm.
    """
    hold(tx, centre_id)
    found = open_days(Centre.id == centre_id, before - timedelta(days=1)).subquery()
    days = tx.scalars(select(found.c.day).order_by(found.c.day).limit(limit)).all()
    for day in days:
        mark(tx.connection(), centre_id, day, closed=True)
    if days:
        # Every way is named, or SQLite would look through all that is stored of the centre.
        these = (
            *(Tally.centre_id == centre_id, Tally.subject.in_(("answers", "people"))),
            Tally.by.in_(ANSWERS_BY),
        )
        tx.execute(delete(Tally).where(*these, Tally.span == "day", Tally.day.in_(days)))
        months = {day.replace(day=1) for day in days}
        tx.execute(delete(Tally).where(*these, Tally.span == "month", Tally.day.in_(months)))
        for by, told in live.answers(tx, {centre_id: days}, ANSWERS_BY).items():
            _store(tx, "answers", by, "day", told)
        _sum_months(tx, "answers", centre_id, before)
    return len(days)


def settle_days(tx: Session, centre_id: uuid.UUID, *, before: date, limit: int = 31) -> int:
    """Store what became of the invitations of the oldest days ``before`` which all have expired; how many days."""
    hold(tx, centre_id)
    since = settled_until(tx, [centre_id]).get(centre_id, date.min)
    later = (Invitation.centre_id == centre_id, Invitation.issued_on > since)
    begun = exists().where(
        BegunAnswer.centre_id == Invitation.centre_id, BegunAnswer.invitation_id == Invitation.id
    )
    alive = or_(Invitation.last_day >= before - SETTLING, begun)
    days = select(Invitation.issued_on).where(*later).distinct().order_by(Invitation.issued_on)
    settled: list[date] = []
    for day in tx.scalars(days.limit(limit)).all():
        if tx.scalar(select(exists().where(*later, Invitation.issued_on == day, alive))):
            break
        settled.append(day)
    if settled:
        for by in INVITATIONS_BY:
            told = live.invitations(tx, [centre_id], settled[0], settled[-1], by)
            _store(tx, "invitations", by, "day", list(told))
        _sum_months(tx, "invitations", centre_id, before)
    return len(settled)


def _store(tx: Session, subject: str, by: str, span: str, told: Sequence[Told]) -> None:
    place = {"subject": subject, "by": by, "span": span}
    rows = [
        place
        | one._asdict()
        | {
            "counts": tallies.written(one.counts),
            "headlines": tallies.written(tallies.headlines(one.counts)) if subject == "answers" else "",
        }
        for one in told
    ]
    if rows:
        tx.execute(insert(Tally), rows)
    if subject == "answers" and by != WHOLE:
        _store(tx, "people", by, span, live.people(told))


def _sum_months(tx: Session, subject: str, centre_id: uuid.UUID, before: date) -> None:
    """Store the sums of whole months of which every day is stored and which have no sum yet."""
    these = (Tally.centre_id == centre_id, Tally.subject == subject, Tally.by == WHOLE)
    present = {(span, day) for span, day in tx.execute(select(Tally.span, Tally.day).where(*these))}
    months = {day.replace(day=1) for span, day in present if span == "day"}
    if subject == "answers":
        yesterday = before - timedelta(days=1)
        still_open = tx.execute(open_days(Centre.id == centre_id, yesterday))
        months -= {day.replace(day=1) for _, day in still_open}
        ended = before
    else:
        ended = max((day for span, day in present if span == "day"), default=date.min) + timedelta(days=1)
    for month in sorted(months):
        if ("month", month) not in present and next_month(month) <= ended:
            for by in ANSWERS_BY if subject == "answers" else INVITATIONS_BY:
                _store(tx, subject, by, "month", _summed(tx, subject, by, centre_id, month))


def _summed(tx: Session, subject: str, by: str, centre_id: uuid.UUID, month: date) -> list[Told]:
    sums: defaultdict[str, Counts] = defaultdict(dict)
    end = next_month(month) - timedelta(days=1)
    for told in stored(tx, subject, by, [centre_id], month, end, lambda *_: True, daily=True):
        tallies.add(sums[told.key], told.counts)
    return [Told(centre_id, month, key, counts) for key, counts in sums.items()]
