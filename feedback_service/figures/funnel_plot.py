"""Limits of a funnel plot: how far a share of n answers may lie from the whole by chance alone.

Services and windows are never ranked, because by chance the smallest ones are at both ends of every ranking. In a
funnel plot each is compared with the limits of its own size: D. J. Spiegelhalter, Funnel plots for comparing
institutional performance, Statistics in Medicine 24 (2005), 1185–1202. Limits are quantiles of the exact binomial
distribution; unlike in that paper they are not smoothed between its steps, so that by chance never more than 5 % and
0.2 % lie beyond.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt
from typing import Literal

from feedback_service.figures.comparison import Share

_TAILS = (0.001, 0.025, 0.975, 0.999)  # of the outer and the inner limits
_FAR = 14  # standard deviations from the mean beyond which nothing happens

Place = Literal["inside", "beyond_95", "beyond_998"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The shares, 0 to 1, between which 95 % and 99.8 % of groups of this size lie by chance."""

    n: int
    outer_low: float
    low: float
    high: float
    outer_high: float


def compute_limits(n: int, target: float) -> Limits:
    """The limits for n answers where the true share is ``target``; ``ValueError`` unless n ≥ 1 and 0 ≤ target ≤ 1."""
    if n < 1 or not 0 <= target <= 1:
        raise ValueError(f"there are no limits for {n} answers around {target}")
    if target in (0, 1):
        return Limits(n, target, target, target, target)
    outer_low, low, high, outer_high = (count / n for count in _binomial_quantiles(n, target))
    return Limits(n, outer_low, low, high, outer_high)


def locate_group(group: Share, target: float) -> Place:
    """The place of a group in the funnel around ``target`` (0 to 1)."""
    own, share = compute_limits(group.n, target), group.count / group.n
    if not own.outer_low <= share <= own.outer_high:
        return "beyond_998"
    return "inside" if own.low <= share <= own.high else "beyond_95"


def compute_curve(sizes: Sequence[int], target: float, points: int = 40) -> list[Limits]:
    """The limits for sizes from the smallest to the largest; their square roots are evenly spaced, as a plot needs."""
    if not sizes:
        return []
    low, high = sqrt(max(1, min(sizes))), sqrt(max(1, *sizes))
    steps = {round((low + (high - low) * step / (points - 1)) ** 2) for step in range(points)}
    return [compute_limits(n, target) for n in sorted(steps)]


def _binomial_quantiles(n: int, target: float) -> list[int]:
    """For each of ``_TAILS`` the smallest count whose cumulative binomial probability reaches it."""
    spread = sqrt(n * target * (1 - target))
    first = max(0, int(n * target - _FAR * spread) - 1)
    last = min(n, int(n * target + _FAR * spread) + 30)
    odds = target / (1 - target)
    chance = exp(
        lgamma(n + 1) - lgamma(first + 1) - lgamma(n - first + 1) + first * log(target) + (n - first) * log1p(-target)
    )
    quantiles, total, count = [], chance, first
    for tail in _TAILS:
        while total < tail and count < last:
            chance *= (n - count) / (count + 1) * odds
            count += 1
            total += chance
        quantiles.append(count)
    return quantiles
