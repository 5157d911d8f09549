"""Questionnaires are dated documents: a new wording is a new version, and old answers keep theirs."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar, cast

from feedback_service.text import clean

T = TypeVar("T")
Kind = Literal["scale_0_10", "words", "choices", "text"]
FrontOffice = Literal["offline", "online"]
Wording = Literal["own", "official"]

SCALE = tuple(str(point) for point in range(11))
LANGUAGES_NEEDED = ("uk", "en")
LONGEST_COMMENT = 1000  # characters
LONGEST_TEXT = 300  # characters of one worded question, option or end of the scale

_VERSION = re.compile(r"(offline|online)-(\d{4})\.(\d{1,3})")
_QUESTION_ID = re.compile(r"(off|on|any)\.[a-z][a-z0-9_]{0,27}")
_VALUE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WORDING = re.compile(r"own|official")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")

_DOCUMENT = {
    "version",
    "front_office",
    "effective_from",
    "wording",
    "languages",
    "poor",
    "options",
    "questions",
}
_MEMBERS: Mapping[str, set[str]] = {  # of a question, beside id, kind, text and follow_up
    "scale_0_10": {"low", "high"},
    "words": {"options"},
    "choices": {"options"},
    "text": {"max_length"},
}
_OPTIONAL: Mapping[str, set[str]] = {"choices": {"exclusive"}}


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose: its word on the wire and its text by language."""

    value: str
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One question; none is ever required.

    ``low`` and ``high`` word the ends of a scale; ``follow_up`` questions are offered only after a poor
    answer; ``exclusive`` values stand alone. What a kind does not use is empty or None.
    """

    id: str
    kind: Kind
    text: Mapping[str, str]
    options: tuple[Option, ...]
    low: Mapping[str, str]
    high: Mapping[str, str]
    max_length: int | None
    follow_up: bool
    exclusive: frozenset[str]

    @property
    def values(self) -> tuple[str, ...]:
        """Every value that may be chosen, in the order shown; none for free text."""
        return SCALE if self.kind == "scale_0_10" else tuple(option.value for option in self.options)


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One published version of the questions; ``wording`` says whether the texts are the official ones."""

    version: str
    front_office: FrontOffice
    effective_from: date
    wording: Wording
    languages: tuple[str, ...]
    poor_values: frozenset[str]
    questions: tuple[Question, ...]

    def __hash__(self) -> int:
        return hash(self.version)

    @property
    def first(self) -> Question:
        """The question of the first screen."""
        return self.questions[0]

    def question(self, id: str) -> Question | None:
        """The question with this id, or None."""
        return next((question for question in self.questions if question.id == id), None)

    def poor(self, single: Mapping[str, str]) -> bool:
        """Whether any of these answers (question id to value) calls for the follow-up questions."""
        return not self.poor_values.isdisjoint(single.values())


def in_force(candidates: Iterable[Questionnaire], front_office: str, day: date) -> Questionnaire:
    """The version that a survey of this front office gets on this Kyiv day; ``LookupError`` if there is none.

    The latest to come into effect wins, and of two that begin on one day the one given last.
    """
    begun = [one for one in candidates if one.front_office == front_office and one.effective_from <= day]
    if not begun:
        raise LookupError(f"no {front_office} questionnaire is in force on {day.isoformat()}")
    return max(reversed(begun), key=lambda one: one.effective_from)


@cache
def shipped() -> tuple[Questionnaire, ...]:
    """Every version published with the program."""
    files = sorted((Path(__file__).parent / "questionnaires").glob("*.json"))
    return tuple(parse(json.loads(file.read_text(encoding="utf-8"))) for file in files)


def parse(document: Mapping[str, object]) -> Questionnaire:
    """Read a questionnaire document; ``ValueError`` says where it is wrong and what was expected."""
    _members("the document", _mapping("the document", document), _DOCUMENT)
    version = _match("version", document["version"], _VERSION, "like offline-2026.1")
    front_office = version.partition("-")[0]
    if document["front_office"] != front_office:
        raise ValueError(f"front_office: {document['front_office']!r} does not fit the version {version!r}")
    wording = _match("wording", document["wording"], _WORDING, "own or official")
    languages = _each("languages", document["languages"], _language)
    _all_different("languages", languages)
    if missing := [language for language in LANGUAGES_NEEDED if language not in languages]:
        raise ValueError(f"languages: {', '.join(missing)} missing")
    lists = {
        name: _options(f"options.{name}", options, languages)
        for name, options in _mapping("options", document["options"]).items()
    }
    questions = _each("questions", document["questions"], lambda at, it: _question(at, it, lists, languages))
    _all_different("questions", [question.id for question in questions])
    if questions[0].kind not in ("scale_0_10", "words"):
        raise ValueError(
            "questions[0]: the first question is answered with one tap, so scale_0_10 or words expected"
        )
    if sum(question.kind == "text" for question in questions) > 1:
        raise ValueError("questions: one question of kind text at most")
    return Questionnaire(
        version=version,
        front_office=cast(FrontOffice, front_office),
        effective_from=_day("effective_from", document["effective_from"]),
        wording=cast(Wording, wording),
        languages=languages,
        poor_values=_poor(document["poor"], questions),
        questions=questions,
    )


