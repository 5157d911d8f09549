"""The step that every way of answering ends in: the answer is stored with its event, and the worker gets its work."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from feedback_service import alarm_rows, clock, keyring
from feedback_service.cases.invitations import CaseFacts
from feedback_service.config import current_settings
from feedback_service.counts import counted_days
from feedback_service.delivery import events, outbox
from feedback_service.facts import AnswerFacts, PublicCentre, ServiceContext, ServiceFacts
from feedback_service.indicators import published as methodologies
from feedback_service.models import Case
from feedback_service.surveys import responses
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.vocabulary import BAD_ANSWERS, BREACH

MAX_ANSWER_AGE = timedelta(days=366)  # from its Kyiv day to the day on which a tablet or staff bring it


def make_service_context(centre: PublicCentre, case: Case | CaseFacts, service: ServiceFacts) -> ServiceContext:
    """Return what answers and events repeat of the case. They name it by its pseudonym."""
    return ServiceContext(
        centre=centre,
        front_office=case.front_office,
        service=service,
        provider_edrpou=case.provider_edrpou,
        workplace=case.workplace,
        workplace_kind=case.workplace_kind,
        case_ref=keyring.derive_case_pseudonym(current_settings().case_key, case.id),
        case_status=case.status,
    )


def record_answer(
    connection: Connection,
    facts: AnswerFacts,
    questionnaire: Questionnaire,
    answers: Answers,
    signals: Sequence[str] = (),
) -> None:
    """Store a final answer and everything that follows from it. The caller's story commits.

    1. Look up the methodology that is in force on the day of the answer.
    2. Store the response, its comment and its signals.
    3. Ask the worker to look for an alarm if an answer is bad, and to report a serious breach if one is named.
    4. Put the event for the central system into the outbox.
    5. If the day of the answer is already over, mark it for recounting; today is always counted live.
    """
    now = clock.now()
    centre_id = facts.context.centre.id
    service_id = facts.context.service.id if facts.context.service else None
    methodology = methodologies.read_in_force_cached(connection, facts.answered_on)
    breaches = questionnaire.breaches(answers.choices)
    responses.insert_response(connection, facts, questionnaire, answers)
    if signals:
        responses.insert_signals(connection, centre_id, facts.response_id, signals)
    if methodology.has_bad_answer(answers.single):
        alarm_rows.queue_check(connection, centre_id, BAD_ANSWERS, service_id)
    if breaches:
        without_case = facts.context.case_ref is None
        alarm_rows.queue_check(connection, centre_id, BREACH, service_id, without_case=without_case)
    event = events.build_response_recorded(
        facts,
        hour=clock.truncate_to_hour(facts.answered_at or now),
        methodology=methodology.id,
        single=answers.single,
        reasons=questionnaire.reasons(answers.choices),
        breach=breaches,
        comment_present=answers.comment is not None,
    )
    outbox.enqueue_events(connection, centre_id, [event], now=now)
    counted_days.reopen_past_day(connection, centre_id, facts.answered_on, today=clock.kyiv_day(now))
