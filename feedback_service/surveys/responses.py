"""Responses, the stored final answers: inserted, found by receipt or by client, withdrawn by their author."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import current_settings
from feedback_service.database import execute_write, table_of
from feedback_service.facts import AnswerFacts
from feedback_service.models import Comment, Response, Signal
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.surveys.search_stems import fold_text
from feedback_service.vocabulary import CONTINUED_ELSEWHERE

_INSERT_RESPONSE, _INSERT_COMMENT = insert(table_of(Response)), insert(table_of(Comment))
_INSERT_SIGNALS = insert(table_of(Signal))
_FIND_CONTENT = (
    select(Response.answered_on, Response.answers, Response.withdrawn_on, Comment.text, Signal.reason)
    .outerjoin(Comment, (Comment.centre_id == Response.centre_id) & (Comment.response_id == Response.id))
    .outerjoin(
        Signal,
        (Signal.centre_id == Response.centre_id)
        & (Signal.response_id == Response.id)
        & (Signal.reason == CONTINUED_ELSEWHERE),
    )
)


def insert_response(connection: Connection, facts: AnswerFacts, questionnaire: Questionnaire, answers: Answers) -> None:
    """Insert the response, and its masked comment if there is one.

    Neither row leads to the case: ``case_ref`` and ``case_status`` are not stored, nor is the time of day but for
    its part. The event names the case, until it is blanked.
    """
    context = facts.context
    centre_id = context.centre.id
    shared = {  # columns that a comment repeats
        "answered_on": facts.answered_on,
        "front_office": context.front_office,
        "source": facts.source,
        "service_id": context.service.id if context.service else None,
        "language": facts.language,
    }
    response = {
        "centre_id": centre_id,
        "id": facts.response_id,
        "questionnaire": facts.questionnaire,
        "provider_edrpou": context.provider_edrpou,
        "workplace": context.workplace,
        "part_of_day": clock.part_of_day(facts.answered_at) if facts.answered_at else None,
        "receipt_hash": facts.receipt_hash,
        "client_hash": facts.client_hash,
        "answers": answers.values_by_question,
    }
    execute_write(connection, _INSERT_RESPONSE, shared | response)
    if answers.comment is not None:
        comment = {
            "centre_id": centre_id,
            "response_id": facts.response_id,
            "text": answers.comment,
            "folded": fold_text(answers.comment),
            "set_aside": False,
            # What the answers beside it say; staff filter by it.
            "poor": questionnaire.is_poor(answers.single),
            "breach": bool(questionnaire.breaches(answers.choices)),
            "reasons": "".join(f" {reason} " for reason in questionnaire.reasons(answers.choices)),
        }
        execute_write(connection, _INSERT_COMMENT, shared | comment)


def insert_signals(
    connection: Connection, centre_id: uuid.UUID, response_id: uuid.UUID, signals: Sequence[str]
) -> None:
    """Insert the signals of a response, words of ``SIGNALS``."""
    row = {"centre_id": centre_id, "response_id": response_id}
    connection.execute(_INSERT_SIGNALS, [row | {"reason": signal} for signal in signals])


def find_by_receipt(tx: Session, hashes: Sequence[bytes], *, lock: bool = False) -> Response | None:
    """Return the response whose receipt has one of these hashes, or ``None``; ``lock`` locks its row."""
    query = select(Response).where(Response.receipt_hash.in_(hashes))
    return tx.scalar(query.with_for_update() if lock else query)


def find_by_client(tx: Session, centre_id: uuid.UUID, hashes: Sequence[bytes]) -> Response | None:
    """Return the response that this client sent by the poster, by staff or from a tablet, or ``None``."""
    query = select(Response).where(Response.centre_id == centre_id, Response.client_hash.in_(hashes))
    return tx.scalar(query)


def has_other_content(connection: Connection, centre_id: uuid.UUID, response_id: uuid.UUID, answers: Answers) -> bool:
    """Tell whether the response says something else than these answers, so that they are no repeat of it.

    ``False`` also if that cannot be told: the response was withdrawn, several clients took part in it, or its comment
    may have been deleted by age.
    """
    query = _FIND_CONTENT.where(Response.centre_id == centre_id, Response.id == response_id)
    row = connection.execute(query).one()
    if row.withdrawn_on is not None or row.reason is not None:
        return False
    kept_since = clock.kyiv_day(clock.now()) - timedelta(days=current_settings().retention_days)
    comment = answers.comment if row.text is None and row.answered_on < kept_since else row.text
    return (row.answers, comment) != (answers.values_by_question, answers.comment)


def is_stored(connection: Connection, centre_id: uuid.UUID, response_id: uuid.UUID) -> bool:
    """Tell whether there is a response with this id."""
    query = select(Response.id).where(Response.centre_id == centre_id, Response.id == response_id)
    return connection.scalar(query) is not None


def withdraw_response(tx: Session, response: Response, *, withdrawn_on: date) -> None:
    """Delete the answers and the comment. The row stays without them, with the day of withdrawal."""
    tx.execute(delete(Comment).filter_by(centre_id=response.centre_id, response_id=response.id))
    response.answers, response.withdrawn_on = {}, withdrawn_on
