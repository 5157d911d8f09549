"""Ukrainian text made comparable: what differs only in case, apostrophe, ґ, stress or ending is the same word.

Databases fold case each in its own way and know no endings, so the folded text is kept beside the comment and
a search is a plain LIKE on it, with the same result everywhere.
"""

import re
import unicodedata

from feedback_service.surveys.privacy import MARKERS

MAX_WORDS = 8
SHORTEST_STEM = 3  # letters; what is shorter is looked for as it was typed

_MARKERS = re.compile("|".join(map(re.escape, set(MARKERS.values()))))
# Between letters; quotation marks serve as apostrophes too.
_APOSTROPHES = re.compile("(?<=\\w)['’ʼ‘`´′＇\"“”]+(?=\\w)")
_STRESS = re.compile("[\u0300\u0301\u00ad\u200b-\u200d\u2060\ufeff]")
_NON_WORD = re.compile(r"[\W_]+")
_UKRAINIAN = re.compile("[а-яєії]+")

# Endings of nouns, adjectives and verbs, of which the longest that fits is cut off.
_ENDINGS = (
    "ого ому ими іми ої ою ею єю ій ий их іх им ім ам ям ах ях ами ями ів їв ові еві єві ом ем єм"
    " ти ть ла ло ли в а я о е є и і ї у ю ь й"
)
_ENDING = re.compile(
    rf"(?<=\w{{{SHORTEST_STEM}}})(?:{'|'.join(sorted(_ENDINGS.split(), key=len, reverse=True))})$"
)
# What the last letter of a stem may turn into: черга, черзі; сторінка, сторінці; рух, русі; довідка, довідок.
_CONSONANT_CHANGES = {"г": "гз", "з": "зг", "к": "кц", "ц": "цк", "х": "хс", "с": "сх"}
_FLEETING_VOWEL = re.compile("(.+[бвгджзклмнпрстфхцчшщьй])(к|ц|ок)")


def fold_text(text: str) -> str:
    """The words of the text between single spaces, with one before the first and after the last.

    In small letters, ґ as г, without apostrophes within words, stress marks and what the privacy guard put in.
    """
    plain = _STRESS.sub("", unicodedata.normalize("NFKC", _MARKERS.sub(" ", text)).casefold())
    plain = _APOSTROPHES.sub("", plain).replace("ґ", "г")
    return f" {_NON_WORD.sub(' ', plain).strip()} "


def search_prefixes(text: str) -> list[tuple[str, ...]]:
    """For each word somebody looks for, what a folded text may hold: one of these, each with a space before it.

    Words are found by their beginning without the ending, so "черга" finds "черги" and "черзі". Nothing in
    them means anything to LIKE. At most ``MAX_WORDS``; none for a text without letters and digits.
    """
    return [_prefixes_of_word(word) for word in fold_text(text).split()[:MAX_WORDS]]


def _prefixes_of_word(word: str) -> tuple[str, ...]:
    if not _UKRAINIAN.fullmatch(word):
        return (f" {word}",)
    stem = _ENDING.sub("", word)
    if len(stem) < SHORTEST_STEM or len(word) == SHORTEST_STEM:
        return (f" {stem}",)
    variants = [stem[:-1] + letter for letter in _CONSONANT_CHANGES.get(stem[-1], stem[-1])]
    if fleeting := _FLEETING_VOWEL.fullmatch(stem):
        variants.append(fleeting[1] + ("к" if fleeting[2] == "ок" else "ок"))
    return tuple(f" {variant}" for variant in variants)
