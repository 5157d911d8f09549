"""What the privacy guard finds and what it leaves, on labelled comments, and how long it takes at worst."""

import random
import time

import pytest

from feedback_service.surveys.masking_rules import RULES
from feedback_service.surveys.privacy import MARKERS, mask_personal_data
from tools.masking import (
    EXAMPLES,
    HARMLESS,
    LEAST_PRECISION,
    LEAST_RECALL,
    Example,
    find_wrong_results,
    measure_masking,
    read_examples,
)

ALL_EXAMPLES = [example for path in EXAMPLES for example in read_examples(path)]
KINDS = sorted({example.kind for example in ALL_EXAMPLES} - {HARMLESS})
PROMISED = {"phone", "email", "tax_number", "unzr", "passport", "id_card", "card", "iban", "car_plate"}


def test_there_are_enough_examples_of_every_kind_that_is_promised() -> None:
    number_of_harmless = sum(example.kind == HARMLESS for example in ALL_EXAMPLES)

    assert set(KINDS) >= PROMISED
    assert all(sum(example.kind == kind for example in ALL_EXAMPLES) >= 20 for kind in KINDS)
    assert number_of_harmless >= 200
    assert len(ALL_EXAMPLES) - number_of_harmless >= 250
    assert len({example.text for example in ALL_EXAMPLES}) == len(ALL_EXAMPLES)


@pytest.mark.parametrize("kind", KINDS)
def test_nearly_all_personal_data_of_a_kind_is_masked_and_nearly_nothing_else(kind: str) -> None:
    figures = measure_masking(ALL_EXAMPLES)[kind]

    assert figures.recall >= LEAST_RECALL
    assert figures.precision >= LEAST_PRECISION


def test_harmless_comments_stay() -> None:
    altered = find_wrong_results(example for example in ALL_EXAMPLES if example.kind == HARMLESS)

    assert len(altered) <= 0.01 * sum(example.kind == HARMLESS for example in ALL_EXAMPLES)


@pytest.mark.parametrize(
    "text",
    [
        "перезвоните мне ‹55-01-23›",
        "Телефонуйте ‹одинадцять дванадцять тринадцять›",
        "почта ‹ivanna.test собака gmail точка ком›",
        "‹ivanna_test(а)i.ua›",
        "серія «‹СН» 123456›",
        "‹СН 1234-56›",
        "‹Ка 4567 Ео›",
        "ІПН ‹12345\n67890›",
        "‹шістдесят сім сто двадцять три сорок п'ять шістдесят сім› телефонуйте",
        "‹шестьдесят семь сто двадцать три сорок пять шестьдесят семь›, звоните",
    ],
)
def test_data_that_came_through_once_is_masked(text: str) -> None:
    before, secret, after = text.replace("›", "‹").split("‹")

    masked = mask_personal_data(before + secret + after).text

    assert masked.startswith(before)
    assert masked.endswith(after)
    assert masked.removeprefix(before).removesuffix(after) in MARKERS.values()


@pytest.mark.parametrize(
    "text",
    [
        "ДСТУ EN 301 549:2022",
        "00034 (14-13)",
        "оцінки 9 9 8 10 7 9 8 10 9",
        "аж 100500 раз",
        "+1000000",
        "UA05020030010063857",
        "вт 8-20, ср 8 00-17 15",
        "вікна 1 2 3 4 5 6 7 8 9",
        "Chrome 120.0.6099.144",
        "1 250,00 + 350,50 = 1 600,50",
    ],
)
def test_a_complaint_that_was_masked_once_stays(text: str) -> None:
    assert mask_personal_data(text).text == text


def test_measuring_tells_what_was_missed_and_what_was_masked_wrongly() -> None:
    examples = [
        Example("phone", "тел. ", "050 000 00 00", ""),
        Example("phone", "", "немає номера", ""),
        Example(HARMLESS, "0501234567", "", ""),
    ]

    figures = measure_masking(examples)["phone"]

    assert (figures.recall, figures.precision) == (1 / 2, 1 / 2)
    assert [example for example, _ in find_wrong_results(examples)] == examples[1:]


def test_every_rule_has_a_marker_or_sets_aside() -> None:
    assert {rule.kind for rule in RULES} == {*MARKERS, "ordinary"}


PIECES = [
    *("0501234567 ", "1111 ", "a@", "@1.", "a@1.1.1", "АА123456 ", "a-", "1.....", "20.11, ", "1 234 ", "\u200b1", "ﷺ"),
    *("тел. ", "дзвоніть мені ", "мій номер ", "паспорт ", "серія АА № ", "A A ", "нуль двадцять ", "сто п'ять ", "п'"),
    *("вул. а", "вул. Нова 1, ", "проживаю м. ", "кв. 1 ", "народився ", "1 лютого ", "12.12.", "2000 року "),
    *("мене звати ", "Олена ", "я Олена ", "О. О.", "a собака ", "a крапка ", "(at)", "t.me/", "тг a-", "авто АА 1"),
    *("1, ", "1,11", "100 ", "оцінки 1 ", "ДСТУ EN ", "версія 1.", "UA1 ", "DE11 1111 ", "ІПН 1 ", "id 1 ", "водій "),
    *("№ 1/", "+1(", "8-(0", "зв'яз", "aі", "\0", " at gmail ", "o1o", "ооо ", "[", "<", "*", " \n", "- "),
    *(
        "0671 потім ",
        "067 сто ",
        "т. 1-11-",
        "1-11-11 ",
        "4·",
        "51-1 ",
        "1-ХІІ",
        "модель a-1-",
        "a-ет-",
        "a ет укр. ",
        "AA·1·",
    ),
    *("мене кличуть ", "О. ", "прізвище: коваленко ", "мешкаю: ", "Нова, ", "1-1", "у телегу пишіть ", "др 1"),
    *("чотири ", "дзвоніть ", "двадцять першого травня ", "тисяча дев'ятсот ", "помешкання 1 "),
]


def make_repeated_texts(number: int) -> list[str]:
    """Return texts of 1,000 characters, each of one to four pieces over and over, always the same."""
    choose = random.Random(20261130)
    repeated = ["".join(choose.sample(PIECES, choose.randint(2, 4))) for _ in range(number)]
    return [(piece * 1000)[:1000] for piece in [*PIECES, *repeated]]


def test_the_worst_text_of_the_greatest_length_takes_less_than_30_ms() -> None:
    def take_time(text: str) -> float:
        began = time.process_time()
        mask_personal_data(text)
        return time.process_time() - began

    # The least of several times, because other programs share the processor.
    texts = make_repeated_texts(150)
    assert len(texts) == 150 + len(PIECES)
    slow = [text for text in texts if take_time(text) > 0.02]
    assert all(min(take_time(text) for _ in range(5)) < 0.03 for text in slow)
