"""Nested counts of answers and of invitations: how they are made, added and written as text.

A tally is ``{front office: {source: {question: {value: n}}}}``. The question ``PEOPLE`` counts the people
who answered. The question ``INVITED`` counts invitations, which have no source, by the step that they reached.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from feedback_service.indicators.methodology import shipped_headline_questions

PEOPLE = "*"  # its value is empty
INVITED = "#"  # its values are STEPS
STEPS = ("invited", "opened", "started", "answered")

NestedCounts = dict[str, dict[str, dict[str, dict[str, int]]]]  # a tally
Cell = tuple[str, str, str, str]  # front office, source, question, value

WHOLE = "whole"
# The ways of grouping answers that are stored. A key is empty where nothing is known, for example no window.
ANSWERS_BY: Mapping[str, Callable[[Any], str]] = {
    WHOLE: lambda _: "",
    "service": lambda answer: answer.service_id.hex if answer.service_id else "",
    "provider": lambda answer: answer.provider_edrpou or "",
    "workplace": lambda answer: answer.workplace or "",
    "part_of_week": lambda answer: part_of_week(answer.answered_on, answer.part_of_day),
    "language": lambda answer: answer.language,
}
INVITATIONS_BY = (WHOLE, "service", "provider", "workplace")


def part_of_week(day: date, part_of_day: str | None) -> str:
    """``1-morning`` to ``7-evening``, Monday first; empty for answers that staff typed in later."""
    return f"{day.isoweekday()}-{part_of_day}" if part_of_day else ""


def count_answer(counts: NestedCounts, front_office: str, source: str, answers: Mapping[str, Sequence[str]]) -> None:
    """Add one person, with the values chosen for each question, to ``counts``."""
    questions = counts.setdefault(front_office, {}).setdefault(source, {})
    people = questions.setdefault(PEOPLE, {})
    people[""] = people.get("", 0) + 1
    for question, chosen in answers.items():
        values = questions.setdefault(question, {})
        for value in chosen:
            values[value] = values.get(value, 0) + 1


def add_counts(into: NestedCounts, more: NestedCounts) -> None:
    """Add ``more`` to ``into``; ``more`` does not change."""
    for front_office, by_source in more.items():
        sources = into.setdefault(front_office, {})
        for source, by_question in by_source.items():
            questions = sources.setdefault(source, {})
            for question, by_value in by_question.items():
                values = questions.setdefault(question, {})
                for value, n in by_value.items():
                    values[value] = values.get(value, 0) + n


def headline_questions() -> frozenset[str]:
    """The questions that are stored apart for lists of groups: people, the index, the overall question."""
    return shipped_headline_questions() | {PEOPLE}


def select_headlines(counts: NestedCounts) -> NestedCounts:
    """The part of the counts that is about ``headline_questions``."""
    headlines = headline_questions()
    return {
        front_office: {
            source: {question: values for question, values in by_question.items() if question in headlines}
            for source, by_question in by_source.items()
        }
        for front_office, by_source in counts.items()
    }


def iterate_cells(counts: NestedCounts) -> Iterator[tuple[Cell, int]]:
    """Every count with its front office, source, question and value."""
    for front_office, by_source in counts.items():
        for source, by_question in by_source.items():
            for question, by_value in by_question.items():
                for value, n in by_value.items():
                    yield (front_office, source, question, value), n


def serialise_counts(counts: NestedCounts) -> str:
    """The JSON that is stored; equal counts always give the same text."""
    return json.dumps(counts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def parse_counts(text: str) -> NestedCounts:
    """The counts that ``serialise_counts`` wrote."""
    counts: NestedCounts = json.loads(text)
    return counts
