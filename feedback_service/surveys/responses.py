"""Final answers: stored whole or not at all, found by their receipt, taken back by their author."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Session

from feedback_service.database import table, write
from feedback_service.models import Comment, Response
from feedback_service.surveys import library
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.folding import folded


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


_FACTS = tuple(field.name for field in fields(NewResponse))
_REPEATED = ("answered_on", "front_office", "source", "service_id", "language")
_RESPONSE, _COMMENT = insert(table(Response)), insert(table(Comment))


def store(connection: Connection, new: NewResponse) -> None:
    """Keep the answer: its facts with what was chosen, and the masked comment."""
    facts = {name: getattr(new, name) for name in _FACTS}
    write(connection, _RESPONSE, facts | {"answers": new.answers.coded})
    if (text := new.answers.comment) is not None:
        key = {"centre_id": new.centre_id, "response_id": new.id}
        beside = _beside(connection, new) | {"text": text, "folded": folded(text)}
        write(connection, _COMMENT, key | beside)


def _beside(connection: Connection, new: NewResponse) -> dict[str, object]:
    """What a comment repeats of its answer."""
    asked = library.by_version(connection, new.questionnaire)
    return {name: getattr(new, name) for name in _REPEATED} | {
        "set_aside": False,
        "poor": asked.poor(new.answers.single),
        "breach": bool(asked.breaches(new.answers.choices)),
        "reasons": "".join(f" {reason} " for reason in asked.reasons(new.answers.choices)),
    }


def by_receipt(tx: Session, hashes: Sequence[bytes], *, lock: bool = False) -> Response | None:
    """The answer that a receipt belongs to."""
    query = select(Response).where(Response.receipt_hash.in_(hashes))
    return tx.scalar(query.with_for_update() if lock else query)


def by_client(tx: Session, centre_id: uuid.UUID, hashes: Sequence[bytes]) -> Response | None:
    """The answer that a client sent to the centre without an invitation."""
    query = select(Response).where(Response.centre_id == centre_id, Response.client_hash.in_(hashes))
    return tx.scalar(query)


def take_back(tx: Session, response: Response, *, on: date) -> None:
    """Delete what was said; what stays is a tombstone with its day."""
    of_it = (Comment.centre_id == response.centre_id, Comment.response_id == response.id)
    tx.execute(delete(Comment).where(*of_it))
    response.answers, response.withdrawn_on = {}, on
