"""Text as people type it: how it is cleaned, and which text is refused with which sentence."""

import sys
import unicodedata
from collections.abc import Callable

import pytest

from feedback_service import plain_text
from feedback_service.plain_text import UnusableText, read_code, read_line, read_text
from tests.support import odd_characters


def test_text_is_kept_in_one_normal_form_with_one_kind_of_line_end() -> None:
    typed = unicodedata.normalize("NFD", " Їжак\r\nі\rґедзь \n")

    assert read_text(typed, 100) == "Їжак\nі\nґедзь"


def test_text_may_be_empty_and_a_line_may_not() -> None:
    assert read_text(" \n ") == ""
    with pytest.raises(UnusableText, match=r"This field cannot be blank\."):
        read_line("\u2003 \u00a0")


@pytest.mark.parametrize("hidden", ["\x00", "\x1b", "\u202e", "\u2066", "\ud800"], ids=ascii)
def test_characters_that_deceive_are_refused(hidden: str) -> None:
    with pytest.raises(UnusableText) as in_text:
        read_text(f"a{hidden}b")
    with pytest.raises(UnusableText) as in_line:
        read_line(f"a{hidden}b")

    assert in_text.value.message == plain_text.HIDDEN
    assert in_line.value.message == plain_text.ODD_CHARACTER
    assert in_line.value.params == {"position": 2, "character": f"U+{ord(hidden):04X}"}


@pytest.mark.parametrize("typed", ["a\nb", "a\tb", "a\u2028b"], ids=ascii)
def test_a_line_has_no_line_break(typed: str) -> None:
    with pytest.raises(UnusableText) as refusal:
        read_line(typed)

    assert refusal.value.message == plain_text.NOT_A_LINE
    assert refusal.value.params == {"position": 2, "character": f"U+{ord(typed[1]):04X}"}


@pytest.mark.parametrize("kind", odd_characters.KINDS)
@pytest.mark.parametrize("read", [read_line, read_code])
def test_a_line_with_a_character_that_nobody_can_see_is_refused_by_its_name(
    read: Callable[[str], str], kind: str
) -> None:
    for character in odd_characters.KINDS[kind]:
        for text in (f"{character}12", f"1{character}2", f"12{character}"):
            with pytest.raises(UnusableText) as refusal:
                read(text)
            assert refusal.value.params["character"] == f"U+{ord(character):04X}"
            assert refusal.value.params["position"] == text.index(character) + 1


@pytest.mark.parametrize("kind", odd_characters.KINDS)
def test_longer_text_loses_what_nobody_can_see(kind: str) -> None:
    for character in odd_characters.KINDS[kind]:
        try:
            kept = read_text(f"1{character}2\n3")
        except UnusableText as refusal:
            assert refusal.message == plain_text.HIDDEN
        else:
            assert kept == "12\n3"


@pytest.mark.parametrize(
    "emoji", ["👨\u200d👩\u200d👧", "❤\ufe0f", "1\ufe0f\u20e3", "👩🏽\u200d⚕\ufe0f", "↔\ufe0f"], ids=ascii
)
def test_what_an_emoji_is_made_of_stays_in_titles_and_comments(emoji: str) -> None:
    assert read_line(f"Дякую {emoji}") == f"Дякую {emoji}"
    assert read_text(f"Дякую {emoji}\n") == f"Дякую {emoji}"
    with pytest.raises(UnusableText):
        read_code(f"7{emoji}")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Об'єкт", "Об’єкт"),
        ("Об`єкт", "Об’єкт"),
        ("Обʼєкт", "Об’єкт"),
        ("Об‘єкт", "Об’єкт"),
        ("Об´єкт", "Об’єкт"),
        ("Витяг 'новий'", "Витяг 'новий'"),
        ("Витяг\u00a0 про\u2003\u202fземлю", "Витяг про землю"),
        ("Паспорт – заміна", "Паспорт – заміна"),
        ("и\u0306", "й"),
    ],
    ids=ascii,
)
def test_spellings_of_one_title_become_one(typed: str, kept: str) -> None:
    assert read_line(typed) == kept


@pytest.mark.parametrize("read", [read_line, read_code])
@pytest.mark.parametrize(
    ("typed", "position"),
    [("i\u0307", 2), ("j\u0307", 2), ("пі\u0307д", 3), ("ј\u0307", 2), ("ị\u0307", 2), ("i\u0323\u0307", 3),
     ("\u0301а", 1), (" \u0308а", 2), ("а \u0308б", 3), ("а\u3000\u20dd", 3)],
    ids=ascii,
)  # fmt: skip
def test_a_mark_that_changes_nothing_or_has_no_letter_is_refused(
    read: Callable[[str], str], typed: str, position: int
) -> None:
    with pytest.raises(UnusableText) as refusal:
        read(typed)

    assert refusal.value.message == plain_text.ODD_CHARACTER
    assert refusal.value.params["position"] == position


def test_longer_text_loses_marks_that_change_nothing_or_have_no_letter() -> None:
    assert read_text("\u0301До\n\u0308\u0301пі\u0307д") == "До\nпід"


@pytest.mark.parametrize("word", ["Ї\u0301жак", "за\u0301мок", "e\u0307", "İ", "नमस्ते", "สวัสดี", "שָׁלוֹם"], ids=ascii)
def test_marks_on_their_letters_stay(word: str) -> None:
    assert read_line(word) == read_text(word) == unicodedata.normalize("NFC", word)


def test_an_emoji_that_is_newer_than_the_tables_of_the_service_stays_in_words() -> None:
    assert read_line("Дякую \U0001faff") == read_text("Дякую \U0001faff") == "Дякую \U0001faff"
    with pytest.raises(UnusableText):
        read_code("7\U0001faff")


DASHES = [
    *(sign for code in range(sys.maxunicode + 1) if unicodedata.category(sign := chr(code)) == "Pd"),
    *"−˗⁃⁻➖",
]


@pytest.mark.parametrize("dash", DASHES, ids=ascii)
def test_a_code_has_one_kind_of_dash(dash: str) -> None:
    assert read_code(f" 12{dash}2026/000123\u00a0") == "12-2026/000123"


@pytest.mark.parametrize("code", ["12-2026/000123", "А-1 'б'", "window-3", "00034", "№ 5 (14-13)"])
def test_a_code_in_normal_form_stays_as_it_is(code: str) -> None:
    assert read_code(code) == code


@pytest.mark.parametrize("read", [read_text, read_line])
def test_what_is_kept_is_counted_not_what_was_typed(read: Callable[[str, int], str]) -> None:
    assert read("  ґґґ\r\n", 3) == "ґґґ"
    with pytest.raises(UnusableText) as refusal:
        read("ґґґґ", 3)
    assert refusal.value.params == {"limit": 3}
