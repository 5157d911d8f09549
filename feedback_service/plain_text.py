"""Cleaning and length limits of text that people and systems send.

``read_text`` is for text of several lines, ``read_line`` for one line. Both raise ``UnusableText``, whose message is
a sentence for the author.
"""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from feedback_service.errors import N_, Invalid

HIDDEN = N_("This holds an invisible control character.")
NOT_A_LINE = N_("Leave out line breaks and invisible control characters.")
BLANK = N_("This field cannot be blank.")
TOO_LONG = N_("Use at most %(limit)d characters.")

# Controls other than tab and line ends; bidirectional embeddings, overrides and isolates, with which a text can
# look different from what is stored; halves of surrogate pairs, which no database stores.
_FORBIDDEN_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class UnusableText(ValueError):
    """A text that the service cannot accept: ``message`` is to be translated and filled with ``params``."""

    def __init__(self, message: str, **params: object) -> None:
        super().__init__(message)
        self.message, self.params = message, params


class TextTooLong(UnusableText):
    """A text of more than ``limit`` characters."""

    def __init__(self, limit: int) -> None:
        super().__init__(TOO_LONG, limit=limit)


def clean_text(value: str) -> str:
    """Return the text in Unicode normal form C. Raises ``UnusableText`` for a forbidden character."""
    if _FORBIDDEN_CHARACTERS.search(value):
        raise UnusableText(HIDDEN)
    return unicodedata.normalize("NFC", value)


def read_text(value: str, limit: int | None = None) -> str:
    """Return the cleaned text with ``\\n`` as line end and no space around it; it may be empty.

    ``limit`` is the greatest number of characters of the result. Raises ``UnusableText``.
    """
    text = clean_text(value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    check_length(text, limit)
    return text


def read_line(value: str, limit: int | None = None) -> str:
    """Return one cleaned line of text that is not blank; ``limit`` as for ``read_text``. Raises ``UnusableText``."""
    try:
        text = clean_text(value).strip()
    except UnusableText as error:
        raise UnusableText(NOT_A_LINE) from error
    if "\t" in text or len(text.splitlines()) > 1:
        raise UnusableText(NOT_A_LINE)
    if not is_visible(text):
        raise UnusableText(BLANK)
    check_length(text, limit)
    return text


def is_visible(text: str) -> bool:
    """Whether the text has a visible character."""
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def check_length(text: str, limit: int | None) -> None:
    """Raise ``TextTooLong`` for more than ``limit`` characters; ``None`` is no limit."""
    if limit is not None and len(text) > limit:
        raise TextTooLong(limit)


@contextmanager
def refuse_unusable(pointer: str) -> Iterator[None]:
    """Turn ``UnusableText`` into the refusal of the field at this JSON Pointer."""
    try:
        yield
    except UnusableText as error:
        raise Invalid.for_field(pointer, error.message, **error.params) from None
