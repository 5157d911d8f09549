"""Compares two groups of answers: an interval of the difference, and one of four verdicts.

The interval shown is of 95 %. The verdict is *worse* or *better* only where the interval of 96 % does not contain zero
either: with 95 % an unchanged share would be called different in up to 5.7 % of cases, with 96 % in up to 4 %, and of
equal centres at most one in twenty may be called different. With fewer than ``ENOUGH`` answers on either side the
verdict is *too few*.
"""

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist
from typing import Literal

from feedback_service.indicators.scoring import LoyaltyIndex
from feedback_service.indicators.statistics import (
    Interval,
    Z,
    adjusted_index,
    interval_to_percent,
    percentage,
    to_percent,
    wilson,
    wilson_limits,
)

Verdict = Literal["too_few", "no_different", "worse", "better"]

# With fewer answers the interval is so wide that "no different" would only mean "not known".
ENOUGH = 30
_CAREFUL = NormalDist().inv_cdf(0.98)


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of n answers, for example the bad ones among the answers to the overall question."""

    count: int
    n: int

    @property
    def share(self) -> float | None:
        """In percent, one decimal; ``None`` when nobody answered."""
        return percentage(self.count, self.n)

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval (Wilson) in percent, one decimal; ``None`` when nobody answered."""
        return wilson(self.count, self.n) if self.n else None


@dataclass(frozen=True, slots=True)
class Difference:
    """Now minus before in percentage points with one decimal, the 95 % interval, and the verdict.

    ``points`` and ``interval`` are ``None`` where one side has no answers.
    """

    points: float | None
    interval: Interval | None
    verdict: Verdict


def compare_shares(now: Share, before: Share, *, more_is: Literal["worse", "better"]) -> Difference:
    """Compare two shares by Newcombe's interval, without continuity correction.

    R. G. Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven
    methods, Statistics in Medicine 17 (1998), 873–890, method 10. It is made of the two Wilson intervals, so it is
    valid for rare events and small numbers, where the textbook's interval is not.
    """
    if not now.n or not before.n:
        return Difference(None, None, "too_few")
    points = now.count / now.n - before.count / before.n
    careful = _newcombe_interval(now, before, _CAREFUL)
    less: Literal["worse", "better"] = "better" if more_is == "worse" else "worse"
    verdict = _choose_verdict(careful, min(now.n, before.n), above=more_is, below=less)
    return Difference(to_percent(points), interval_to_percent(_newcombe_interval(now, before, Z)), verdict)


def compare_indices(now: LoyaltyIndex, before: LoyaltyIndex) -> Difference:
    """Compare two loyalty indices by the adjusted Wald interval of their difference.

    Each index gets three imagined answers as in ``statistics.adjusted_wald``; the variances are added, because the
    groups have no person in common. ``points`` is the difference of the indices as they are shown.
    """
    if not now.n or not before.n:
        return Difference(None, None, "too_few")
    (centre, spread), (centre_before, spread_before) = (
        adjusted_index(index.promoters, index.passives, index.detractors) for index in (now, before)
    )
    points = (now.promoters - now.detractors) / now.n - (before.promoters - before.detractors) / before.n
    difference, deviation = centre - centre_before, sqrt(spread + spread_before)

    def interval(z: float) -> Interval:
        return max(difference - z * deviation, -2.0), min(difference + z * deviation, 2.0)

    verdict = _choose_verdict(interval(_CAREFUL), min(now.n, before.n), above="better", below="worse")
    return Difference(to_percent(points), interval_to_percent(interval(Z)), verdict)


def _newcombe_interval(now: Share, before: Share, z: float) -> Interval:
    p, q = now.count / now.n, before.count / before.n
    (p_low, p_high), (q_low, q_high) = (wilson_limits(share.count, share.n, z) for share in (now, before))
    return p - q - hypot(p - p_low, q_high - q), p - q + hypot(p_high - p, q - q_low)


def _choose_verdict(interval: Interval, smaller_n: int, *, above: Verdict, below: Verdict) -> Verdict:
    """The verdict on a difference whose interval lies ``above`` zero, ``below`` it, or on both sides."""
    low, high = interval
    if smaller_n < ENOUGH:
        return "too_few"
    return above if low > 0 else below if high < 0 else "no_different"
