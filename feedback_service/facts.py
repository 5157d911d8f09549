"""Facts of an answer, from its invitation to its event: plain values that the flow hands from room to room."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple


class PublicCentre(NamedTuple):
    """What everybody may know of a centre; its fields are columns of ``centres``."""

    id: uuid.UUID
    code: str
    prefix: str  # of the centre's short codes
    name: str
    edrpou: str
    katottg: str
    controller: str | None  # who answers for personal data
    contact: str | None
    languages: tuple[str, ...] | None  # ``None`` if the centre chose none


class ServiceFacts(NamedTuple):
    """A service of a centre; its fields are columns of ``services``. A code that the service lacks is empty."""

    id: uuid.UUID
    code: str
    local_code: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """Where a service was given, and which one. A case is known only by its pseudonym ``case_ref``.

    An answer without an invitation knows no case, and one from the hall no service either.
    """

    centre: PublicCentre
    front_office: str
    service: ServiceFacts | None = None
    provider_edrpou: str | None = None
    workplace: str | None = None
    workplace_kind: str | None = None
    case_ref: str | None = None
    case_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """Everything about a final answer but the answers themselves.

    ``answered_at`` is ``None`` where only the day is known; of a draft it is when the draft was begun. It is not
    stored: a response keeps the day and the part of the day, an event the hour.
    """

    response_id: uuid.UUID
    context: ServiceContext
    questionnaire: str  # version
    language: str
    source: str
    answered_on: date
    answered_at: datetime | None
    receipt_hash: bytes | None
    client_hash: bytes | None = None
