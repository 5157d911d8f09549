"""Control chart of a share over time: which weeks or months are out of the ordinary, and which only vary by chance.

A p-chart (W. A. Shewhart) has limits three standard deviations from the mean, wider for periods of fewer
answers. Where periods hold very many answers, or vary more than chance alone would let them, these limits are too
narrow and give false signals; then they are stretched by how much neighbouring periods really differ (Laney's p′
chart): D. B. Laney, Improved control charts for attributes, Quality Engineering 14 (2002), 531–537.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import fmean
from typing import Literal

from feedback_service.figures.comparison import Share

LEAST_PERIODS = 8  # limits of fewer periods mean nothing
MANY = 300  # mean number of answers above which p′ is used
VARIES = 1.2  # sigma-z above which p′ is used
_D2 = 1.128  # mean range of two normal values, in standard deviations


@dataclass(frozen=True, slots=True)
class Point:
    """A period: its share and limits, 0 to 1; ``None`` where nobody answered, or periods are too few for limits."""

    share: float | None
    low: float | None
    high: float | None

    @property
    def limit_exceeded(self) -> Literal["high", "low"] | None:
        """The limit that the share is beyond; ``None`` within the limits."""
        if self.share is None or self.low is None or self.high is None:
            return None
        if self.share > self.high:
            return "high"
        return "low" if self.share < self.low else None


@dataclass(frozen=True, slots=True)
class Chart:
    """The mean share of all answers (0 to 1), the method of the limits, and a point for each period in order."""

    mean: float | None
    method: Literal["none", "p", "laney"]
    sigma_z: float | None
    points: tuple[Point, ...]


def compute_chart(periods: Sequence[Share]) -> Chart:
    """The chart of the periods; periods without answers have no limits and do not influence the others."""
    answered = [period for period in periods if period.n]
    n, count = sum(period.n for period in answered), sum(period.count for period in answered)
    mean = count / n if n else None
    shares = [period.count / period.n if period.n else None for period in periods]
    if mean is None or len(answered) < LEAST_PERIODS:
        return Chart(mean, "none", None, tuple(Point(share, None, None) for share in shares))
    deviation = sqrt(mean * (1 - mean))
    sigma_z = _sigma_z(answered, mean, deviation)
    laney = n / len(answered) > MANY or sigma_z > VARIES
    stretch = sigma_z if laney else 1.0
    margins = [3 * stretch * deviation / sqrt(period.n) if period.n else None for period in periods]
    points = tuple(
        Point(share, None, None) if margin is None else Point(share, max(0.0, mean - margin), min(1.0, mean + margin))
        for share, margin in zip(shares, margins, strict=True)
    )
    return Chart(mean, "laney" if laney else "p", sigma_z, points)


def _sigma_z(answered: Sequence[Share], mean: float, deviation: float) -> float:
    """How much more neighbouring periods differ than by chance alone (1.0: not more)."""
    if not deviation:
        return 0.0
    z = [(period.count / period.n - mean) * sqrt(period.n) / deviation for period in answered]
    return fmean(abs(one - other) for one, other in pairwise(z)) / _D2
