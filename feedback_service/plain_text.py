"""Text as people and systems send it: one normal form, nothing that deceives its reader, and no more than fits.

``read_text`` takes what may have several lines, ``read_line`` what has one. A text that cannot be kept is an
``UnusableText`` whose message is a sentence for the person who wrote it.
"""

import re
import unicodedata

from feedback_service.errors import N_

HIDDEN = N_("This holds an invisible control character.")
NOT_A_LINE = N_("Leave out line breaks and invisible control characters.")
BLANK = N_("This field cannot be blank.")
TOO_LONG = N_("Use at most %(limit)d characters.")

# Controls other than tab and line ends, bidirectional embeddings, overrides and isolates (they can make a
# text read otherwise than it is stored), and halves of surrogate pairs (they cannot be stored at all).
_FORBIDDEN_CHARACTERS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class UnusableText(ValueError):
    """A text that cannot be kept: a sentence to translate, and what fills it."""

    def __init__(self, message: str, **params: object) -> None:
        super().__init__(message)
        self.message, self.params = message, params


class TextTooLong(UnusableText):
    """A text of more characters than are kept."""

    def __init__(self, limit: int) -> None:
        super().__init__(TOO_LONG, limit=limit)


def clean_text(value: str) -> str:
    """Return the text in Unicode normal form C; raises ``UnusableText`` for a character that deceives."""
    if _FORBIDDEN_CHARACTERS.search(value):
        raise UnusableText(HIDDEN)
    return unicodedata.normalize("NFC", value)


def read_text(value: str, limit: int | None = None) -> str:
    """Return the text with one kind of line end and no space around it, perhaps empty.

    ``limit`` counts characters of what is returned. Raises ``UnusableText``.
    """
    text = clean_text(value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    check_length(text, limit)
    return text


def read_line(value: str, limit: int | None = None) -> str:
    """Return the one line of text, in which something is visible; raises ``UnusableText`` as ``read_text`` does."""
    try:
        text = clean_text(value).strip()
    except UnusableText as wrong:
        raise UnusableText(NOT_A_LINE) from wrong
    if "\t" in text or len(text.splitlines()) > 1:
        raise UnusableText(NOT_A_LINE)
    if not is_visible(text):
        raise UnusableText(BLANK)
    check_length(text, limit)
    return text


def is_visible(text: str) -> bool:
    """Whether anything in it can be seen."""
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def check_length(text: str, limit: int | None) -> None:
    """Raises ``TextTooLong`` for more than ``limit`` characters; without a limit everything passes."""
    if limit is not None and len(text) > limit:
        raise TextTooLong(limit)
