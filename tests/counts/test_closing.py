"""What is stored of a closed day is what its answers add up to, whoever comes when."""

import threading
import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.counts import closing, counted_days
from feedback_service.database import transaction
from feedback_service.flow import maintenance, receipts
from feedback_service.models import Centre, CountedDay, CountRollup, Response
from tests.conftest import TimeIs
from tests.counts.stored_counts import (
    AUGUST,
    FRIDAY,
    MONDAY,
    added_up,
    closed,
    counted,
    differences,
    invited_by,
    meanwhile,
    open_days,
    settled,
    spoilt,
    typed_in,
    waiting,
)
from tests.support import stored
from tests.support.respondents import Person, make_people, store_answers
from tests.support.story import create_centre, create_invitation, send_answer, use_service_now

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def friday_noon(context: None, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    create_centre()


def test_days_are_closed_oldest_first_and_each_once() -> None:
    store_answers([Person(MONDAY + timedelta(n)) for n in (0, 2, 3)])

    assert closed(limit=2) == 2
    assert [day.day for day in stored.read_rows(CountedDay)] == [MONDAY, MONDAY + timedelta(2)]
    assert closed() == 1
    assert closed() == 0


def test_a_day_that_is_not_over_stays_open() -> None:
    store_answers([Person(FRIDAY)])

    assert closed(before=FRIDAY) == 0
    assert counted() == added_up([Person(FRIDAY)])


def test_an_answer_of_today_does_not_touch_the_counted_days() -> None:
    send_answer(create_invitation().token, {"off.nps": 9})

    assert stored.read_rows(CountedDay) == []


def test_a_late_answer_opens_its_day_until_it_is_closed_again() -> None:
    store_answers([Person(MONDAY)])
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
    receipt = send_answer(create_invitation().token, {"off.nps": 9, "any.comment": "Дякую"}).receipt
    time_is("2026-11-21T09:00+02:00")
    closed(before=FRIDAY + timedelta(1))

    receipts.withdraw_answer(receipt)

    assert counted() == {}
    assert closed(before=FRIDAY + timedelta(1)) == 1
    assert stored.read_rows(CountRollup) == []
    assert counted() == {}
    assert differences() == []


@pytest.mark.parametrize(("closed_until", "left"), [(11, 4), (12, 3)])
def test_days_before_one_that_was_touched_while_no_worker_ran_are_closed_too(
    time_is: TimeIs, closed_until: int, left: int
) -> None:
    people = [Person(date(2026, 11, day)) for day in (11, 12, 13)]
    store_answers(people)
    closed(before=date(2026, 11, closed_until))  # and then no more
    time_is("2026-11-14T12:00+02:00")
    receipt = send_answer(create_invitation().token, {"off.nps": 9}).receipt
    time_is("2026-11-16T12:00+02:00")
    receipts.withdraw_answer(receipt)
    assert open_days() == [date(2026, 11, 14)]
    assert waiting() == left

    assert closed(before=MONDAY) == left

    assert waiting() == 0
    assert {day.day.day for day in stored.read_rows(CountedDay, CountedDay.closed)} == {11, 12, 13, 14}
    assert counted(date(2026, 11, 11)) == added_up(people)
    assert differences() == []


def test_an_answer_that_comes_while_its_day_is_being_closed_is_not_lost(app: Flask) -> None:
    store_answers([Person(MONDAY)])
    closed()
    typed_in(MONDAY, {"off.nps": 2})
    counted_already, answered = threading.Event(), threading.Event()
    [centre] = stored.read_rows(Centre)

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
    store_answers([Person(MONDAY)])
    [centre] = stored.read_rows(Centre)
    almost_final, closing = threading.Event(), threading.Event()

    @transaction
    def answer_slowly(tx: Session) -> None:
        key, day = uuid.uuid4(), {"answered_on": MONDAY, "front_office": "offline", "source": "paper_box"}
        facts = {"questionnaire": "offline-2026.1", "language": "uk", "answers": {"off.nps": ["3"]}}
        tx.execute(insert(Response).values(day | facts | {"centre_id": centre.id, "id": key}))
        counted_days.reopen_past_day(tx.connection(), centre.id, MONDAY, today=clock.kyiv_day(clock.now()))
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
    people = make_people(5, 60, first_day=MONDAY, days=4)
    store_answers(people)

    with meanwhile(app, closed):
        closed()

    assert counted() == added_up(people)
    assert differences() == []


def test_invitations_of_a_day_are_stored_when_nobody_can_answer_them_any_more(time_is: TimeIs) -> None:
    time_is("2026-10-01T10:00+03:00")
    create_invitation()
    assert settled(before=date(2026, 11, 3)) == 0
    assert settled(before=date(2026, 11, 4)) == 1


def test_recounting_waits_for_invitations_that_are_just_being_stored(app: Flask, time_is: TimeIs) -> None:
    for day in (3, 4, 5):
        time_is(f"2026-08-{day:02}T10:00+03:00")
        create_invitation()
    live = invited_by("whole", *AUGUST)
    assert settled(before=date(2026, 9, 6)) == 1
    stored_already, recounted = threading.Event(), threading.Event()
    [centre] = stored.read_rows(Centre)

    @transaction
    def settle_slowly(tx: Session) -> None:
        closing.close_invitation_days(tx, centre.id, before=FRIDAY)
        stored_already.set()
        recounted.wait(0.3)  # or these days would stand for the one before them, whose sum is gone

    with meanwhile(app, settle_slowly):
        assert stored_already.wait(10)
        transaction(counted_days.reopen_all_days)(centre.id)
        recounted.set()

    assert invited_by("whole", *AUGUST) == live
    assert settled(before=FRIDAY) == 3
    assert differences() == []


def two_invited_on(day: date, time_is: TimeIs) -> None:
    """One of them answered."""
    time_is(f"{day}T10:00+03:00")
    send_answer(create_invitation().token, {"off.nps": 9})
    create_invitation()


def test_what_invitations_added_up_to_outlives_them(time_is: TimeIs) -> None:
    two_invited_on(date(2026, 8, 3), time_is)
    told = invited_by("service", *AUGUST)
    assert sum(told.values()) > 0

    time_is("2030-01-01T12:00+02:00")
    use_service_now()
    assert maintenance.purge_expired_data().cases == 2, "also if nobody has counted them before"
    assert invited_by("service", *AUGUST) == told
    assert maintenance.find_count_mismatches() == []
    maintenance.recount_days()
    assert invited_by("service", *AUGUST) == told


def test_an_invitation_is_kept_until_all_of_its_day_are_counted(
    app: Flask, settings: Settings, time_is: TimeIs
) -> None:
    app.config["SETTINGS"] = replace(settings, retention_days=14)
    two_invited_on(date(2026, 8, 3), time_is)
    told = invited_by("service", *AUGUST)

    time_is("2026-08-31T12:00+03:00")
    assert maintenance.purge_expired_data().cases == 0
    time_is("2026-09-20T12:00+03:00")
    assert maintenance.purge_expired_data().cases == 2

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
    use_service_now()
    maintenance.close_days()
    assert maintenance.purge_expired_data().cases == 2

    app.config["SETTINGS"] = settings
    assert maintenance.find_count_mismatches() == []
    spoilt(CountRollup.by == "service", CountRollup.day >= date(2027, 1, 1), counts="{}")
    assert {wrong.day for wrong in maintenance.find_count_mismatches()} == {
        date(2027, 8, 1),
        date(2027, 8, 3),
    }
    maintenance.recount_days()

    assert maintenance.find_count_mismatches() == []
    assert invited_by("service", *years) == told
