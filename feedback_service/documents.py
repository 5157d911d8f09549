"""Reading JSON and documents written in it strictly: what could be misread is refused, with its place."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, NoReturn, TypeVar

from feedback_service.plain_text import clean

T = TypeVar("T")
Why = Literal["syntax", "depth", "repeated", "constant", "number"]


class NotJson(ValueError):
    """What was written is no JSON, or two readers could understand it differently.

    ``why`` says which: a ``syntax`` error (at ``line`` and ``column``, from 1), too much ``depth``, a name
    ``repeated`` in one object, the ``constant`` NaN or an infinity, a ``number`` too long to keep.
    """

    def __init__(self, why: Why, sentence: str, line: int = 0, column: int = 0) -> None:
        self.why = why
        self.line = line
        self.column = column
        super().__init__(sentence)


def strict_json(text: str) -> Any:
    """The value of a JSON text; raises ``NotJson`` for anything that RFC 8259 leaves to chance."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except NotJson:
        raise
    except json.JSONDecodeError as wrong:
        raise NotJson("syntax", str(wrong), wrong.lineno, wrong.colno) from None
    except RecursionError:
        raise NotJson("depth", "it is nested too deeply") from None
    except ValueError:  # whole numbers of more than 4300 digits
        raise NotJson("number", "a number is too long") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise NotJson("repeated", "a member is named twice")
    return members


def _no_constant(word: str) -> NoReturn:
    raise NotJson("constant", f"{word} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotJson("number", "a number is too long")
    return number


class Node:
    """A value in a parsed JSON document, with its place; a reading that fails raises ``ValueError``."""

    def __init__(self, value: object, place: str) -> None:
        self._value = value
        self._place = place

    def require(self, holds: bool, complaint: str) -> None:
        """Raise ``ValueError`` with the place and the complaint unless it holds."""
        if not holds:
            raise ValueError(f"{self._place} {complaint}")

    def fields(self, *names: str) -> "list[Node]":
        """The values of exactly these fields, in this order: none is missing and there are no others."""
        found = self.known(names)
        return [found[name] for name in names]

    def known(self, needed: Collection[str], optional: Collection[str] = ()) -> "dict[str, Node]":
        """The fields by name: all that are needed are there, and none that is not known."""
        found = dict(self.items(least=1 if needed else 0))
        self.require(found.keys() >= set(needed), f"lacks {_listed(set(needed) - found.keys())}")
        unknown = found.keys() - set(needed) - set(optional)
        self.require(not unknown, f"has unknown {_listed(unknown)}")
        return found

    def field(self, name: str) -> "Node":
        """The value of this field, which is there."""
        found = dict(self.items())
        self.require(name in found, f"lacks {name}")
        return found[name]

    def items(self, least: int = 1) -> "Iterator[tuple[str, Node]]":
        """The fields of an object that has at least so many."""
        if not isinstance(self._value, dict) or len(self._value) < least:
            raise ValueError(f"{self._place} must be an object{' with fields' if least else ''}")
        for name, value in self._value.items():
            yield name, Node(value, f"{self._place}.{name}")

    def list(self, least: int = 0) -> "list[Node]":
        """The elements of a list that has at least so many."""
        if not isinstance(self._value, list):
            raise ValueError(f"{self._place} must be a list")
        self.require(len(self._value) >= least, "must not be empty")
        return [Node(value, f"{self._place}[{i}]") for i, value in enumerate(self._value)]

    def text(self) -> str:
        """One line of visible text, without white space at its ends."""
        text = self._value
        if not isinstance(text, str) or not text or text != text.strip() or not text.isprintable():
            raise ValueError(f"{self._place} must be a text")
        return text

    def match(self, pattern: re.Pattern[str], example: str) -> str:
        """A text that has the form of the example."""
        if not isinstance(self._value, str) or not pattern.fullmatch(self._value):
            raise ValueError(f"{self._place} must be {example}, not {self._value!r}")
        return self._value

    def prose(self, longest: int) -> str:
        """What people will read: at most so many characters, not blank, in Unicode normal form C."""
        if not isinstance(self._value, str) or not self._value.strip() or len(self._value) > longest:
            raise ValueError(f"{self._place} must be a text of 1 to {longest} characters")
        try:
            return clean(self._value)
        except ValueError as wrong:
            raise ValueError(f"{self._place} must do without control and bidirectional characters") from wrong

    def distinct(self, words: Iterable[str]) -> None:
        """None of the words found here occurs twice."""
        seen = set[str]()
        for word in words:
            self.require(word not in seen, f"names {word} twice")
            seen.add(word)

    def distinct_texts(self) -> tuple[str, ...]:
        """At least one text, none of them twice."""
        texts = tuple(node.text() for node in self.list(least=1))
        self.distinct(texts)
        return texts

    def sentence(self) -> Mapping[str, str]:
        """A sentence in Ukrainian and in English."""
        uk, en = self.fields("uk", "en")
        return MappingProxyType({"uk": uk.text(), "en": en.text()})

    def day(self) -> date:
        """A calendar day, ``2021-08-11``."""
        text = self.text()
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or day.isoformat() != text:
            raise ValueError(f"{self._place} must be a day like 2021-08-11")
        return day

    def whole(self, least: int, most: int) -> int:
        """A whole number within the limits, both included."""
        if (
            not isinstance(self._value, int)
            or isinstance(self._value, bool)
            or not least <= self._value <= most
        ):
            raise ValueError(f"{self._place} must be a whole number from {least} to {most}")
        return self._value

    def number(self) -> Fraction:
        """A number of which the decimal writing is meant exactly."""
        if isinstance(self._value, bool) or not isinstance(self._value, int | float):
            raise ValueError(f"{self._place} must be a number")
        try:
            return Fraction(str(self._value))
        except ValueError:
            raise ValueError(f"{self._place} must be a number") from None

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self._value, bool):
            raise ValueError(f"{self._place} must be true or false")
        return self._value

    def one_of(self, choices: Mapping[str, T]) -> T:
        """What the text written here stands for among the choices."""
        text = self.text()
        self.require(text in choices, f"must be one of {_listed(choices)}")
        return choices[text]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
