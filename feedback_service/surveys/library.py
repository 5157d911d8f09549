"""Published questionnaires: those that ship with the program and those an operator loaded."""

import json
from datetime import date
from functools import lru_cache

from sqlalchemy import Connection, Text, bindparam, cast, select
from sqlalchemy.orm import Session

from feedback_service.database import table
from feedback_service.models import Document
from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import Questionnaire

_DOCUMENTS = table(Document)
_KIND = {"kind": "questionnaire"}
_LOADED = (
    select(cast(_DOCUMENTS.c.body, Text))
    .where(_DOCUMENTS.c.kind == bindparam("kind"))
    .order_by(_DOCUMENTS.c.loaded_at)
)
_LOADED_AS = _LOADED.where(_DOCUMENTS.c.id == bindparam("version"))


def by_version(connection: Connection, version: str) -> Questionnaire:
    """The questionnaire of that version; ``LookupError`` if there is none."""
    for known in questionnaires.shipped():
        if known.version == version:
            return known
    for (body,) in connection.execute(_LOADED_AS, _KIND | {"version": version}):
        return _parsed(body)
    raise LookupError(f"no questionnaire {version}")


def candidates(connection: Connection) -> list[Questionnaire]:
    """Every published questionnaire: those that ship first, then those that were loaded, as they came."""
    return [*questionnaires.shipped(), *(_parsed(body) for (body,) in connection.execute(_LOADED, _KIND))]


def in_force(connection: Connection, front_office: str, day: date) -> Questionnaire:
    """The questionnaire that a front office asks from, on that day."""
    return questionnaires.in_force(candidates(connection), front_office, day)


def published(tx: Session, day: date) -> list[Questionnaire]:
    """Every questionnaire that came into force by that day; of two that begin together the later one holds."""
    begun = (one for one in candidates(tx.connection()) if one.effective_from <= day)
    return sorted(begun, key=lambda one: one.effective_from)


@lru_cache(maxsize=64)
def _parsed(body: str) -> Questionnaire:
    return questionnaires.parse(json.loads(body))
