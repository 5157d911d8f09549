"""Letters that look alike in Latin and Cyrillic: people type them in each other's place and do not see it."""

import re

_LATIN, _CYRILLIC = "aceiopxykmtABCEHIKMOPTXYïÏ", "асеіорхукмтАВСЕНІКМОРТХУїЇ"
# No Ukrainian word has these Cyrillic letters, so they always stand for Latin ones.
_FOREIGN_LATIN, _FOREIGN_CYRILLIC = "sjSJ", "ѕјЅЈ"
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_TO_LATIN = str.maketrans(_CYRILLIC + _FOREIGN_CYRILLIC, _LATIN + _FOREIGN_LATIN)
_WORD = re.compile(r"[^\W\d_]{2,}")
_HAS_LATIN, _HAS_CYRILLIC = re.compile(r"[a-zïA-ZÏ]"), re.compile(r"[Ѐ-ӿ]")
_ONLY_LATIN = re.compile(rf"(?![{_LATIN}])[a-zA-Z{_FOREIGN_CYRILLIC}]")
_ONLY_CYRILLIC = re.compile(rf"(?![{_CYRILLIC}{_FOREIGN_CYRILLIC}])[Ѐ-ӿ]")


def fold_to_latin(text: str) -> str:
    """Return the text with Latin letters in place of Cyrillic ones that look the same, to compare codes."""
    return text.translate(_TO_LATIN)


def unmix_scripts(text: str) -> str:
    """Return the text with each word of two scripts in one of them, character for character.

    A mixed word becomes Cyrillic, unless only its Latin letters are without a Ukrainian twin: ``gmаil``.
    """
    if not _HAS_LATIN.search(text) or not _HAS_CYRILLIC.search(text):
        return text
    return _WORD.sub(_unmix_word, text)


def _unmix_word(match: re.Match[str]) -> str:
    word = match[0]
    if not _HAS_LATIN.search(word) or not _HAS_CYRILLIC.search(word):
        return word
    is_latin = _ONLY_LATIN.search(word) and not _ONLY_CYRILLIC.search(word)
    return word.translate(_TO_LATIN if is_latin else _TO_CYRILLIC)
