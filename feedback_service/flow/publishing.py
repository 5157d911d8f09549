"""An operator publishes questionnaires and methodologies: dated documents that never change again.

Every value that a published questionnaire offers has a place in every published methodology that may count it.
Error sentences are for operators and in English.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import transaction
from feedback_service.errors import Conflict, Invalid
from feedback_service.indicators import compatibility, methodology
from feedback_service.indicators import published as published_methodologies
from feedback_service.indicators.methodology import Methodology
from feedback_service.models import PublishedDocument
from feedback_service.surveys import published as published_questionnaires
from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import Questionnaire

Document = TypeVar("Document", Questionnaire, Methodology)


@transaction
def publish_questionnaire(tx: Session, body: Any) -> str:
    """Publish a questionnaire and return its version; to publish the same document again changes nothing.

    Raises ``Invalid`` if the document breaks a rule or offers a value that a methodology cannot count, ``Conflict`` if
    the version is published with another text.
    """
    questionnaire = _parse_document(questionnaires.parse_questionnaire, body)
    shipped = {document.version: document for document in questionnaires.load_shipped()}
    parse = questionnaires.parse_questionnaire
    _store_document(tx, "questionnaire", questionnaire.version, questionnaire, body, shipped, parse)
    return questionnaire.version


@transaction
def publish_methodology(tx: Session, body: Any) -> str:
    """Publish a methodology and return its id; to publish the same document again changes nothing.

    Raises ``Invalid`` if the document breaks a rule or cannot count a value that a published questionnaire offers,
    ``Conflict`` if the id is published with another text.
    """
    document = _parse_document(methodology.parse_methodology, body)
    shipped = {each.id: each for each in methodology.shipped_methodologies()}
    _store_document(tx, "methodology", document.id, document, body, shipped, methodology.parse_methodology)
    return document.id


def _parse_document(parse: Callable[[Any], Document], body: Any) -> Document:
    try:
        return parse(body)
    except ValueError as error:
        raise Invalid.for_field("", f"The document breaks a rule: {error}.") from error


def _store_document(
    tx: Session,
    kind: str,
    document_id: str,
    document: Document,
    body: Any,
    shipped: Mapping[str, Document],
    parse: Callable[[Any], Document],
) -> None:
    """Store the document unless its id is published, among the ``shipped`` ones or in the database."""
    row = tx.get(PublishedDocument, (kind, document_id))
    published = parse(row.body) if row else shipped.get(document_id)
    if published is None:
        starts = document.effective_from
        tx.add(
            PublishedDocument(
                kind=kind, id=document_id, effective_from=starts, body=body, loaded_at=clock.now()
            )
        )
        tx.flush()
        _refuse_misfits(tx)
    elif published != document:
        raise Conflict(
            f"The {kind} {document_id} is published and says something else; a new text needs a new name."
        )


def _refuse_misfits(tx: Session) -> None:
    """Raise ``Invalid`` naming a value of a published questionnaire that a published methodology cannot count."""
    methodologies = published_methodologies.read_methodologies(tx.connection())
    try:
        for questionnaire in published_questionnaires.list_questionnaires(tx.connection()):
            compatibility.refuse_misfit(questionnaire, methodologies)
    except ValueError as error:
        raise Invalid.for_field("", f"The document does not fit what is published: {error}.") from error
