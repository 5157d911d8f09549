"""JSON documents, read strictly: everything ambiguous or unknown is refused, with its place in the document."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, NoReturn, TypeVar

from feedback_service.plain_text import clean_text

T = TypeVar("T")
NotJsonReason = Literal["syntax", "depth", "repeated", "constant", "number"]


class NotJson(ValueError):
    """The text is not JSON, or two programs could read it differently.

    ``reason`` is one of: ``syntax`` (an error at ``line`` and ``column``, from 1), ``depth`` (nested too deeply),
    ``repeated`` (a name twice in one object), ``constant`` (NaN or an infinity), ``number`` (too many digits).
    """

    def __init__(self, reason: NotJsonReason, sentence: str, line: int = 0, column: int = 0) -> None:
        self.reason = reason
        self.line = line
        self.column = column
        super().__init__(sentence)


def parse_strict_json(text: str) -> Any:
    """Return the value of a JSON text. Raises ``NotJson``, also where RFC 8259 leaves the meaning open."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_reject_repeated_names,
            parse_constant=_reject_constant,
            parse_float=_parse_finite_float,
        )
    except NotJson:
        raise
    except json.JSONDecodeError as error:
        raise NotJson("syntax", str(error), error.lineno, error.colno) from None
    except RecursionError:
        raise NotJson("depth", "it is nested too deeply") from None
    except ValueError:  # whole numbers of more than 4300 digits
        raise NotJson("number", "a number is too long") from None


def _reject_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise NotJson("repeated", "a member is named twice")
    return members


def _reject_constant(word: str) -> NoReturn:
    raise NotJson("constant", f"{word} is no number")


def _parse_finite_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotJson("number", "a number is too long")
    return number


class JsonNode:
    """A value in a parsed JSON document, with its place. All methods raise ``ValueError``, which names the place."""

    def __init__(self, value: object, place: str) -> None:
        self._value = value
        self._place = place

    def require(self, condition: bool, complaint: str) -> None:
        """Raise ``ValueError`` with the place and the complaint unless the condition is true."""
        if not condition:
            raise ValueError(f"{self._place} {complaint}")

    def read_fields(self, *names: str) -> "list[JsonNode]":
        """Return the values of exactly these fields, in this order; a missing or another field is an error."""
        nodes = self.read_known_fields(names)
        return [nodes[name] for name in names]

    def read_known_fields(self, required: Collection[str], optional: Collection[str] = ()) -> "dict[str, JsonNode]":
        """Return the fields by name; a missing required field or an unknown field is an error."""
        nodes = dict(self.iterate_fields(minimum=1 if required else 0))
        self.require(nodes.keys() >= set(required), f"lacks {_join_sorted(set(required) - nodes.keys())}")
        unknown = nodes.keys() - set(required) - set(optional)
        self.require(not unknown, f"has unknown {_join_sorted(unknown)}")
        return nodes

    def read_field(self, name: str) -> "JsonNode":
        """Return the value of this field; other fields are allowed."""
        nodes = dict(self.iterate_fields())
        self.require(name in nodes, f"lacks {name}")
        return nodes[name]

    def iterate_fields(self, minimum: int = 1) -> "Iterator[tuple[str, JsonNode]]":
        """Yield the names and values of an object that has at least ``minimum`` fields (0 or 1)."""
        if not isinstance(self._value, dict) or len(self._value) < minimum:
            raise ValueError(f"{self._place} must be an object{' with fields' if minimum else ''}")
        for name, value in self._value.items():
            yield name, JsonNode(value, f"{self._place}.{name}")

    def read_list(self, minimum: int = 0) -> "list[JsonNode]":
        """Return the elements of a list that has at least ``minimum`` of them (0 or 1)."""
        if not isinstance(self._value, list):
            raise ValueError(f"{self._place} must be a list")
        self.require(len(self._value) >= minimum, "must not be empty")
        return [JsonNode(value, f"{self._place}[{index}]") for index, value in enumerate(self._value)]

    def read_text(self) -> str:
        """Return one line of visible text without white space at its ends."""
        text = self._value
        if not isinstance(text, str) or not text or text != text.strip() or not text.isprintable():
            raise ValueError(f"{self._place} must be a text")
        return text

    def read_matching(self, pattern: re.Pattern[str], example: str) -> str:
        """Return a text that matches the pattern; ``example`` describes it in the error."""
        if not isinstance(self._value, str) or not pattern.fullmatch(self._value):
            raise ValueError(f"{self._place} must be {example}, not {self._value!r}")
        return self._value

    def read_prose(self, longest: int) -> str:
        """Return a text for people in Unicode normal form C: not blank, at most ``longest`` characters."""
        if not isinstance(self._value, str) or not self._value.strip() or len(self._value) > longest:
            raise ValueError(f"{self._place} must be a text of 1 to {longest} characters")
        try:
            return clean_text(self._value)
        except ValueError as error:
            raise ValueError(f"{self._place} must do without control and bidirectional characters") from error

    def require_distinct(self, words: Iterable[str]) -> None:
        """Raise ``ValueError`` if one of the words occurs twice."""
        seen = set[str]()
        for word in words:
            self.require(word not in seen, f"names {word} twice")
            seen.add(word)

    def read_distinct_texts(self) -> tuple[str, ...]:
        """Return one or more texts, none of them twice."""
        texts = tuple(node.read_text() for node in self.read_list(minimum=1))
        self.require_distinct(texts)
        return texts

    def read_sentence(self) -> Mapping[str, str]:
        """Return a sentence in Ukrainian and in English, by language."""
        uk, en = self.read_fields("uk", "en")
        return MappingProxyType({"uk": uk.read_text(), "en": en.read_text()})

    def read_day(self) -> date:
        """Return a calendar day, written like ``2021-08-11``."""
        text = self.read_text()
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or day.isoformat() != text:
            raise ValueError(f"{self._place} must be a day like 2021-08-11")
        return day

    def read_integer(self, minimum: int, maximum: int) -> int:
        """Return a whole number from ``minimum`` to ``maximum``, both included."""
        if not isinstance(self._value, int) or isinstance(self._value, bool) or not minimum <= self._value <= maximum:
            raise ValueError(f"{self._place} must be a whole number from {minimum} to {maximum}")
        return self._value

    def read_number(self) -> Fraction:
        """Return a number exactly as its decimals are written."""
        if isinstance(self._value, bool) or not isinstance(self._value, int | float):
            raise ValueError(f"{self._place} must be a number")
        try:
            return Fraction(str(self._value))
        except ValueError:
            raise ValueError(f"{self._place} must be a number") from None

    def read_boolean(self) -> bool:
        """Return true or false."""
        if not isinstance(self._value, bool):
            raise ValueError(f"{self._place} must be true or false")
        return self._value

    def read_choice(self, choices: Mapping[str, T]) -> T:
        """Return the choice that the text names."""
        text = self.read_text()
        self.require(text in choices, f"must be one of {_join_sorted(choices)}")
        return choices[text]


def _join_sorted(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
