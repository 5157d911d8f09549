"""Answers that come without an invitation: from the hall's poster, or typed in by staff."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import register
from feedback_service.cases.register import ServiceRef
from feedback_service.centres.register import require_centre
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Invalid, NotFound
from feedback_service.flow.answers import (
    NOTHING_ANSWERED,
    AnswerChecker,
    PublicCentre,
    RecordedAnswer,
    Survey,
)
from feedback_service.flow.recording import Origin, record_answer
from feedback_service.keyring import current_keyring
from feedback_service.surveys import published, responses

MAX_ANSWER_AGE = timedelta(days=366)  # how long ago an answer that staff type in may have been given


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
def open_hall_survey(tx: Session, centre_code: str) -> Survey:
    """The survey of a centre's hall, without a case; ``NotFound`` if there is no such centre."""
    centre = require_centre(tx, centre_code)
    questionnaire = published.find_in_force(tx.connection(), "offline", clock.kyiv_day(clock.now()))
    return Survey(PublicCentre.from_centre(centre), None, None, questionnaire, has_draft=False)


@reading
def read_privacy_notice(tx: Session, centre_code: str) -> tuple[PublicCentre, str | None]:
    """Who answers for personal data at a centre, and what it adds to our notice; ``NotFound`` if there is none."""
    centre = require_centre(tx, centre_code)
    return PublicCentre.from_centre(centre), centre.notice


def record_in_hall_within(
    tx: Session, centre_code: str, *, client_id: uuid.UUID, given: AnswerChecker, language: str
) -> RecordedAnswer:
    """A person rates the hall by its poster: an answer of its own source, outside the official index."""
    now, origin = clock.now(), Origin(centre=require_centre(tx, centre_code), front_office="offline")
    return _record_once(tx, origin, client_id, given, language, "qr_hall", clock.kyiv_day(now))


record_hall_answer = transaction(record_in_hall_within)


@transaction
def record_assisted_answer(
    tx: Session, assisted_answer: AssistedAnswer, *, check_answers: AnswerChecker, centres: frozenset[str]
) -> RecordedAnswer:
    """Staff type in an answer given elsewhere, to one of the ``centres`` of their key; else ``NotFound``."""
    if assisted_answer.centre not in centres:
        raise NotFound()
    today = clock.kyiv_day(clock.now())
    if assisted_answer.answered_on > today:
        raise Invalid.for_field("/answered_on", N_("This day has not come yet."))
    if assisted_answer.answered_on < today - MAX_ANSWER_AGE:
        raise Invalid.for_field("/answered_on", N_("This day is more than a year ago."))
    centre = require_centre(tx, assisted_answer.centre)
    service = register.find_or_add_service(tx, centre, assisted_answer.service)
    origin = Origin(centre=centre, front_office=assisted_answer.front_office, service=service)
    return _record_once(
        tx,
        origin,
        assisted_answer.client_id,
        check_answers,
        assisted_answer.language,
        assisted_answer.source,
        assisted_answer.answered_on,
    )


def _record_once(
    tx: Session,
    origin: Origin,
    client_id: uuid.UUID,
    check_answers: AnswerChecker,
    language: str,
    source: str,
    day: date,
) -> RecordedAnswer:
    """Record what a client sends to a centre; the same client again gets the same receipt."""
    scope, ring = origin.centre.id.bytes, current_keyring()
    for key in ring.keys:
        if responses.find_by_client(tx, origin.centre.id, [key.hash_client_id(scope, client_id)]) is not None:
            return RecordedAnswer(
                key.derive_response_id(scope, client_id), key.derive_receipt(scope, client_id), repeated=True
            )
    now, key = clock.now(), ring.signing_key
    try:
        questionnaire = published.find_in_force(tx.connection(), origin.front_office, day)
    except LookupError:
        raise Invalid.for_field("/answered_on", N_("No questionnaire was in force on this day.")) from None
    answers = check_answers(questionnaire)
    if answers.is_empty:
        raise Invalid.for_field("/answers", NOTHING_ANSWERED)
    recorded = RecordedAnswer(key.derive_response_id(scope, client_id), key.derive_receipt(scope, client_id))
    record_answer(
        tx.connection(),
        origin,
        response_id=recorded.id,
        receipt_hash=key.hash_secret("receipt", recorded.receipt),
        client_hash=key.hash_client_id(scope, client_id),
        questionnaire=questionnaire.version,
        answers=answers,
        language=language,
        source=source,
        day=day,
        answered_at=now if source == "qr_hall" else None,
    )
    return recorded
