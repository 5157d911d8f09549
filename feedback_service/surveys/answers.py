"""What a person submits, and its check against the questionnaire. All mistakes are named at once, none is corrected.

A door hands the flow a ``Submission``. The flow knows which questionnaire the person was asked, and reads the
``Answers`` out of the submission.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feedback_service.errors import N_, FieldError, Invalid, json_pointer
from feedback_service.plain_text import is_visible, read_text
from feedback_service.surveys.privacy import MaskedText, mask_personal_data
from feedback_service.surveys.questionnaires import LONGEST_COMMENT, Question, Questionnaire

# The question for free text in the shipped questionnaires. Older drafts and pages that are open do not name theirs.
COMMENT = "any.comment"
UNKNOWN_QUESTION = N_("The questionnaire has no such question.")
TOO_LONG = N_("The text is too long: %(length)d characters, at most %(limit)d.")
MAX_UNKNOWN_NAMED = 20  # a body of 64 KiB can hold thousands of unknown ids; naming the first ones is enough


@dataclass(frozen=True, slots=True)
class Answers:
    """What one person answered so far, checked. The comment is masked already; its raw text is never stored.

    ``single`` holds one value per question as text, ``choices`` several in the questionnaire's order,
    ``comment_id`` the question that the comment answers,
    ``masked`` the kinds of personal data that were taken out of the comment; only tests read it, but stored drafts
    have it.
    """

    single: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comment: str | None = None
    masked: tuple[str, ...] = ()
    comment_id: str = COMMENT

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was answered; a comment counts as an answer."""
        return not (self.single or self.choices or self.comment)

    @property
    def question_ids(self) -> frozenset[str]:
        """The questions that are answered, the comment included."""
        return frozenset({*self.single, *self.choices, *([self.comment_id] if self.comment else [])})

    def without(self, question_ids: Collection[str]) -> "Answers":
        """Return these answers but those to the questions with these ids."""
        has_comment = self.comment_id not in question_ids
        return Answers(
            single={id: value for id, value in self.single.items() if id not in question_ids},
            choices={id: values for id, values in self.choices.items() if id not in question_ids},
            comment=self.comment if has_comment else None,
            masked=self.masked if has_comment else (),
            comment_id=self.comment_id if has_comment else COMMENT,
        )

    @property
    def values_by_question(self) -> dict[str, list[str]]:
        """The values chosen for each question, without the comment.

        They are sorted, so that nothing that is stored tells which question was answered first.
        """
        single_values = {question: [value] for question, value in self.single.items()}
        choice_values = {question: list(values) for question, values in self.choices.items()}
        return dict(sorted((single_values | choice_values).items()))

    def merge_with(self, later: "Answers") -> "Answers":
        """Return both together; where both answer a question, the later answer holds."""
        newest = self if later.comment is None else later
        return Answers(
            single={**self.single, **later.single},
            choices={**self.choices, **later.choices},
            comment=newest.comment,
            masked=newest.masked,
            comment_id=newest.comment_id,
        )

    def to_json(self) -> dict[str, object]:
        """Return the same as JSON values, for a draft."""
        return {
            "single": dict(self.single),
            "choices": {question: list(values) for question, values in self.choices.items()},
            "comment": self.comment,
            "masked": list(self.masked),
            "comment_id": self.comment_id,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Answers":
        """Return the answers that ``to_json`` made these values of."""
        return cls(
            single=dict(stored["single"]),
            choices={question: tuple(values) for question, values in stored["choices"].items()},
            comment=stored["comment"],
            masked=tuple(stored["masked"]),
            comment_id=stored.get("comment_id", COMMENT),
        )


class InvalidAnswer(Exception):
    """One answer breaks a rule; carries a message of the service and its parameters."""

    def __init__(self, detail: str, **params: object) -> None:
        self.detail = detail
        self.params = params


@dataclass(frozen=True, slots=True)
class JsonSubmission:
    """Answers as a JSON object, not checked: question id to value."""

    raw: Mapping[str, object]

    @property
    def blank_ids(self) -> frozenset[str]:
        """The questions that are named without an answer: what this client answered to them before is taken back."""
        return frozenset(id for id, value in self.raw.items() if value == [] or _is_blank(value))

    def read_answers(self, questionnaire: Questionnaire) -> Answers:
        """Return the checked answers; raises ``Invalid``, see ``check_answers``."""
        return check_answers(questionnaire, self.raw)


@dataclass(frozen=True, slots=True)
class FormSubmission:
    """The fields of a posted form, not checked. With ``first_only``, only the first question counts."""

    fields: Mapping[str, Sequence[str]]
    first_only: bool = False

    @property
    def blank_ids(self) -> frozenset[str]:
        """The fields that are empty: what this client answered there before is taken back."""
        if self.first_only:
            return frozenset()  # Skip keeps what was saved
        return frozenset(name for name, values in self.fields.items() if all(map(_is_blank, values)))

    def read_answers(self, questionnaire: Questionnaire) -> Answers:
        """Return the checked answers; raises ``Invalid``, see ``check_answers``."""
        first = questionnaire.first_question.id
        fields = {first: self.fields.get(first, [])} if self.first_only else self.fields
        return check_answers(questionnaire, parse_form(questionnaire, fields))


Submission = JsonSubmission | FormSubmission


def check_answers(questionnaire: Questionnaire, raw: Mapping[str, object]) -> Answers:
    """Return the answers in ``raw`` (question id to JSON value); ``Invalid`` names every one that breaks a rule.

    An absent question, an empty list and a blank comment are not answered. Any other value must be exactly
    right; none is converted, rounded or clamped. ``raw`` may answer nothing at all: see ``require_some_answer``.
    """
    unknown_ids = [id for id in raw if questionnaire.find_question(id) is None]
    errors = [FieldError(json_pointer("answers", id), UNKNOWN_QUESTION) for id in unknown_ids[:MAX_UNKNOWN_NAMED]]
    single: dict[str, str] = {}
    choices: dict[str, tuple[str, ...]] = {}
    comment, comment_id = MaskedText("", ()), COMMENT
    for question in questionnaire.questions:
        if question.id not in raw:
            continue
        try:
            if question.kind == "choices":
                if chosen := _read_choices(question, raw[question.id]):
                    choices[question.id] = chosen
            elif question.kind == "text":
                if (text := _read_comment(question, raw[question.id])).text:
                    comment, comment_id = text, question.id
            elif question.kind == "words":
                single[question.id] = _read_option(question, raw[question.id])
            else:
                single[question.id] = _read_scale_point(raw[question.id])
        except InvalidAnswer as mistake:
            errors.append(FieldError(json_pointer("answers", question.id), mistake.detail, mistake.params))
    if errors:
        raise Invalid(errors)
    return Answers(single, choices, comment.text or None, comment.kinds, comment_id)


def require_some_answer(answers: Answers) -> None:
    """Raise ``Invalid`` if nothing at all is answered."""
    if answers.is_empty:
        raise Invalid.for_field("/answers", N_("Please answer at least one question."))


def clean_and_mask_comment(text: str, limit: int) -> MaskedText:
    """Return the comment as it is stored: line ends unified, personal data masked, empty if nothing is visible.

    Raises ``InvalidAnswer`` for characters that deceive and for more than ``limit`` characters.
    """
    try:
        cleaned = read_text(text)
    except ValueError as error:
        raise InvalidAnswer(N_("Remove the invisible control characters from the text.")) from error
    if len(cleaned) > limit:
        raise InvalidAnswer(TOO_LONG, length=len(cleaned), limit=limit)
    return mask_personal_data(cleaned if is_visible(cleaned) else "")


def parse_form(questionnaire: Questionnaire, form: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Return the ``raw`` of a posted form, for ``check_answers``.

    Fields are named by question id. Blank fields are not answered, and fields without a dot in the name are no
    questions; both are left out. If a field brings several values where one is asked, all of them are returned,
    and ``check_answers`` refuses them.
    """
    raw: dict[str, object] = {}
    for name, field_values in form.items():
        values = [value for value in field_values if value.strip()]
        if "." not in name or not values:
            continue
        question = questionnaire.find_question(name)
        if (question is not None and question.kind == "choices") or len(values) > 1:
            raw[name] = values
        elif question is not None and question.kind == "scale_0_10" and values[0] in question.values:
            raw[name] = int(values[0])
        else:
            raw[name] = values[0]
    return raw


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _read_scale_point(value: object) -> str:
    if type(value) is not int or not 0 <= value <= 10:  # bool is an int too, and 9.0 == 9
        raise InvalidAnswer(N_("Choose a whole number from 0 to 10."))
    return str(value)


def _read_option(question: Question, value: object) -> str:
    if not isinstance(value, str) or value not in question.values:
        raise InvalidAnswer(N_("Choose one of the answers offered."))
    return value


def _read_choices(question: Question, value: object) -> tuple[str, ...]:
    chosen = [_read_option(question, choice) for choice in value] if isinstance(value, list) else None
    if chosen is None or len(set(chosen)) < len(chosen):
        raise InvalidAnswer(N_("Choose from the answers offered, each once."))
    if len(chosen) > 1 and not question.exclusive.isdisjoint(chosen):
        raise InvalidAnswer(N_("This answer can only be chosen alone, without others."))
    return tuple(choice for choice in question.values if choice in chosen)


def _read_comment(question: Question, value: object) -> MaskedText:
    if not isinstance(value, str):
        raise InvalidAnswer(N_("Write this as text."))
    return clean_and_mask_comment(value, question.max_length or LONGEST_COMMENT)
