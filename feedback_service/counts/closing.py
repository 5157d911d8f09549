"""Closes days: past days are recounted from the answers and stored, then summed up by month.

Days are closed and months are summed up only under the lock of the centre (``counted_days.lock_days``).
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import delete, exists, insert, or_, select
from sqlalchemy.orm import Session

from feedback_service.counts import live, tallies
from feedback_service.counts.counted_days import invitations_closed_until, lock_days, mark_day, select_open_days
from feedback_service.counts.live import GroupCounts
from feedback_service.counts.rollups import WantedCounts, first_of_next_month, read_stored
from feedback_service.counts.tallies import ANSWERS_BY, INVITATIONS_BY, WHOLE, NestedCounts
from feedback_service.models import Centre, CountRollup, DraftAnswer, Invitation

SETTLING = timedelta(days=3)  # after the last day of an invitation an answer to it may still be on its way


def close_days(tx: Session, centre_id: uuid.UUID, *, before: date, limit: int = 31) -> int:
    """Recount and close the oldest open days of the centre before ``before``, at most ``limit``; return how many.

    Answers of these days that are still being recorded must reopen them, so ``before`` is the Kyiv day of ten minutes
    ago. Repeating this, and two workers at once, do no harm.
    """
    lock_days(tx, centre_id)
    open_days = select_open_days(Centre.id == centre_id, before - timedelta(days=1)).subquery()
    days = tx.scalars(select(open_days.c.day).order_by(open_days.c.day).limit(limit)).all()
    for day in days:
        mark_day(tx.connection(), centre_id, day, closed=True)
    if days:
        # Every way of grouping is named, otherwise SQLite would search all stored rows of the centre.
        delete_stored = delete(CountRollup).where(
            CountRollup.centre_id == centre_id,
            CountRollup.subject.in_(("answers", "people")),
            CountRollup.by.in_(ANSWERS_BY),
        )
        for span, begins in (("day", days), ("month", {day.replace(day=1) for day in days})):
            tx.execute(delete_stored.where(CountRollup.span == span, CountRollup.day.in_(begins)))
        for by, groups in live.count_answers(tx, {centre_id: days}, ANSWERS_BY).items():
            _store_counts(tx, "answers", by, "day", groups)
        _store_months(tx, "answers", centre_id, before)
    return len(days)


def close_invitation_days(tx: Session, centre_id: uuid.UUID, *, before: date, limit: int = 31) -> int:
    """Store the counts of invitations of the oldest days, at most ``limit``, and return how many days these are.

    A day is stored when all its invitations expired before ``before`` and none of them has an answer under way.
    """
    lock_days(tx, centre_id)
    since = invitations_closed_until(tx, [centre_id]).get(centre_id, date.min)
    later = (Invitation.centre_id == centre_id, Invitation.issued_on > since)
    has_draft = exists().where(
        DraftAnswer.centre_id == Invitation.centre_id, DraftAnswer.invitation_id == Invitation.id
    )
    alive = or_(Invitation.last_day >= before - SETTLING, has_draft)
    days = select(Invitation.issued_on).where(*later).distinct().order_by(Invitation.issued_on)
    expired: list[date] = []
    for day in tx.scalars(days.limit(limit)).all():
        if tx.scalar(select(exists().where(*later, Invitation.issued_on == day, alive))):
            break
        expired.append(day)
    if expired:
        for by in INVITATIONS_BY:
            groups = live.count_invitations(tx, [centre_id], expired[0], expired[-1], by)
            _store_counts(tx, "invitations", by, "day", list(groups))
        _store_months(tx, "invitations", centre_id, before)
    return len(expired)


def _store_counts(tx: Session, subject: str, by: str, span: str, groups: Sequence[GroupCounts]) -> None:
    place = {"subject": subject, "by": by, "span": span}
    rows = []
    for group in groups:
        headlines = tallies.serialise_counts(tallies.select_headlines(group.counts)) if subject == "answers" else ""
        texts = {"counts": tallies.serialise_counts(group.counts), "headlines": headlines}
        rows.append(place | group._asdict() | texts)
    if rows:
        tx.execute(insert(CountRollup), rows)
    if subject == "answers" and by != WHOLE:
        _store_counts(tx, "people", by, span, live.count_people(groups))


def _store_months(tx: Session, subject: str, centre_id: uuid.UUID, before: date) -> None:
    """Store the sums of whole months of which every day is stored and which have no sum yet."""
    of_centre = (CountRollup.centre_id == centre_id, CountRollup.subject == subject, CountRollup.by == WHOLE)
    stored = {(span, day) for span, day in tx.execute(select(CountRollup.span, CountRollup.day).where(*of_centre))}
    months = {day.replace(day=1) for span, day in stored if span == "day"}
    if subject == "answers":
        yesterday = before - timedelta(days=1)
        still_open = tx.execute(select_open_days(Centre.id == centre_id, yesterday))
        months -= {day.replace(day=1) for _, day in still_open}
        ended = before
    else:
        ended = max((day for span, day in stored if span == "day"), default=date.min) + timedelta(days=1)
    for month in sorted(months):
        if ("month", month) not in stored and first_of_next_month(month) <= ended:
            for by in ANSWERS_BY if subject == "answers" else INVITATIONS_BY:
                _store_counts(tx, subject, by, "month", _sum_month(tx, subject, by, centre_id, month))


def _sum_month(tx: Session, subject: str, by: str, centre_id: uuid.UUID, month: date) -> list[GroupCounts]:
    sums: defaultdict[str, NestedCounts] = defaultdict(dict)
    end = first_of_next_month(month) - timedelta(days=1)
    wanted = WantedCounts([centre_id], month, end, by, daily=True)
    for group in read_stored(tx, subject, wanted, lambda *_: True):
        tallies.add_counts(sums[group.key], group.counts)
    return [GroupCounts(centre_id, month, key, counts) for key, counts in sums.items()]
