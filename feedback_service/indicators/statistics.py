"""95 % intervals in percent, and the one rounding that every percentage goes through."""

from decimal import Decimal
from fractions import Fraction
from math import sqrt
from statistics import NormalDist
from typing import Literal

Ties = Literal["away_from_zero", "to_even"]
Interval = tuple[float, float]

Z = NormalDist().inv_cdf(0.975)


def round_decimal(value: Fraction | float, decimals: int = 1, ties: Ties = "away_from_zero") -> Decimal:
    """The value with ``decimals`` decimals; an exact half is rounded away from zero, or to the even neighbour."""
    scale = 10**decimals
    exact = Fraction(value) * scale
    units = round(exact) if ties == "to_even" else _round_half_away(exact)
    return Decimal(units).scaleb(-decimals)


def to_percent(share: Fraction | float) -> float:
    """A share of 0 to 1 (or −1 to 1) in percent with one decimal, half away from zero.

    An exact share, a ``Fraction``, is rounded exactly.
    """
    return float(round_decimal(Fraction(share) * 100))


def interval_to_percent(interval: Interval) -> Interval:
    """Both ends in percent, as by ``to_percent``."""
    return to_percent(interval[0]), to_percent(interval[1])


def percentage(count: int, n: int) -> float | None:
    """``count`` of ``n`` in percent, one decimal; ``None`` where n is 0."""
    return to_percent(Fraction(count, n)) if n else None


def wilson(successes: int, n: int) -> Interval:
    """The 95 % interval of a share, in percent with one decimal; n is at least 1.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22 (1927), 209–212.
    """
    return interval_to_percent(wilson_limits(successes, n))


def wilson_limits(successes: int, n: int, z: float = Z) -> Interval:
    """The same interval before rounding, as shares of 0 to 1; ``ValueError`` if there is no such share.

    ``z`` is the normal quantile of another confidence than 95 %.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} of {n} is not a share")
    share = successes / n
    centre = share + z**2 / (2 * n)
    margin = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    stretch = 1 + z**2 / n
    # At both ends the formula gives 0 and 1 exactly; in floats it may miss them by a hair.
    low = 0.0 if successes == 0 else (centre - margin) / stretch
    high = 1.0 if successes == n else (centre + margin) / stretch
    return low, high


def adjusted_wald(promoters: int, passives: int, detractors: int) -> Interval:
    """The 95 % interval of a loyalty index in percent, one decimal, clipped to ±100; there is an answer.

    Three imagined answers are added, ¾ favourable, 1½ neutral and ¾ critical (adjusted Wald): B. Rocks,
    Interval estimation for the "Net Promoter Score", The American Statistician 70 (2016), 365–372.
    """
    centre, variance = adjusted_index(promoters, passives, detractors)
    margin = Z * sqrt(variance)
    return interval_to_percent((max(centre - margin, -1.0), min(centre + margin, 1.0)))


def adjusted_index(promoters: int, passives: int, detractors: int) -> tuple[float, float]:
    """The index with the three imagined answers, −1 to 1, and its variance; ``ValueError`` without an answer."""
    if min(promoters, passives, detractors) < 0 or promoters + passives + detractors == 0:
        raise ValueError(f"{promoters}, {passives} and {detractors} are not the counts of an index")
    n = promoters + passives + detractors + 3
    favourable, critical = (promoters + 0.75) / n, (detractors + 0.75) / n
    centre = favourable - critical
    return centre, (favourable + critical - centre**2) / n


def _round_half_away(exact: Fraction) -> int:
    towards_zero, rest = divmod(abs(exact), 1)
    units = int(towards_zero) + (rest >= Fraction(1, 2))
    return units if exact >= 0 else -units
