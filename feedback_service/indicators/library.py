"""Published methodologies: those that ship with the program and those an operator loaded."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.indicators import methodology
from feedback_service.indicators.methodology import Methodology
from feedback_service.models import Document


def in_force(tx: Session, day: date) -> Methodology:
    """The methodology that figures of that day are made by."""
    loaded = tx.scalars(select(Document).where(Document.kind == "methodology").order_by(Document.loaded_at))
    candidates = [*methodology.shipped(), *(methodology.parse(document.body) for document in loaded)]
    return methodology.in_force(candidates, day)
