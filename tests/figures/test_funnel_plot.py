"""Funnel limits are those of the exact binomial distribution."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_service.figures.comparison import Share
from feedback_service.figures.funnel_plot import compute_curve, compute_limits, locate_group

unhurried = settings(deadline=None, max_examples=40)


def upto(count: int, n: int, share: Fraction) -> Fraction:
    """The exact chance of at most so many of n."""
    return sum((comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(count + 1)), Fraction(0))


@unhurried
@given(st.integers(1, 150), st.integers(1, 99))
def test_no_more_than_the_tails_lie_outside(n: int, percent: int) -> None:
    share = Fraction(percent, 100)
    told = compute_limits(n, percent / 100)
    for tail, at in (
        (0.001, told.outer_low),
        (0.025, told.low),
        (0.975, told.high),
        (0.999, told.outer_high),
    ):
        count = round(at * n)
        assert upto(count, n, share) >= tail - 1e-12
        assert count == 0 or upto(count - 1, n, share) < tail + 1e-12


@unhurried
@given(st.integers(1, 200_000), st.floats(0.001, 0.999))
def test_limits_lie_in_order_around_the_target(n: int, target: float) -> None:
    told = compute_limits(n, target)
    assert 0 <= told.outer_low <= told.low <= told.high <= told.outer_high <= 1
    assert told.low <= target + 1 / n and target - 1 / n <= told.high


def test_of_many_answers_the_limits_are_those_of_the_normal_distribution() -> None:
    told = compute_limits(100_000, 0.02)
    deviation = (0.02 * 0.98 / 100_000) ** 0.5
    assert told.high == pytest.approx(0.02 + 1.96 * deviation, rel=0.01)
    assert told.outer_low == pytest.approx(0.02 - 3.09 * deviation, rel=0.01)


def test_a_window_is_held_against_the_limits_of_its_own_size() -> None:
    assert locate_group(Share(2, 20), 0.02) == "inside"
    assert locate_group(Share(20, 200), 0.02) == "beyond_998"
    assert locate_group(Share(9, 200), 0.02) == "beyond_95"
    assert locate_group(Share(0, 200), 0.02) == "beyond_95"


def test_a_share_of_nobody_or_everybody_has_no_funnel() -> None:
    assert compute_limits(50, 0).outer_high == 0
    assert compute_limits(50, 1).outer_low == 1
    for n, target in ((0, 0.5), (10, 1.5)):
        with pytest.raises(ValueError, match="no limits"):
            compute_limits(n, target)


def test_the_curve_runs_from_the_smallest_size_to_the_largest() -> None:
    drawn = compute_curve([7, 300, 45], 0.02)
    assert (drawn[0].n, drawn[-1].n) == (7, 300)
    assert drawn[0].high > drawn[-1].high
    assert compute_curve([], 0.02) == []
    assert [one.n for one in compute_curve([9, 9], 0.02)] == [9]
