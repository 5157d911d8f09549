"""The privacy guard: it replaces personal numbers and addresses in free text by words before text is stored.

The rules (``masking_rules``) search a *shadow* of the text, which has no disguises (invisible characters, digits of
other scripts, O for 0, Latin letters in Cyrillic words, unusual dashes and spaces); the guard then replaces what they
find in the text itself.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from feedback_service.lookalikes import unmix_scripts
from feedback_service.surveys.masking_rules import ORDINARY, RULES, SUSPICIOUS

# Always in Ukrainian, because staff read them. A marker may be longer than what it replaces, so a masked comment may
# exceed the limit of length: the limit is checked before.
MARKERS = {
    "phone": "[телефон]",
    "email": "[e-mail]",
    "tax_number": "[податковий номер]",
    "unzr": "[номер документа]",
    "passport": "[номер документа]",
    "id_card": "[номер документа]",
    "card": "[номер картки]",
    "iban": "[рахунок]",
    "car_plate": "[номер авто]",
    "licence": "[номер документа]",
    "name": "[ім’я]",
    "address": "[адреса]",
    "handle": "[обліковий запис]",
    "birthday": "[дата народження]",
    "code": "[код]",
    "number": "[номер]",
}


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A text without recognised personal data, and the kinds of data that it had (keys of ``MARKERS``)."""

    text: str
    kinds: tuple[str, ...]


def mask_personal_data(text: str) -> MaskedText:
    """Replace personal data by its marker; masking a masked text changes nothing."""
    pieces: list[str] = _MARKER_OR_CHARACTER.findall(text)
    kinds: set[str] = set()
    # Repeated, because a replacement can uncover another number. It ends, because each round turns characters into
    # markers. A marker is one piece, which no pattern matches.
    while findings := _find_personal_data(pieces):
        for start, end, kind in findings:
            pieces[start:end] = [MARKERS[kind]]
            kinds.add(kind)
    return MaskedText("".join(pieces), tuple(kind for kind in MARKERS if kind in kinds))


def _find_personal_data(pieces: list[str]) -> list[tuple[int, int, str]]:
    """Return where personal data stands (start, end, kind), without overlaps, the last first."""
    shadow, origin = _undisguise_text(pieces)
    if not SUSPICIOUS.search(shadow):
        return []  # most comments
    findings = []
    for rule in RULES:
        characters: list[str] = []  # most rules find nothing
        for match in rule.pattern.finditer(shadow):
            start, end = match.span("it" if "it" in rule.pattern.groupindex else 0)
            if rule.fits(shadow[start:end]):
                characters = characters or list(shadow)
                characters[start:end] = FOUND_CHARACTER * (end - start)
                if rule.kind != ORDINARY:
                    findings.append((origin[start], origin[end], rule.kind))
        shadow = "".join(characters) or shadow
    return sorted(findings, reverse=True)


# ---- the shadow: the text as the rules see it --------------------------------------------------------------

FOUND_CHARACTER = "\0"  # in place of found data; no other shadow has it, and no pattern matches across it
FILLERS = "\u115f\u1160\u3164"  # invisible, although letters by their category
LOOKALIKE_LETTERS = re.compile(
    r"(?i)(?<=\d)[oоliіз|]+(?=\d)|(?<![^\W\d])[oо]{1,3}(?=\d)|(?<![^\W\d])l(?=\d)|(?<=\d)(?:l|[oо]|[oо]{3})(?![^\W\d])"
)
ZEROS_BETWEEN_NUMBERS = re.compile(r"(?i)(?<=\d[ -])[oо]{2,4}(?:[ -][oо]{2,4}){0,3}(?=[ -]\d)")
AS_DIGIT = str.maketrans("oOоОlLiIіІ|зЗ", "0000111111133")
_MARKER_OR_CHARACTER = re.compile("|".join([*map(re.escape, sorted(set(MARKERS.values()))), "."]), re.DOTALL)


def _undisguise_text(pieces: list[str]) -> tuple[str, list[int]]:
    """Return the shadow, and for each of its characters and its end the index of the piece."""
    plain_parts = [_undisguise_piece(piece) for piece in pieces]
    shadow = "".join(plain_parts)
    for letters_for_digits in (LOOKALIKE_LETTERS, ZEROS_BETWEEN_NUMBERS):
        shadow = letters_for_digits.sub(lambda letters: letters[0].translate(AS_DIGIT), shadow)
    return unmix_scripts(shadow), [*(index for index, part in enumerate(plain_parts) for _ in part), len(pieces)]


@lru_cache(maxsize=4096)
def _undisguise_piece(piece: str) -> str:
    """Return what a reader sees: nothing, an ASCII digit, a plain dash or space, or the character itself."""
    if len(piece) > 1:
        return FOUND_CHARACTER
    if piece in "№\n":  # NFKC turns № into the letters No
        return piece
    parts = unicodedata.normalize("NFKC", piece)
    if len(parts) > 3:  # some ligatures are whole sentences
        return piece
    return "".join(map(_undisguise_part, parts))


def _undisguise_part(part: str) -> str:
    if part.isdigit():
        return str(unicodedata.digit(part))
    if part.isspace() or part == "\u2800":
        return " "
    if unicodedata.category(part) in ("Cc", "Cf", "Mn", "Me") or part in FILLERS:
        return ""
    return "-" if unicodedata.category(part) == "Pd" or part in "−_" else part
