"""Published methodologies: those that ship with the program and those an operator loaded."""

import json
from datetime import date
from functools import lru_cache

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from feedback_service.db import table
from feedback_service.indicators import methodology
from feedback_service.indicators.methodology import Methodology
from feedback_service.models import Document

_DOCUMENTS = table(Document)
_LOADED = (
    select(cast(_DOCUMENTS.c.body, Text))
    .where(_DOCUMENTS.c.kind == "methodology")
    .order_by(_DOCUMENTS.c.loaded_at)
)


def candidates(tx: Session) -> list[Methodology]:
    """Every published methodology: those that ship first, then those that were loaded, as they came."""
    return [*methodology.shipped(), *map(_parsed, tx.scalars(_LOADED))]


def in_force(tx: Session, day: date) -> Methodology:
    """The methodology that figures of that day are made by."""
    return methodology.in_force(candidates(tx), day)


@lru_cache(maxsize=64)
def _parsed(body: str) -> Methodology:
    return methodology.parse(json.loads(body))
