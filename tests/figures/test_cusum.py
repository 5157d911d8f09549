"""A lasting rise of bad answers is noticed soon, and things as usual seldom raise an alarm."""

import random
import statistics
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from feedback_service.figures.cusum import (
    USUAL,
    WORST_USUAL,
    Day,
    Excess,
    Watch,
    choose_parameters,
    find_excess,
)

MONDAY = date(2026, 11, 16)


def days(share: float, a_day: int, chance: random.Random) -> Iterator[Day]:
    """Days of so many answers each, without end."""
    on = MONDAY
    while True:
        yield Day(on, a_day, sum(chance.random() < share for _ in range(a_day)))
        on += timedelta(days=1)


def answers_until_alarm(share: float, a_day: int, chance: random.Random, usual: float = USUAL) -> int:
    """How many answers had been given when the alarm was raised."""
    told, answers = Watch(choose_parameters(10**9, round(usual * 10**9))), 0
    for day in days(share, a_day, chance):
        told.add_day(day)
        answers += day.n
        if told.excess is not None:
            return answers
    raise AssertionError("unreachable")


@pytest.mark.parametrize("a_day", [1, 5, 10, 20])
def test_a_rise_from_two_to_six_percent_is_noticed_after_seventy_answers(a_day: int) -> None:
    chance = random.Random(6)
    assert statistics.median(answers_until_alarm(0.06, a_day, chance) for _ in range(1000)) <= 70


@pytest.mark.slow
@pytest.mark.parametrize("a_day", [1, 5, 10, 20, 40])
def test_two_percent_as_usual_raise_one_false_alarm_in_seven_hundred_answers_at_most(a_day: int) -> None:
    chance = random.Random(2)
    assert statistics.fmean(answers_until_alarm(0.02, a_day, chance) for _ in range(1000)) >= 700


@pytest.mark.slow
@pytest.mark.parametrize("usual", [0.03, 0.045, 0.06])
def test_a_centre_used_to_more_bad_answers_gets_no_more_false_alarms(usual: float) -> None:
    chance = random.Random(3)
    assert statistics.fmean(answers_until_alarm(usual, 5, chance, usual) for _ in range(600)) >= 700


def test_a_busy_centre_notices_on_the_first_day() -> None:
    chance = random.Random(7)
    assert statistics.median(answers_until_alarm(0.06, 400, chance) for _ in range(200)) == 400


def test_the_usual_share_is_the_centres_own_shrunk_to_the_national_one_and_kept_in_bounds() -> None:
    assert choose_parameters().usual == USUAL
    assert choose_parameters(300, 12).usual == pytest.approx(0.03)
    assert choose_parameters(10_000, 0).usual == USUAL
    assert choose_parameters(10_000, 3_000).usual == WORST_USUAL
    assert choose_parameters().risen == pytest.approx(0.06)


def test_an_alarm_tells_since_when_and_of_how_many_answers() -> None:
    quiet = [Day(MONDAY + timedelta(days=n), 10, 0) for n in range(5)]
    bad = [Day(MONDAY + timedelta(days=5 + n), 10, 2) for n in range(3)]

    assert find_excess([*quiet, *bad], choose_parameters()) == Excess(
        since=MONDAY + timedelta(days=5), noticed=MONDAY + timedelta(days=6), n=30, bad=6
    )


def test_an_alarm_ends_when_answers_are_as_usual_again() -> None:
    told = Watch(choose_parameters())
    for n in range(3):
        told.add_day(Day(MONDAY + timedelta(days=n), 10, 3))
    assert told.excess is not None
    for n in range(3, 10):
        told.add_day(Day(MONDAY + timedelta(days=n), 10, 0))
    assert told.excess is None


def test_the_order_within_a_day_is_unknown_so_equal_totals_give_equal_alarms_and_empty_days_none() -> None:
    told = [Day(MONDAY, 20, 3), Day(MONDAY + timedelta(days=1), 0, 0), Day(MONDAY + timedelta(days=2), 20, 2)]
    assert find_excess(told, choose_parameters()) == find_excess([told[0], told[2]], choose_parameters())
    assert find_excess([], choose_parameters()) is None


def test_of_too_few_answers_no_alarm_is_raised() -> None:
    three = [Day(MONDAY, 3, 3)]
    assert find_excess(three, choose_parameters()) is not None
    assert find_excess(three, choose_parameters(), min_answers=5) is None
