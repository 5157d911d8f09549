"""A methodology: the dated document that says which answers count, how, and what of it is unconfirmed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from feedback_service.indicators.statistics import Ties
from feedback_service.strict_json import JsonNode, parse_strict_json
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES

Status = Literal["confirmed", "unconfirmed"]

STATUSES: Mapping[str, Status] = {"confirmed": "confirmed", "unconfirmed": "unconfirmed"}
TIES: Mapping[str, Ties] = {"away_from_zero": "away_from_zero", "to_even": "to_even"}
FOLDER = Path(__file__).with_name("methodologies")


@dataclass(frozen=True, slots=True)
class Band:
    """A named stretch of the index, in percent; each end says whether it belongs."""

    name: str
    lower: Fraction
    upper: Fraction
    lower_included: bool
    upper_included: bool

    def __contains__(self, value: Fraction) -> bool:
        return (
            self.lower < value < self.upper
            or (self.lower_included and value == self.lower)
            or (self.upper_included and value == self.upper)
        )


@dataclass(frozen=True, slots=True)
class LoyaltyRule:
    """How the loyalty index is made: the question of each front office, classes of answers, bands, rounding.

    ``confirmed`` and ``unconfirmed`` are sentences by language: what the legal text says, what is assumed.
    """

    status: Status
    questions: Mapping[str, str]
    promoters: frozenset[str]
    passives: frozenset[str]
    detractors: frozenset[str]
    bands: tuple[Band, ...]
    decimals: int
    ties: Ties
    confirmed: tuple[Mapping[str, str], ...]
    unconfirmed: tuple[Mapping[str, str], ...]

    def find_band(self, value: Fraction) -> str | None:
        """The name of the band an exact value falls in; ``None`` where the methodology names none."""
        return next((band.name for band in self.bands if value in band), None)


@dataclass(frozen=True, slots=True)
class Scale:
    """The words of an operational question, best first; which are satisfied and which are not awful."""

    values: tuple[str, ...]
    satisfied: frozenset[str]
    not_awful: frozenset[str]


@dataclass(frozen=True, slots=True)
class OverallQuestion:
    """The question of a front office about the service as a whole, and the words that are bad answers to it.

    This is the only definition of a bad answer: the overview, the control chart and the alarms all use it.
    """

    id: str
    bad: frozenset[str]


@dataclass(frozen=True, slots=True)
class Methodology:
    """One dated methodology; figures made with it name its ``id`` and carry its ``status``.

    ``sources`` are those whose answers count; ``words`` holds the operational questions by front office,
    ``overall`` the one of each that bad answers are counted of; ``reasons`` is the id of the question why.
    """

    id: str
    title: Mapping[str, str]
    legal_text: str
    effective_from: date
    status: Status
    sources: frozenset[str]
    loyalty: LoyaltyRule
    words: Mapping[str, Mapping[str, Scale]]
    overall: Mapping[str, OverallQuestion]
    reasons: str

    @property
    def headline_questions(self) -> frozenset[str]:
        """The questions of the index and the overall questions: what a list of groups shows of each."""
        overall = (question.id for question in self.overall.values())
        return frozenset((*self.loyalty.questions.values(), *overall))

    def has_bad_answer(self, answers: Mapping[str, str]) -> bool:
        """Whether one person's answers, by question, hold a bad one."""
        return any(answers.get(overall.id) in overall.bad for overall in self.overall.values())

    def counted_values(self, front_office: str) -> Mapping[str, frozenset[str]]:
        """The questions of a front office that figures are made of, each with the values that have a place."""
        rule = self.loyalty
        scales = {id: frozenset(scale.values) for id, scale in self.words[front_office].items()}
        return scales | {rule.questions[front_office]: rule.promoters | rule.passives | rule.detractors}


# What a document means that was published before it could name these questions.
_OVERALL_WHEN_UNNAMED: Mapping[str, OverallQuestion] = MappingProxyType(
    {
        "offline": OverallQuestion("off.quality", frozenset({"acceptable", "awful"})),
        "online": OverallQuestion("on.overall", frozenset({"bad", "awful"})),
    }
)
_REASONS_WHEN_UNNAMED = "any.reasons"


def parse_methodology(document: object) -> Methodology:
    """Read a methodology document; raise ``ValueError`` naming the first thing in it that is wrong."""
    identity, title, legal_text, effective_from, status, sources, index, operational = JsonNode(
        document, "methodology"
    ).read_fields("id", "title", "legal_text", "effective_from", "status", "sources", "loyalty_index", "operational")
    identity.require(len(identity.read_text()) <= 64, "must have at most 64 characters")
    loyalty = _parse_loyalty_rule(index)
    both_confirmed = loyalty.status == "confirmed" or status.read_text() != "confirmed"
    status.require(both_confirmed, "is confirmed, but the status of the index is not")
    counting = sources.read_distinct_texts()
    # A misspelt source is refused, so that its answers are not dropped without a word.
    sources.require(set(SOURCES).issuperset(counting), f"may name only {', '.join(sorted(SOURCES))}")
    members = operational.read_known_fields(("scales", "questions"), ("overall", "reasons"))
    scale_by_name = {name: _parse_scale(node) for name, node in members["scales"].iterate_fields()}
    words = MappingProxyType(
        {
            front_office: MappingProxyType(
                {id: scale.read_choice(scale_by_name) for id, scale in node.iterate_fields()}
            )
            for front_office, node in _by_front_office(members["questions"])
        }
    )
    return Methodology(
        id=identity.read_text(),
        title=title.read_sentence(),
        legal_text=legal_text.read_text(),
        effective_from=effective_from.read_day(),
        status=status.read_choice(STATUSES),
        sources=frozenset(counting),
        loyalty=loyalty,
        words=words,
        overall=_parse_overall(members["overall"], words) if "overall" in members else _OVERALL_WHEN_UNNAMED,
        reasons=members["reasons"].read_text() if "reasons" in members else _REASONS_WHEN_UNNAMED,
    )


