"""Questionnaires: dated documents. A new wording is a new version, and responses keep the version they answered."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cache
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from feedback_service.strict_json import JsonNode, parse_strict_json

QuestionKind = Literal["scale_0_10", "words", "choices", "text"]
FrontOffice = Literal["offline", "online"]
Wording = Literal["own", "official"]

SCALE = tuple(str(point) for point in range(11))
REQUIRED_LANGUAGES = ("uk", "en")
LONGEST_COMMENT = 1000  # characters
LONGEST_TEXT = 300  # characters of a question, an option or an end of the scale

DOCUMENTS_FOLDER = Path(__file__).with_name("questionnaires")

_VERSION = re.compile(r"(offline|online)-(\d{4})\.(\d{1,3})")
_QUESTION_ID = re.compile(r"(off|on|any)\.[a-z][a-z0-9_]{0,27}")
_VALUE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_FRONT_OFFICES: Mapping[str, FrontOffice] = {"offline": "offline", "online": "online"}
_WORDINGS: Mapping[str, Wording] = {"own": "own", "official": "official"}
_REQUIRED_FIELDS = (  # of a document
    *("version", "front_office", "effective_from", "wording"),
    *("languages", "poor", "options", "questions"),
)
_OPTIONAL_FIELDS = ("reasons", "breach")
_FIELDS_BY_KIND: Mapping[QuestionKind, set[str]] = {  # of a question, beside id, kind and text
    "scale_0_10": {"low", "high"},
    "words": {"options"},
    "choices": {"options"},
    "text": {"max_length"},
}
_KINDS: Mapping[str, QuestionKind] = {kind: kind for kind in _FIELDS_BY_KIND}


@dataclass(frozen=True, slots=True)
class Option:
    """A possible answer: its value in messages and tables, and its text by language."""

    value: str
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """A question; people may always skip it.

    ``values`` are all possible answers in the order shown, none for free text. ``low`` and ``high`` are the texts at
    the ends of a scale. A ``follow_up`` question appears only after a poor answer. An ``exclusive`` value cannot be
    chosen together with others. Fields that the kind does not use are empty or None.
    """

    id: str
    kind: QuestionKind
    text: Mapping[str, str]
    options: tuple[Option, ...]
    values: tuple[str, ...]
    low: Mapping[str, str]
    high: Mapping[str, str]
    max_length: int | None
    follow_up: bool
    exclusive: frozenset[str]


@dataclass(frozen=True, slots=True)
class BreachQuestion:
    """The question about serious breaches; the values ``nothing`` mean that there was none."""

    id: str
    nothing: frozenset[str]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """A published version of the questions; ``wording`` says whether the texts are the official ones.

    ``poor_values`` are the answers after which follow-up questions appear; ``reasons_question`` is the id of the
    question about reasons.
    """

    version: str
    front_office: FrontOffice
    effective_from: date
    wording: Wording
    languages: tuple[str, ...]
    poor_values: frozenset[str]
    reasons_question: str
    breach_question: BreachQuestion
    questions: tuple[Question, ...]

    def __hash__(self) -> int:
        return hash(self.version)

    @property
    def first_question(self) -> Question:
        """The question of the first screen."""
        return self.questions[0]

    def find_question(self, question_id: str) -> Question | None:
        """Return the question with this id, or ``None``."""
        # A loop is faster than a generator, and every answer calls this a dozen times.
        for question in self.questions:
            if question.id == question_id:
                return question
        return None

    def is_poor(self, single: Mapping[str, str]) -> bool:
        """Whether any of these answers (question id to value) is poor."""
        return not self.poor_values.isdisjoint(single.values())

    def reasons(self, choices: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Return the reasons among the answers (question id to values)."""
        return tuple(choices.get(self.reasons_question, ()))

    def breaches(self, choices: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Return the serious breaches among the answers (question id to values). Only this decides what a breach is."""
        question = self.breach_question
        return tuple(value for value in choices.get(question.id, ()) if value not in question.nothing)


# For documents that were published before the fields "reasons" and "breach" existed.
_DEFAULT_REASONS_QUESTION = "any.reasons"
_DEFAULT_BREACH_QUESTION = BreachQuestion("any.breach", frozenset({"none"}))


def find_in_force(questionnaires: Iterable[Questionnaire], front_office: str, day: date) -> Questionnaire:
    """Return the questionnaire of a front office in force on this day in Kyiv. Raises ``LookupError``.

    It is the one with the latest first day; of two with the same first day, the later one in ``questionnaires``.
    A day before all of them gets the first one, so that centres can bring in what people answered earlier.
    """
    of_office = [each for each in questionnaires if each.front_office == front_office]
    if not of_office:
        raise LookupError(f"no {front_office} questionnaire is published")
    first_day = max(day, min(each.effective_from for each in of_office))
    in_effect = [each for each in of_office if each.effective_from <= first_day]
    return max(reversed(in_effect), key=attrgetter("effective_from"))


def front_office_of(version: str) -> str:
    """Return the front office with which the name of a version begins; empty for an empty name."""
    return version.partition("-")[0]


@cache
def load_shipped() -> tuple[Questionnaire, ...]:
    """Return all questionnaires shipped with the program."""
    files = sorted(DOCUMENTS_FOLDER.glob("*.json"))
    return tuple(parse_questionnaire(parse_strict_json(file.read_text(encoding="utf-8"))) for file in files)


def parse_questionnaire(document: object) -> Questionnaire:
    """Read a questionnaire document. Raises ``ValueError``, which names the first error in it."""
    fields = JsonNode(document, "questionnaire").read_known_fields(_REQUIRED_FIELDS, _OPTIONAL_FIELDS)
    version = fields["version"].read_matching(_VERSION, "like offline-2026.1")
    front_office = fields["front_office"].read_choice(_FRONT_OFFICES)
    fields["front_office"].require(front_office_of(version) == front_office, "does not fit the version")
    languages = _parse_languages(fields["languages"])
    option_nodes = fields["options"].iterate_fields(minimum=0)
    options_by_name = {name: _parse_options(node, languages) for name, node in option_nodes}
    questions = _parse_questions(fields["questions"], options_by_name, languages)
    reasons = fields.get("reasons")
    return Questionnaire(
        version=version,
        front_office=front_office,
        effective_from=fields["effective_from"].read_day(),
        wording=fields["wording"].read_choice(_WORDINGS),
        languages=languages,
        poor_values=_parse_poor_values(fields["poor"], questions),
        reasons_question=_parse_choice_question(reasons, questions).id if reasons else _DEFAULT_REASONS_QUESTION,
        breach_question=_parse_breach_question(fields.get("breach"), questions),
        questions=questions,
    )


def _parse_languages(node: JsonNode) -> tuple[str, ...]:
    languages = tuple(item.read_matching(_LANGUAGE, "a language code such as uk") for item in node.read_list(minimum=1))
    node.require_distinct(languages)
    missing = [language for language in REQUIRED_LANGUAGES if language not in languages]
    node.require(not missing, f"lacks {', '.join(missing)}")
    return languages


def _parse_questions(
    node: JsonNode, options_by_name: Mapping[str, tuple[Option, ...]], languages: tuple[str, ...]
) -> tuple[Question, ...]:
    questions = tuple(_parse_question(item, options_by_name, languages) for item in node.read_list(minimum=1))
    node.require_distinct(question.id for question in questions)
    is_one_tap = questions[0].kind in ("scale_0_10", "words")
    node.require(is_one_tap, "must begin with one that is answered with one tap: scale_0_10 or words")
    text_questions = sum(question.kind == "text" for question in questions)
    node.require(text_questions <= 1, "must have one of kind text at most")
    return questions


def _parse_question(
    node: JsonNode, options_by_name: Mapping[str, tuple[Option, ...]], languages: tuple[str, ...]
) -> Question:
    """Read a question; its kind decides which fields it has."""
    kind = node.read_field("kind").read_choice(_KINDS)
    fields = node.read_known_fields(
        {"id", "kind", "text"} | _FIELDS_BY_KIND[kind],
        {"follow_up"} | ({"exclusive"} if kind == "choices" else set()),
    )
    options = fields["options"].read_choice(options_by_name) if "options" in fields else ()
    return Question(
        id=fields["id"].read_matching(_QUESTION_ID, "like off.staff, on.overall or any.reasons"),
        kind=kind,
        text=_parse_text(fields["text"], languages),
        options=options,
        values=SCALE if kind == "scale_0_10" else tuple(option.value for option in options),
        low=_parse_text(fields["low"], languages) if "low" in fields else MappingProxyType({}),
        high=_parse_text(fields["high"], languages) if "high" in fields else MappingProxyType({}),
        max_length=fields["max_length"].read_integer(1, LONGEST_COMMENT) if "max_length" in fields else None,
        follow_up="follow_up" in fields and fields["follow_up"].read_boolean(),
        exclusive=_parse_values(fields["exclusive"], {option.value for option in options})
        if "exclusive" in fields
        else frozenset(),
    )


def _parse_poor_values(node: JsonNode, questions: tuple[Question, ...]) -> frozenset[str]:
    """Read the poor values: points of the scale as text, and words."""
    fields = node.read_known_fields((), {"scale_up_to", "words"})
    points = SCALE[: fields["scale_up_to"].read_integer(0, 10) + 1] if "scale_up_to" in fields else ()
    words = {value for question in questions if question.kind == "words" for value in question.values}
    return frozenset(points) | (_parse_values(fields["words"], words) if "words" in fields else frozenset())


def _parse_choice_question(node: JsonNode, questions: tuple[Question, ...]) -> Question:
    """Return the question of kind ``choices`` that the document names."""
    return node.read_choice({question.id: question for question in questions if question.kind == "choices"})


def _parse_breach_question(node: JsonNode | None, questions: tuple[Question, ...]) -> BreachQuestion:
    if node is None:
        return _DEFAULT_BREACH_QUESTION
    question_node, nothing_node = node.read_fields("question", "nothing")
    question = _parse_choice_question(question_node, questions)
    return BreachQuestion(question.id, _parse_values(nothing_node, set(question.values)))


def _parse_options(node: JsonNode, languages: tuple[str, ...]) -> tuple[Option, ...]:
    pairs = [item.read_fields("value", "text") for item in node.read_list(minimum=1)]
    options = tuple(
        Option(value.read_matching(_VALUE, "a word of small Latin letters, digits and _"), _parse_text(text, languages))
        for value, text in pairs
    )
    node.require_distinct(option.value for option in options)
    return options


def _parse_values(node: JsonNode, values: Set[str]) -> frozenset[str]:
    """Read one or more of the values."""
    choices = {value: value for value in values}
    return frozenset(item.read_choice(choices) for item in node.read_list(minimum=1))


def _parse_text(node: JsonNode, languages: tuple[str, ...]) -> Mapping[str, str]:
    """Read a text for people, in each of the languages."""
    pairs = zip(languages, node.read_fields(*languages), strict=True)
    return MappingProxyType({language: item.read_prose(LONGEST_TEXT) for language, item in pairs})
