"""Intervals are the published ones, and rounding never drifts."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_service.indicators.statistics import adjusted_wald, round_decimal, to_percent, wilson

unhurried = settings(deadline=None)  # a busy machine is no failure
COUNTS = st.integers(0, 3000)


@pytest.mark.parametrize(
    ("successes", "n", "interval"),
    [
        (196, 200, (95.0, 99.2)),
        (197, 200, (95.7, 99.5)),
        (194, 200, (93.6, 98.6)),
        (195, 200, (94.3, 98.9)),
        (98, 100, (93.0, 99.4)),
        (49, 50, (89.5, 99.6)),
        (10, 10, (72.2, 100.0)),
        (0, 10, (0.0, 27.8)),
    ],
)
def test_the_interval_of_a_share_is_wilsons(successes: int, n: int, interval: tuple[float, float]) -> None:
    assert wilson(successes, n) == interval


def test_the_interval_of_an_index_is_adjusted_wald() -> None:
    assert adjusted_wald(173, 19, 8) == (74.6, 88.0)


@pytest.mark.parametrize(("n", "margin"), [(10, 39), (30, 24), (100, 13), (385, 7), (1000, 4)])
def test_seventy_percent_for_and_ten_against_is_as_sure_as_the_number_asked(n: int, margin: int) -> None:
    promoters, detractors = round(n * 0.7), round(n * 0.1)
    low, high = adjusted_wald(promoters, n - promoters - detractors, detractors)
    assert (high - low) / 2 == pytest.approx(margin, abs=0.5)


@unhurried
@given(COUNTS, COUNTS)
def test_a_share_lies_in_its_interval_and_the_interval_in_zero_to_a_hundred(yes: int, no: int) -> None:
    n = yes + no or 1
    low, high = wilson(yes if yes + no else 0, n)
    assert 0 <= low <= to_percent(Fraction(yes, n)) <= high <= 100


@unhurried
@given(COUNTS, COUNTS.filter(bool))
def test_counting_the_others_mirrors_the_interval_of_a_share(yes: int, no: int) -> None:
    low, high = wilson(yes, yes + no)
    assert wilson(no, yes + no) == pytest.approx((100 - high, 100 - low), abs=0.11)


@unhurried
@given(COUNTS, COUNTS.filter(bool))
def test_one_more_satisfied_of_as_many_never_lowers_the_interval(yes: int, no: int) -> None:
    before, after = wilson(yes, yes + no), wilson(yes + 1, yes + no)
    assert before[0] <= after[0] and before[1] <= after[1]


@unhurried
@given(COUNTS.filter(bool), COUNTS)
def test_ten_times_the_same_answers_are_surer(yes: int, no: int) -> None:
    (low, high), (lower, higher) = wilson(10 * yes, 10 * (yes + no)), wilson(yes, yes + no)
    assert lower <= low and high <= higher


@unhurried
@given(COUNTS, COUNTS, COUNTS)
def test_the_index_of_two_answers_or_more_lies_in_its_interval(p: int, neutral: int, d: int) -> None:
    if (n := p + neutral + d) < 2:
        return
    low, high = adjusted_wald(p, neutral, d)
    assert -100 <= low <= to_percent(Fraction(p - d, n)) <= high <= 100


@unhurried
@given(COUNTS, COUNTS.filter(bool), COUNTS)
def test_swapping_friends_and_critics_mirrors_the_interval_of_the_index(p: int, neutral: int, d: int) -> None:
    low, high = adjusted_wald(p, neutral, d)
    assert adjusted_wald(d, neutral, p) == pytest.approx((-high, -low))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.05", "0.1"),
        ("-0.05", "-0.1"),
        ("0.25", "0.3"),
        ("-66.65", "-66.7"),
        ("82.5", "82.5"),
        ("-0.04", "0.0"),
    ],
)
def test_an_exact_half_goes_away_from_zero(value: str, shown: str) -> None:
    assert round_decimal(Fraction(value)) == Decimal(shown)


def test_a_methodology_may_round_halves_to_even_and_to_other_decimals() -> None:
    assert round_decimal(Fraction("0.25"), ties="to_even") == Decimal("0.2")
    assert round_decimal(Fraction(200, 3), decimals=3) == Decimal("66.667")
    assert round_decimal(Fraction("82.5"), decimals=0) == Decimal("83")


def test_shares_are_rounded_exactly_where_floats_would_miss_the_half() -> None:
    assert to_percent(Fraction(1, 2000)) == 0.1
    assert to_percent(Fraction(1001, 2000)) == 50.1
    assert to_percent(Fraction(2, 3)) == 66.7


def test_zero_has_no_sign() -> None:
    assert json.dumps([to_percent(-1e-9), to_percent(Fraction(-1, 9999))]) == "[0.0, 0.0]"


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (2, 1), (-1, 3)])
def test_what_is_not_a_share_has_no_interval(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        wilson(successes, n)


@pytest.mark.parametrize("counts", [(0, 0, 0), (-1, 5, 5)])
def test_what_are_not_counts_have_no_interval(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="are not the counts of an index"):
        adjusted_wald(*counts)
