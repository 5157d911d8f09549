"""A word of two scripts is put into one, character for character; all other words stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_service.lookalikes import fold_to_latin, unmix_scripts


@pytest.mark.parametrize(
    ("mixed", "plain"),
    [
        ("тeлефoн", "телефон"),  # Latin e and o
        ("ЧEPГA", "ЧЕРГА"),  # Latin E, P and A
        ("пocлугi", "послугі"),
        ("gmаil", "gmail"),  # Cyrillic а
        ("uѕer", "user"),  # Cyrillic ѕ
        ("Јohn", "John"),  # Cyrillic Ј
        ("ѕоmе", "some"),  # Latin m alone
        ("в gmаil нe прийшло", "в gmail не прийшло"),
    ],
)
def test_a_mixed_word_gets_the_script_of_the_letters_that_have_no_twin(mixed: str, plain: str) -> None:
    assert unmix_scripts(mixed) == plain


@pytest.mark.parametrize("text", ["телефон", "gmail.com", "Viber і Telegram", "форма 1-ДФ, pdf", ""])
def test_words_of_one_script_stay(text: str) -> None:
    assert unmix_scripts(text) == text


@given(st.text("абвієѕЈoacexipkAOTцfgzsJ .,1", max_size=40))
def test_places_stay_and_nothing_is_left_to_unmix(text: str) -> None:
    plain = unmix_scripts(text)

    assert len(plain) == len(text)
    assert unmix_scripts(plain) == plain


def test_a_code_in_cyrillic_letters_that_look_latin_is_compared_in_latin_ones() -> None:
    assert fold_to_latin("ЅЈ-АВх/ѕј Ж") == "SJ-ABx/sj Ж"
