"""An operator publishes questionnaires and methodologies: dated documents that never change again.

Every value that a published questionnaire offers has a place in every published methodology that may count it.
Error sentences are for operators and in English.
"""

from typing import Any, TypeVar

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import transaction
from feedback_service.documents import PublishedDocuments
from feedback_service.errors import Conflict, Invalid
from feedback_service.indicators import compatibility
from feedback_service.indicators.methodology import Methodology
from feedback_service.indicators.published import METHODOLOGIES
from feedback_service.models import PublishedDocument
from feedback_service.plain_text import LINE_BREAKS, find_odd_characters
from feedback_service.surveys.published import QUESTIONNAIRES
from feedback_service.surveys.questionnaires import Questionnaire

Document = TypeVar("Document", Questionnaire, Methodology)


@transaction
def publish_questionnaire(tx: Session, body: Any) -> str:
    """Publish a questionnaire and return its version; to publish the same document again changes nothing.

    Raises ``Invalid`` if the document breaks a rule or offers a value that a methodology cannot count, ``Conflict`` if
    the version is published with another text.
    """
    return _publish(tx, QUESTIONNAIRES, body)


@transaction
def publish_methodology(tx: Session, body: Any) -> str:
    """Publish a methodology and return its id; to publish the same document again changes nothing.

    Raises ``Invalid`` if the document breaks a rule or cannot count a value that a published questionnaire offers,
    ``Conflict`` if the id is published with another text.
    """
    return _publish(tx, METHODOLOGIES, body)


def _publish(tx: Session, documents: PublishedDocuments[Document], body: Any) -> str:
    try:
        document = documents.parse(body)
    except ValueError as error:
        raise Invalid.for_field("", f"The document breaks a rule: {error}.") from error
    _refuse_odd_characters(body, documents.kind)
    kind, id, first_day = documents.kind, documents.get_id(document), document.effective_from
    published = documents.find_loaded(tx.connection(), id) or documents.find_shipped(id)
    if published is None:
        tx.add(PublishedDocument(kind=kind, id=id, effective_from=first_day, body=body, loaded_at=clock.now()))
        tx.flush()
        _refuse_misfits(tx)
    elif published != document:
        raise Conflict(f"The {kind} {id} is published and says something else; a new text needs a new name.")
    return id


def _refuse_odd_characters(value: Any, place: str) -> None:
    """Raise ``Invalid`` naming a character that nobody can see, and its place; line breaks are the parser's matter.

    Documents that are published already are not checked: they never change.
    """
    if isinstance(value, str):
        for position in find_odd_characters(value):
            if value[position] not in LINE_BREAKS:
                raise Invalid.for_field(
                    "", f"{place} has U+{ord(value[position]):04X}, which nobody can see; remove it."
                )
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_odd_characters(name, f"A name in {place}")
            _refuse_odd_characters(member, f"{place}.{name}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            _refuse_odd_characters(member, f"{place}[{index}]")


def _refuse_misfits(tx: Session) -> None:
    """Raise ``Invalid`` naming a value of a published questionnaire that a published methodology cannot count."""
    methodologies = METHODOLOGIES.read_all(tx.connection())
    try:
        for questionnaire in QUESTIONNAIRES.read_all(tx.connection()):
            compatibility.refuse_misfit(questionnaire, methodologies)
    except ValueError as error:
        raise Invalid.for_field("", f"The document does not fit what is published: {error}.") from error
