"""Whether stored sums are what the answers and invitations add up to."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.counts import live, tallies
from feedback_service.counts.live import GroupCounts
from feedback_service.counts.rollups import invitations_closed_until, oldest_kept_day
from feedback_service.counts.tallies import ANSWERS_BY, INVITATIONS_BY, WHOLE, Counts
from feedback_service.models import Centre, CountedDay, Tally


@dataclass(frozen=True, slots=True)
class CountMismatch:
    """A stored count that is not what the answers or invitations add up to."""

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
    """Where stored counts differ from what the answers and invitations add up to: nowhere, if all is well.

    Days of which invitations may have been purged are passed over.
    """
    return [
        difference
        for centre_id, code in tx.execute(select(Centre.id, Centre.code).order_by(Centre.code))
        for difference in _compare_centre(tx, centre_id, code)
    ]


def _compare_centre(tx: Session, centre_id: uuid.UUID, code: str) -> Iterator[CountMismatch]:
    """What is stored of a centre beside what it should be."""
    marks = tx.execute(
        select(CountedDay.day, CountedDay.closed).where(CountedDay.centre_id == centre_id)
    ).all()
    closed = frozenset(day for day, is_closed in marks if is_closed)
    # What is stored of an open day is not used, nor of its month.
    unused = {day for day, is_closed in marks if not is_closed}
    for by, told in live.count_answers(tx, {centre_id: closed}, ANSWERS_BY).items():
        yield from _compare_counts(tx, centre_id, code, "answers", by, told, date.min, unused)
        if by != WHOLE:
            yield from _compare_counts(
                tx, centre_id, code, "people", by, live.count_people(told), date.min, unused
            )
    kept, settled = (
        oldest_kept_day(tx, centre_id),
        invitations_closed_until(tx, [centre_id]).get(centre_id, date.min),
    )
    for by in INVITATIONS_BY:
        invited = list(live.count_invitations(tx, [centre_id], kept, settled, by))
        yield from _compare_counts(tx, centre_id, code, "invitations", by, invited, kept, ())


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
    """Stored days beside the recounted ones, and stored months beside the sums of recounted days."""
    these = (Tally.centre_id == centre_id, Tally.subject == subject, Tally.by == by, Tally.day >= since)
    columns = (Tally.span, Tally.day, Tally.key, Tally.counts, Tally.headlines)
    unused_months = {day.replace(day=1) for day in unused}
    stored = {
        (span, day, key): (counts, headlines)
        for span, day, key, counts, headlines in tx.execute(select(*columns).where(*these))
        if day not in (unused if span == "day" else unused_months)
    }
    months = {day for span, day, _ in stored if span == "month"}
    right: defaultdict[tuple[str, date, str], Counts] = defaultdict(dict)
    for told in recounted:
        tallies.add_counts(right["day", told.day, told.key], told.counts)
        if (month := told.day.replace(day=1)) in months:
            tallies.add_counts(right["month", month, told.key], told.counts)
    for place in sorted(stored.keys() | right.keys()):
        counts, headlines = stored.get(place, ("{}", "{}"))
        yield from _compare_cells((code, subject, by, *place), tallies.parse(counts), right[place])
        if subject == "answers":
            shown = (code, "headlines", by, *place)
            yield from _compare_cells(shown, tallies.parse(headlines), tallies.select_headlines(right[place]))


def _compare_cells(
    place: tuple[str, str, str, str, date, str], stored: Counts, recounted: Counts
) -> Iterator[CountMismatch]:
    kept, found = dict(tallies.iterate_cells(stored)), dict(tallies.iterate_cells(recounted))
    for cell in sorted(kept.keys() | found.keys()):
        if kept.get(cell, 0) != found.get(cell, 0):
            yield CountMismatch(*place, *cell, kept.get(cell, 0), found.get(cell, 0))