def _question(
    at: str, it: object, lists: Mapping[str, tuple[Option, ...]], languages: tuple[str, ...]
) -> Question:
    given = _mapping(at, it)
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise ValueError(f"{at}.kind: one of {', '.join(_MEMBERS)} expected, not {kind!r}")
    _members(at, given, {"id", "kind", "text"} | _MEMBERS[kind], {"follow_up"} | _OPTIONAL.get(kind, set()))
    options: tuple[Option, ...] = ()
    if "options" in given:
        if not isinstance(given["options"], str) or given["options"] not in lists:
            raise ValueError(
                f"{at}.options: the name of a list under options expected, not {given['options']!r}"
            )
        options = lists[given["options"]]
    exclusive = _each(f"{at}.exclusive", given["exclusive"], _value) if "exclusive" in given else ()
    if unknown := set(exclusive) - {option.value for option in options}:
        raise ValueError(f"{at}.exclusive: {min(unknown)!r} is not among the options")
    max_length = given.get("max_length")
    if kind == "text" and not (type(max_length) is int and 1 <= max_length <= LONGEST_COMMENT):
        raise ValueError(f"{at}.max_length: a whole number from 1 to {LONGEST_COMMENT} expected")
    if not isinstance(given.get("follow_up", False), bool):
        raise ValueError(f"{at}.follow_up: true or false expected")
    return Question(
        id=_match(f"{at}.id", given["id"], _QUESTION_ID, "like off.staff, on.overall or any.reasons"),
        kind=cast(Kind, kind),
        text=_text(f"{at}.text", given["text"], languages),
        options=options,
        low=_text(f"{at}.low", given["low"], languages) if "low" in given else MappingProxyType({}),
        high=_text(f"{at}.high", given["high"], languages) if "high" in given else MappingProxyType({}),
        max_length=cast(int | None, max_length),
        follow_up=bool(given.get("follow_up", False)),
        exclusive=frozenset(exclusive),
    )


def _poor(it: object, questions: tuple[Question, ...]) -> frozenset[str]:
    """The values that count as a poor answer: points of the scale as text, and words."""
    given = _mapping("poor", it)
    _members("poor", given, set(), {"scale_up_to", "words"})
    highest = given.get("scale_up_to", -1)
    if not (type(highest) is int and -1 <= highest <= 10):
        raise ValueError("poor.scale_up_to: a whole number from 0 to 10 expected")
    words = _each("poor.words", given["words"], _value) if "words" in given else ()
    known = {value for question in questions if question.kind == "words" for value in question.values}
    if unknown := set(words) - known:
        raise ValueError(f"poor.words: {min(unknown)!r} is not an answer to any question of kind words")
    return frozenset(SCALE[: highest + 1]) | frozenset(words)


def _options(at: str, it: object, languages: tuple[str, ...]) -> tuple[Option, ...]:
    def option(at: str, it: object) -> Option:
        given = _mapping(at, it)
        _members(at, given, {"value", "text"})
        return Option(_value(f"{at}.value", given["value"]), _text(f"{at}.text", given["text"], languages))

    options = _each(at, it, option)
    _all_different(at, [option.value for option in options])
    return options


def _text(at: str, it: object, languages: tuple[str, ...]) -> Mapping[str, str]:
    given = _mapping(at, it)
    _members(at, given, set(languages))
    for language, text in given.items():
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
            raise ValueError(f"{at}.{language}: a text of 1 to {LONGEST_TEXT} characters expected")
    try:
        return MappingProxyType({language: clean(cast(str, given[language])) for language in languages})
    except ValueError as wrong:
        raise ValueError(f"{at}: {wrong}") from wrong


def _each(at: str, it: object, read: Callable[[str, object], T]) -> tuple[T, ...]:
    """A list of one or more, each read by ``read``."""
    if not isinstance(it, list) or not it:
        raise ValueError(f"{at}: a list with at least one member expected")
    return tuple(read(f"{at}[{index}]", member) for index, member in enumerate(it))


def _all_different(at: str, words: Iterable[str]) -> None:
    seen: set[str] = set()
    for word in words:
        if word in seen:
            raise ValueError(f"{at}: {word!r} is given twice")
        seen.add(word)


def _mapping(at: str, it: object) -> Mapping[str, object]:
    if not isinstance(it, Mapping):
        raise ValueError(f"{at}: an object expected")
    return it


def _members(
    at: str, given: Mapping[str, object], needed: set[str], optional: Set[str] = frozenset()
) -> None:
    if missing := needed - given.keys():
        raise ValueError(f"{at}: {', '.join(sorted(missing))} missing")
    if unknown := given.keys() - needed - optional:
        raise ValueError(f"{at}: {', '.join(sorted(unknown))} not known here")


def _match(at: str, it: object, pattern: re.Pattern[str], example: str) -> str:
    if not isinstance(it, str) or not pattern.fullmatch(it):
        raise ValueError(f"{at}: {it!r} is not {example}")
    return it


def _value(at: str, it: object) -> str:
    return _match(at, it, _VALUE, "a word of small Latin letters, digits and _")


def _language(at: str, it: object) -> str:
    return _match(at, it, _LANGUAGE, "a language code such as uk")


def _day(at: str, it: object) -> date:
    try:
        return date.fromisoformat(_match(at, it, _DAY, "a day like 2026-01-01"))
    except ValueError as wrong:
        raise ValueError(f"{at}: {it!r} is not a day like 2026-01-01") from wrong
