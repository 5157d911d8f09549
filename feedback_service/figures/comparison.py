"""Whether two groups of answers differ: an interval of the difference first, then one of four words.

The interval that is told is of 95 %. *Worse* and *better* are said only where even that of 96 % leaves zero out:
the exact chance to call a share that has not changed different is up to 5.7 % with the first and 4 % with the
second, and of centres that are alike at most one in twenty may be called different. Nothing at all is said of
fewer than ``ENOUGH`` answers on either side.
"""

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist
from typing import Literal

from feedback_service.indicators.statistics import (
    Interval,
    Z,
    adjusted_index,
    to_percent,
    wilson_limits,
)

Verdict = Literal["too_few", "no_different", "worse", "better"]

# Below it an interval of the difference is so wide that "no different" would only mean "not known".
ENOUGH = 30
_CAREFUL = NormalDist().inv_cdf(0.98)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of n answers."""

    count: int
    n: int


@dataclass(frozen=True, slots=True)
class IndexEstimate:
    """The counts that a loyalty index is made of."""

    promoters: int
    passives: int
    detractors: int

    @property
    def n(self) -> int:
        """How many answered."""
        return self.promoters + self.passives + self.detractors


@dataclass(frozen=True, slots=True)
class Difference:
    """Now less before, in percentage points with one decimal, its 95 % interval, and what may be said of it.

    ``points`` and ``interval`` are ``None`` where one side has no answers.
    """

    points: float | None
    interval: Interval | None
    verdict: Verdict


def compare_shares(now: Share, before: Share, *, more_is: Literal["worse", "better"]) -> Difference:
    """Compare two shares by Newcombe's interval, without continuity correction.

    R. G. Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven
    methods, Statistics in Medicine 17 (1998), 873–890, method 10. It is made of the two Wilson intervals, so it
    holds for rare events and small numbers, where the textbook's interval does not.
    """
    if not now.n or not before.n:
        return Difference(None, None, "too_few")
    points = now.count / now.n - before.count / before.n
    careful = _side_of_zero(_newcombe_interval(now, before, _CAREFUL))
    less: Literal["worse", "better"] = "better" if more_is == "worse" else "worse"
    verdict = _choose_verdict(careful, min(now.n, before.n), above=more_is, below=less)
    return Difference(to_percent(points), _to_percent(_newcombe_interval(now, before, Z)), verdict)


def compare_indices(now: IndexEstimate, before: IndexEstimate) -> Difference:
    """Compare two loyalty indices by the adjusted Wald interval of their difference.

    Each index gets its three imagined answers as in ``statistics.adjusted_wald``; the variances add up, for the
    groups have no person in common. The points are of the indices as they are shown.
    """
    if not now.n or not before.n:
        return Difference(None, None, "too_few")
    (one, spread), (other, spread_before) = (
        adjusted_index(index.promoters, index.passives, index.detractors) for index in (now, before)
    )
    points = (now.promoters - now.detractors) / now.n - (before.promoters - before.detractors) / before.n
    deviation = sqrt(spread + spread_before)

    def interval(z: float) -> Interval:
        return max(one - other - z * deviation, -2.0), min(one - other + z * deviation, 2.0)

    verdict = _choose_verdict(
        _side_of_zero(interval(_CAREFUL)), min(now.n, before.n), above="better", below="worse"
    )
    return Difference(to_percent(points), _to_percent(interval(Z)), verdict)


def _newcombe_interval(now: Share, before: Share, z: float) -> Interval:
    p, q = now.count / now.n, before.count / before.n
    (p_low, p_high), (q_low, q_high) = (wilson_limits(share.count, share.n, z) for share in (now, before))
    return p - q - hypot(p - p_low, q_high - q), p - q + hypot(p_high - p, q - q_low)


def _side_of_zero(interval: Interval) -> int:
    """On which side of zero all of the interval lies: 1, -1, or 0 where zero is within."""
    low, high = interval
    return (low > 0) - (high < 0)


def _choose_verdict(sign: int, least: int, *, above: Verdict, below: Verdict) -> Verdict:
    if least < ENOUGH:
        return "too_few"
    return {1: above, -1: below, 0: "no_different"}[sign]


def _to_percent(interval: Interval) -> Interval:
    low, high = interval
    return to_percent(low), to_percent(high)
