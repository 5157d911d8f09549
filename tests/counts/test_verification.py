"""A stored count that is wrong is named, and counting again mends it."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from feedback_service.counts import counted_days, tallies
from feedback_service.counts.tallies import PEOPLE
from feedback_service.counts.verification import CountMismatch
from feedback_service.database import transaction
from feedback_service.flow import maintenance
from feedback_service.models import Centre, CountRollup
from tests.conftest import TimeIs
from tests.counts.stored_counts import FRIDAY, MONDAY, added_up, closed, counted, differences, spoilt
from tests.support import stored
from tests.support.respondents import Person, store_answers
from tests.support.story import CENTRE, create_centre

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def friday_noon(context: None, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    create_centre()


def test_a_wrong_stored_count_is_named_and_mended_by_counting_again() -> None:
    people = [Person(MONDAY), Person(MONDAY, {"off.nps": "2"}), Person(FRIDAY - timedelta(1))]
    store_answers(people)
    closed()

    wrong = {"offline": {"qr_case": {PEOPLE: {"": 7}, "off.nps": {"10": 1}, "x": {"y": 1}}}}
    spoilt(CountRollup.day == MONDAY, CountRollup.by == "whole", counts=tallies.serialise_counts(wrong))

    where = (CENTRE, "answers", "whole", "day", MONDAY, "", "offline", "qr_case")
    assert differences() == [
        CountMismatch(*where, question=PEOPLE, value="", stored=7, recounted=2),
        CountMismatch(*where, question="off.nps", value="2", stored=0, recounted=1),
        CountMismatch(*where, question="x", value="y", stored=1, recounted=0),
    ]
    [centre] = stored.read_rows(Centre)
    transaction(counted_days.reopen_all_days)(centre.id)
    assert counted() == added_up(people)
    assert closed() == 2
    assert differences() == []
    assert counted() == added_up(people)


def test_what_is_stored_of_a_day_without_answers_is_gone_after_counting_again() -> None:
    store_answers([Person(MONDAY)])
    closed()
    [centre] = stored.read_rows(Centre)

    @transaction
    def invent(tx: Session) -> None:
        counts = tallies.serialise_counts({"offline": {"qr_case": {PEOPLE: {"": 9}}}})
        facts = {"subject": "answers", "by": "whole", "key": "", "counts": counts, "headlines": counts}
        for span, day in (("day", date(2026, 10, 7)), ("month", date(2026, 10, 1))):
            tx.add(CountRollup(centre_id=centre.id, span=span, day=day, **facts))

    invent()
    assert {(wrong.span, wrong.stored) for wrong in differences()} == {("day", 9), ("month", 9)}

    maintenance.recount_days()

    assert differences() == []
    assert counted(date(2026, 10, 1)) == added_up([Person(MONDAY)])


def test_a_number_of_people_that_is_wrong_is_named_too() -> None:
    store_answers([Person(MONDAY)])
    closed()

    spoilt(CountRollup.by == "language", CountRollup.subject == "people", counts="{}")

    [people] = differences()
    assert (people.subject, people.by, people.question, people.value) == ("people", "language", PEOPLE, "uk")
    assert (people.stored, people.recounted) == (0, 1)


def test_headlines_that_tell_something_else_are_named_too() -> None:
    store_answers([Person(MONDAY)])
    closed()

    spoilt(CountRollup.by == "language", CountRollup.subject == "answers", headlines="{}")

    [people, answer] = differences()
    assert (people.subject, people.by, people.question, people.stored, people.recounted) == (
        *("headlines", "language", PEOPLE),
        *(0, 1),
    )
    assert (answer.subject, answer.question, answer.value) == ("headlines", "off.nps", "10")
