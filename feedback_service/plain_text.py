"""Cleaning and length limits of text that people and systems send.

``read_line`` is for one line of words (titles, names), ``read_code`` for an identifier (case numbers, codes, e-mails),
``read_text`` for text of several lines. All raise ``UnusableText``, whose message is a sentence for the author.

Two spellings of one word become one form, so that what looks equal is equal. A character that no reader can see is
refused in a line, because two different identifiers would look the same; in longer text it is taken away.
"""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from feedback_service.errors import N_, Invalid

HIDDEN = N_("This holds an invisible control character.")
ODD_CHARACTER = N_("Remove character %(position)d, %(character)s: it is invisible, or has no fixed meaning.")
NOT_A_LINE = N_("Write one line: character %(position)d, %(character)s, is a line break or a tab.")
BLANK = N_("This field cannot be blank.")
TOO_LONG = N_("Use at most %(limit)d characters.")

# Controls other than tab and line ends; bidirectional embeddings, overrides and isolates, with which a text can
# look different from what is stored; halves of surrogate pairs, which no database stores.
_FORBIDDEN_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

LINE_BREAKS = "\t\n\v\f\r\x85\u2028\u2029"
_ENDS_OF_LINE = " \t\r\n"  # at the ends of a line they are taken away
_LINE_END = re.compile("\r\n|[\r\u2028\u2029]")
_UNUSUAL_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_SPACES = re.compile("  +")
_DASHES = re.compile(  # all of category Pd, the minus signs, and two signs of other categories that look like a dash
    "[\u02d7\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u207b\u2212\u2796\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d"
    "\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead]"
)
_APOSTROPHE = re.compile(r"['`\u00b4\u02b9\u02bc\u2018\u201b\u2032\uff07](?<=[^\W\d_].)(?=[^\W\d_])")  # within a word

# Controls, formats such as U+200B, halves of surrogate pairs, private use, unassigned, line and paragraph separators.
_ODD_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Mc", "Me"})  # a mark is drawn on the letter before it
_DOT_ABOVE = "\u0307"
_DOTTED_LETTERS = frozenset("ijɉɨʝʲϳіјᵢᶖᶤᶨⁱⅈⅉⱼ")  # they look the same with a second dot (Soft_Dotted of Unicode)
# Characters of other categories that are never drawn (Default_Ignorable_Code_Point of Unicode), or drawn as nothing
# (U+2800).
_NEVER_DRAWN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u2d7f\u3164\ufe00-\ufe0f\uffa0"
    "\ufffc\U0001107f\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
_PARTS_OF_EMOJI = re.compile(  # emoji, some newer than our tables; joiners between two; selectors of their look
    f"[\U0001f000-\U0001faff]|(?<=[{_EMOJI}\ufe0f])[\u200c\u200d](?=[{_EMOJI}])"
    f"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
)


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
    """Return the cleaned text with ``\\n`` as line end, ordinary spaces, and none around it; it may be empty.

    Characters that no reader can see are taken away, except within an emoji. ``limit`` is the greatest number of
    characters of the result. Raises ``UnusableText``.
    """
    text = _UNUSUAL_SPACE.sub(" ", clean_text(_LINE_END.sub("\n", value)))
    odd_positions = {position for position in find_odd_characters(text) if text[position] not in LINE_BREAKS}
    if odd_positions:
        text = "".join(character for position, character in enumerate(text) if position not in odd_positions)
    text = unicodedata.normalize("NFC", text).strip()
    check_length(text, limit)
    return text


def read_line(value: str, limit: int | None = None) -> str:
    """Return one line of words that is not blank, with one kind of space and of apostrophe. Raises ``UnusableText``."""
    return _read_one_line(_APOSTROPHE.sub("\u2019", _normalise_spaces(value)), value, limit, with_emoji=True)


def read_code(value: str, limit: int | None = None) -> str:
    """Return an identifier as ``normalise_identifier`` does, if it is not blank. Raises ``UnusableText``."""
    return _read_one_line(normalise_identifier(value), value, limit, with_emoji=False)


def normalise_identifier(text: str) -> str:
    """Return an identifier in the one form in which it is stored and compared; odd characters stay in it."""
    return normalise_dashes(_normalise_spaces(text)).strip(_ENDS_OF_LINE)


def normalise_dashes(text: str) -> str:
    """Return the text with the sign of the keyboard in place of every other hyphen, dash and minus."""
    return text if text.isascii() else _DASHES.sub("-", text)


def find_odd_characters(text: str, *, with_emoji: bool = True) -> Iterator[int]:
    """Yield the positions of characters that cannot be seen, break the line or are none.

    Of marks, those are odd that have no letter before them, and the dot on a letter that has one, such as i.
    ``with_emoji`` lets those pass that an emoji is made of.
    """
    if text.isascii() and text.isprintable():
        return
    categories = list(map(unicodedata.category, text))
    if (_ODD_CATEGORIES | _MARKS).isdisjoint(categories) and not _NEVER_DRAWN.search(text):
        return
    parts_of_emoji = {match.start() for match in _PARTS_OF_EMOJI.finditer(text)} if with_emoji else set[int]()
    base = ""  # the letter or sign that carries the marks after it
    for position, (character, category) in enumerate(zip(text, categories, strict=True)):
        is_odd = category in _ODD_CATEGORIES or _NEVER_DRAWN.match(character) is not None
        if category in _MARKS:
            is_odd = is_odd or not base or (character == _DOT_ABOVE and base in _DOTTED_LETTERS)
        elif character in LINE_BREAKS or category == "Zs":
            base = ""
        elif not is_odd or position in parts_of_emoji:
            base = unicodedata.normalize("NFD", character)[0]
        if is_odd and position not in parts_of_emoji:
            yield position


def refuse_odd_characters(text: str, *, with_emoji: bool = True) -> None:
    """Raise ``UnusableText`` naming the first odd character between the spaces at both ends, and its position."""
    start = len(text) - len(text.lstrip(_ENDS_OF_LINE))
    for position in find_odd_characters(text.strip(_ENDS_OF_LINE), with_emoji=with_emoji):
        character = text[start + position]
        message = NOT_A_LINE if character in LINE_BREAKS else ODD_CHARACTER
        raise UnusableText(message, position=start + position + 1, character=f"U+{ord(character):04X}")


def _read_one_line(text: str, value: str, limit: int | None, *, with_emoji: bool) -> str:
    refuse_odd_characters(value, with_emoji=with_emoji)
    text = text.strip(_ENDS_OF_LINE)
    if not is_visible(text):
        raise UnusableText(BLANK)
    check_length(text, limit)
    return text


def _normalise_spaces(value: str) -> str:
    """Return the text in normal form C, with one ordinary space for each run of spaces of any width."""
    if not value.isascii():
        value = _UNUSUAL_SPACE.sub(" ", unicodedata.normalize("NFC", value))
    return _SPACES.sub(" ", value) if "  " in value else value


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
