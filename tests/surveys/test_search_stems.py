"""A search ignores case, apostrophes, ґ, stress and endings, and has no characters special in LIKE."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_service.surveys.search_stems import MAX_WORDS, fold_text, search_prefixes


def finds(typed: str, text: str) -> bool:
    """Whether a search finds the text, as the databases do it."""
    kept = fold_text(text)
    return all(any(each in kept for each in word) for word in search_prefixes(typed))


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("черга", "Простояла в черзі годину"),
        ("ЧЕРГИ", "довга черга"),
        ("послуги", "по цій послузі відмовили"),
        ("сторінка", "На сторінці помилка"),
        ("довідка", "не видали довідок"),
        ("довідок", "просила довідку"),
        ("чекати", "Чекала дві години"),
        ("хамство", "суцільне хамством"),
        ("пам'ять", "пам’ять"),
        ("памʼять", "пам`яті"),
        ("память", "пам’ятник"),
        ("об’єкт", 'об"єкту'),
        ("ґанок", "високий ганок"),
        ("ганок", "Ґанок"),
        ("їжа", "ЇЖА"),
        ("замок", "за́мок"),
        ("веб-сайт", "веб сайт не працює"),
        ("реєстрація", "після реєстрації"),
        ("час", "ЧАСУ немає"),
        ("queue", "A long QUEUE!"),
        ("Microsoft", "Micrоѕoft"),  # Cyrillic о and ѕ
        ("черга", "довгa чeргa"),  # Latin a and e
        ("чeрга", "довга черга"),
        ("ЧЕРГА", "ЧEPГA"),  # Latin capitals E, P and A
        ("послуга", "пocлугi не надали"),
        ("свої", "свoïх"),
        ("gmail", "на gmаil не прийшло"),  # Cyrillic а
        ("все", "всё плохо"),
        ("всё", "все добре"),
        ("ещё", "еще раз"),
        ("п'ять", "п’ятьoх"),
        ("ввічлива працівниця", "Працівниця була дуже ввічлива"),
    ],
)
def test_the_same_word_is_found_however_it_is_written(typed: str, text: str) -> None:
    assert finds(typed, text)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("ліс", "паралізувало"),
        ("туалет", "черга"),
        ("черга туалет", "черга"),
        ("телефон", "дзвоніть [телефон]"),
        ("50%", "5 днів"),
    ],
)
def test_another_word_is_not(typed: str, text: str) -> None:
    assert not finds(typed, text)


def test_a_beginning_is_enough() -> None:
    assert finds("черг", "чергова помилка")
    assert not finds("ергова", "чергова помилка")


@given(st.text(max_size=200))
def test_folded_words_mean_nothing_to_like(text: str) -> None:
    assert not set("%_\\'\"") & set(fold_text(text))
    assert all(not set("%_\\") & set(each) for word in search_prefixes(text) for each in word)
    assert len(search_prefixes(text)) <= MAX_WORDS


@given(st.text(max_size=200))
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)


@given(st.text(alphabet="абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", min_size=1, max_size=20))
def test_a_word_finds_itself(word: str) -> None:
    assert finds(word, f"Вчора {word} сьогодні")


def test_the_longest_comment_is_folded_in_no_time() -> None:
    began = time.perf_counter()

    for text in ("'" * 4000, "а'" * 2000, "[телефон]" * 400, "\u0301" * 4000, "ами" * 1300):
        fold_text(text)
        search_prefixes(text)

    assert time.perf_counter() - began < 1
