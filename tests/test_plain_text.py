"""Text as people type it: how it is cleaned, and which text is refused with which sentence."""

import unicodedata
from collections.abc import Callable

import pytest

from feedback_service import plain_text
from feedback_service.plain_text import UnusableText, read_line, read_text


def test_text_is_kept_in_one_normal_form_with_one_kind_of_line_end() -> None:
    typed = unicodedata.normalize("NFD", " Їжак\r\nі\rґедзь \n")

    assert read_text(typed, 100) == "Їжак\nі\nґедзь"


def test_text_may_be_empty_and_a_line_may_not() -> None:
    assert read_text(" \n ") == ""
    with pytest.raises(UnusableText, match=r"This field cannot be blank\."):
        read_line("\u200b \u00a0")


@pytest.mark.parametrize("hidden", ["\x00", "\x1b", "\u202e", "\u2066", "\ud800"], ids=ascii)
def test_characters_that_deceive_are_refused(hidden: str) -> None:
    with pytest.raises(UnusableText) as in_text:
        read_text(f"a{hidden}b")
    with pytest.raises(UnusableText) as in_line:
        read_line(f"a{hidden}b")

    assert in_text.value.message == plain_text.HIDDEN
    assert in_line.value.message == plain_text.NOT_A_LINE


@pytest.mark.parametrize("typed", ["a\nb", "a\tb", "a\u2028b"], ids=ascii)
def test_a_line_has_no_line_break(typed: str) -> None:
    with pytest.raises(UnusableText) as refusal:
        read_line(typed)

    assert refusal.value.message == plain_text.NOT_A_LINE


@pytest.mark.parametrize("read", [read_text, read_line])
def test_what_is_kept_is_counted_not_what_was_typed(read: Callable[[str, int], str]) -> None:
    assert read("  ґґґ\r\n", 3) == "ґґґ"
    with pytest.raises(UnusableText) as refusal:
        read("ґґґґ", 3)
    assert refusal.value.params == {"limit": 3}
