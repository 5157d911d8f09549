"""What forms share: mistakes as messages at their fields, refusals as sentences, the version of a row."""

from dataclasses import dataclass

from flask import request
from flask_babel import ngettext

from feedback_service.errors import FeedbackError, Invalid, TooManyGuesses
from kiosk_ui.languages import format_number, translated_message


@dataclass(frozen=True, slots=True)
class FormError:
    """A mistake: the field that it stands at, its message, and a field to ``link`` to if it stands at none."""

    field: str | None
    message: str
    link: str | None = None


def form_errors(refusal: FeedbackError, field: str | None = None) -> list[FormError]:
    """Return the message of every mistake in the reader's language; a refusal of the whole stands at ``field``."""
    if not isinstance(refusal, Invalid):
        return [FormError(field, describe_refusal(refusal))]
    return [
        FormError(error.pointer.removeprefix("/") or None, translated_message(error.detail, error.params))
        for error in refusal.errors
    ]


def describe_refusal(refusal: FeedbackError) -> str:
    """Return one sentence about a refusal in the reader's language."""
    if not isinstance(refusal, TooManyGuesses):
        return translated_message(refusal.detail or refusal.title, refusal.params)
    wait_seconds = refusal.retry_after
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


def sent_version(field: str = "version") -> int:
    """Return the version of the row that the sender of this form had seen; 0 if the field holds no valid one."""
    version = request.form.get(field, "")
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