@cache
def shipped_methodologies() -> tuple[Methodology, ...]:
    """The methodologies that come with the service, the oldest first."""
    read = (parse_methodology(parse_strict_json(file.read_text(encoding="utf-8"))) for file in FOLDER.glob("*.json"))
    return tuple(sorted(read, key=lambda methodology: (methodology.effective_from, methodology.id)))


@cache
def shipped_headline_questions() -> frozenset[str]:
    """The headline questions of all methodologies that come with the service.

    Stored counts keep these questions apart. Figures of a loaded methodology that has others read all counts.
    """
    return frozenset().union(*(methodology.headline_questions for methodology in shipped_methodologies()))


def choose_in_force(candidates: Iterable[Methodology], day: date) -> Methodology:
    """The methodology in force on ``day``: the one that began last; of two that began together the later candidate.

    A day before all of them can have no answers; it gets the earliest one, so that it still has (empty) figures.
    Raises ``ValueError`` when there are no candidates.
    """
    in_order = sorted(candidates, key=lambda methodology: methodology.effective_from)
    if not in_order:
        raise ValueError("there is no methodology to choose from")
    return next((latest for latest in reversed(in_order) if latest.effective_from <= day), in_order[0])


def _by_front_office(node: JsonNode) -> Iterable[tuple[str, JsonNode]]:
    return zip(FRONT_OFFICES, node.read_fields(*FRONT_OFFICES), strict=True)


def _parse_loyalty_rule(index: JsonNode) -> LoyaltyRule:
    status, questions, classes, band_list, rounding, confirmed, unconfirmed = index.read_fields(
        "status", "questions", "classes", "bands", "rounding", "confirmed", "unconfirmed"
    )
    promoters, passives, detractors = (
        node.read_distinct_texts() for node in classes.read_fields("promoters", "passives", "detractors")
    )
    answers = promoters + passives + detractors
    classes.require(len(answers) == len(set(answers)), "puts one answer in two classes")
    bands = tuple(_parse_band(band) for band in band_list.read_list())
    for below, above in pairwise(bands):
        apart = below.upper < above.lower or not (below.upper_included and above.lower_included)
        band_list.require(below.upper <= above.lower and apart, f"lets {above.name} overlap {below.name}")
    still_open = tuple(part.read_sentence() for part in unconfirmed.read_list())
    status.require(status.read_text() != "confirmed" or not still_open, "is confirmed, but parts are unconfirmed")
    decimals, ties = rounding.read_fields("decimals", "ties")
    return LoyaltyRule(
        status=status.read_choice(STATUSES),
        questions=MappingProxyType({office: id.read_text() for office, id in _by_front_office(questions)}),
        promoters=frozenset(promoters),
        passives=frozenset(passives),
        detractors=frozenset(detractors),
        bands=bands,
        decimals=decimals.read_integer(0, 6),
        ties=ties.read_choice(TIES),
        confirmed=tuple(part.read_sentence() for part in confirmed.read_list()),
        unconfirmed=still_open,
    )


def _parse_overall(overall: JsonNode, words: Mapping[str, Mapping[str, Scale]]) -> Mapping[str, OverallQuestion]:
    """The overall question of each front office; it is one of the questions, and its bad answers are on its scale."""
    by_front_office = {}
    for front_office, node in _by_front_office(overall):
        question, bad = node.read_fields("question", "bad")
        scale = question.read_choice(words[front_office])
        values = bad.read_distinct_texts()
        bad.require(set(values) <= set(scale.values), "must be words of the question's scale")
        by_front_office[front_office] = OverallQuestion(question.read_text(), frozenset(values))
    return MappingProxyType(by_front_office)


def _parse_band(band: JsonNode) -> Band:
    name, lower, upper, lower_included, upper_included = band.read_fields(
        "name", "from", "to", "from_included", "to_included"
    )
    band.require(-100 <= lower.read_number() < upper.read_number() <= 100, "must rise within -100 and 100")
    return Band(
        name.read_text(),
        lower.read_number(),
        upper.read_number(),
        lower_included.read_boolean(),
        upper_included.read_boolean(),
    )


def _parse_scale(scale: JsonNode) -> Scale:
    values, satisfied, not_awful = (
        node.read_distinct_texts() for node in scale.read_fields("values", "satisfied", "not_awful")
    )
    scale.require(set(satisfied) <= set(not_awful) <= set(values), "must have satisfied within not_awful within values")
    return Scale(values, frozenset(satisfied), frozenset(not_awful))
