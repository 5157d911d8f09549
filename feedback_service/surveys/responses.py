"""Final answers: stored whole or not at all, found by their receipt, taken back by their author."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from feedback_service.db import table, together
from feedback_service.models import Answer, Comment, Response
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


_REPEATED = ("answered_on", "front_office", "source", "service_id", "language")
_RESPONSE, _ANSWER, _COMMENT = insert(table(Response)), insert(table(Answer)), insert(table(Comment))


def store(tx: Session, new: NewResponse) -> None:
    """Keep the answer: its facts, a row for each value, the masked comment."""
    key = {"centre_id": new.centre_id, "response_id": new.id}
    facts = ("centre_id", "id", "questionnaire", "front_office", "source", "service_id", "provider_edrpou")
    more = ("workplace", "answered_on", "part_of_day", "language", "receipt_hash", "client_hash")
    values = [*new.answers.single.items()]
    values += [(question, value) for question, chosen in new.answers.choices.items() for value in chosen]
    text = new.answers.comment
    comment = key | _beside(tx, new) | {"text": text, "folded": folded(text)} if text is not None else None
    with together(tx):
        tx.execute(_RESPONSE, {name: getattr(new, name) for name in facts + more})
        if values:
            tx.execute(_ANSWER, [key | {"question": question, "value": value} for question, value in values])
        if comment:
            tx.execute(_COMMENT, comment)


def _beside(tx: Session, new: NewResponse) -> dict[str, object]:
    """What a comment repeats of its answer."""
    asked = library.by_version(tx, new.questionnaire)
    reasons = new.answers.choices.get("any.reasons", ())
    return {name: getattr(new, name) for name in _REPEATED} | {
        "set_aside": False,
        "poor": asked.poor(new.answers.single),
        "breach": bool(set(new.answers.choices.get("any.breach", ())) - {"none"}),
        "reasons": "".join(f" {reason} " for reason in reasons),
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
    for kind in (Answer, Comment):
        tx.execute(delete(kind).where(kind.centre_id == response.centre_id, kind.response_id == response.id))
    response.withdrawn_on = on
