"""Search in Ukrainian text. Case, apostrophes, ґ, ё, stress, endings and look-alike Latin letters make no difference.

Each database folds case in its own way, and none knows endings. So the folded text is stored beside the comment, and
a search is a plain LIKE on it, with the same result on every database.
"""

import re
import unicodedata

from feedback_service.lookalikes import unmix_scripts
from feedback_service.surveys.privacy import MARKERS

MAX_WORDS = 8
SHORTEST_STEM = 3  # letters; shorter words are searched as typed

_MARKERS = re.compile("|".join(map(re.escape, set(MARKERS.values()))))
# Apostrophes between letters; people also type quotation marks for them.
_APOSTROPHES = re.compile("(?<=\\w)['’ʼ‘`´′＇\"“”]+(?=\\w)")
_STRESS = re.compile("[\u0300\u0301\u00ad\u200b-\u200d\u2060\ufeff]")
_NON_WORD = re.compile(r"[\W_]+")
_UKRAINIAN = re.compile("[а-яєії]+")

# Endings of nouns, adjectives and verbs; the longest that fits is removed.
_ENDINGS = (
    "ого ому ими іми ої ою ею єю ій ий их іх им ім ам ям ах ях ами ями ів їв ові еві єві ом ем єм"
    " ти ть ла ло ли в а я о е є и і ї у ю ь й"
)
_ENDING = re.compile(rf"(?<=\w{{{SHORTEST_STEM}}})(?:{'|'.join(sorted(_ENDINGS.split(), key=len, reverse=True))})$")
# Changes of the last letter of a stem: черга, черзі; сторінка, сторінці; рух, русі; довідка, довідок.
_CONSONANT_CHANGES = {"г": "гз", "з": "зг", "к": "кц", "ц": "цк", "х": "хс", "с": "сх"}
_FLEETING_VOWEL = re.compile("(.+[бвгджзклмнпрстфхцчшщьй])(к|ц|ок)")


def fold_text(text: str) -> str:
    """Return the words of the text with single spaces between, before and after them.

    Words are in lower case and each in one script, with г for ґ and е for ё, without apostrophes, stress marks and
    markers of the privacy guard. Migration 0014 has a copy of this; a change here needs such a migration again,
    unless it concerns so few words that older comments may stay as they are: words with Cyrillic ѕ or ј, which are
    not Ukrainian letters, are folded otherwise there.
    """
    plain = _STRESS.sub("", unicodedata.normalize("NFKC", _MARKERS.sub(" ", text)))
    # Capitals have more twins than small letters, so scripts are unmixed before case is folded.
    plain = unmix_scripts(_APOSTROPHES.sub("", plain)).casefold().replace("ґ", "г").replace("ё", "е")
    return f" {_NON_WORD.sub(' ', plain).strip()} "


def search_prefixes(text: str) -> list[tuple[str, ...]]:
    """Return for each word of a search its prefixes, each after a space; a folded text must contain one of them.

    A prefix is the word without its ending, so "черга" finds "черги" and "черзі". It has no characters that are
    special in LIKE. At most ``MAX_WORDS`` words count; a text without letters and digits has none.
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
