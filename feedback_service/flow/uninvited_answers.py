"""Answers that come without an invitation: from the hall's poster, or typed in by staff."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases.register import ServiceRef, find_or_add_service, make_service_facts
from feedback_service.centres.register import make_public_centre, require_centre
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Invalid, NotFound, OtherAnswer
from feedback_service.facts import AnswerFacts, ServiceContext
from feedback_service.flow.answers import RecordedAnswer, Survey
from feedback_service.flow.recording import record_answer
from feedback_service.keyring import RECEIPT_OF_FIRST_CLIENT, current_keyring
from feedback_service.models import Response
from feedback_service.surveys import published, responses
from feedback_service.surveys.answers import Submission, require_some_answer

MAX_ANSWER_AGE = timedelta(days=366)  # how long ago an answer that staff type in may have been given


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistedAnswer:
    """An answer that staff heard or read, and typed in."""

    centre: str
    client_id: uuid.UUID
    service: ServiceRef
    front_office: str
    source: str
    answered_on: date
    language: str
    submission: Submission


@reading
def open_hall_survey(tx: Session, centre_code: str) -> Survey:
    """Return the survey of a centre's hall, which is about no case; raises ``NotFound``."""
    centre = require_centre(tx, centre_code)
    questionnaire = published.find_in_force(tx.connection(), "offline", clock.kyiv_day(clock.now()))
    return Survey(make_public_centre(centre), None, None, questionnaire, has_draft=False)


def record_hall_answer_within(
    tx: Session, centre_code: str, *, client_id: uuid.UUID, submission: Submission, language: str
) -> RecordedAnswer:
    """Store an answer by the poster in the hall. It has a source of its own and stays out of the official index.

    Raises ``NotFound`` if there is no such centre, and ``Invalid``.
    """
    now, centre = clock.now(), make_public_centre(require_centre(tx, centre_code))
    return _record_once(
        tx,
        ServiceContext(centre=centre, front_office="offline"),
        client_id,
        submission,
        language=language,
        source="qr_hall",
        day=clock.kyiv_day(now),
        answered_at=now,
    )


record_hall_answer = transaction(record_hall_answer_within)


@transaction
def record_assisted_answer(tx: Session, assisted_answer: AssistedAnswer, *, centres: frozenset[str]) -> RecordedAnswer:
    """Store an answer that staff typed in, for one of the ``centres`` of their API key.

    Raises ``NotFound`` for another centre, ``OtherAnswer`` if another answer has this client id, and ``Invalid``.
    """
    if assisted_answer.centre not in centres:
        raise NotFound()
    today = clock.kyiv_day(clock.now())
    if assisted_answer.answered_on > today:
        raise Invalid.for_field("/answered_on", N_("This day has not come yet."))
    if assisted_answer.answered_on < today - MAX_ANSWER_AGE:
        raise Invalid.for_field("/answered_on", N_("This day is more than a year ago."))
    centre = require_centre(tx, assisted_answer.centre)
    service = find_or_add_service(tx, centre, assisted_answer.service)
    service_context = ServiceContext(
        centre=make_public_centre(centre),
        front_office=assisted_answer.front_office,
        service=make_service_facts(service),
    )
    return _record_once(
        tx,
        service_context,
        assisted_answer.client_id,
        assisted_answer.submission,
        language=assisted_answer.language,
        source=assisted_answer.source,
        day=assisted_answer.answered_on,
        answered_at=None,
        refuses_other_answer=True,
    )


def _record_once(
    tx: Session,
    service_context: ServiceContext,
    client_id: uuid.UUID,
    submission: Submission,
    *,
    language: str,
    source: str,
    day: date,
    answered_at: datetime | None,
    refuses_other_answer: bool = False,
) -> RecordedAnswer:
    """Record what a client sends to a centre, once: a repeat gets its receipt again. Raises ``Invalid``.

    ``refuses_other_answer``: raise ``OtherAnswer`` if this client's answer is stored with other content.
    """
    centre_id, ring = service_context.centre.id, current_keyring()
    namespace = centre_id.bytes
    for key in ring.keys:
        stored = responses.find_by_client(tx, centre_id, [key.hash_client_id(namespace, client_id)])
        if stored is not None:
            if refuses_other_answer:
                _refuse_other_answer(tx, stored, service_context, submission, (language, source, day))
            return RecordedAnswer.of_client(key, namespace, client_id, repeated=True)
    try:
        questionnaire = published.find_in_force(tx.connection(), service_context.front_office, day)
    except LookupError:
        raise Invalid.for_field("/answered_on", N_("No questionnaire was in force on this day.")) from None
    answers = submission.read_answers(questionnaire)
    require_some_answer(answers)
    key = ring.signing_key
    recorded = RecordedAnswer.of_client(key, namespace, client_id)
    facts = AnswerFacts(
        response_id=recorded.id,
        context=service_context,
        questionnaire=questionnaire.version,
        language=language,
        source=source,
        answered_on=day,
        answered_at=answered_at,
        receipt_hash=key.hash_secret(RECEIPT_OF_FIRST_CLIENT, recorded.receipt),
        client_hash=key.hash_client_id(namespace, client_id),
    )
    record_answer(tx.connection(), facts, questionnaire, answers)
    return recorded


def _refuse_other_answer(
    tx: Session,
    stored: Response,
    service_context: ServiceContext,
    submission: Submission,
    circumstances: tuple[str, str, date],
) -> None:
    """Raise ``OtherAnswer`` if what comes now is no repeat of the stored response."""
    service_id = service_context.service.id if service_context.service else None
    submitted = submission.read_answers(published.get_by_version(tx.connection(), stored.questionnaire))
    is_same = (
        (stored.front_office, stored.service_id) == (service_context.front_office, service_id)
        and (stored.language, stored.source, stored.answered_on) == circumstances
        and not responses.has_other_content(tx.connection(), stored.centre_id, stored.id, submitted)
    )
    if not is_same:
        raise OtherAnswer()
