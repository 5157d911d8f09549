"""What is stored of a closed day is what its answers add up to, whoever comes when."""

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from feedback_service import clock, flow
from feedback_service.cases.registry import ServiceRef
from feedback_service.config import Settings
from feedback_service.database import reading, transaction
from feedback_service.flow import AssistedAnswer, setup, upkeep
from feedback_service.indicators import checking, closing, rollups, tallies
from feedback_service.indicators.checking import Difference
from feedback_service.indicators.tallies import PEOPLE, Counts
from feedback_service.models import Centre, CountedDay, Invitation, Response, Tally
from feedback_service.surveys.questionnaires import FOLDER
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.respondents import Person, crowd, store
from tests.support.story import CENTRE, a_centre, given, invited, sent

pytestmark = pytest.mark.usefixtures("context")

MONDAY = date(2026, 11, 16)
FRIDAY = MONDAY + timedelta(4)
ELSEWHERE = "SN12000008"

Row = tuple[str, date, str, str, str, str]


@pytest.fixture(autouse=True)
def friday_noon(context: None, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    a_centre()


@reading
def counted(tx: Session, first: date = MONDAY, last: date = FRIDAY) -> dict[Row, int]:
    """What summaries would be made of."""
    codes = {centre.id: centre.code for centre in tx.scalars(select(Centre))}
    found = list(rollups.answers(tx, codes.keys(), first, last, daily=True))
    assert len({(one.centre_id, one.day) for one in found}) == len(found), "a day is counted twice"
    return {
        (codes[one.centre_id], one.day, *cell): n for one in found for cell, n in tallies.cells(one.counts)
    }


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
    [centre] = stored.rows(Centre, Centre.code == code)
    return transaction(closing.close_days)(centre.id, before=before, limit=limit)


def differences() -> list[Difference]:
    return reading(checking.check)()


@transaction
def spoilt(tx: Session, /, *these: ColumnElement[bool], **columns: str) -> None:
    """What is stored in these rows is something else."""
    tx.execute(update(Tally).where(*these).values(**columns))


def open_days() -> list[date]:
    return sorted(day.day for day in stored.rows(CountedDay, ~CountedDay.closed))


def waiting() -> int:
    """Days of all centres that are over and not closed."""
    return reading(rollups.waiting)(before=clock.kyiv_day(clock.now()))


def typed_in(day: date, answers: dict[str, object]) -> None:
    told = AssistedAnswer(
        centre=CENTRE,
        client_id=uuid.uuid4(),
        service=ServiceRef("00034", "", ""),
        front_office="offline",
        source="paper_box",
        answered_on=day,
        language="uk",
    )
    flow.record_assisted(told, given=given(answers), centres=frozenset({CENTRE}))


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_the_same_with_no_day_some_days_and_all_days_closed(seed: int) -> None:
    a_centre(ELSEWHERE)
    people = crowd(seed, 120, first=MONDAY, days=5, centres=(CENTRE, ELSEWHERE))
    store(people)

    expected = added_up(people)

    assert counted() == expected
    assert closed(limit=2) == 2
    assert counted() == expected
    assert closed() == 2
    assert closed(ELSEWHERE) == 4
    assert counted() == expected
    assert counted(MONDAY, MONDAY + timedelta(1)) == added_up(
        person for person in people if person.day <= MONDAY + timedelta(1)
    )
    assert differences() == []


def test_days_are_closed_oldest_first_and_each_once() -> None:
    store([Person(MONDAY + timedelta(n)) for n in (0, 2, 3)])

    assert closed(limit=2) == 2
    assert [day.day for day in stored.rows(CountedDay)] == [MONDAY, MONDAY + timedelta(2)]
    assert closed() == 1
    assert closed() == 0


def test_a_day_that_is_not_over_stays_open() -> None:
    store([Person(FRIDAY)])

    assert closed(before=FRIDAY) == 0
    assert counted() == added_up([Person(FRIDAY)])


def test_an_answer_of_today_does_not_touch_the_counted_days() -> None:
    sent(invited().token, {"off.nps": 9})

    assert stored.rows(CountedDay) == []


def test_who_leaves_only_a_comment_is_counted_as_a_person() -> None:
    sent(invited().token, {"any.comment": "Дякую"})

    people = {(CENTRE, FRIDAY, "offline", "qr_case", PEOPLE, ""): 1}
    assert counted() == people
    closed(before=FRIDAY + timedelta(1))
    assert counted() == people


def test_a_late_answer_opens_its_day_until_it_is_closed_again() -> None:
    store([Person(MONDAY)])
    closed()

    typed_in(MONDAY, {"off.nps": 3})

    assert open_days() == [MONDAY]
    late = Person(MONDAY, {"off.nps": "3"}, source="paper_box")
    assert counted() == added_up([Person(MONDAY), late])
    assert closed() == 1
    assert open_days() == []
    assert counted() == added_up([Person(MONDAY), late])
    assert differences() == []


def test_an_answer_taken_back_after_its_day_was_closed_is_counted_nowhere(time_is: TimeIs) -> None:
    receipt = sent(invited().token, {"off.nps": 9, "any.comment": "Дякую"}).receipt
    time_is("2026-11-21T09:00+02:00")
    closed(before=FRIDAY + timedelta(1))

    flow.withdraw(receipt)

    assert counted() == {}
    assert closed(before=FRIDAY + timedelta(1)) == 1
    assert stored.rows(Tally) == []
    assert counted() == {}
    assert differences() == []


def test_a_wrong_stored_count_is_named_and_mended_by_counting_again() -> None:
    people = [Person(MONDAY), Person(MONDAY, {"off.nps": "2"}), Person(FRIDAY - timedelta(1))]
    store(people)
    closed()

    wrong = {"offline": {"qr_case": {PEOPLE: {"": 7}, "off.nps": {"10": 1}, "x": {"y": 1}}}}
    spoilt(Tally.day == MONDAY, Tally.by == "whole", counts=tallies.written(wrong))

    where = (CENTRE, "answers", "whole", "day", MONDAY, "", "offline", "qr_case")
    assert differences() == [
        Difference(*where, question=PEOPLE, value="", stored=7, recounted=2),
        Difference(*where, question="off.nps", value="2", stored=0, recounted=1),
        Difference(*where, question="x", value="y", stored=1, recounted=0),
    ]
    [centre] = stored.rows(Centre)
    transaction(rollups.reopen_all)(centre.id)
    assert counted() == added_up(people)
    assert closed() == 2
    assert differences() == []
    assert counted() == added_up(people)


def test_what_is_stored_of_a_day_without_answers_is_gone_after_counting_again() -> None:
    store([Person(MONDAY)])
    closed()
    [centre] = stored.rows(Centre)

    @transaction
    def invent(tx: Session) -> None:
        counts = tallies.written({"offline": {"qr_case": {PEOPLE: {"": 9}}}})
        facts = {"subject": "answers", "by": "whole", "key": "", "counts": counts, "headlines": counts}
        for span, day in (("day", date(2026, 10, 7)), ("month", date(2026, 10, 1))):
            tx.add(Tally(centre_id=centre.id, span=span, day=day, **facts))

    invent()
    assert {(wrong.span, wrong.stored) for wrong in differences()} == {("day", 9), ("month", 9)}

    upkeep.recount()

    assert differences() == []
    assert counted(date(2026, 10, 1)) == added_up([Person(MONDAY)])


@pytest.mark.parametrize(("closed_until", "left"), [(11, 4), (12, 3)])
def test_days_before_one_that_was_touched_while_no_worker_ran_are_closed_too(
    time_is: TimeIs, closed_until: int, left: int
) -> None:
    people = [Person(date(2026, 11, day)) for day in (11, 12, 13)]
    store(people)
    closed(before=date(2026, 11, closed_until))  # and then no more
    time_is("2026-11-14T12:00+02:00")
    receipt = sent(invited().token, {"off.nps": 9}).receipt
    time_is("2026-11-16T12:00+02:00")
    flow.withdraw(receipt)
    assert open_days() == [date(2026, 11, 14)]
    assert waiting() == left

    assert closed(before=MONDAY) == left

    assert waiting() == 0
    assert {day.day.day for day in stored.rows(CountedDay, CountedDay.closed)} == {11, 12, 13, 14}
    assert counted(date(2026, 11, 11)) == added_up(people)
    assert differences() == []


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


def test_an_answer_that_comes_while_its_day_is_being_closed_is_not_lost(app: Flask) -> None:
    store([Person(MONDAY)])
    closed()
    typed_in(MONDAY, {"off.nps": 2})
    counted_already, answered = threading.Event(), threading.Event()
    [centre] = stored.rows(Centre)

    @transaction
    def close_slowly(tx: Session) -> None:
        closing.close_days(tx, centre.id, before=FRIDAY)
        counted_already.set()
        answered.wait(0.3)  # the answer cannot be final before this day is: it waits

    with meanwhile(app, close_slowly):
        assert counted_already.wait(10)
        typed_in(MONDAY, {"off.nps": 3})
        answered.set()

    late = [Person(MONDAY, {"off.nps": score}, source="paper_box") for score in ("2", "3")]
    assert counted() == added_up([Person(MONDAY), *late])
    assert closed() == 1
    assert counted() == added_up([Person(MONDAY), *late])


def test_closing_waits_for_an_answer_that_is_just_becoming_final(app: Flask) -> None:
    store([Person(MONDAY)])
    [centre] = stored.rows(Centre)
    almost_final, closing = threading.Event(), threading.Event()

    @transaction
    def answer_slowly(tx: Session) -> None:
        key, day = uuid.uuid4(), {"answered_on": MONDAY, "front_office": "offline", "source": "paper_box"}
        facts = {"questionnaire": "offline-2026.1", "language": "uk", "answers": {"off.nps": ["3"]}}
        tx.execute(insert(Response).values(day | facts | {"centre_id": centre.id, "id": key}))
        rollups.reopen(tx.connection(), centre.id, MONDAY, today=clock.kyiv_day(clock.now()))
        almost_final.set()
        closing.wait(0.3)  # closing cannot be done before this is committed

    with meanwhile(app, answer_slowly):
        assert almost_final.wait(10)
        assert closed() == 1
        closing.set()

    late = Person(MONDAY, {"off.nps": "3"}, source="paper_box")
    assert counted() == added_up([Person(MONDAY), late])
    assert differences() == []


def test_two_workers_close_the_same_days_and_count_nobody_twice(app: Flask) -> None:
    people = crowd(5, 60, first=MONDAY, days=4)
    store(people)

    with meanwhile(app, closed):
        closed()

    assert counted() == added_up(people)
    assert differences() == []


Cells = dict[tuple[str, str, str, str, str], int]


@reading
def told_by(tx: Session, by: str, first: date, last: date, only: list[str] | None = None) -> Cells:
    """What a period's answers add up to in each group."""
    sums: Counter[tuple[str, str, str, str, str]] = Counter()
    for one in rollups.answers(tx, list(tx.scalars(select(Centre.id))), first, last, by, only=only):
        for cell, n in tallies.cells(one.counts):
            sums[one.key, *cell] += n
    return dict(sums)


@reading
def invited_by(tx: Session, by: str, first: date, last: date) -> Cells:
    """The same of invitations."""
    sums: Counter[tuple[str, str, str, str, str]] = Counter()
    for one in rollups.invitations(tx, list(tx.scalars(select(Centre.id))), first, last, by):
        for cell, n in tallies.cells(one.counts):
            sums[one.key, *cell] += n
    return {cell: n for cell, n in sums.items() if n}


def settled(*, before: date) -> int:
    """Store invitations of a centre as the worker does; of how many days."""
    [centre] = stored.rows(Centre, Centre.code == CENTRE)
    return transaction(closing.settle_days)(centre.id, before=before)


AUGUST = (date(2026, 8, 1), date(2026, 8, 31))
PERIODS = [
    (date(2026, 8, 1), date(2026, 10, 31)),
    (date(2026, 8, 13), date(2026, 11, 3)),
    (date(2026, 9, 1), date(2026, 9, 30)),
    (date(2026, 9, 10), date(2026, 9, 20)),
]


@pytest.mark.parametrize("by", tallies.ANSWERS_BY)
def test_every_breakdown_is_the_same_from_answers_days_and_months(by: str) -> None:
    a_centre(ELSEWHERE)
    store(crowd(11, 250, first=date(2026, 8, 1), days=100, centres=(CENTRE, ELSEWHERE)))
    live = [told_by(by, *period) for period in PERIODS]

    while closed(before=date(2026, 11, 5)):
        pass
    assert [told_by(by, *period) for period in PERIODS] == live
    while closed(ELSEWHERE, before=date(2026, 10, 14)):
        pass
    assert [told_by(by, *period) for period in PERIODS] == live
    assert {row.day.month for row in stored.rows(Tally, Tally.span == "month")} == {8, 9, 10}
    assert differences() == []


def test_a_young_centre_does_not_make_the_months_of_others_be_read_day_by_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_centre(ELSEWHERE)
    people = [Person(date(2026, month, day)) for month in (8, 9, 10) for day in (1, 15, 30)]
    people += [Person(date(2026, 10, 15), centre=ELSEWHERE), Person(date(2026, 11, 2), centre=ELSEWHERE)]
    store(people)
    for code in (CENTRE, ELSEWHERE):
        closed(code)
    read, pages = tallies.read, list[str]()

    def count(page: str) -> Counts:
        pages.append(page)
        return read(page)

    monkeypatch.setattr(tallies, "read", count)

    told = told_by("whole", date(2026, 8, 1), date(2026, 11, 19))

    assert sum(n for cell, n in told.items() if cell[3] == PEOPLE) == len(people)
    assert len(pages) == 3 + 2, "three months of the one, a month and a day of the other"


def test_a_country_whose_centres_were_silent_in_different_months_is_told_too() -> None:
    store([Person(date(2025, month, 15)) for month in range(1, 13, 2)])
    while closed():
        pass

    @reading
    def everybody(tx: Session) -> list[uuid.UUID]:
        return [*tx.scalars(select(Centre.id)), *(uuid.uuid4() for _ in range(6_000))]

    @reading
    def told(tx: Session, centres: list[uuid.UUID]) -> list[tuple[date, str]]:
        year = rollups.answers(tx, centres, date(2025, 1, 1), date(2025, 12, 31))
        return [(one.day, one.key) for one in year]

    assert len(told(everybody())) == 6


@pytest.mark.parametrize("by", [by for by in tallies.ANSWERS_BY if by != tallies.WHOLE])
def test_who_looks_at_one_group_learns_of_the_others_how_many_answered(by: str) -> None:
    a_centre(ELSEWHERE)
    store(crowd(12, 250, first=date(2026, 8, 1), days=100, centres=(CENTRE, ELSEWHERE)))
    while closed(before=FRIDAY) or closed(ELSEWHERE, before=FRIDAY):
        pass

    for period in PERIODS:
        everything = told_by(by, *period)
        for key in {cell[0] for cell in everything}:
            assert told_by(by, *period, only=[key]) == {
                cell: n for cell, n in everything.items() if cell[0] == key or cell[3] == PEOPLE
            }


def test_a_number_of_people_that_is_wrong_is_named_too() -> None:
    store([Person(MONDAY)])
    closed()

    spoilt(Tally.by == "language", Tally.subject == "people", counts="{}")

    [people] = differences()
    assert (people.subject, people.by, people.question, people.value) == ("people", "language", PEOPLE, "uk")
    assert (people.stored, people.recounted) == (0, 1)


def test_headlines_that_tell_something_else_are_named_too() -> None:
    store([Person(MONDAY)])
    closed()

    spoilt(Tally.by == "language", Tally.subject == "answers", headlines="{}")

    [people, answer] = differences()
    assert (people.subject, people.by, people.question, people.stored, people.recounted) == (
        *("headlines", "language", PEOPLE),
        *(0, 1),
    )
    assert (answer.subject, answer.question, answer.value) == ("headlines", "off.nps", "10")


def test_a_late_answer_in_a_month_that_was_summed_is_in_its_figures_at_once() -> None:
    people = [Person(date(2026, 9, day)) for day in (1, 15, 30)]
    store(people)
    closed(before=FRIDAY)
    september = (date(2026, 9, 1), date(2026, 9, 30))
    assert told_by("whole", *september)["", "offline", "qr_case", PEOPLE, ""] == 3

    typed_in(date(2026, 9, 15), {"off.nps": 3})
    assert told_by("whole", *september)["", "offline", "paper_box", PEOPLE, ""] == 1
    assert differences() == []
    closed(before=FRIDAY)
    assert told_by("whole", *september)["", "offline", "paper_box", PEOPLE, ""] == 1
    assert [row.day for row in stored.rows(Tally, Tally.span == "month", Tally.by == "whole")] == [
        september[0]
    ]
    assert differences() == []


@pytest.mark.parametrize("by", tallies.INVITATIONS_BY)
def test_invitations_are_the_same_before_and_after_their_days_are_stored(by: str, time_is: TimeIs) -> None:
    period = (date(2026, 8, 1), date(2026, 11, 20))
    for day in (3, 4, 28):
        time_is(f"2026-08-{day:02}T10:00+03:00")
        sent(invited(workplace=f"window-{day}").token, {"off.nps": 9})
        invited(front_office="online", workplace=None)
    time_is("2026-11-20T12:00+02:00")
    invited()
    live = invited_by(by, *period)

    assert settled(before=date(2026, 9, 6)) == 1
    assert invited_by(by, *period) == live
    assert settled(before=FRIDAY) == 2
    assert settled(before=FRIDAY) == 0
    assert invited_by(by, *period) == live
    assert differences() == []


@pytest.mark.parametrize("by", tallies.INVITATIONS_BY)
def test_invitations_to_an_old_and_a_new_version_of_the_questions_add_up(by: str, time_is: TimeIs) -> None:
    time_is("2026-08-03T10:00+03:00")
    sent(invited().token, {"off.nps": 9})
    later = json.loads((FOLDER / "offline-2026.1.json").read_text(encoding="utf-8"))
    setup.load_questionnaire(later | {"version": "offline-2026.2", "effective_from": "2026-08-03"})
    invited()

    def told() -> dict[str, int]:
        cells = invited_by(by, date(2026, 8, 1), FRIDAY).items()
        assert {front_office for (_, front_office, *_), _ in cells} == {"offline"}
        return {step: n for (*_, step), n in cells}

    assert {one.questionnaire for one in stored.rows(Invitation)} == {"offline-2026.1", "offline-2026.2"}
    live = told()
    assert live == {"invited": 2, "opened": 1, "started": 1, "answered": 1}
    assert settled(before=FRIDAY) == 1
    assert told() == live


def test_invitations_of_a_day_are_stored_when_nobody_can_answer_them_any_more(time_is: TimeIs) -> None:
    time_is("2026-10-01T10:00+03:00")
    invited()
    assert settled(before=date(2026, 11, 3)) == 0
    assert settled(before=date(2026, 11, 4)) == 1


def test_recounting_waits_for_invitations_that_are_just_being_stored(app: Flask, time_is: TimeIs) -> None:
    for day in (3, 4, 5):
        time_is(f"2026-08-{day:02}T10:00+03:00")
        invited()
    live = invited_by("whole", *AUGUST)
    assert settled(before=date(2026, 9, 6)) == 1
    stored_already, recounted = threading.Event(), threading.Event()
    [centre] = stored.rows(Centre)

    @transaction
    def settle_slowly(tx: Session) -> None:
        closing.settle_days(tx, centre.id, before=FRIDAY)
        stored_already.set()
        recounted.wait(0.3)  # or these days would stand for the one before them, whose sum is gone

    with meanwhile(app, settle_slowly):
        assert stored_already.wait(10)
        transaction(rollups.reopen_all)(centre.id)
        recounted.set()

    assert invited_by("whole", *AUGUST) == live
    assert settled(before=FRIDAY) == 3
    assert differences() == []


def two_invited_on(day: date, time_is: TimeIs) -> None:
    """One of them answered."""
    time_is(f"{day}T10:00+03:00")
    sent(invited().token, {"off.nps": 9})
    invited()


def test_what_invitations_added_up_to_outlives_them(time_is: TimeIs) -> None:
    two_invited_on(date(2026, 8, 3), time_is)
    told = invited_by("service", *AUGUST)
    assert sum(told.values()) > 0

    time_is("2030-01-01T12:00+02:00")
    assert upkeep.purge().cases == 2, "also if nobody has counted them before"
    assert invited_by("service", *AUGUST) == told
    assert upkeep.differences() == []
    upkeep.recount()
    assert invited_by("service", *AUGUST) == told


def test_an_invitation_is_kept_until_all_of_its_day_are_counted(
    app: Flask, settings: Settings, time_is: TimeIs
) -> None:
    app.config["SETTINGS"] = replace(settings, retention_days=14)
    two_invited_on(date(2026, 8, 3), time_is)
    told = invited_by("service", *AUGUST)

    time_is("2026-08-31T12:00+03:00")
    assert upkeep.purge().cases == 0
    time_is("2026-09-20T12:00+03:00")
    assert upkeep.purge().cases == 2

    assert invited_by("service", *AUGUST) == told


def test_what_was_purged_stays_counted_when_more_is_to_be_kept_from_now_on(
    app: Flask, settings: Settings, time_is: TimeIs
) -> None:
    app.config["SETTINGS"] = replace(settings, retention_days=365)
    two_invited_on(date(2026, 8, 3), time_is)
    two_invited_on(date(2027, 8, 3), time_is)
    years = (date(2026, 1, 1), date(2027, 12, 31))
    told = invited_by("service", *years)
    time_is("2027-11-20T12:00+02:00")
    upkeep.close_days()
    assert upkeep.purge().cases == 2

    app.config["SETTINGS"] = settings
    assert upkeep.differences() == []
    spoilt(Tally.by == "service", Tally.day >= date(2027, 1, 1), counts="{}")
    assert {wrong.day for wrong in upkeep.differences()} == {date(2027, 8, 1), date(2027, 8, 3)}
    upkeep.recount()

    assert upkeep.differences() == []
    assert invited_by("service", *years) == told
