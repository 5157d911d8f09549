"""Final answers: stored whole or not at all, found by their receipt, taken back by their author."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    FunctionElement,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from feedback_service.db import table
from feedback_service.links import Tx
from feedback_service.models import Answer, Comment, Response
from feedback_service.statements import Ready
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


_FACTS = tuple(field.name for field in fields(NewResponse) if field.name != "answers")
_REPEATED = ("answered_on", "front_office", "source", "service_id", "language")
_BESIDE = (*_REPEATED, "set_aside", "poor", "breach", "reasons")
_RESPONSE = Ready.insert(table(Response), *_FACTS)
_COMMENT = Ready.insert(table(Comment), "centre_id", "response_id", *_BESIDE, "text", "folded")


_ANSWERS = table(Answer)
_KEY = ("centre_id", "response_id")


def _all_from(pairs: FunctionElement[Any]) -> Executable:
    """The values of one answer, given as pairs in JSON: one statement, however many they are."""
    pair = pairs.table_valued("value", name="pair")
    key = [bindparam(name, type_=_ANSWERS.c[name].type) for name in _KEY]
    both: list[ColumnElement[str]] = [literal_column(f"pair.value ->> {place}") for place in (0, 1)]
    return insert(_ANSWERS).from_select([*_KEY, "question", "value"], select(*key, *both).select_from(pair))


_VALUES = Ready(
    {
        "sqlite": _all_from(func.json_each(bindparam("pairs", type_=Text))),
        "postgresql": _all_from(func.jsonb_array_elements(cast(bindparam("pairs", type_=Text), JSONB))),
    }
)


def store(tx: Tx, new: NewResponse) -> None:
    """Keep the answer: its facts, a row for each value, the masked comment."""
    key = {"centre_id": new.centre_id, "response_id": new.id}
    _RESPONSE.run(tx, {name: getattr(new, name) for name in _FACTS})
    values = [*new.answers.single.items()]
    values += [(question, value) for question, chosen in new.answers.choices.items() for value in chosen]
    if values:
        _VALUES.run(tx, key | {"pairs": json.dumps(values)})
    if (text := new.answers.comment) is not None:
        _COMMENT.run(tx, key | _beside(tx, new) | {"text": text, "folded": folded(text)})


def _beside(tx: Tx, new: NewResponse) -> dict[str, object]:
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
