"""Answers that come without an invitation: from the hall's poster, or typed in by staff."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import registry
from feedback_service.cases.registry import ServiceRef
from feedback_service.cases.tokens import keyring
from feedback_service.centres.register import require_centre
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Invalid, NotFound
from feedback_service.flow.answers import NOTHING_ANSWERED, CentreFacts, Given, Recorded, Survey
from feedback_service.flow.recording import Origin, record
from feedback_service.surveys import library, responses

OLDEST = timedelta(days=366)  # how long ago an answer that staff type in may have been given


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistedAnswer:
    """An answer that somebody heard or read and typed in."""

    centre: str
    client_id: uuid.UUID
    service: ServiceRef
    front_office: str
    source: str
    answered_on: date
    language: str


@reading
def open_hall(tx: Session, centre_code: str) -> Survey:
    """The survey of a centre's hall, without a case; ``NotFound`` if there is no such centre."""
    centre = require_centre(tx, centre_code)
    questionnaire = library.in_force(tx.connection(), "offline", clock.kyiv_day(clock.now()))
    return Survey(CentreFacts.of(centre), None, None, questionnaire, begun=False)


@reading
def read_notice(tx: Session, centre_code: str) -> tuple[CentreFacts, str | None]:
    """Who answers for personal data at a centre, and what it adds to our notice; ``NotFound`` if there is none."""
    centre = require_centre(tx, centre_code)
    return CentreFacts.of(centre), centre.notice


def record_in_hall_within(
    tx: Session, centre_code: str, *, client_id: uuid.UUID, given: Given, language: str
) -> Recorded:
    """A person rates the hall by its poster: an answer of its own source, outside the official index."""
    now, origin = clock.now(), Origin(centre=require_centre(tx, centre_code), front_office="offline")
    return _record_once(tx, origin, client_id, given, language, "qr_hall", clock.kyiv_day(now))


record_in_hall = transaction(record_in_hall_within)


@transaction
def record_assisted(tx: Session, told: AssistedAnswer, *, given: Given, centres: frozenset[str]) -> Recorded:
    """Staff type in an answer given elsewhere, to one of the ``centres`` of their key; else ``NotFound``."""
    if told.centre not in centres:
        raise NotFound()
    today = clock.kyiv_day(clock.now())
    if told.answered_on > today:
        raise Invalid.field("/answered_on", N_("This day has not come yet."))
    if told.answered_on < today - OLDEST:
        raise Invalid.field("/answered_on", N_("This day is more than a year ago."))
    centre = require_centre(tx, told.centre)
    service = registry.service_of(tx, centre, told.service)
    origin = Origin(centre=centre, front_office=told.front_office, service=service)
    return _record_once(tx, origin, told.client_id, given, told.language, told.source, told.answered_on)


def _record_once(
    tx: Session, origin: Origin, client: uuid.UUID, given: Given, language: str, source: str, day: date
) -> Recorded:
    """Record what a client sends to a centre; the same client again gets the same receipt."""
    scope, ring = origin.centre.id.bytes, keyring()
    for key in ring.keys:
        if responses.by_client(tx, origin.centre.id, [key.client_hash(scope, client)]) is not None:
            return Recorded(key.response_id(scope, client), key.receipt(scope, client), repeated=True)
    now, key = clock.now(), ring.signing
    try:
        questionnaire = library.in_force(tx.connection(), origin.front_office, day)
    except LookupError:
        raise Invalid.field("/answered_on", N_("No questionnaire was in force on this day.")) from None
    answers = given(questionnaire)
    if answers.empty:
        raise Invalid.field("/answers", NOTHING_ANSWERED)
    recorded = Recorded(key.response_id(scope, client), key.receipt(scope, client))
    record(
        tx.connection(),
        origin,
        response_id=recorded.id,
        receipt_hash=key.fingerprint("receipt", recorded.receipt),
        client_hash=key.client_hash(scope, client),
        questionnaire=questionnaire.version,
        answers=answers,
        language=language,
        source=source,
        day=day,
        instant=now if source == "qr_hall" else None,
    )
    return recorded
