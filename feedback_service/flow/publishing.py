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

D = TypeVar("D", Questionnaire, Methodology)


@transaction
def load_questionnaire(tx: Session, body: Any) -> str:
    """A questionnaire is published and never changes again; returns its version.

    The same document again is fine. Raises ``Invalid`` for one that breaks a rule or offers an answer that no
    figure could count, ``Conflict`` for another document of a version that is published.
    """
    read = _parsed(questionnaires.parse_questionnaire, body)
    ours = {one.version: one for one in questionnaires.load_shipped()}
    _publish(tx, "questionnaire", read.version, read, body, ours, questionnaires.parse_questionnaire)
    return read.version


@transaction
def load_methodology(tx: Session, body: Any) -> str:
    """A methodology is published and never changes again; returns its id.

    Raises as ``load_questionnaire``, and ``Invalid`` also for one that could not count what is already asked.
    """
    read = _parsed(methodology.parse_methodology, body)
    ours = {one.id: one for one in methodology.shipped_methodologies()}
    _publish(tx, "methodology", read.id, read, body, ours, methodology.parse_methodology)
    return read.id


def _parsed(parse: Callable[[Any], D], body: Any) -> D:
    try:
        return parse(body)
    except ValueError as wrong:
        raise Invalid.for_field("", f"The document breaks a rule: {wrong}.") from wrong


def _publish(
    tx: Session,
    kind: str,
    id: str,
    read: D,
    body: Any,
    ours: Mapping[str, D],
    parse: Callable[[Any], D],
) -> None:
    loaded = tx.get(PublishedDocument, (kind, id))
    published = parse(loaded.body) if loaded else ours.get(id)
    if published is None:
        tx.add(
            PublishedDocument(
                kind=kind, id=id, effective_from=read.effective_from, body=body, loaded_at=clock.now()
            )
        )
        tx.flush()
        _refuse_misfits(tx)
    elif published != read:
        raise Conflict(f"The {kind} {id} is published and says something else; a new text needs a new name.")


def _refuse_misfits(tx: Session) -> None:
    """Whatever a published questionnaire offers, figures can be made of; raises ``Invalid`` naming what not."""
    methodologies = methodology_library.read_methodologies(tx.connection())
    try:
        for questionnaire in questionnaire_library.list_questionnaires(tx.connection()):
            compatibility.refuse_misfit(questionnaire, methodologies)
    except ValueError as wrong:
        raise Invalid.for_field("", f"The document does not fit what is published: {wrong}.") from wrong
