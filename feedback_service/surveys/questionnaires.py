"""Questionnaires are dated documents: a new wording is a new version, and old answers keep theirs."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cache
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
LONGEST_TEXT = 300  # characters of one worded question, option or end of the scale

DOCUMENTS_FOLDER = Path(__file__).with_name("questionnaires")

_VERSION = re.compile(r"(offline|online)-(\d{4})\.(\d{1,3})")
_QUESTION_ID = re.compile(r"(off|on|any)\.[a-z][a-z0-9_]{0,27}")
_VALUE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_VALUE_FORM = "a word of small Latin letters, digits and _"
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_FRONT_OFFICES: Mapping[str, FrontOffice] = {"offline": "offline", "online": "online"}
_WORDINGS: Mapping[str, Wording] = {"own": "own", "official": "official"}
_KINDS: Mapping[str, QuestionKind] = {
    "scale_0_10": "scale_0_10",
    "words": "words",
    "choices": "choices",
    "text": "text",
}
_NEEDED = (  # of a document
    *("version", "front_office", "effective_from", "wording"),
    *("languages", "poor", "options", "questions"),
)
_FIELDS_BY_KIND: Mapping[QuestionKind, set[str]] = {  # of a question, beside id, kind and text
    "scale_0_10": {"low", "high"},
    "words": {"options"},
    "choices": {"options"},
    "text": {"max_length"},
}


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose: its word on the wire and its text by language."""

    value: str
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One question; none is ever required.

    ``values`` are all that may be chosen, in the order shown, none for free text; ``low`` and ``high`` word the
    ends of a scale; ``follow_up`` questions are offered only after a poor answer; ``exclusive`` values stand
    alone. What a kind does not use is empty or None.
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
    """The question whether something serious happened; the values ``nothing`` say that it did not."""

    id: str
    nothing: frozenset[str]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One published version of the questions; ``wording`` says whether the texts are the official ones.

    ``poor_values`` call for the follow-up questions; ``reasons_question`` is the id of the question why.
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
        """The question with this id, or None."""
        for question in self.questions:  # a loop, not a generator: every answer asks this a dozen times
            if question.id == question_id:
                return question
        return None

    def is_poor(self, single: Mapping[str, str]) -> bool:
        """Whether any of these answers (question id to value) calls for the follow-up questions."""
        return not self.poor_values.isdisjoint(single.values())

    def reasons(self, choices: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """The reasons among what was chosen (question id to values)."""
        return tuple(choices.get(self.reasons_question, ()))

    def breaches(self, choices: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """What serious happened, as chosen (question id to values): nothing else decides what is serious."""
        question = self.breach_question
        return tuple(value for value in choices.get(question.id, ()) if value not in question.nothing)


# What a document means that was published before it could name these questions.
_REASONS_WHEN_UNNAMED = "any.reasons"
_BREACH_WHEN_UNNAMED = BreachQuestion("any.breach", frozenset({"none"}))


def find_in_force(questionnaires: Iterable[Questionnaire], front_office: str, day: date) -> Questionnaire:
    """The version that a survey of this front office gets on this Kyiv day; ``LookupError`` if there is none.

    The latest to come into effect wins, and of two that begin on one day the one given last.
    """
    in_effect = [
        questionnaire
        for questionnaire in questionnaires
        if questionnaire.front_office == front_office and questionnaire.effective_from <= day
    ]
    if not in_effect:
        raise LookupError(f"no {front_office} questionnaire is in force on {day.isoformat()}")
    return max(reversed(in_effect), key=lambda questionnaire: questionnaire.effective_from)


def front_office_of(version: str) -> str:
    """The front office that a version of the questions is about: its name begins with it. Of none, none."""
    return version.partition("-")[0]


@cache
def load_shipped() -> tuple[Questionnaire, ...]:
    """Every version published with the program."""
    files = sorted(DOCUMENTS_FOLDER.glob("*.json"))
    return tuple(parse_questionnaire(parse_strict_json(file.read_text(encoding="utf-8"))) for file in files)


def parse_questionnaire(document: object) -> Questionnaire:
    """Read a questionnaire document; raise ``ValueError`` naming the first thing in it that is wrong."""
    given = JsonNode(document, "questionnaire").read_known_fields(_NEEDED, ("reasons", "breach"))
    (
        version,
        front_office,
        effective_from,
        wording,
        languages_node,
        poor_node,
        options_node,
        questions_node,
    ) = (given[name] for name in _NEEDED)
    name = version.read_matching(_VERSION, "like offline-2026.1")
    front_office_value = front_office.read_choice(_FRONT_OFFICES)
    front_office.require(front_office_of(name) == front_office_value, "does not fit the version")
    languages = tuple(
        node.read_matching(_LANGUAGE, "a language code such as uk")
        for node in languages_node.read_list(minimum=1)
    )
    languages_node.require_distinct(languages)
    missing = [language for language in REQUIRED_LANGUAGES if language not in languages]
    languages_node.require(not missing, f"lacks {', '.join(missing)}")
    options_by_name = {
        name: _parse_options(list_node, languages)
        for name, list_node in options_node.iterate_fields(minimum=0)
    }
    questions = tuple(
        _parse_question(node, options_by_name, languages) for node in questions_node.read_list(minimum=1)
    )
    questions_node.require_distinct(question.id for question in questions)
    one_tap = questions[0].kind in ("scale_0_10", "words")
    questions_node.require(one_tap, "must begin with one that is answered with one tap: scale_0_10 or words")
    texts = sum(question.kind == "text" for question in questions)
    questions_node.require(texts <= 1, "must have one of kind text at most")
    return Questionnaire(
        version=name,
        front_office=front_office_value,
        effective_from=effective_from.read_day(),
        wording=wording.read_choice(_WORDINGS),
        languages=languages,
        poor_values=_parse_poor_values(poor_node, questions),
        reasons_question=_choice_question(given["reasons"], questions).id
        if "reasons" in given
        else _REASONS_WHEN_UNNAMED,
        breach_question=_breach_question(given["breach"], questions)
        if "breach" in given
        else _BREACH_WHEN_UNNAMED,
        questions=questions,
    )


def _parse_question(
    node: JsonNode, options_by_name: Mapping[str, tuple[Option, ...]], languages: tuple[str, ...]
) -> Question:
    """One question; which fields it has depends on its kind."""
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
    """The values that count as a poor answer: points of the scale as text, and words."""
    fields = node.read_known_fields((), {"scale_up_to", "words"})
    points = SCALE[: fields["scale_up_to"].read_integer(0, 10) + 1] if "scale_up_to" in fields else ()
    words = {value for question in questions if question.kind == "words" for value in question.values}
    return frozenset(points) | (_parse_values(fields["words"], words) if "words" in fields else frozenset())


def _choice_question(named: JsonNode, questions: tuple[Question, ...]) -> Question:
    """The question of this id, which offers several answers to choose from."""
    return named.read_choice({question.id: question for question in questions if question.kind == "choices"})


def _breach_question(breach: JsonNode, questions: tuple[Question, ...]) -> BreachQuestion:
    named, nothing = breach.read_fields("question", "nothing")
    question = _choice_question(named, questions)
    return BreachQuestion(question.id, _parse_values(nothing, set(question.values)))


def _parse_options(node: JsonNode, languages: tuple[str, ...]) -> tuple[Option, ...]:
    pairs = [item.read_fields("value", "text") for item in node.read_list(minimum=1)]
    options = tuple(
        Option(value.read_matching(_VALUE, _VALUE_FORM), _parse_text(text, languages))
        for value, text in pairs
    )
    node.require_distinct(option.value for option in options)
    return options


def _parse_values(node: JsonNode, values: Set[str]) -> frozenset[str]:
    """One or more of the values."""
    choices = {value: value for value in values}
    return frozenset(item.read_choice(choices) for item in node.read_list(minimum=1))


def _parse_text(node: JsonNode, languages: tuple[str, ...]) -> Mapping[str, str]:
    """What people will read, in each of the languages."""
    pairs = zip(languages, node.read_fields(*languages), strict=True)
    return MappingProxyType({language: item.read_prose(LONGEST_TEXT) for language, item in pairs})
