"""What may be answered can be counted, whichever of the two documents is the newer."""

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest

from feedback_service.indicators import methodology
from feedback_service.indicators.compatibility import refuse_misfit
from feedback_service.indicators.methodology import Methodology
from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import Questionnaire


def asked(day: str = "2027-01-01", *, word: str = "acceptable", id: str = "off.staff") -> Questionnaire:
    """Our questionnaire of the offices, in force from a day, with another word or another question."""
    file = questionnaires.DOCUMENTS_FOLDER / "offline-2026.1.json"
    text = file.read_text(encoding="utf-8").replace('"acceptable"', f'"{word}"').replace("off.staff", id)
    return questionnaires.parse_questionnaire(json.loads(text) | {"version": "offline-2027.1", "effective_from": day})


@pytest.fixture
def counting(methodology_document: dict[str, Any]) -> Any:
    """A methodology of its own id, in force from a day, with more words or without a question."""

    def made(id: str, day: str, words: Sequence[str] = (), without: str = "") -> Methodology:
        document = copy.deepcopy(methodology_document) | {"id": id, "effective_from": day}
        document["operational"]["scales"]["four_words"]["values"] += words
        document["operational"]["questions"]["offline"].pop(without, None)
        return methodology.parse_methodology(document)

    return made


def test_what_ships_fits() -> None:
    shipped = questionnaires.load_shipped()
    for questionnaire in shipped:
        refuse_misfit(questionnaire, methodology.shipped_methodologies())

    assert {questionnaire.front_office for questionnaire in shipped} == {"offline", "online"}


def test_a_word_without_a_place_is_named() -> None:
    with pytest.raises(ValueError, match=r"864-2021 has no place for the answer so_so to off\.premises"):
        refuse_misfit(asked(word="so_so"), methodology.shipped_methodologies())


def test_a_question_that_no_figure_would_be_made_of_is_named() -> None:
    with pytest.raises(ValueError, match=r"864-2021 counts no answers to off\.people of offline-2027\.1"):
        refuse_misfit(asked(id="off.people"), methodology.shipped_methodologies())


def test_new_words_may_come_with_the_methodology_that_counts_them(counting: Any) -> None:
    new = counting("new", "2027-01-01", words=["so_so"])

    refuse_misfit(asked("2027-01-01", word="so_so"), [*methodology.shipped_methodologies(), new])
    with pytest.raises(ValueError, match="864-2021 has no place for the answer so_so"):
        refuse_misfit(asked("2026-12-31", word="so_so"), [*methodology.shipped_methodologies(), new])


def test_a_later_methodology_has_a_place_for_what_was_answered_before_it(counting: Any) -> None:
    new = counting("new", "2027-01-01", words=["so_so"])
    narrower = counting("narrower", "2028-01-01")

    with pytest.raises(ValueError, match="narrower has no place for the answer so_so"):
        refuse_misfit(asked(word="so_so"), [*methodology.shipped_methodologies(), new, narrower])
    mended = counting("mended", "2028-01-01", words=["so_so"])
    refuse_misfit(asked(word="so_so"), [*methodology.shipped_methodologies(), new, narrower, mended])


def test_a_later_methodology_may_leave_a_question_out(counting: Any) -> None:
    refuse_misfit(asked(), [*methodology.shipped_methodologies(), counting("new", "2028-01-01", without="off.staff")])

    with pytest.raises(ValueError, match=r"new counts no answers to off\.staff"):
        refuse_misfit(
            asked(),
            [*methodology.shipped_methodologies(), counting("new", "2027-01-01", without="off.staff")],
        )


def test_reasons_that_no_figure_would_pool_are_refused(methodology_document: dict[str, Any]) -> None:
    methodology_document["operational"]["reasons"] = "any.why"
    other = methodology.parse_methodology(methodology_document)
    with pytest.raises(ValueError, match=r"counts reasons by any\.why, not by any\.reasons of offline-2027\.1"):
        refuse_misfit(asked(), [other])
