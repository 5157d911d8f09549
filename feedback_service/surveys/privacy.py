"""The privacy guard: it replaces personal numbers and addresses in free text by words before text is stored.

The rules search a *shadow* of the text, which has no disguises (invisible characters, digits of other scripts, O for
0, unusual dashes and spaces); the guard then replaces what they find in the text itself. In doubt it masks a number:
a lost ticket number costs little, a leaked tax number much. The time is linear in the length of the text, because
repeated parts of a pattern are bounded, possessive or cannot overlap.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

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
    kinds: list[str] = []
    # Repeated, because a replacement can uncover another number. It ends, because markers have no digits and no @.
    while findings := _find_personal_data(text):
        for start, end, kind in findings:
            text = text[:start] + MARKERS[kind] + text[end:]
            kinds.append(kind)
    return MaskedText(text, tuple(kind for kind in MARKERS if kind in kinds))


def _find_personal_data(text: str) -> list[tuple[int, int, str]]:
    """Return where personal data stands (start, end, kind), without overlaps, the last first."""
    shadow, origin = _undisguise_text(text)
    if not SUSPICIOUS.search(shadow):
        return []  # most comments
    findings = []
    for rule in RULES:
        if not rule.pattern.search(shadow):
            continue  # nearly always
        characters = list(shadow)
        for match in rule.pattern.finditer(shadow):
            start, end = match.span("it" if "it" in rule.pattern.groupindex else 0)
            if rule.fits(re.sub(r"\D", "", match[0])):
                characters[start:end] = FOUND_CHARACTER * (end - start)
                if rule.kind != ORDINARY:
                    findings.append((origin[start], origin[end], rule.kind))
        shadow = "".join(characters)
    return sorted(findings, reverse=True)


# ---- the shadow: the text as the rules see it --------------------------------------------------------------

FOUND_CHARACTER = "\0"  # in place of found data; no other shadow has it, and no pattern matches across it
FILLERS = "\u115f\u1160\u3164"  # invisible, although letters by their category
LOOKALIKE_LETTERS = re.compile(r"(?i)(?<=\d)[oоliіз|]+(?=\d)|(?<![^\W\d])[oоl](?=\d)|(?<=\d)[oоl](?![^\W\d])")
AS_DIGIT = str.maketrans("oOоОlLiIіІ|зЗ", "0000111111133")


def _undisguise_text(text: str) -> tuple[str, list[int]]:
    """Return the shadow, and for each of its characters and its end the index in the text."""
    plain_parts = [_undisguise_character(character) for character in text]
    shadow = LOOKALIKE_LETTERS.sub(lambda letters: letters[0].translate(AS_DIGIT), "".join(plain_parts))
    return shadow, [*(index for index, part in enumerate(plain_parts) for _ in part), len(text)]


@lru_cache(maxsize=4096)
def _undisguise_character(character: str) -> str:
    """Return what a reader sees: nothing, an ASCII digit, a plain dash or space, or the character itself."""
    if character in "№\n":  # NFKC turns № into the letters No
        return character
    parts = unicodedata.normalize("NFKC", character)
    if len(parts) > 3:  # some ligatures are whole sentences
        return character
    return "".join(map(_undisguise_part, parts))


def _undisguise_part(part: str) -> str:
    if part.isdigit():
        return str(unicodedata.digit(part))
    if part.isspace() or part == "\u2800":
        return " "
    if unicodedata.category(part) in ("Cc", "Cf", "Mn", "Me") or part in FILLERS:
        return ""
    return "-" if unicodedata.category(part) == "Pd" or part in "−_" else part


# ---- the rules, in the order of their use -----------------------------------------------------------------

ORDINARY = "ordinary"  # dates, times, prices: excluded, so that no rule takes them for part of a number


@dataclass(frozen=True, slots=True)
class MaskingRule:
    """A pattern to mask (only its group ``it``, if there is one), if its digits pass ``fits``."""

    kind: str
    pattern: re.Pattern[str]
    fits: Callable[[str], bool]


def _make_rule(kind: str, pattern: str, fits: Callable[[str], bool] = lambda digits: True) -> MaskingRule:
    """Build a rule that ignores case; ``~`` stands for separators of digits, ``%`` for those within a line."""
    pattern = pattern.replace("~", r"[^\w\0]{0,5}").replace("%", r"(?:(?! ?[,;.!?:] )[^\w\n\0]{1,5})?")
    return MaskingRule(kind, re.compile(pattern, re.IGNORECASE), fits)


def _passes_luhn(digits: str) -> bool:
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(digit // 10 + digit % 10 for digit in doubled)) % 10 == 0


LETTERS = "a-zа-яєіїґ"
PLATE = "ABCEHIKMOPTXYZАВСЕНІКМОРТХΑΒΕΗΙΚΜΟΡΤΧ"  # letters of Ukrainian plates in three scripts
CURRENCY = r"(?:грн|грив|₴|uah|usd|eur|\$|€|євро|дол)"
SHORT_WORDS = "на|до|по|за|із|зі|об|не|ні|то|та|чи|як|ще|ст|гр|of|in|on|at|to|by|is|no|or|me|we|id"
A_SHORT_WORD = rf"(?-i:(?![A-ZА-ЯЄІЇҐ]{{2}}))(?:{SHORT_WORDS}) "  # not capitals: those are the series of a passport
YEAR, MONTH, DAY = r"(?:19|20)\d\d", r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12]\d|0?[1-9])"
HOUR, MINUTE = r"(?:2[0-4]|[01]?\d)", r"[0-5]\d"
NEAR = rf"(?:(?:19[5-9]|20[0-4])\d|{DAY}\.{MONTH}|{HOUR}\.{MINUTE})(?!\d)"  # a year, 20.11 or 10.15
LOCAL = r"(?<![\w.+&'-])[\w.+&'-]++"  # the local part of an e-mail address
AT = r"(?: {0,2}(?:@|[(\[{<] ?(?:@|at|ат|ет|собака|равлик) ?[)\]}>]) {0,2}| (?:собака|равлик) )"
DOT = r"(?: ?\. ?| ?[(\[{] ?(?:\.|dot|крапка) ?[)\]}] ?| (?:dot|крапка) )"
DOMAIN_ENDS = r"(?:com|ua|net|org|info|gov|edu|eu|pl|de|uk|me|io|biz|online|укр)"

NUMBERS: tuple[tuple[str, Callable[[str], bool]], ...] = (  # kinds of numbers of nine and more digits
    ("unzr", lambda digits: bool(re.fullmatch(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d{6}", digits))),
    ("card", lambda digits: len(digits) == 16 or (13 <= len(digits) <= 19 and _passes_luhn(digits))),
    ("phone", lambda digits: bool(re.fullmatch(r"(?:3?8)?0[3-9]\d{8}", digits))),
    ("tax_number", lambda digits: len(digits) == 10),
    ("id_card", lambda digits: len(digits) == 9),
    ("number", lambda digits: True),
)

RULES = (
    _make_rule("email", rf"{LOCAL}{AT}[\w-]+(?:{DOT}[\w-]+){{0,3}}?{DOT}{DOMAIN_ENDS}(?!\w)(?:\.[\w-]+)*"),
    _make_rule("email", rf"{LOCAL}{AT}(?:[\w-]+\.)+[{LETTERS}]{{2,}}"),
    _make_rule("email", rf"{LOCAL}@[\w-]+(?:\.[\w-]+)*"),
    _make_rule("iban", r"[uу][aа](?:~\d){27}(?!\d)"),
    _make_rule("iban", r"(?<!\w)[a-z]{2}\d\d(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?!\w)", lambda d: len(d) > 8),
    _make_rule("unzr", rf"(?<!\d){YEAR}~(?:0[1-9]|1[0-2])~(?:0[1-9]|[12]\d|3[01])~\d{{5}}(?!\d)"),
    _make_rule("card", rf"(?<!\d)(?!{NEAR}(?:~{NEAR}){{3}})\d{{4}}(?:~\d{{4}}){{3}}(?!\d)"),
    _make_rule("phone", r"(?<!\d)(?:\+?\((?=\d+\))|\+ ?)?38~0(?:~\d){9}(?!\d)"),
    _make_rule("phone", r"(?<!\d)(?:\((?=\d+\)))?(?:8 ?-? ?\(?)?0[3-9]\d(?:~\d){7}(?!\d)"),
    _make_rule("phone", r"(?<!\d)(?:\+\(?[1-9](?:%\d){6,14}|00 ?[1-9](?:%\d){8,13})(?!\d)"),
    _make_rule("phone", r"(?<![\w\[])(?:тел|моб|телефону?|tel|mob|phone|viber|вайбер)[^\w\n]{0,4}"
                   r"(?P<it>\d(?:[ -]?\d){4,8})(?!\d)"),
    _make_rule("car_plate", rf"(?<!\w)(?-i:[{PLATE}]{{2}}[ .-]?\d\d[ -]?\d\d[ .-]?[{PLATE}]{{2}})(?!\w)"),
    _make_rule("car_plate", rf"(?<!\w)[{PLATE}]{{2}}-?\d{{4}}-?[{PLATE}]{{2}}(?!\w)"),
    _make_rule("passport", rf"(?<!\w)(?!{A_SHORT_WORD})[{LETTERS}]{{2}}[ ,-]{{0,2}}(?:(?:№|#|номер|no?\.?) ?)?"
                      rf"(?:\d{{6}}|\d{{3}}[ -]\d{{3}}|\d\d[ -]\d\d[ -]\d\d|\d(?:[ -]\d){{5}})"
                      rf"(?![./:-]?\d| ?{CURRENCY})"),
    # Short codes and receipts: with one in the text, the comment would lead to its case.
    _make_rule("code", r"(?<!\w)(?=[a-z-]{0,19}\d)(?=[\d-]{0,19}[a-z])"
                  r"(?:[\da-z]{4}(?:-[\da-z]{4}){1,4}|[\da-z]{12}|[\da-z]{20})(?!\w)"),
    _make_rule("code", r"(?<!\w)[\da-z]{26}(?!\w)"),
    *(_make_rule(ORDINARY, rf"(?<!\d)(?<!\d[{s}]){DAY}[{s}]{MONTH}[{s}](?:{YEAR}|\d\d)(?!\d|[{s}]\d)") for s in "./-"),
    _make_rule(ORDINARY, rf"(?<!\d)(?<!\d-){YEAR}-{MONTH}-{DAY}(?!-?\d)"),
    _make_rule(ORDINARY, rf"(?<!\d)(?<!\d:){HOUR}:{MINUTE}(?::{MINUTE})?(?!:?\d)"),
    _make_rule(ORDINARY, rf"(?<!\d)(?<!\d )[1-9]\d{{0,2}}(?: \d{{3}}){{1,3}}(?:[.,]\d\d?)? ?{CURRENCY}"),
    _make_rule(ORDINARY, rf"(?<!\d)(?<!\d[ .,;/-])(?<!\d[,;] )(?<!\d - ){NEAR}(?:(?:[,;] |[ ,;/-]| - ){NEAR})++"
                    r"(?!(?:[,;] |[ .,;/-]| - )?\d)"),
    _make_rule(ORDINARY, r"№ ?\d{1,4}/\d{1,5}(?![\d/-])"),
    _make_rule("passport", r"(?:паспорт|посвідч|passport)\w{0,8}[^\d\n]{0,20}?(?P<it>\d(?:[ -]?\d){5,7})(?!\d)"),
    _make_rule("phone", r"(?<![\d-])\d{3}-\d{2}-\d{2}(?![\d-])"),
    *(_make_rule(kind, r"(?<!\d)\d{9,}", fits) for kind, fits in NUMBERS),
    *(_make_rule(kind, r"\d(?:%\d){8,}", fits) for kind, fits in NUMBERS),
)  # fmt: skip
# A text without a match of this pattern matches no rule.
SUSPICIOUS = re.compile(r"[\d@(\[{<]|собака|равлик|[a-z]{26}", re.IGNORECASE)
