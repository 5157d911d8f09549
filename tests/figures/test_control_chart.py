"""Control limits mark what is out of the ordinary and leave alone what only varies."""

import random

import pytest

from feedback_service.figures.comparison import Share
from feedback_service.figures.control_chart import LEAST_PERIODS, compute_chart


def months(shares: list[float], n: int, chance: random.Random) -> list[Share]:
    return [Share(sum(chance.random() < share for _ in range(n)), n) for share in shares]


def test_limits_are_three_deviations_wide_and_wider_for_fewer_answers() -> None:
    told = compute_chart([Share(4, 100), Share(6, 100), Share(1, 25), Share(9, 225), *[Share(5, 125)] * 6])

    assert told.method == "p"
    mean = 50 / 1200
    assert told.mean == pytest.approx(mean)
    hundred, few, many = told.points[0], told.points[2], told.points[3]
    for point, n in ((hundred, 100), (few, 25), (many, 225)):
        assert point.high == pytest.approx(mean + 3 * (mean * (1 - mean) / n) ** 0.5)
    assert hundred.low == 0


def test_one_month_that_trebles_is_a_signal_and_the_others_are_none() -> None:
    told = compute_chart([*[Share(4, 200)] * 11, Share(20, 200)])
    assert [point.limit_exceeded for point in told.points] == [None] * 11 + ["high"]


def test_a_month_that_is_far_better_is_a_signal_too() -> None:
    told = compute_chart([*[Share(60, 200), Share(56, 200)] * 5, Share(20, 200)])
    assert told.points[-1].limit_exceeded == "low"


def test_of_months_that_only_vary_hardly_any_is_a_signal() -> None:
    chance = random.Random(3)
    signals = [
        point.limit_exceeded for _ in range(200) for point in compute_chart(months([0.08] * 24, 250, chance)).points
    ]
    assert sum(signal is not None for signal in signals) / len(signals) < 0.01


def test_of_huge_months_that_differ_more_than_chance_lets_them_limits_are_laneys() -> None:
    chance = random.Random(4)
    told = compute_chart(months([chance.gauss(0.08, 0.012) for _ in range(24)], 8000, chance))

    assert told.method == "laney"
    assert told.sigma_z is not None and told.sigma_z > 2
    assert sum(point.limit_exceeded is not None for point in told.points) <= 1


def test_small_months_that_differ_too_much_get_laneys_limits_as_well() -> None:
    told = compute_chart([Share(2, 100), Share(14, 100)] * 6)
    assert told.sigma_z is not None and told.sigma_z > 1.2
    assert told.method == "laney"


def test_a_month_without_answers_has_no_limits_and_changes_none() -> None:
    told = [Share(4, 100)] * LEAST_PERIODS
    with_gap = compute_chart([*told[:3], Share(0, 0), *told[3:]])
    assert (with_gap.points[3].share, with_gap.points[3].high, with_gap.points[3].limit_exceeded) == (
        None,
        None,
        None,
    )
    assert with_gap.points[0] == compute_chart(told).points[0]


def test_of_too_few_months_no_limits_are_told() -> None:
    told = compute_chart([Share(1, 100)] * (LEAST_PERIODS - 1))
    assert told.method == "none"
    assert {point.high for point in told.points} == {None}
    assert compute_chart([]).mean is None
