"""Answers that come without an invitation: from the hall's poster, or typed in by staff."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import visibility
from feedback_service.access.sessions import CurrentUser
from feedback_service.cases.services import ServiceRef, find_or_add_service, make_service_facts
from feedback_service.centres.register import make_public_centre, require_centre
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, ForeignCentre, Invalid, OtherAnswer, TooManyAnswers
from feedback_service.facts import AnswerFacts, PublicCentre, ServiceContext
from feedback_service.flow.answers import RecordedAnswer, SentAnswer, Survey
from feedback_service.flow.recording import MAX_ANSWER_AGE, record_answer
from feedback_service.keyring import RECEIPT_OF_FIRST_CLIENT, current_keyring
from feedback_service.logs import log
from feedback_service.models import Centre, HallAnswerCount, Response
from feedback_service.surveys import published, responses
from feedback_service.surveys.answers import Answers, Submission, require_some_answer
from feedback_service.surveys.questionnaires import Questionnaire

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
    service_context = ServiceContext(centre=centre, front_office="offline")
    sent = SentAnswer(client_id=client_id, submission=submission, language=language, source="qr_hall")
    if repeat := _find_repeat(tx, centre.id, sent):
        return repeat.recorded
    content = _read_content(tx, service_context.front_office, clock.kyiv_day(now), submission)
    if not _count_hall_answer(tx, centre):
        return None
    return _record_answer(tx, service_context, sent, content, clock.kyiv_day(now), answered_at=now)


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
    today, day = clock.kyiv_day(clock.now()), assisted_answer.answered_on
    if day > today:
        raise Invalid.for_field("/answered_on", N_("This day has not come yet."))
    if day < today - MAX_ANSWER_AGE:
        raise Invalid.for_field("/answered_on", N_("This day is more than a year ago."))
    centre = require_centre(tx, assisted_answer.centre)
    service = find_or_add_service(tx, centre, assisted_answer.service)
    service_context = ServiceContext(
        centre=make_public_centre(centre),
        front_office=assisted_answer.front_office,
        service=make_service_facts(service),
    )
    sent = SentAnswer(
        client_id=assisted_answer.client_id,
        submission=assisted_answer.submission,
        language=assisted_answer.language,
        source=assisted_answer.source,
    )
    if repeat := _find_repeat(tx, centre.id, sent):
        _refuse_other_answer(tx, repeat.stored, service_context, sent, day)
        return repeat.recorded
    content = _read_content(tx, service_context.front_office, day, sent.submission)
    return _record_answer(tx, service_context, sent, content, day, answered_at=None)


class _Repeat(NamedTuple):
    """What the client sent to this centre before: the stored response, and the answer as the client gets it again."""

    stored: Response
    recorded: RecordedAnswer


def _find_repeat(tx: Session, centre_id: uuid.UUID, sent: SentAnswer) -> _Repeat | None:
    """Return what this client sent before, or ``None``. Raises ``OtherAnswer`` if it came from another source."""
    namespace = centre_id.bytes
    for key in current_keyring().keys:
        stored = responses.find_by_client(tx, centre_id, [key.hash_client_id(namespace, sent.client_id)])
        if stored is not None:
            if sent.source != stored.source:  # the receipt belongs to who answered there
                raise OtherAnswer()
            return _Repeat(stored, RecordedAnswer.of_client(key, namespace, sent.client_id, repeated=True))
    return None


def _read_content(tx: Session, front_office: str, day: date, submission: Submission) -> tuple[Questionnaire, Answers]:
    """Return the questionnaire that was in force on that day, and the answers to it; raises ``Invalid``."""
    questionnaire = published.find_in_force(tx.connection(), front_office, day)
    answers = submission.read_answers(questionnaire)
    require_some_answer(answers)
    return questionnaire, answers


def _record_answer(
    tx: Session,
    service_context: ServiceContext,
    sent: SentAnswer,
    content: tuple[Questionnaire, Answers],
    day: date,
    *,
    answered_at: datetime | None,
) -> RecordedAnswer:
    """Store an answer that is no repeat; ``content`` is what ``_read_content`` returned."""
    key, namespace = current_keyring().signing_key, service_context.centre.id.bytes
    questionnaire, answers = content
    recorded = RecordedAnswer.of_client(key, namespace, sent.client_id)
    facts = AnswerFacts(
        response_id=recorded.id,
        context=service_context,
        questionnaire=questionnaire.version,
        language=sent.language,
        source=sent.source,
        answered_on=day,
        answered_at=answered_at,
        receipt_hash=key.hash_secret(RECEIPT_OF_FIRST_CLIENT, recorded.receipt),
        client_hash=key.hash_client_id(namespace, sent.client_id),
    )
    record_answer(tx.connection(), facts, questionnaire, answers)
    return recorded


def _refuse_other_answer(
    tx: Session, stored: Response, service_context: ServiceContext, sent: SentAnswer, day: date
) -> None:
    """Raise ``OtherAnswer`` if what comes now is no repeat of the stored response."""
    service_id = service_context.service.id if service_context.service else None
    submitted = sent.submission.read_answers(published.get_by_version(tx.connection(), stored.questionnaire))
    is_same = (
        (stored.front_office, stored.service_id) == (service_context.front_office, service_id)
        and (stored.language, stored.answered_on) == (sent.language, day)
        and not responses.has_other_content(tx.connection(), stored.centre_id, stored.id, submitted)
    )
    if not is_same:
        raise OtherAnswer()


def _count_hall_answer(tx: Session, centre: PublicCentre) -> bool:
    """Count an answer by the poster; tell whether it may be kept.

    Visitors are not told apart: a whole hall may share one network address.
    """
    now = clock.now()
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
