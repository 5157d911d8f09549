"""Characters with which two texts look the same and are not: one row for each kind."""

import sys
from unicodedata import category

KINDS: dict[str, str] = {
    "control": "\x00\x01\x1b\x7f\x80\x9f",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff",
    "soft hyphen": "\u00ad",
    "direction mark": "\u061c\u200e\u200f",
    "direction override": "\u202a\u202e\u2066\u2069",
    "invisible operator": "\u2061\u2062\u2063\u2064",
    "deprecated format": "\u206a\u206f",
    "annotation": "\ufff9\ufffa\ufffb",
    "joiner of letters": "\u034f\u180e",
    "blank letter": "\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800",
    "variation selector": "\u180b\ufe00\ufe0f\U000e0100\U000e01ef",
    "tag": "\U000e0001\U000e0041\U000e007f",
    "reserved to be ignored": "\u2065\ufff0\U000e0fff",
    "musical format": "\U0001d173\U0001d17a",
    "private use": "\ue000\uf8ff\U000f0000\U0010fffd",
    "noncharacter": "\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffff",
    "unassigned": "\u0378\u0e5c\U0001fc00\U000e1000",
    "drawn as nothing": "\u2d7f\ufffc\U0001107f\U00016fe4\U0001d159",
    "half of a surrogate pair": "\ud800\udfff",
}
LINE_BREAKS = "\n\r\t\x0b\x0c\x85\u2028\u2029"
UNUSUAL_SPACES = "\u00a0\u1680\u2000\u2003\u2009\u202f\u205f\u3000"

ALL = "".join(KINDS.values()) + LINE_BREAKS + UNUSUAL_SPACES


def find_odd(text: str, *, lines: bool = False) -> list[str]:
    """List the odd characters of a text by name; ``lines`` allows line breaks in longer texts."""
    allowed = "\n\t" if lines else ""
    return [
        f"U+{ord(character):04X}"
        for character in text
        if character in _ALL_SET or (category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
        if character not in allowed
    ]


_ALL_SET = frozenset(ALL)
assert len(_ALL_SET) == len(ALL) and max(map(ord, ALL)) <= sys.maxunicode
