"""Responses, the stored final answers: inserted, found by receipt or by client, withdrawn by their author."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import execute_write, table_of
from feedback_service.facts import AnswerFacts
from feedback_service.models import Comment, Response
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.surveys.search_stems import fold_text

_INSERT_RESPONSE, _INSERT_COMMENT = insert(table_of(Response)), insert(table_of(Comment))


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


def find_by_receipt(tx: Session, hashes: Sequence[bytes], *, lock: bool = False) -> Response | None:
    """Return the response whose receipt has one of these hashes, or ``None``; ``lock`` locks its row."""
    query = select(Response).where(Response.receipt_hash.in_(hashes))
    return tx.scalar(query.with_for_update() if lock else query)


def find_by_client(tx: Session, centre_id: uuid.UUID, hashes: Sequence[bytes]) -> Response | None:
    """Return the response that a client sent to the centre without an invitation, or ``None``."""
    query = select(Response).where(Response.centre_id == centre_id, Response.client_hash.in_(hashes))
    return tx.scalar(query)


def withdraw_response(tx: Session, response: Response, *, withdrawn_on: date) -> None:
    """Delete the answers and the comment. The row stays without them, with the day of withdrawal."""
    tx.execute(delete(Comment).filter_by(centre_id=response.centre_id, response_id=response.id))
    response.answers, response.withdrawn_on = {}, withdrawn_on
