"""Published questionnaires: those that ship with the program and those an operator loaded."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.models import Document
from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import Questionnaire


def by_version(tx: Session, version: str) -> Questionnaire:
    """The questionnaire of that version; ``LookupError`` if there is none."""
    for known in questionnaires.shipped():
        if known.version == version:
            return known
    loaded = tx.get(Document, ("questionnaire", version))
    if loaded is None:
        raise LookupError(f"no questionnaire {version}")
    return questionnaires.parse(loaded.body)


def in_force(tx: Session, front_office: str, day: date) -> Questionnaire:
    """The questionnaire that a front office asks from, on that day."""
    loaded = tx.scalars(select(Document).where(Document.kind == "questionnaire").order_by(Document.loaded_at))
    candidates = [*questionnaires.shipped(), *(questionnaires.parse(document.body) for document in loaded)]
    return questionnaires.in_force(candidates, front_office, day)
