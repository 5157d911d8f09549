"""Figures are made of the same counts whether they come from answers, stored days or stored months."""

import json
import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.counts import rollups, tallies
from feedback_service.counts.tallies import PEOPLE, NestedCounts
from feedback_service.database import reading
from feedback_service.flow import publishing
from feedback_service.models import Centre, CountRollup, Invitation
from feedback_service.surveys.questionnaires import DOCUMENTS_FOLDER
from tests.conftest import TimeIs
from tests.counts.stored_counts import (
    ELSEWHERE,
    FRIDAY,
    MONDAY,
    PERIODS,
    added_up,
    closed,
    counted,
    differences,
    invited_by,
    settled,
    told_by,
    typed_in,
)
from tests.support import stored
from tests.support.respondents import Person, make_people, store_answers
from tests.support.story import CENTRE, create_centre, create_invitation, send_answer

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def friday_noon(context: None, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    create_centre()


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_the_same_with_no_day_some_days_and_all_days_closed(seed: int) -> None:
    create_centre(ELSEWHERE)
    people = make_people(seed, 120, first_day=MONDAY, days=5, centres=(CENTRE, ELSEWHERE))
    store_answers(people)

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


def test_who_leaves_only_a_comment_is_counted_as_a_person() -> None:
    send_answer(create_invitation().token, {"any.comment": "Дякую"})

    people = {(CENTRE, FRIDAY, "offline", "qr_case", PEOPLE, ""): 1}
    assert counted() == people
    closed(before=FRIDAY + timedelta(1))
    assert counted() == people


@pytest.mark.slow
@pytest.mark.parametrize("by", tallies.ANSWERS_BY)
def test_every_breakdown_is_the_same_from_answers_days_and_months(by: str) -> None:
    create_centre(ELSEWHERE)
    store_answers(make_people(11, 250, first_day=date(2026, 8, 1), days=100, centres=(CENTRE, ELSEWHERE)))
    live = [told_by(by, *period) for period in PERIODS]

    while closed(before=date(2026, 11, 5)):
        pass
    assert [told_by(by, *period) for period in PERIODS] == live
    while closed(ELSEWHERE, before=date(2026, 10, 14)):
        pass
    assert [told_by(by, *period) for period in PERIODS] == live
    assert {row.day.month for row in stored.read_rows(CountRollup, CountRollup.span == "month")} == {8, 9, 10}
    assert differences() == []


def test_a_young_centre_does_not_make_the_months_of_others_be_read_day_by_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create_centre(ELSEWHERE)
    people = [Person(date(2026, month, day)) for month in (8, 9, 10) for day in (1, 15, 30)]
    people += [Person(date(2026, 10, 15), centre=ELSEWHERE), Person(date(2026, 11, 2), centre=ELSEWHERE)]
    store_answers(people)
    for code in (CENTRE, ELSEWHERE):
        closed(code)
    read, pages = tallies.parse_counts, list[str]()

    def count(page: str) -> NestedCounts:
        pages.append(page)
        return read(page)

    monkeypatch.setattr(tallies, "parse_counts", count)

    told = told_by("whole", date(2026, 8, 1), date(2026, 11, 19))

    assert sum(n for cell, n in told.items() if cell[3] == PEOPLE) == len(people)
    assert len(pages) == 3 + 2, "three months of the one, a month and a day of the other"


def test_a_country_whose_centres_were_silent_in_different_months_is_told_too() -> None:
    store_answers([Person(date(2025, month, 15)) for month in range(1, 13, 2)])
    while closed():
        pass

    @reading
    def everybody(tx: Session) -> list[uuid.UUID]:
        return [*tx.scalars(select(Centre.id)), *(uuid.uuid4() for _ in range(6_000))]

    @reading
    def told(tx: Session, centres: list[uuid.UUID]) -> list[tuple[date, str]]:
        year = rollups.read_answers(tx, rollups.WantedCounts(centres, date(2025, 1, 1), date(2025, 12, 31)))
        return [(one.day, one.key) for one in year]

    assert len(told(everybody())) == 6


@pytest.mark.slow
@pytest.mark.parametrize("by", [by for by in tallies.ANSWERS_BY if by != tallies.WHOLE])
def test_who_looks_at_one_group_learns_of_the_others_how_many_answered(by: str) -> None:
    create_centre(ELSEWHERE)
    store_answers(make_people(12, 250, first_day=date(2026, 8, 1), days=100, centres=(CENTRE, ELSEWHERE)))
    while closed(before=FRIDAY) or closed(ELSEWHERE, before=FRIDAY):
        pass

    for period in PERIODS:
        everything = told_by(by, *period)
        assert everything
        for key in {cell[0] for cell in everything}:
            assert told_by(by, *period, only=[key]) == {
                cell: n for cell, n in everything.items() if cell[0] == key or cell[3] == PEOPLE
            }


def test_a_late_answer_in_a_month_that_was_summed_is_in_its_figures_at_once() -> None:
    people = [Person(date(2026, 9, day)) for day in (1, 15, 30)]
    store_answers(people)
    closed(before=FRIDAY)
    september = (date(2026, 9, 1), date(2026, 9, 30))
    assert told_by("whole", *september)["", "offline", "qr_case", PEOPLE, ""] == 3

    typed_in(date(2026, 9, 15), {"off.nps": 3})
    assert told_by("whole", *september)["", "offline", "paper_box", PEOPLE, ""] == 1
    assert differences() == []
    closed(before=FRIDAY)
    assert told_by("whole", *september)["", "offline", "paper_box", PEOPLE, ""] == 1
    assert [
        row.day for row in stored.read_rows(CountRollup, CountRollup.span == "month", CountRollup.by == "whole")
    ] == [september[0]]
    assert differences() == []


@pytest.mark.parametrize("by", tallies.INVITATIONS_BY)
def test_invitations_are_the_same_before_and_after_their_days_are_stored(by: str, time_is: TimeIs) -> None:
    period = (date(2026, 8, 1), date(2026, 11, 20))
    for day in (3, 4, 28):
        time_is(f"2026-08-{day:02}T10:00+03:00")
        send_answer(create_invitation(workplace=f"window-{day}").token, {"off.nps": 9})
        create_invitation(front_office="online", workplace=None)
    time_is("2026-11-20T12:00+02:00")
    create_invitation()
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
    send_answer(create_invitation().token, {"off.nps": 9})
    later = json.loads((DOCUMENTS_FOLDER / "offline-2026.1.json").read_text(encoding="utf-8"))
    publishing.publish_questionnaire(later | {"version": "offline-2026.2", "effective_from": "2026-08-03"})
    create_invitation()

    def told() -> dict[str, int]:
        cells = invited_by(by, date(2026, 8, 1), FRIDAY).items()
        assert {front_office for (_, front_office, *_), _ in cells} == {"offline"}
        return {step: n for (*_, step), n in cells}

    assert {one.questionnaire for one in stored.read_rows(Invitation)} == {"offline-2026.1", "offline-2026.2"}
    live = told()
    assert live == {"invited": 2, "opened": 1, "started": 1, "answered": 1}
    assert settled(before=FRIDAY) == 1
    assert told() == live
