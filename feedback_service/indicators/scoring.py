"""From counted answers to figures, in exact arithmetic: loyalty index, operational questions, reasons."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from feedback_service.indicators.methodology import Methodology, Scale
from feedback_service.indicators.statistics import Interval, adjusted_wald, percent, rounded, wilson
from feedback_service.words import FRONT_OFFICES

# How many gave this value: {(front office, question, value): n}. Questions that no figure is made of are passed over.
Counts = Mapping[tuple[str, str, str], int]

REASONS = "any.reasons"


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
class Figures:
    """What is told of one group of answers, as the members of a summary, ready for JSON."""

    indicators: list[dict[str, object]]
    questions: list[dict[str, object]]
    reasons: list[dict[str, object]]


def loyalty(counts: Mapping[str, int], methodology: Methodology) -> LoyaltyIndex:
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
        value=rounded(exact, rule.decimals, rule.ties),
        interval=adjusted_wald(promoters, passives, detractors),
        band=rule.band(exact),
    )


def share(counts: Mapping[str, int], among: Collection[str]) -> Fraction | None:
    """The exact share, 0 to 1, of answers that are ``among`` these; ``None`` when nobody answered."""
    n = sum(counts.values())
    return Fraction(sum(counts.get(value, 0) for value in among), n) if n else None


def question(id: str, counts: Mapping[str, int], scale: Scale) -> QuestionFigure:
    """The figure of one operational question; a value that is not on the scale raises ``ValueError``.

    Satisfied are the two best words, as in the results the Ministry of Digital Transformation published for
    the first half of 2025: a practice, not a component of the legal indicator.
    """
    _refuse_unknown(counts, frozenset(scale.values))
    every = {value: counts.get(value, 0) for value in scale.values}
    n = sum(every.values())
    satisfied, not_awful = share(every, scale.satisfied), share(every, scale.not_awful)
    return QuestionFigure(
        id=id,
        n=n,
        counts=MappingProxyType(every),
        share_satisfied=None if satisfied is None else percent(satisfied),
        interval=wilson(sum(every[value] for value in scale.satisfied), n) if n else None,
        share_not_awful=None if not_awful is None else percent(not_awful),
    )


def figures(
    counts: Counts,
    methodology: Methodology,
    withheld: Collection[str] = (),
    questions: Collection[str] | None = None,
) -> Figures:
    """Everything told of one group: both front offices are listed, a ``withheld`` one by its name only.

    Of the operational questions only these ``questions`` are told, if any are named.
    """
    given: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (front_office, asked, value), n in counts.items():
        given[front_office, asked][value] = n
    shown = [front_office for front_office in FRONT_OFFICES if front_office not in withheld]
    return Figures(
        indicators=[
            {"id": "loyalty_index", "front_office": front_office}
            | (
                _index(loyalty(given[front_office, asked], methodology), methodology)
                if front_office in shown
                else {"suppressed": True}
            )
            for front_office, asked in methodology.loyalty.questions.items()
        ],
        questions=[
            _question(question(asked, given[front_office, asked], scale))
            for front_office in shown
            for asked, scale in methodology.words[front_office].items()
            if questions is None or asked in questions
        ],
        reasons=_reasons([given[front_office, REASONS] for front_office in shown]),
    )


def _refuse_unknown(counts: Mapping[str, int], known: frozenset[str]) -> None:
    for value, n in counts.items():
        if value not in known or n < 0:
            raise ValueError(f"{n} answers {value!r} cannot be counted by this methodology")


def _index(index: LoyaltyIndex, methodology: Methodology) -> dict[str, object]:
    return {
        "n": index.n,
        "promoters": index.promoters,
        "passives": index.passives,
        "detractors": index.detractors,
        "value": None if index.value is None else float(index.value),
        "interval": None if index.interval is None else list(index.interval),
        "band": index.band,
        "status": methodology.loyalty.status,
    }


def _question(figure: QuestionFigure) -> dict[str, object]:
    return {
        "id": figure.id,
        "n": figure.n,
        "counts": dict(figure.counts),
        "share_satisfied": figure.share_satisfied,
        "interval": None if figure.interval is None else list(figure.interval),
        "share_not_awful": figure.share_not_awful,
    }


def _reasons(by_front_office: list[dict[str, int]]) -> list[dict[str, object]]:
    pooled = Counter[str]()
    for counts in by_front_office:
        pooled.update(counts)
    often_first = sorted(pooled.items(), key=lambda item: (-item[1], item[0]))
    return [{"id": reason, "n": n} for reason, n in often_first if n > 0]
