"""Answers that come without an invitation: from the hall's poster, or typed in by staff."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import visibility
from feedback_service.access.sessions import CurrentUser
from feedback_service.cases.services import ServiceRef, find_or_add_service, make_service_facts
from feedback_service.centres.register import make_public_centre, require_centre
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, ForeignCentre, Invalid, OtherAnswer, TooManyAnswers
from feedback_service.facts import AnswerFacts, ServiceContext
from feedback_service.flow.answers import RecordedAnswer, Survey
from feedback_service.flow.recording import record_answer
from feedback_service.keyring import RECEIPT_OF_FIRST_CLIENT, current_keyring
from feedback_service.logs import log
from feedback_service.models import Centre, HallAnswerCount, Response
from feedback_service.surveys import published, responses
from feedback_service.surveys.answers import Submission, require_some_answer

MAX_ANSWER_AGE = timedelta(days=366)  # how long ago an answer that staff type in may have been given

# That the poster of one hall brings in an hour. A busy hall has fewer; a program that answers again and again has more.
HALL_ANSWERS_AN_HOUR = 200
NOT_KEPT_SHOWN_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class UnkeptHallAnswers:
    """How many answers by the poster of a hall were not kept on a day, because there were too many in an hour."""

    centre_name: str
    day: date
    number: int


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


def record_hall_answer(
    centre_code: str, *, client_id: uuid.UUID, submission: Submission, language: str
) -> RecordedAnswer:
    """Store an answer by the poster in the hall. It has a source of its own and stays out of the official index.

    Raises ``NotFound`` if there is no such centre, ``Invalid``, ``OtherAnswer`` if this client id answered otherwise
    than by the poster, or ``TooManyAnswers`` if the hall has all the answers that are kept in an hour; such an answer
    is counted and not kept.
    """
    recorded = _record_hall_answer(centre_code, client_id=client_id, submission=submission, language=language)
    if recorded is None:  # only here: the transaction that counted the answer has been committed
        now = clock.now()
        next_hour = clock.truncate_to_hour(now) + timedelta(hours=1)
        raise TooManyAnswers(retry_after=int((next_hour - now).total_seconds()) + 1)
    return recorded


def record_hall_answer_within(
    tx: Session, centre_code: str, *, client_id: uuid.UUID, submission: Submission, language: str
) -> RecordedAnswer | None:
    """Do the same in the caller's transaction, and return ``None`` if there are too many answers."""
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


_record_hall_answer = transaction(record_hall_answer_within)


@reading
def list_unkept_hall_answers(
    tx: Session, current_user: CurrentUser, centre_code: str | None = None
) -> list[UnkeptHallAnswers]:
    """Return the centres of the user where answers were not kept in the last week, or only the centre named.

    Raises ``NotFound`` for a centre of others.
    """
    visible = visibility.find_visibility(tx, current_user)
    centre_ids = [visible.get_centre(centre_code).id] if centre_code else list(visible.ids_by_code.values())
    since = clock.kyiv_day(clock.now()) - NOT_KEPT_SHOWN_FOR
    query = select(Centre.name, HallAnswerCount.not_kept_on, HallAnswerCount.not_kept)
    query = query.join(Centre, Centre.id == HallAnswerCount.centre_id)
    query = query.where(HallAnswerCount.centre_id.in_(centre_ids), HallAnswerCount.not_kept_on >= since)
    rows = tx.execute(query.order_by(Centre.code).limit(50))
    return [UnkeptHallAnswers(name, day, number) for name, day, number in rows if day is not None]


@transaction
def record_assisted_answer(tx: Session, assisted_answer: AssistedAnswer, *, centres: frozenset[str]) -> RecordedAnswer:
    """Store an answer that staff typed in, for one of the ``centres`` of their API key.

    Raises ``ForeignCentre`` for another centre, ``OtherAnswer`` if another answer has this client id, and ``Invalid``.
    """
    if assisted_answer.centre not in centres:
        raise ForeignCentre()
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
    recorded = _record_once(
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
    assert recorded is not None  # only the poster has a limit
    return recorded


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
) -> RecordedAnswer | None:
    """Record what a client sends to a centre, once: a repeat gets its receipt again. Raises ``Invalid``.

    Returns ``None`` if it came by the poster of a hall that has too many answers in this hour. Raises ``OtherAnswer``
    if the answer of this client came from another source.

    ``refuses_other_answer``: raise ``OtherAnswer`` if this client's answer is stored with other content.
    """
    centre_id, ring = service_context.centre.id, current_keyring()
    namespace = centre_id.bytes
    for key in ring.keys:
        stored = responses.find_by_client(tx, centre_id, [key.hash_client_id(namespace, client_id)])
        if stored is not None:
            if source != stored.source:  # the receipt belongs to who answered there
                raise OtherAnswer()
            if refuses_other_answer:
                _refuse_other_answer(tx, stored, service_context, submission, (language, source, day))
            return RecordedAnswer.of_client(key, namespace, client_id, repeated=True)
    questionnaire = published.find_in_force(tx.connection(), service_context.front_office, day)
    answers = submission.read_answers(questionnaire)
    require_some_answer(answers)
    if source == "qr_hall" and not _count_hall_answer(tx, service_context):
        return None
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


def _count_hall_answer(tx: Session, service_context: ServiceContext) -> bool:
    """Count an answer by the poster; tell whether it may be kept.

    Visitors are not told apart: a whole hall may share one network address.
    """
    centre, now = service_context.centre, clock.now()
    hour, today = clock.truncate_to_hour(now), clock.kyiv_day(now)
    count = tx.get(HallAnswerCount, centre.id, with_for_update=True, populate_existing=True)
    if count is None:
        count = HallAnswerCount(centre_id=centre.id, hour=hour, kept=0, not_kept=0)
        tx.add(count)
    elif count.hour != hour:
        count.hour, count.kept = hour, 0
    if count.kept < HALL_ANSWERS_AN_HOUR:
        count.kept += 1
        return True
    if count.not_kept_on != today:
        count.not_kept_on, count.not_kept = today, 0
        log.warning("answers of a hall are not kept", centre=centre.code)
    count.not_kept += 1
    return False
