"""Published questionnaires: those shipped with the program and those loaded by an operator."""

from datetime import date
from operator import attrgetter

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from feedback_service.documents import PublishedDocuments
from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import Questionnaire

QUESTIONNAIRES = PublishedDocuments[Questionnaire](
    "questionnaire", questionnaires.load_shipped, questionnaires.parse_questionnaire, attrgetter("version")
)


def get_by_version(connection: Connection, version: str) -> Questionnaire:
    """Return the questionnaire of this version. Raises ``LookupError``."""
    questionnaire = QUESTIONNAIRES.find_shipped(version) or QUESTIONNAIRES.find_loaded(connection, version)
    if questionnaire is None:
        raise LookupError(f"no questionnaire {version}")
    return questionnaire


def find_in_force(connection: Connection, front_office: str, day: date) -> Questionnaire:
    """Return the questionnaire in force for a front office on that day. Raises ``LookupError``."""
    return questionnaires.find_in_force(QUESTIONNAIRES.read_all(connection), front_office, day)


def list_published(tx: Session, day: date) -> list[Questionnaire]:
    """Return all questionnaires with effect by that day, ordered by their first day.

    The first ones of each front office serve every earlier day too, see ``questionnaires.find_in_force``.
    """
    by_first_day = sorted(QUESTIONNAIRES.read_all(tx.connection()), key=attrgetter("effective_from"))
    first_days = {each.front_office: each.effective_from for each in reversed(by_first_day)}
    return [each for each in by_first_day if each.effective_from <= max(day, first_days[each.front_office])]
