"""What forms share: mistakes as messages at their fields, and how refusals sound."""

from dataclasses import dataclass

from flask import request
from flask_babel import ngettext

from feedback_service.errors import FeedbackError, Invalid
from kiosk_ui.languages import format_number, translated_message


@dataclass(frozen=True, slots=True)
class FormError:
    """What to correct: the field that the message leads to, if there is one, and the words."""

    field: str | None
    message: str

    @property
    def question(self) -> str | None:
        """The field, as the pieces that pages share call it."""
        return self.field


def form_errors(refusal: Invalid) -> list[FormError]:
    """Every mistake in the reader's words."""
    return [
        FormError(error.pointer.removeprefix("/") or None, translated_message(error.detail, error.params))
        for error in refusal.errors
    ]


def describe_refusal(refusal: FeedbackError) -> str:
    """A refusal as one sentence in the reader's words."""
    wait_seconds: int | None = getattr(refusal, "retry_after", None)
    if wait_seconds is None:
        return translated_message(refusal.detail or refusal.title, refusal.params)
    if wait_seconds < 60:
        return ngettext(
            "Too many wrong attempts. Try again in %(count)s second.",
            "Too many wrong attempts. Try again in %(count)s seconds.",
            wait_seconds,
            count=format_number(wait_seconds),
        )
    minutes = -(-wait_seconds // 60)
    return ngettext(
        "Too many wrong attempts. Try again in %(count)s minute.",
        "Too many wrong attempts. Try again in %(count)s minutes.",
        minutes,
        count=format_number(minutes),
    )


def sent_version() -> int:
    """The version of a row that the sender of this form saw; 0 for none."""
    version = request.form.get("version", "")
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
