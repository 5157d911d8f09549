"""Questionnaires are dated documents: a new wording is a new version, and old answers keep theirs."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from feedback_service.documents import Node, strict_json

Kind = Literal["scale_0_10", "words", "choices", "text"]
FrontOffice = Literal["offline", "online"]
Wording = Literal["own", "official"]

SCALE = tuple(str(point) for point in range(11))
LANGUAGES_NEEDED = ("uk", "en")
LONGEST_COMMENT = 1000  # characters
LONGEST_TEXT = 300  # characters of one worded question, option or end of the scale

FOLDER = Path(__file__).with_name("questionnaires")

_VERSION = re.compile(r"(offline|online)-(\d{4})\.(\d{1,3})")
_QUESTION_ID = re.compile(r"(off|on|any)\.[a-z][a-z0-9_]{0,27}")
_VALUE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WORD = "a word of small Latin letters, digits and _"
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_FRONT_OFFICES: Mapping[str, FrontOffice] = {"offline": "offline", "online": "online"}
_WORDINGS: Mapping[str, Wording] = {"own": "own", "official": "official"}
_KINDS: Mapping[str, Kind] = {
    "scale_0_10": "scale_0_10",
    "words": "words",
    "choices": "choices",
    "text": "text",
}
_NEEDED = (  # of a document
    *("version", "front_office", "effective_from", "wording"),
    *("languages", "poor", "options", "questions"),
)
_MEMBERS: Mapping[Kind, set[str]] = {  # of a question, beside id, kind and text
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
    kind: Kind
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
    def first(self) -> Question:
        """The question of the first screen."""
        return self.questions[0]

    def question(self, id: str) -> Question | None:
        """The question with this id, or None."""
        for question in self.questions:  # a loop, not a generator: every answer asks this a dozen times
            if question.id == id:
                return question
        return None

    def poor(self, single: Mapping[str, str]) -> bool:
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


def in_force(candidates: Iterable[Questionnaire], front_office: str, day: date) -> Questionnaire:
    """The version that a survey of this front office gets on this Kyiv day; ``LookupError`` if there is none.

    The latest to come into effect wins, and of two that begin on one day the one given last.
    """
    begun = [one for one in candidates if one.front_office == front_office and one.effective_from <= day]
    if not begun:
        raise LookupError(f"no {front_office} questionnaire is in force on {day.isoformat()}")
    return max(reversed(begun), key=lambda one: one.effective_from)


def front_office_of(version: str) -> str:
    """The front office that a version of the questions is about: its name begins with it. Of none, none."""
    return version.partition("-")[0]


@cache
def shipped() -> tuple[Questionnaire, ...]:
    """Every version published with the program."""
    files = sorted(FOLDER.glob("*.json"))
    return tuple(parse(strict_json(file.read_text(encoding="utf-8"))) for file in files)


def parse(document: object) -> Questionnaire:
    """Read a questionnaire document; raise ``ValueError`` naming the first thing in it that is wrong."""
    given = Node(document, "questionnaire").known(_NEEDED, ("reasons", "breach"))
    version, front_office, effective_from, wording, spoken, poor, options, asked = (
        given[name] for name in _NEEDED
    )
    name = version.match(_VERSION, "like offline-2026.1")
    office = front_office.one_of(_FRONT_OFFICES)
    front_office.require(front_office_of(name) == office, "does not fit the version")
    languages = tuple(one.match(_LANGUAGE, "a language code such as uk") for one in spoken.list(least=1))
    spoken.distinct(languages)
    missing = [language for language in LANGUAGES_NEEDED if language not in languages]
    spoken.require(not missing, f"lacks {', '.join(missing)}")
    lists = {name: _options(listed, languages) for name, listed in options.items(least=0)}
    questions = tuple(_question(one, lists, languages) for one in asked.list(least=1))
    asked.distinct(question.id for question in questions)
    one_tap = questions[0].kind in ("scale_0_10", "words")
    asked.require(one_tap, "must begin with one that is answered with one tap: scale_0_10 or words")
    texts = sum(question.kind == "text" for question in questions)
    asked.require(texts <= 1, "must have one of kind text at most")
    return Questionnaire(
        version=name,
        front_office=office,
        effective_from=effective_from.day(),
        wording=wording.one_of(_WORDINGS),
        languages=languages,
        poor_values=_poor(poor, questions),
        reasons_question=_choice_question(given["reasons"], questions).id
        if "reasons" in given
        else _REASONS_WHEN_UNNAMED,
        breach_question=_breach_question(given["breach"], questions)
        if "breach" in given
        else _BREACH_WHEN_UNNAMED,
        questions=questions,
    )


def _question(asked: Node, lists: Mapping[str, tuple[Option, ...]], languages: tuple[str, ...]) -> Question:
    """One question; which fields it has depends on its kind."""
    kind = asked.field("kind").one_of(_KINDS)
    given = asked.known(
        {"id", "kind", "text"} | _MEMBERS[kind],
        {"follow_up"} | ({"exclusive"} if kind == "choices" else set()),
    )
    options = given["options"].one_of(lists) if "options" in given else ()
    return Question(
        id=given["id"].match(_QUESTION_ID, "like off.staff, on.overall or any.reasons"),
        kind=kind,
        text=_text(given["text"], languages),
        options=options,
        values=SCALE if kind == "scale_0_10" else tuple(option.value for option in options),
        low=_text(given["low"], languages) if "low" in given else MappingProxyType({}),
        high=_text(given["high"], languages) if "high" in given else MappingProxyType({}),
        max_length=given["max_length"].whole(1, LONGEST_COMMENT) if "max_length" in given else None,
        follow_up="follow_up" in given and given["follow_up"].flag(),
        exclusive=_among(given["exclusive"], {option.value for option in options})
        if "exclusive" in given
        else frozenset(),
    )


def _poor(poor: Node, questions: tuple[Question, ...]) -> frozenset[str]:
    """The values that count as a poor answer: points of the scale as text, and words."""
    given = poor.known((), {"scale_up_to", "words"})
    points = SCALE[: given["scale_up_to"].whole(0, 10) + 1] if "scale_up_to" in given else ()
    words = {value for question in questions if question.kind == "words" for value in question.values}
    return frozenset(points) | (_among(given["words"], words) if "words" in given else frozenset())


def _choice_question(named: Node, questions: tuple[Question, ...]) -> Question:
    """The question of this id, which offers several answers to choose from."""
    return named.one_of({question.id: question for question in questions if question.kind == "choices"})


def _breach_question(breach: Node, questions: tuple[Question, ...]) -> BreachQuestion:
    named, nothing = breach.fields("question", "nothing")
    question = _choice_question(named, questions)
    return BreachQuestion(question.id, _among(nothing, set(question.values)))


def _options(listed: Node, languages: tuple[str, ...]) -> tuple[Option, ...]:
    pairs = [one.fields("value", "text") for one in listed.list(least=1)]
    options = tuple(Option(value.match(_VALUE, _WORD), _text(text, languages)) for value, text in pairs)
    listed.distinct(option.value for option in options)
    return options


def _among(named: Node, values: Set[str]) -> frozenset[str]:
    """One or more of the values."""
    choices = {value: value for value in values}
    return frozenset(one.one_of(choices) for one in named.list(least=1))


def _text(text: Node, languages: tuple[str, ...]) -> Mapping[str, str]:
    """What people will read, in each of the languages."""
    worded = zip(languages, text.fields(*languages), strict=True)
    return MappingProxyType({language: one.prose(LONGEST_TEXT) for language, one in worded})
