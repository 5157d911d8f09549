"""Questionnaires and methodologies are published: dated documents that never change again.

Whatever a published questionnaire offers, every published methodology that may count it has a place for.
Sentences are for operators, in English.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import transaction
from feedback_service.errors import Conflict, Invalid
from feedback_service.indicators import compatibility, methodology
from feedback_service.indicators import published as methodology_library
from feedback_service.indicators.methodology import Methodology
from feedback_service.models import PublishedDocument
from feedback_service.surveys import published as questionnaire_library
from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import Questionnaire

Document = TypeVar("Document", Questionnaire, Methodology)


@transaction
def publish_questionnaire(tx: Session, body: Any) -> str:
    """A questionnaire is published and never changes again; returns its version.

    The same document again is fine. Raises ``Invalid`` for one that breaks a rule or offers an answer that no
    figure could count, ``Conflict`` for another document of a version that is published.
    """
    questionnaire = _parse_document(questionnaires.parse_questionnaire, body)
    shipped = {document.version: document for document in questionnaires.load_shipped()}
    _store_document(
        tx,
        "questionnaire",
        questionnaire.version,
        questionnaire,
        body,
        shipped,
        questionnaires.parse_questionnaire,
    )
    return questionnaire.version


@transaction
def publish_methodology(tx: Session, body: Any) -> str:
    """A methodology is published and never changes again; returns its id.

    Raises as ``load_questionnaire``, and ``Invalid`` also for one that could not count what is already asked.
    """
    read = _parse_document(methodology.parse_methodology, body)
    shipped = {document.id: document for document in methodology.shipped_methodologies()}
    _store_document(tx, "methodology", read.id, read, body, shipped, methodology.parse_methodology)
    return read.id


def _parse_document(parse: Callable[[Any], Document], body: Any) -> Document:
    try:
        return parse(body)
    except ValueError as wrong:
        raise Invalid.for_field("", f"The document breaks a rule: {wrong}.") from wrong


def _store_document(
    tx: Session,
    kind: str,
    document_id: str,
    document: Document,
    body: Any,
    shipped: Mapping[str, Document],
    parse: Callable[[Any], Document],
) -> None:
    row = tx.get(PublishedDocument, (kind, document_id))
    published = parse(row.body) if row else shipped.get(document_id)
    if published is None:
        tx.add(
            PublishedDocument(
                kind=kind,
                id=document_id,
                effective_from=document.effective_from,
                body=body,
                loaded_at=clock.now(),
            )
        )
        tx.flush()
        _refuse_misfits(tx)
    elif published != document:
        raise Conflict(
            f"The {kind} {document_id} is published and says something else; a new text needs a new name."
        )


def _refuse_misfits(tx: Session) -> None:
    """Whatever a published questionnaire offers, figures can be made of; raises ``Invalid`` naming what not."""
    methodologies = methodology_library.read_methodologies(tx.connection())
    try:
        for questionnaire in questionnaire_library.list_questionnaires(tx.connection()):
            compatibility.refuse_misfit(questionnaire, methodologies)
    except ValueError as wrong:
        raise Invalid.for_field("", f"The document does not fit what is published: {wrong}.") from wrong
