"""What tests of counts say: what is counted, what is stored, and days closed as the worker does it."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta

from flask import Flask
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases.services import ServiceRef
from feedback_service.counts import closing, counted_days, rollups, tallies, verification
from feedback_service.counts.rollups import WantedCounts
from feedback_service.counts.tallies import PEOPLE
from feedback_service.counts.verification import CountMismatch
from feedback_service.database import reading, transaction
from feedback_service.flow import uninvited_answers
from feedback_service.flow.uninvited_answers import AssistedAnswer
from feedback_service.models import Centre, CountedDay, CountRollup
from feedback_service.surveys.answers import JsonSubmission
from tests.support import stored
from tests.support.respondents import Person
from tests.support.story import CENTRE

MONDAY = date(2026, 11, 16)
FRIDAY = MONDAY + timedelta(4)
ELSEWHERE = "SN12000008"
Row = tuple[str, date, str, str, str, str]


@reading
def counted(tx: Session, first: date = MONDAY, last: date = FRIDAY) -> dict[Row, int]:
    """What summaries would be made of."""
    codes = {centre.id: centre.code for centre in tx.scalars(select(Centre))}
    found = list(rollups.read_answers(tx, WantedCounts(codes.keys(), first, last, daily=True)))
    assert len({(one.centre_id, one.day) for one in found}) == len(found), "a day is counted twice"
    return {(codes[one.centre_id], one.day, *cell): n for one in found for cell, n in tallies.iterate_cells(one.counts)}


def added_up(people: Iterable[Person]) -> dict[Row, int]:
    """The same, counted one by one from who answered."""
    counts = Counter[Row]()
    for person in people:
        if not person.withdrawn:
            said = [*person.answers.items(), *(("any.reasons", reason) for reason in person.reasons)]
            for question, value in [(PEOPLE, ""), *said]:
                counts[person.centre, person.day, person.front_office, person.source, question, value] += 1
    return dict(counts)


def closed(code: str = CENTRE, *, before: date = FRIDAY, limit: int = 31) -> int:
    """Close days of a centre as the worker does; how many."""
    [centre] = stored.read_rows(Centre, Centre.code == code)
    return transaction(closing.close_days)(centre.id, before=before, limit=limit)


def differences() -> list[CountMismatch]:
    return reading(verification.find_mismatches)()


@transaction
def spoilt(tx: Session, /, *these: ColumnElement[bool], **columns: str) -> None:
    """What is stored in these rows is something else."""
    tx.execute(update(CountRollup).where(*these).values(**columns))


def open_days() -> list[date]:
    return sorted(day.day for day in stored.read_rows(CountedDay, ~CountedDay.closed))


def waiting() -> int:
    """Days of all centres that are over and not closed."""
    return reading(counted_days.count_open_days)(before=clock.kyiv_day(clock.now()))


def typed_in(day: date, answers: dict[str, object]) -> None:
    told = AssistedAnswer(
        centre=CENTRE,
        client_id=uuid.uuid4(),
        service=ServiceRef("00034", "", ""),
        front_office="offline",
        source="paper_box",
        answered_on=day,
        language="uk",
        submission=JsonSubmission(answers),
    )
    uninvited_answers.record_assisted_answer(told, centres=frozenset({CENTRE}))


@contextmanager
def meanwhile(app: Flask, act: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Somebody else acts at the same time and has finished at the end; asks whether she has already."""
    with ThreadPoolExecutor(1) as pool:

        def there() -> None:
            with app.app_context():
                act()

        action = pool.submit(there)
        yield action.done
        action.result(30)


Cells = dict[tuple[str, str, str, str, str], int]


@reading
def told_by(tx: Session, by: str, first: date, last: date, only: list[str] | None = None) -> Cells:
    """What a period's answers add up to in each group."""
    sums: Counter[tuple[str, str, str, str, str]] = Counter()
    wanted = WantedCounts(list(tx.scalars(select(Centre.id))), first, last, by, only=only)
    for one in rollups.read_answers(tx, wanted):
        for cell, n in tallies.iterate_cells(one.counts):
            sums[one.key, *cell] += n
    return dict(sums)


@reading
def invited_by(tx: Session, by: str, first: date, last: date) -> Cells:
    """The same of invitations."""
    sums: Counter[tuple[str, str, str, str, str]] = Counter()
    for one in rollups.read_invitations(tx, WantedCounts(list(tx.scalars(select(Centre.id))), first, last, by)):
        for cell, n in tallies.iterate_cells(one.counts):
            sums[one.key, *cell] += n
    return {cell: n for cell, n in sums.items() if n}


def settled(*, before: date) -> int:
    """Store invitations of a centre as the worker does; of how many days."""
    [centre] = stored.read_rows(Centre, Centre.code == CENTRE)
    return transaction(closing.close_invitation_days)(centre.id, before=before)


AUGUST = (date(2026, 8, 1), date(2026, 8, 31))
PERIODS = [
    (date(2026, 8, 1), date(2026, 10, 31)),
    (date(2026, 8, 13), date(2026, 11, 3)),
    (date(2026, 9, 1), date(2026, 9, 30)),
    (date(2026, 9, 10), date(2026, 9, 20)),
]
