"""Checking what was answered against its questionnaire: all mistakes are named at once, nothing is guessed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from feedback_service.errors import N_, FieldError, Invalid
from feedback_service.plain_text import is_visible, read_text
from feedback_service.surveys.privacy import Masked, mask
from feedback_service.surveys.questionnaires import LONGEST_COMMENT, Question, Questionnaire

UNKNOWN_QUESTION = N_("The questionnaire has no such question.")
NOT_A_POINT = N_("Choose a whole number from 0 to 10.")
NOT_AN_OPTION = N_("Choose one of the answers offered.")
NOT_A_LIST = N_("Choose from the answers offered, each once.")
STANDS_ALONE = N_("This answer can only be chosen alone, without others.")
NOT_TEXT = N_("Write this as text.")
STRANGE_CHARACTERS = N_("Remove the invisible control characters from the text.")
TOO_LONG = N_("The text is too long: %(length)d characters, at most %(limit)d.")

UNKNOWN_NAMED = 20  # a body of 64 KiB can hold thousands of unknown ids; naming the first ones is enough
POINTER_NAME = 64  # characters of an unknown id that are repeated back


@dataclass(frozen=True, slots=True)
class Answers:
    """What one person answered so far; the comment is already masked and its raw text is never kept.

    ``single`` holds one value per question as text, ``choices`` several in the questionnaire's order,
    ``masked`` the kinds of personal data that were taken out of the comment.
    """

    single: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comment: str | None = None
    masked: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all was answered; a comment counts as an answer."""
        return not (self.single or self.choices or self.comment)

    @property
    def coded(self) -> dict[str, list[str]]:
        """The values chosen for each question; a comment is none of them.

        In one order for everybody: nothing that is kept shall tell what was tapped first.
        """
        chosen = {question: [value] for question, value in self.single.items()}
        several = {question: list(values) for question, values in self.choices.items()}
        return dict(sorted((chosen | several).items()))

    def joined(self, later: "Answers") -> "Answers":
        """Both together; where both answer a question, the later one holds."""
        newest = self if later.comment is None else later
        return Answers(
            single={**self.single, **later.single},
            choices={**self.choices, **later.choices},
            comment=newest.comment,
            masked=newest.masked,
        )

    def to_json(self) -> dict[str, object]:
        """The same as plain values, for keeping an answer that is begun."""
        return {
            "single": dict(self.single),
            "choices": {question: list(values) for question, values in self.choices.items()},
            "comment": self.comment,
            "masked": list(self.masked),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Answers":
        """What ``to_json`` gave."""
        return cls(
            single=dict(kept["single"]),
            choices={question: tuple(values) for question, values in kept["choices"].items()},
            comment=kept["comment"],
            masked=tuple(kept["masked"]),
        )


class Refused(Exception):
    """One answer breaks a rule: a message of the service and its parameters."""

    def __init__(self, detail: str, **params: object) -> None:
        self.detail = detail
        self.params = params


def check(questionnaire: Questionnaire, raw: Mapping[str, object]) -> Answers:
    """The answers in ``raw`` (question id to JSON value); ``Invalid`` names every one that breaks a rule.

    An absent question, an empty list and a blank comment are not answered; any other value must be exactly
    right, none is converted, rounded or clamped. No answer at all is fine here: the caller decides.
    """
    errors = [
        FieldError(_pointer(id), UNKNOWN_QUESTION)
        for id in islice((id for id in raw if questionnaire.question(id) is None), UNKNOWN_NAMED)
    ]
    read: dict[str, Any] = {}
    for question in questionnaire.questions:
        if question.id not in raw:
            continue
        try:
            read[question.id] = _READ[question.kind](question, raw[question.id])
        except Refused as refused:
            errors.append(FieldError(_pointer(question.id), refused.detail, refused.params))
    if errors:
        raise Invalid(errors)

    def of(*kinds: str) -> dict[str, Any]:
        return {q.id: read[q.id] for q in questionnaire.questions if q.kind in kinds and read.get(q.id)}

    said = next(iter(of("text").values()), Masked("", ()))
    return Answers(of("scale_0_10", "words"), of("choices"), said.text or None, said.kinds)


def comment(text: str, limit: int) -> Masked:
    """The comment as it is kept: one kind of line end, personal data masked, empty if nothing in it is visible.

    Raises ``Refused`` for characters that deceive and for more than ``limit`` characters.
    """
    try:
        tidy = read_text(text)
    except ValueError as strange:
        raise Refused(STRANGE_CHARACTERS) from strange
    if len(tidy) > limit:
        raise Refused(TOO_LONG, length=len(tidy), limit=limit)
    return mask(tidy if is_visible(tidy) else "")


def from_form(questionnaire: Questionnaire, form: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """The ``raw`` of a posted form, for ``check``: fields are named by question id, blank ones not answered.

    Fields without a dot in the name are no questions and are left out; a question given several values where
    one is asked keeps them all, for ``check`` to refuse.
    """
    raw: dict[str, object] = {}
    for name, given in form.items():
        values = [value for value in given if value.strip()]
        if "." not in name or not values:
            continue
        question = questionnaire.question(name)
        if (question is not None and question.kind == "choices") or len(values) > 1:
            raw[name] = values
        elif question is not None and question.kind == "scale_0_10" and values[0] in question.values:
            raw[name] = int(values[0])
        else:
            raw[name] = values[0]
    return raw


def _scale(question: Question, value: object) -> str:
    if type(value) is not int or not 0 <= value <= 10:  # bool is an int too, and 9.0 == 9
        raise Refused(NOT_A_POINT)
    return str(value)


def _words(question: Question, value: object) -> str:
    if not isinstance(value, str) or value not in question.values:
        raise Refused(NOT_AN_OPTION)
    return value


def _choices(question: Question, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Refused(NOT_A_LIST)
    chosen = [_words(question, one) for one in value]
    if len(set(chosen)) < len(chosen):
        raise Refused(NOT_A_LIST)
    if len(chosen) > 1 and not question.exclusive.isdisjoint(chosen):
        raise Refused(STANDS_ALONE)
    return tuple(one for one in question.values if one in chosen)


def _comment(question: Question, value: object) -> Masked:
    if not isinstance(value, str):
        raise Refused(NOT_TEXT)
    return comment(value, question.max_length or LONGEST_COMMENT)


_READ: Mapping[str, Callable[[Question, object], object]] = {
    "scale_0_10": _scale,
    "words": _words,
    "choices": _choices,
    "text": _comment,
}


def _pointer(id: str) -> str:
    """The JSON Pointer (RFC 6901) of an answer; halves of surrogate pairs are spelled out to be sendable."""
    name = id[:POINTER_NAME].encode("utf-8", "backslashreplace").decode("utf-8")
    return "/answers/" + name.replace("~", "~0").replace("/", "~1")
