"""From counted answers to figures, in exact arithmetic: loyalty index, operational questions, reasons.

``loyalty_index`` is the formula of the official indicator.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from feedback_service.indicators.methodology import Methodology, Scale, Status
from feedback_service.indicators.statistics import Interval, adjusted_wald, percentage, round_decimal, wilson
from feedback_service.vocabulary import FRONT_OFFICES

# How many people gave this value: {(front office, question, value): n}. Questions without a figure are ignored.
Counts = Mapping[tuple[str, str, str], int]


@dataclass(frozen=True, slots=True)
class LoyaltyIndex:
    """The index of n answers, in percent: ``exact`` is banded, ``value`` is shown; no answers, no value."""

    n: int
    promoters: int
    passives: int
    detractors: int
    exact: Fraction | None
    value: Decimal | None
    interval: Interval | None
    band: str | None


@dataclass(frozen=True, slots=True)
class QuestionFigure:
    """One operational question: a count for every word, shares in percent, ``None`` at n = 0."""

    id: str
    n: int
    counts: Mapping[str, int]
    share_satisfied: float | None
    interval: Interval | None
    share_not_awful: float | None


@dataclass(frozen=True, slots=True)
class IndicatorFigure:
    """The official indicator of one front office; ``index`` is ``None`` where it is withheld."""

    front_office: str
    status: Status
    index: LoyaltyIndex | None


@dataclass(frozen=True, slots=True)
class ReasonFigure:
    """How many people named this reason."""

    id: str
    n: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is shown of one group of answers; questions of a withheld front office are absent."""

    indicators: tuple[IndicatorFigure, ...] = ()
    questions: tuple[QuestionFigure, ...] = ()
    reasons: tuple[ReasonFigure, ...] = ()

    def find_index(self, front_office: str) -> LoyaltyIndex | None:
        """The loyalty index of the front office; ``None`` where it is withheld."""
        return next((each.index for each in self.indicators if each.front_office == front_office), None)

    def find_question(self, id: str) -> QuestionFigure | None:
        """The figure of the question; ``None`` where it is withheld or was not asked for."""
        return next((figure for figure in self.questions if figure.id == id), None)


def loyalty_index(counts: Mapping[str, int], methodology: Methodology) -> LoyaltyIndex:
    """The loyalty index of the counted answers to the recommendation question, by value ("0" … "10").

    L = (P/N - D/N) · 100, from -100 to 100: Resolution of the Cabinet of Ministers 864 of 11.08.2021, annex,
    loyalty index of applicants. Groups are pooled by adding their counts, never by averaging their indices.
    A value that the methodology puts in no class raises ``ValueError``.
    """
    rule = methodology.loyalty
    _refuse_unknown(counts, rule.promoters | rule.passives | rule.detractors)
    promoters, passives, detractors = (
        sum(n for value, n in counts.items() if value in answers)
        for answers in (rule.promoters, rule.passives, rule.detractors)
    )
    n = promoters + passives + detractors
    if n == 0:
        return LoyaltyIndex(0, 0, 0, 0, None, None, None, None)
    exact = Fraction(promoters - detractors, n) * 100
    return LoyaltyIndex(
        n=n,
        promoters=promoters,
        passives=passives,
        detractors=detractors,
        exact=exact,
        value=round_decimal(exact, rule.decimals, rule.ties),
        interval=adjusted_wald(promoters, passives, detractors),
        band=rule.find_band(exact),
    )


def question_figure(id: str, counts: Mapping[str, int], scale: Scale) -> QuestionFigure:
    """The figure of one operational question; a value that is not on the scale raises ``ValueError``.

    Satisfied are the two best words, as in the results the Ministry of Digital Transformation published for
    the first half of 2025: a practice, not a component of the legal indicator.
    """
    _refuse_unknown(counts, frozenset(scale.values))
    every = {value: counts.get(value, 0) for value in scale.values}
    n = sum(every.values())
    satisfied, not_awful = (sum(every[word] for word in words) for words in (scale.satisfied, scale.not_awful))
    return QuestionFigure(
        id=id,
        n=n,
        counts=MappingProxyType(every),
        share_satisfied=percentage(satisfied, n),
        interval=wilson(satisfied, n) if n else None,
        share_not_awful=percentage(not_awful, n),
    )


def compute_figures(
    counts: Counts, methodology: Methodology, withheld: Collection[str] = (), questions: Collection[str] | None = None
) -> Figures:
    """The figures of one group of answers.

    Both front offices are listed; of those ``withheld`` nothing but the name is shown. ``questions`` limits the
    operational questions to these ids, ``None`` stands for all. A value that the methodology does not know raises
    ``ValueError``.
    """
    by_question: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (front_office, asked, value), n in counts.items():
        by_question[front_office, asked][value] = n
    shown = [front_office for front_office in FRONT_OFFICES if front_office not in withheld]
    return Figures(
        indicators=tuple(
            IndicatorFigure(
                front_office,
                methodology.loyalty.status,
                loyalty_index(by_question[front_office, asked], methodology) if front_office in shown else None,
            )
            for front_office, asked in methodology.loyalty.questions.items()
        ),
        questions=tuple(
            question_figure(asked, by_question[front_office, asked], scale)
            for front_office in shown
            for asked, scale in methodology.words[front_office].items()
            if questions is None or asked in questions
        ),
        reasons=_pool_reasons([by_question[front_office, methodology.reasons] for front_office in shown]),
    )


def _refuse_unknown(counts: Mapping[str, int], known: frozenset[str]) -> None:
    for value, n in counts.items():
        if value not in known or n < 0:
            raise ValueError(f"{n} answers {value!r} cannot be counted by this methodology")


def _pool_reasons(by_front_office: Collection[Mapping[str, int]]) -> tuple[ReasonFigure, ...]:
    """The reasons of all front offices together, the most frequent first."""
    pooled = Counter[str]()
    for counts in by_front_office:
        pooled.update(counts)
    most_frequent_first = sorted(pooled.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ReasonFigure(reason, n) for reason, n in most_frequent_first if n > 0)
