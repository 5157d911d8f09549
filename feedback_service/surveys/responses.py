"""Final answers: stored whole or not at all, found by their receipt, taken back by their author."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Session

from feedback_service.database import execute_write, table_of
from feedback_service.models import Comment, Response
from feedback_service.surveys import published
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.search_stems import fold_text


@dataclass(frozen=True, slots=True)
class NewResponse:
    """Everything that is kept of a final answer; there is no more."""

    centre_id: uuid.UUID
    id: uuid.UUID
    questionnaire: str
    front_office: str
    source: str
    service_id: uuid.UUID | None
    provider_edrpou: str | None
    workplace: str | None
    answered_on: date
    part_of_day: str | None
    language: str
    receipt_hash: bytes | None
    client_hash: bytes | None
    answers: Answers


_RESPONSE_COLUMNS = tuple(field.name for field in fields(NewResponse))
_REPEATED_COLUMNS = ("answered_on", "front_office", "source", "service_id", "language")
_INSERT_RESPONSE, _INSERT_COMMENT = insert(table_of(Response)), insert(table_of(Comment))


def store_response(connection: Connection, response: NewResponse) -> None:
    """Keep the answer: its facts with what was chosen, and the masked comment."""
    facts = {name: getattr(response, name) for name in _RESPONSE_COLUMNS}
    execute_write(connection, _INSERT_RESPONSE, facts | {"answers": response.answers.values_by_question})
    if (text := response.answers.comment) is not None:
        key = {"centre_id": response.centre_id, "response_id": response.id}
        beside = _comment_facts(connection, response) | {"text": text, "folded": fold_text(text)}
        execute_write(connection, _INSERT_COMMENT, key | beside)


def _comment_facts(connection: Connection, response: NewResponse) -> dict[str, object]:
    """What a comment repeats of its answer."""
    questionnaire = published.get_by_version(connection, response.questionnaire)
    return {name: getattr(response, name) for name in _REPEATED_COLUMNS} | {
        "set_aside": False,
        "poor": questionnaire.is_poor(response.answers.single),
        "breach": bool(questionnaire.breaches(response.answers.choices)),
        "reasons": "".join(f" {reason} " for reason in questionnaire.reasons(response.answers.choices)),
    }


def find_by_receipt(tx: Session, hashes: Sequence[bytes], *, lock: bool = False) -> Response | None:
    """The answer that a receipt belongs to."""
    query = select(Response).where(Response.receipt_hash.in_(hashes))
    return tx.scalar(query.with_for_update() if lock else query)


def find_by_client(tx: Session, centre_id: uuid.UUID, hashes: Sequence[bytes]) -> Response | None:
    """The answer that a client sent to the centre without an invitation."""
    query = select(Response).where(Response.centre_id == centre_id, Response.client_hash.in_(hashes))
    return tx.scalar(query)


def withdraw_response(tx: Session, response: Response, *, withdrawn_on: date) -> None:
    """Delete what was said; what stays is a tombstone with its day."""
    of_response = (Comment.centre_id == response.centre_id, Comment.response_id == response.id)
    tx.execute(delete(Comment).where(*of_response))
    response.answers, response.withdrawn_on = {}, withdrawn_on
