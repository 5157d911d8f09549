"""Reading a document strictly: what is wrong in it is said with its place."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")


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
        found = dict(self.items())
        self.require(found.keys() >= set(names), f"lacks {_listed(set(names) - found.keys())}")
        self.require(found.keys() <= set(names), f"has unknown {_listed(found.keys() - set(names))}")
        return [found[name] for name in names]

    def items(self) -> "Iterator[tuple[str, Node]]":
        """The fields of an object that has at least one."""
        if not isinstance(self._value, dict) or not self._value:
            raise ValueError(f"{self._place} must be an object with fields")
        for name, value in self._value.items():
            yield name, Node(value, f"{self._place}.{name}")

    def list(self) -> "list[Node]":
        """The elements of a list, which may be empty."""
        if not isinstance(self._value, list):
            raise ValueError(f"{self._place} must be a list")
        return [Node(value, f"{self._place}[{i}]") for i, value in enumerate(self._value)]

    def text(self) -> str:
        """One line of visible text, without white space at its ends."""
        text = self._value
        if not isinstance(text, str) or not text or text != text.strip() or not text.isprintable():
            raise ValueError(f"{self._place} must be a text")
        return text

    def distinct_texts(self) -> tuple[str, ...]:
        """At least one text, none of them twice."""
        texts = tuple(node.text() for node in self.list())
        self.require(len(texts) > 0, "must not be empty")
        self.require(len(texts) == len(set(texts)), "names something twice")
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
