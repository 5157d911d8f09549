"""A person answers by an invitation: a draft is saved at every step, and becomes final when it is sent or abandoned."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import invitations
from feedback_service.cases.invitations import DraftFacts, InvitationContext
from feedback_service.config import current_settings
from feedback_service.database import (
    DeferredWriter,
    OptimisticTransaction,
    optimistic_transaction,
    transaction,
)
from feedback_service.errors import AlreadyAnswered, LostRace
from feedback_service.facts import AnswerFacts, PublicCentre
from feedback_service.flow.recording import make_case_context, record_answer
from feedback_service.keyring import current_keyring
from feedback_service.logs import log
from feedback_service.surveys import published
from feedback_service.surveys.answers import Answers, Submission, refuse_empty
from feedback_service.surveys.questionnaires import Questionnaire


@dataclass(frozen=True, slots=True)
class Survey:
    """What the person is asked, and by which service and day the person recognises the case."""

    centre: PublicCentre
    service: str | None
    completed_on: date | None
    questionnaire: Questionnaire
    has_draft: bool


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """A final answer.

    ``repeated``: it was final before this call. ``late``: it was an abandoned draft, and became final without what
    the client sends now.
    """

    id: uuid.UUID
    receipt: str
    repeated: bool = False
    late: bool = False


def open_survey(token: str, *, mark_opened: bool) -> Survey:
    """Return the survey behind a link. With ``mark_opened``, a person looks at it, and the invitation notes that.

    Raises ``NotFound``, ``AlreadyAnswered``, ``InvitationCancelled`` or ``InvitationExpired``.
    """
    context, survey = _read_survey(token)
    if mark_opened and not context.invitation.opened:
        opened_invitations.add(context.invitation.token_hash)
    return survey


@optimistic_transaction
def _read_survey(tx: OptimisticTransaction, token: str) -> tuple[InvitationContext, Survey]:
    context = invitations.find_by_token(tx.connection, current_keyring(), token)
    _refuse_closed(context, clock.now())
    questionnaire = published.get_by_version(tx.connection, context.invitation.questionnaire)
    return context, _make_survey(context, questionnaire, has_draft=context.draft is not None)


@transaction
def _mark_opened(tx: Session, token_hashes: Sequence[bytes]) -> None:
    invitations.mark_opened(tx, token_hashes)


opened_invitations = DeferredWriter(_mark_opened)  # a look at a survey must not wait for the disk: decision 9


def save_draft_in(
    tx: OptimisticTransaction,
    token: str,
    *,
    client_id: uuid.UUID,
    submission: Submission,
    language: str,
    source: str,
    full_form: bool = False,
) -> Survey | RecordedAnswer:
    """Save what a person has chosen so far. It counts, even if the person never sends it.

    1. Read the invitation, its case and its draft.
    2. If this client's answer is final, return its receipt again.
    3. If this client's draft was abandoned, make it final (a write) and return its receipt.
    4. Refuse an invitation that is answered, cancelled or expired; see ``open_survey`` for the errors.
    5. Check the submission against the questionnaire, and merge it with the draft; raises ``Invalid``.
       ``full_form``: the form showed every question but the first, so those that it leaves empty are cleared.
    6. Write the draft, and return the survey.
    """
    context, now = invitations.find_by_token(tx.connection, current_keyring(), token), clock.now()
    if context.was_answered_by(client_id):
        return _repeat_receipt(context, client_id, late=context.invitation.left_begun)
    if _has_abandoned_draft_of(context, client_id, now):
        with tx.writing() as connection:
            _submit_abandoned_draft(connection, context)
        return _repeat_receipt(context, client_id, late=True)
    _refuse_closed(context, now)
    questionnaire = published.get_by_version(tx.connection, context.invitation.questionnaire)
    answers = _merge_with_draft(context.draft, questionnaire, submission, full_form=full_form)
    with tx.writing() as connection:
        invitations.save_draft(
            connection,
            context,
            client_id=client_id,
            answers=answers.to_json(),
            language=language,
            source=source,
            now=clock.now(),
        )
    return _make_survey(context, questionnaire, has_draft=True)


save_draft = optimistic_transaction(save_draft_in)


def submit_answer_in(
    tx: OptimisticTransaction,
    token: str,
    *,
    client_id: uuid.UUID,
    submission: Submission,
    language: str,
    source: str,
    full_form: bool = False,
) -> RecordedAnswer:
    """Store a person's final answer and return its receipt. The same client gets the same receipt every time.

    1. Read the invitation, its case and its draft.
    2. If this client's answer is final, return its receipt again.
    3. If this client's draft was abandoned, make it final (a write) and return its receipt.
    4. Refuse an invitation that is answered, cancelled or expired; see ``open_survey`` for the errors.
    5. Check the submission against the questionnaire, and merge it with the draft; raises ``Invalid``.
       ``full_form``: as in ``save_draft_in``.
    6. In one write: mark the invitation as answered, delete the draft, and store the answer with its event, see
       ``recording.record_answer``. The answer counts on the Kyiv day on which the draft was begun.
    """
    context, now = invitations.find_by_token(tx.connection, current_keyring(), token), clock.now()
    if context.was_answered_by(client_id):
        return _repeat_receipt(context, client_id, late=context.invitation.left_begun)
    if _has_abandoned_draft_of(context, client_id, now):
        with tx.writing() as connection:
            _submit_abandoned_draft(connection, context)
        return _repeat_receipt(context, client_id, late=True)
    _refuse_closed(context, now)
    questionnaire = published.get_by_version(tx.connection, context.invitation.questionnaire)
    answers = _merge_with_draft(context.draft, questionnaire, submission, full_form=full_form)
    begun_at = clock.now()
    if context.draft is not None:
        source, begun_at = context.draft.source, context.draft.begun_at
    with tx.writing() as connection:
        return _store_final_answer(connection, context, client_id, answers, language, source, begun_at)


submit_answer = optimistic_transaction(submit_answer_in)


@transaction
def submit_abandoned_drafts(tx: Session, limit: int = 100) -> int:
    """Make up to ``limit`` abandoned drafts final, each on the day it was begun. Return how many were tried.

    1. Lock the drafts that nobody has changed for ``partial_minutes`` (a setting).
    2. Store each as a final answer, whether or not its invitation was cancelled or has expired meanwhile.
    3. Postpone a draft that cannot be stored, so that it does not block the others.
    """
    abandoned = invitations.find_abandoned_drafts(tx, clock.now() - _draft_timeout(), limit)
    for centre_id, invitation_id in abandoned:
        try:
            with tx.begin_nested():
                connection = tx.connection()
                context = invitations.lock_by_id(connection, current_keyring(), centre_id, invitation_id)
                _submit_abandoned_draft(connection, context)
        except (DBAPIError, LostRace):
            raise
        except Exception as error:
            log.error("left answer not completed", invitation=str(invitation_id), exc_info=error)
            invitations.postpone_draft(tx, centre_id, invitation_id, clock.now())
    return len(abandoned)


def _has_abandoned_draft_of(context: InvitationContext, client_id: uuid.UUID, now: datetime) -> bool:
    draft = context.draft
    return draft is not None and draft.client_id == client_id and _is_abandoned(draft, now)


def _submit_abandoned_draft(connection: Connection, context: InvitationContext) -> None:
    """Make the draft final, if there is still one and nobody has answered; else delete it."""
    draft = context.draft
    if draft is None:
        return
    if context.invitation.answered_on is not None:
        invitations.delete_draft(connection, context, draft)
        return
    answers = Answers.from_json(draft.answers)
    client_id, language, source, begun_at = draft.client_id, draft.language, draft.source, draft.begun_at
    _store_final_answer(
        connection, context, client_id, answers, language, source, begun_at, was_abandoned=True
    )


def _store_final_answer(
    connection: Connection,
    context: InvitationContext,
    client_id: uuid.UUID,
    answers: Answers,
    language: str,
    source: str,
    begun_at: datetime,
    *,
    was_abandoned: bool = False,
) -> RecordedAnswer:
    """Mark the invitation as answered, delete its draft, and record the answer on the Kyiv day of ``begun_at``."""
    recorded, day = _make_recorded_answer(context, client_id), clock.kyiv_day(begun_at)
    invitations.mark_answered(connection, context, client_id, answered_on=day, was_abandoned=was_abandoned)
    if context.draft is not None:
        invitations.delete_draft(connection, context, context.draft)
    facts = AnswerFacts(
        response_id=recorded.id,
        context=make_case_context(context.centre, context.case, context.service),
        questionnaire=context.invitation.questionnaire,
        language=language,
        source=source,
        answered_on=day,
        answered_at=begun_at,
        receipt_hash=context.key.hash_secret("receipt", recorded.receipt),
    )
    record_answer(connection, facts, answers)
    return recorded


def _make_recorded_answer(context: InvitationContext, client_id: uuid.UUID) -> RecordedAnswer:
    """Return id and receipt of the client's answer. Both are derived, so they are the same every time."""
    scope = context.client_scope
    return RecordedAnswer(
        context.key.derive_response_id(scope, client_id), context.key.derive_receipt(scope, client_id)
    )


