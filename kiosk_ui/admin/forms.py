"""What forms share: mistakes as messages at their fields, and how refusals sound."""

from dataclasses import dataclass

from flask import request
from flask_babel import ngettext

from feedback_service.errors import FeedbackError, Invalid
from kiosk_ui.languages import number, told


@dataclass(frozen=True, slots=True)
class Mistake:
    """What to correct: the field that the message leads to, if there is one, and the words."""

    field: str | None
    message: str

    @property
    def question(self) -> str | None:
        """The field, as the pieces that pages share call it."""
        return self.field


def mistakes(refusal: Invalid) -> list[Mistake]:
    """Every mistake in the reader's words."""
    return [
        Mistake(error.pointer.removeprefix("/") or None, told(error.detail, error.params))
        for error in refusal.errors
    ]


def said(refusal: FeedbackError) -> str:
    """A refusal as one sentence in the reader's words."""
    wait: int | None = getattr(refusal, "retry_after", None)
    if wait is None:
        return told(refusal.detail or refusal.title, refusal.params)
    if wait < 60:
        return ngettext(
            "Too many wrong attempts. Try again in %(count)s second.",
            "Too many wrong attempts. Try again in %(count)s seconds.",
            wait,
            count=number(wait),
        )
    minutes = -(-wait // 60)
    return ngettext(
        "Too many wrong attempts. Try again in %(count)s minute.",
        "Too many wrong attempts. Try again in %(count)s minutes.",
        minutes,
        count=number(minutes),
    )


def sent_version() -> int:
    """The version of a row that the sender of this form saw; 0 for none."""
    version = request.form.get("version", "")
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
