"""Verifies stored counts: they must equal what the answers and invitations add up to."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.counts import live, tallies
from feedback_service.counts.counted_days import invitations_closed_until, oldest_kept_day
from feedback_service.counts.live import GroupCounts
from feedback_service.counts.tallies import ANSWERS_BY, INVITATIONS_BY, WHOLE, NestedCounts
from feedback_service.models import Centre, CountedDay, CountRollup


@dataclass(frozen=True, slots=True)
class CountMismatch:
    """A stored count that differs from what the answers or invitations add up to."""

    centre: str
    subject: str
    by: str
    span: str
    day: date
    key: str
    front_office: str
    source: str
    question: str
    value: str
    stored: int
    recounted: int


def find_mismatches(tx: Session) -> list[CountMismatch]:
    """All stored counts that differ from what the answers and invitations add up to.

    Days of which invitations may have been purged are not checked.
    """
    return [
        mismatch
        for centre_id, code in tx.execute(select(Centre.id, Centre.code).order_by(Centre.code))
        for mismatch in _compare_centre(tx, centre_id, code)
    ]


def _compare_centre(tx: Session, centre_id: uuid.UUID, code: str) -> Iterator[CountMismatch]:
    marks = tx.execute(select(CountedDay.day, CountedDay.closed).where(CountedDay.centre_id == centre_id)).all()
    closed = frozenset(day for day, is_closed in marks if is_closed)
    # Stored counts of an open day and of its month are not used, so they need not be right.
    unused = {day for day, is_closed in marks if not is_closed}
    for by, groups in live.count_answers(tx, {centre_id: closed}, ANSWERS_BY).items():
        yield from _compare_counts(tx, centre_id, code, "answers", by, groups, date.min, unused)
        if by != WHOLE:
            yield from _compare_counts(tx, centre_id, code, "people", by, live.count_people(groups), date.min, unused)
    oldest = oldest_kept_day(tx, centre_id)
    closed_until = invitations_closed_until(tx, [centre_id]).get(centre_id, date.min)
    for by in INVITATIONS_BY:
        invited = list(live.count_invitations(tx, [centre_id], oldest, closed_until, by))
        yield from _compare_counts(tx, centre_id, code, "invitations", by, invited, oldest, ())


def _compare_counts(
    tx: Session,
    centre_id: uuid.UUID,
    code: str,
    subject: str,
    by: str,
    recounted: Sequence[GroupCounts],
    since: date,
    unused: Collection[date],
) -> Iterator[CountMismatch]:
    """Compare stored days with recounted ones, and stored months with the sums of recounted days."""
    group_rows = (CountRollup.centre_id == centre_id, CountRollup.subject == subject, CountRollup.by == by)
    columns = (CountRollup.span, CountRollup.day, CountRollup.key, CountRollup.counts, CountRollup.headlines)
    unused_months = {day.replace(day=1) for day in unused}
    stored = {
        (span, day, key): (counts, headlines)
        for span, day, key, counts, headlines in tx.execute(
            select(*columns).where(*group_rows, CountRollup.day >= since)
        )
        if day not in (unused if span == "day" else unused_months)
    }
    months = {day for span, day, _ in stored if span == "month"}
    correct: defaultdict[tuple[str, date, str], NestedCounts] = defaultdict(dict)
    for group in recounted:
        tallies.add_counts(correct["day", group.day, group.key], group.counts)
        if (month := group.day.replace(day=1)) in months:
            tallies.add_counts(correct["month", month, group.key], group.counts)
    for place in sorted(stored.keys() | correct.keys()):
        counts, headlines = stored.get(place, ("{}", "{}"))
        yield from _compare_cells((code, subject, by, *place), tallies.parse_counts(counts), correct[place])
        if subject == "answers":
            shown = (code, "headlines", by, *place)
            yield from _compare_cells(shown, tallies.parse_counts(headlines), tallies.select_headlines(correct[place]))


def _compare_cells(
    place: tuple[str, str, str, str, date, str], stored: NestedCounts, recounted: NestedCounts
) -> Iterator[CountMismatch]:
    was, is_right = dict(tallies.iterate_cells(stored)), dict(tallies.iterate_cells(recounted))
    for cell in sorted(was.keys() | is_right.keys()):
        if was.get(cell, 0) != is_right.get(cell, 0):
            yield CountMismatch(*place, *cell, was.get(cell, 0), is_right.get(cell, 0))
