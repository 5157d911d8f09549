"""Different is said only where it is so, and a real difference is found."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_service.figures.comparison import ENOUGH, Share, compare_indices, compare_shares
from feedback_service.indicators.scoring import LoyaltyIndex


def make_index(promoters: int, passives: int, detractors: int) -> LoyaltyIndex:
    n = promoters + passives + detractors
    return LoyaltyIndex(n, promoters, passives, detractors, None, None, None, None)


unhurried = settings(deadline=None)
SHARES = st.integers(1, 400).flatmap(lambda n: st.builds(Share, st.integers(0, n), st.just(n)))
ONE = st.integers(0, 300)
INDICES = st.builds(make_index, ONE, ONE, ONE).filter(lambda index: index.n > 0)


@pytest.mark.parametrize(
    ("now", "before", "interval"),
    [  # Newcombe 1998, table II, method 10, to one decimal of a percent
        (Share(56, 70), Share(48, 80), (5.2, 33.4)),
        (Share(9, 10), Share(3, 10), (17.1, 80.9)),
        (Share(10, 10), Share(0, 10), (60.8, 100.0)),
        (Share(5, 56), Share(0, 29), (-3.8, 19.3)),
    ],
)
def test_the_interval_of_a_difference_of_shares_is_newcombes(
    now: Share, before: Share, interval: tuple[float, float]
) -> None:
    assert compare_shares(now, before, more_is="worse").interval == interval


@pytest.mark.slow
@unhurried
@given(SHARES, SHARES)
def test_looking_back_instead_of_ahead_mirrors_a_difference(one: Share, other: Share) -> None:
    there, back = compare_shares(one, other, more_is="worse"), compare_shares(other, one, more_is="worse")
    assert there.interval is not None and back.interval is not None
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    mirrored = {"worse": "better", "better": "worse"}
    assert there.verdict == mirrored.get(back.verdict, back.verdict)


@unhurried
@given(INDICES, INDICES)
def test_a_difference_of_indices_lies_about_its_interval_and_is_called_by_it(
    one: LoyaltyIndex, other: LoyaltyIndex
) -> None:
    told = compare_indices(one, other)
    assert told.interval is not None
    low, high = told.interval
    assert low <= high
    if told.verdict == "better":
        assert low >= 0
    elif told.verdict == "worse":
        assert high <= 0
    assert (told.verdict == "too_few") == (min(one.n, other.n) < ENOUGH)


def test_more_bad_answers_are_worse_and_more_satisfied_people_are_better() -> None:
    many, few = Share(40, 200), Share(4, 200)
    assert compare_shares(many, few, more_is="worse").verdict == "worse"
    assert compare_shares(many, few, more_is="better").verdict == "better"
    assert compare_shares(few, many, more_is="worse").verdict == "better"


def test_nothing_is_said_of_fewer_than_thirty_answers() -> None:
    assert compare_shares(Share(29, 29), Share(0, 200), more_is="worse").verdict == "too_few"
    assert compare_indices(make_index(0, 0, 29), make_index(200, 0, 0)).verdict == "too_few"
    nobody = compare_shares(Share(0, 0), Share(0, 200), more_is="worse")
    assert (nobody.points, nobody.interval, nobody.verdict) == (None, None, "too_few")


def bad_of(n: int, share: float, chance: random.Random) -> Share:
    return Share(sum(chance.random() < share for _ in range(n)), n)


def index_of(n: int, chance: random.Random, shares: tuple[float, float, float]) -> LoyaltyIndex:
    drawn = chance.choices(range(3), shares, k=n)
    return make_index(drawn.count(0), drawn.count(1), drawn.count(2))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "share"), [(40, 0.02), (200, 0.02), (200, 0.08), (600, 0.3), (1500, 0.02)])
def test_of_centres_with_the_same_share_of_bad_answers_one_in_twenty_at_most_is_called_different(
    n: int, share: float
) -> None:
    chance = random.Random(864)
    runs = 2000
    called = sum(
        compare_shares(bad_of(n, share, chance), bad_of(n, share, chance), more_is="worse").verdict
        in ("worse", "better")
        for _ in range(runs)
    )
    assert called / runs <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("n", "said"), [(40, (0.8, 0.1, 0.1)), (200, (0.85, 0.1, 0.05)), (800, (0.6, 0.2, 0.2))])
def test_of_centres_with_the_same_index_one_in_twenty_at_most_is_called_different(
    n: int, said: tuple[float, float, float]
) -> None:
    chance = random.Random(864)
    runs = 2000
    called = sum(
        compare_indices(index_of(n, chance, said), index_of(n, chance, said)).verdict in ("worse", "better")
        for _ in range(runs)
    )
    assert called / runs <= 0.05


def test_eight_percent_bad_answers_instead_of_two_are_found_three_times_in_four() -> None:
    chance = random.Random(2)
    runs = 2000
    found = sum(
        compare_shares(bad_of(200, 0.08, chance), bad_of(200, 0.02, chance), more_is="worse").verdict == "worse"
        for _ in range(runs)
    )
    assert found / runs >= 0.75
