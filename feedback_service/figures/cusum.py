"""A watch on rare bad answers: a CUSUM chart, which notices a lasting rise long before a monthly average can.

Every answer moves a sum: a bad one up, any other a little down, never below zero. It is the logarithm of how much
better "the share has risen" explains the answers since the last zero than "it is as usual" does; when that passes
``LIMIT``, it is an alarm: M. R. Reynolds and Z. G. Stoumbos, A CUSUM chart for monitoring a proportion when
inspecting continuously, Journal of Quality Technology 31 (1999), 87–108.

With 2 % bad answers as usual and 6 % to be noticed, the limit 2.5 gives, answer by answer, a median of 57 answers
until the alarm and one false alarm in some 790 answers (tests/figures/test_cusum.py simulates both).

*What is usual.* The centre's own year before the watch, shrunk towards the national 2 %
(published for the first half of 2025: 98.1 % satisfied with the quality as a whole) as if 300 more answers had
that share, and kept between 2 % and 6 %: few answers cannot set a baseline, and a bad year cannot become normal.
The rise to notice has the same odds ratio everywhere (that of 2 % to 6 %), and the limit grows by the logarithm
of the baseline over 2 %, which keeps the number of answers between false alarms about the same.

*Answers of one day have no order* (contract, section 7). Bad ones are taken as evenly spread among the day's
answers, which is what a random order looks like on average; the same totals always give the same alarm.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import log

USUAL = 0.02
WORST_USUAL = 0.06
LIMIT = 2.5
OWN_ANSWERS = 300  # a centre's own share and the national one weigh the same when it has so many answers
WATCH_DAYS = 91
BASELINE_DAYS = 365

_ODDS = (0.06 / 0.94) / (0.02 / 0.98)


@dataclass(frozen=True, slots=True)
class Day:
    """How many answers were given on a day, and how many of them were bad."""

    on: date
    n: int
    bad: int


@dataclass(frozen=True, slots=True)
class Excess:
    """A rise of the share of bad answers: its first day, the day it was noticed, and its answers so far."""

    since: date
    noticed: date
    n: int
    bad: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """The usual share, the risen share to notice (both 0 to 1), and the limit of the sum."""

    usual: float
    risen: float
    limit: float


def choose_parameters(n: int = 0, bad: int = 0) -> Parameters:
    """The parameters for a centre with ``n`` answers in the year before, of which ``bad`` were bad."""
    usual = min(max((bad + USUAL * OWN_ANSWERS) / (n + OWN_ANSWERS), USUAL), WORST_USUAL)
    odds = usual / (1 - usual) * _ODDS
    return Parameters(usual, odds / (1 + odds), LIMIT + log(usual / USUAL))


class Watch:
    """The CUSUM of the answers so far, and the excess that stands, if any.

    An excess stands from the day on which the sum passes the limit until the sum is back at zero. With fewer than
    ``min_answers`` answers since the last zero there is none.
    """

    def __init__(self, parameters: Parameters, *, min_answers: int = 1) -> None:
        self._up = log(parameters.risen / parameters.usual)
        self._down = log((1 - parameters.risen) / (1 - parameters.usual))
        self._limit, self._min_answers = parameters.limit, min_answers
        self._sum = 0.0
        self._since: date | None = None
        self._noticed: date | None = None
        self._passed = False
        self._n = self._bad = 0

    def add_day(self, day: Day) -> None:
        """Add the totals of one day; days must come in order."""
        if not day.n:
            return
        if self._since is None:
            self._since, self._n, self._bad = day.on, 0, 0
        highest = 0.0
        gap = (day.n - day.bad) / (day.bad + 1) * self._down
        for _ in range(day.bad):
            self._sum = max(0.0, self._sum + gap) + self._up
            highest = max(highest, self._sum)
        # The sum does not rise above the limit, so that an excess ends soon after things are as usual again.
        self._sum = max(0.0, min(self._sum, self._limit) + gap)
        self._n, self._bad = self._n + day.n, self._bad + day.bad
        self._passed = self._passed or highest >= self._limit
        if self._noticed is None and self._passed and self._n >= self._min_answers:
            self._noticed = day.on
        if self._sum == 0 and highest < self._limit:
            self._since, self._noticed, self._passed = None, None, False

    @property
    def excess(self) -> Excess | None:
        """The excess that stands now."""
        if self._since is None or self._noticed is None:
            return None
        return Excess(self._since, self._noticed, self._n, self._bad)


def find_excess(days: Iterable[Day], parameters: Parameters, *, min_answers: int = 1) -> Excess | None:
    """The excess that stands after these days; ``None`` when bad answers are as frequent as usual."""
    watch = Watch(parameters, min_answers=min_answers)
    for day in days:
        watch.add_day(day)
    return watch.excess
