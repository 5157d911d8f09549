"""Documents are published once and never change."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from feedback_service.errors import Conflict, Invalid
from feedback_service.flow import publishing
from feedback_service.indicators import methodology
from feedback_service.models import PublishedDocument
from feedback_service.surveys import questionnaires
from tests.support import stored

pytestmark = pytest.mark.usefixtures("context")


def shipped_document(module: Any, folder: str) -> dict[str, Any]:
    """A document that comes with the program, as its author would edit it."""
    files = sorted((Path(module.__file__).parent / folder).glob("*.json"))
    document: dict[str, Any] = json.loads(files[0].read_text(encoding="utf-8"))
    return document


@pytest.fixture(params=["questionnaire", "methodology"])
def kind(request: pytest.FixtureRequest) -> str:
    """Either kind of document."""
    return str(request.param)


@pytest.fixture
def document(kind: str) -> dict[str, Any]:
    """A new version of a shipped document."""
    if kind == "questionnaire":
        return shipped_document(questionnaires, "questionnaires") | {"version": "offline-2027.1"}
    return shipped_document(methodology, "methodologies") | {"id": "864-2027"}


def load(kind: str, document: Any) -> str:
    """Publish a document of that kind."""
    return {"questionnaire": publishing.publish_questionnaire, "methodology": publishing.publish_methodology}[kind](
        document
    )


def other_text(document: dict[str, Any]) -> dict[str, Any]:
    """The document under the same name, but in force from another day."""
    return copy.deepcopy(document) | {"effective_from": "2030-01-01"}


def test_a_document_is_published_once_and_the_same_again_is_fine(kind: str, document: dict[str, Any]) -> None:
    assert load(kind, document) == load(kind, dict(reversed(document.items())))

    assert [(row.kind, row.body) for row in stored.read_rows(PublishedDocument)] == [(kind, document)]


def test_a_published_document_never_changes(kind: str, document: dict[str, Any]) -> None:
    load(kind, document)

    with pytest.raises(Conflict, match="says something else"):
        load(kind, other_text(document))

    assert [row.body for row in stored.read_rows(PublishedDocument)] == [document]


def test_a_document_that_ships_with_the_program_needs_no_loading_and_never_changes(kind: str) -> None:
    folder = {
        "questionnaire": (questionnaires, "questionnaires"),
        "methodology": (methodology, "methodologies"),
    }
    document = shipped_document(*folder[kind])

    load(kind, document)
    with pytest.raises(Conflict):
        load(kind, other_text(document))

    assert stored.read_rows(PublishedDocument) == []


@pytest.mark.parametrize("broken", [{}, [], None, {"version": "offline-2027.1"}])
def test_a_document_that_breaks_a_rule_is_refused(kind: str, broken: Any) -> None:
    with pytest.raises(Invalid):
        load(kind, broken)

    assert stored.read_rows(PublishedDocument) == []


def with_word(document: dict[str, Any], word: str) -> dict[str, Any]:
    """The document with another word for «Прийнятно»."""
    changed: dict[str, Any] = json.loads(json.dumps(document).replace('"acceptable"', f'"{word}"'))
    return changed


def test_a_questionnaire_whose_answers_no_methodology_counts_is_refused() -> None:
    document = shipped_document(questionnaires, "questionnaires") | {"version": "offline-2027.1"}

    with pytest.raises(Invalid) as refusal:
        publishing.publish_questionnaire(with_word(document, "so_so"))

    assert "864-2021 has no place for the answer so_so" in refusal.value.errors[0].detail
    assert stored.read_rows(PublishedDocument) == []


def test_a_methodology_that_leaves_out_what_is_asked_is_refused() -> None:
    document = shipped_document(methodology, "methodologies") | {"id": "new", "effective_from": "2030-01-01"}

    with pytest.raises(Invalid) as refusal:
        publishing.publish_methodology(with_word(document, "so_so"))

    assert "new has no place for the answer acceptable" in refusal.value.errors[0].detail
    assert stored.read_rows(PublishedDocument) == []


def test_new_words_are_published_methodology_first() -> None:
    day = {"effective_from": "2030-01-01"}
    counting = shipped_document(methodology, "methodologies") | day | {"id": "new"}
    counting["operational"]["scales"]["four_words"]["values"].append("so_so")
    asking = shipped_document(questionnaires, "questionnaires") | day | {"version": "offline-2030.1"}

    with pytest.raises(Invalid):
        publishing.publish_questionnaire(with_word(asking, "so_so"))
    publishing.publish_methodology(counting)
    assert publishing.publish_questionnaire(with_word(asking, "so_so")) == "offline-2030.1"
