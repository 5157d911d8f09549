"""Published questionnaires: those shipped with the program and those loaded by an operator."""

import json
from datetime import date
from functools import lru_cache

from sqlalchemy import Connection, Text, bindparam, cast, select
from sqlalchemy.orm import Session

from feedback_service.database import table_of
from feedback_service.models import PublishedDocument
from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import Questionnaire

_DOCUMENTS = table_of(PublishedDocument)
_KIND_PARAMETER = {"kind": "questionnaire"}
_SELECT_LOADED = (
    select(cast(_DOCUMENTS.c.body, Text))
    .where(_DOCUMENTS.c.kind == bindparam("kind"))
    .order_by(_DOCUMENTS.c.loaded_at)
)
_SELECT_LOADED_VERSION = _SELECT_LOADED.where(_DOCUMENTS.c.id == bindparam("version"))


def get_by_version(connection: Connection, version: str) -> Questionnaire:
    """Return the questionnaire of this version. Raises ``LookupError``."""
    for questionnaire in questionnaires.load_shipped():
        if questionnaire.version == version:
            return questionnaire
    for (body,) in connection.execute(_SELECT_LOADED_VERSION, _KIND_PARAMETER | {"version": version}):
        return _parse_body(body)
    raise LookupError(f"no questionnaire {version}")


def list_questionnaires(connection: Connection) -> list[Questionnaire]:
    """Return all published questionnaires: first the shipped ones, then the loaded ones in order of loading."""
    return [
        *questionnaires.load_shipped(),
        *(_parse_body(body) for (body,) in connection.execute(_SELECT_LOADED, _KIND_PARAMETER)),
    ]


def find_in_force(connection: Connection, front_office: str, day: date) -> Questionnaire:
    """Return the questionnaire in force for a front office on that day."""
    return questionnaires.find_in_force(list_questionnaires(connection), front_office, day)


def list_published(tx: Session, day: date) -> list[Questionnaire]:
    """Return all questionnaires with effect by that day, ordered by their first day."""
    in_effect = (
        questionnaire
        for questionnaire in list_questionnaires(tx.connection())
        if questionnaire.effective_from <= day
    )
    return sorted(in_effect, key=lambda questionnaire: questionnaire.effective_from)


@lru_cache(maxsize=64)
def _parse_body(body: str) -> Questionnaire:
    return questionnaires.parse_questionnaire(json.loads(body))