def _repeat_receipt(context: InvitationContext, client_id: uuid.UUID, *, late: bool) -> RecordedAnswer:
    return replace(_make_recorded_answer(context, client_id), repeated=True, late=late)


def _refuse_closed(context: InvitationContext, now: datetime) -> None:
    """Raise ``AlreadyAnswered``, ``InvitationCancelled`` or ``InvitationExpired``; an abandoned draft is an answer."""
    if context.invitation.answered_on is not None:
        raise AlreadyAnswered(context.invitation.answered_on)
    if context.draft is not None and _is_abandoned(context.draft, now):
        raise AlreadyAnswered(clock.kyiv_day(context.draft.begun_at))
    context.refuse_if_closed(clock.kyiv_day(now))


def _draft_timeout() -> timedelta:
    return timedelta(minutes=current_settings().partial_minutes)


def _is_abandoned(draft: DraftFacts, now: datetime) -> bool:
    return draft.touched_at <= now - _draft_timeout()


def _merge_with_draft(
    draft: DraftFacts | None, questionnaire: Questionnaire, submission: Submission, *, full_form: bool
) -> Answers:
    """Return the draft with the submitted answers, checked; raises ``Invalid``, also if that is nothing."""
    submitted = submission.check(questionnaire)
    saved = Answers.from_json(draft.answers) if draft else Answers()
    if full_form:
        first = questionnaire.first_question.id
        saved = Answers(single={first: saved.single[first]} if first in saved.single else {})
    return refuse_empty(saved.merge_with(submitted))


def _make_survey(context: InvitationContext, questionnaire: Questionnaire, *, has_draft: bool) -> Survey:
    return Survey(
        centre=context.centre,
        service=context.service.title,
        completed_on=clock.kyiv_day(context.case.status_at),
        questionnaire=questionnaire,
        has_draft=has_draft,
    )
