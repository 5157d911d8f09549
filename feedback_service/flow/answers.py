"""A person answers by an invitation: taps are kept as begun, and are final when sent or when left.

``given`` is how a door hands over what was sent: a function from the questionnaire that was asked to the
checked answers. So the check runs inside the story, and a refused answer leaves everything as it was.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from feedback_service.errors import N_, AlreadyAnswered, Invalid, LostRace
from feedback_service.flow.recording import Origin, record_answer
from feedback_service.keyring import current_keyring
from feedback_service.logs import log
from feedback_service.models import Centre
from feedback_service.surveys import published
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.questionnaires import Questionnaire

AnswerChecker = Callable[[Questionnaire], Answers]

NOTHING_ANSWERED = N_("Please answer at least one question.")


@dataclass(frozen=True, slots=True)
class PublicCentre:
    """The centre, who answers for personal data there, and the languages it chose, if it did."""

    code: str
    name: str
    controller: str | None
    contact: str | None
    languages: tuple[str, ...] | None

    @classmethod
    def from_centre(cls, centre: Centre | invitations.CentreFacts) -> "PublicCentre":
        """What people are told of a centre."""
        return cls(
            code=centre.code,
            name=centre.name,
            controller=centre.controller,
            contact=centre.contact,
            languages=tuple(centre.languages) if centre.languages else None,
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """What the person is asked, and enough about the case to see that it is hers."""

    centre: PublicCentre
    service: str | None
    completed_on: date | None
    questionnaire: Questionnaire
    has_draft: bool


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """The answer is final. ``repeated``: the same client again; ``late``: it had been completed without this."""

    id: uuid.UUID
    receipt: str
    repeated: bool = False
    late: bool = False


def open_survey(token: str, *, mark_opened: bool) -> Survey:
    """The survey behind a link; ``counts``: a person looks at it, so the invitation is known to be opened.

    Raises ``NotFound``, ``AlreadyAnswered``, ``InvitationCancelled`` or ``InvitationExpired``.
    """
    context, survey = _read_survey(token)
    if mark_opened and not context.invitation.opened:
        opened_invitations.add(context.invitation.token_hash)
    return survey


@optimistic_transaction
def _read_survey(tx: OptimisticTransaction, token: str) -> tuple[InvitationContext, Survey]:
    context, now = invitations.find_by_token(tx.connection, current_keyring(), token), clock.now()
    _refuse_answered(context, now)
    context.refuse_if_closed(clock.kyiv_day(now))
    questionnaire = published.get_by_version(tx.connection, context.invitation.questionnaire)
    return context, _make_survey(context, questionnaire, has_draft=context.draft is not None)


@transaction
def _mark_opened(tx: Session, token_hashes: Sequence[bytes]) -> None:
    invitations.mark_opened(tx, token_hashes)


opened_invitations = DeferredWriter(_mark_opened)  # looking must not wait for the disk: decision 9


def keep_begun_within(
    tx: OptimisticTransaction,
    token: str,
    *,
    client_id: uuid.UUID,
    given: AnswerChecker,
    language: str,
    source: str,
    whole: bool = False,
) -> Survey | RecordedAnswer:
    """A person tapped: what was chosen is kept and will count, even if nothing more comes.

    ``whole``: the form showed every question but the first, so what it leaves out is taken back. The same
    client after its answer is final gets the ``Recorded`` again; other refusals as for ``open_survey``.
    """
    entered = _load_open_invitation(tx, token, client_id)
    if isinstance(entered, RecordedAnswer):
        return entered
    held, questionnaire = entered
    answers = _merge_with_draft(held.draft, questionnaire, given(questionnaire), full_form=whole)
    with tx.writing() as connection:
        invitations.save_draft(
            connection,
            held,
            client_id=client_id,
            answers=answers.to_json(),
            language=language,
            source=source,
            now=clock.now(),
        )
    return _make_survey(held, questionnaire, has_draft=True)


save_draft = optimistic_transaction(keep_begun_within)


def finish_within(
    tx: OptimisticTransaction,
    token: str,
    *,
    client_id: uuid.UUID,
    given: AnswerChecker,
    language: str,
    source: str,
    whole: bool = False,
) -> RecordedAnswer:
    """A person sends: the invitation is spent, the answer stored, and the central system's event promised.

    The same client again gets the same receipt. Raises as ``open_survey``, and ``Invalid`` if nothing is
    answered or an answer breaks a rule.
    """
    entered = _load_open_invitation(tx, token, client_id)
    if isinstance(entered, RecordedAnswer):
        return entered
    held, questionnaire = entered
    begun, answers = (
        held.draft,
        _merge_with_draft(held.draft, questionnaire, given(questionnaire), full_form=whole),
    )
    source, began_at = (source, clock.now()) if begun is None else (begun.source, begun.begun_at)
    with tx.writing() as connection:
        return _store_final_answer(connection, held, client_id, answers, language, source, began_at)


submit_answer = optimistic_transaction(finish_within)


@transaction
def submit_abandoned_drafts(tx: Session, limit: int = 100) -> int:
    """Answers begun and left become final as they are, on the day of their first tap; tells how many.

    Whatever became of their invitations since: what was tapped counts.
    """
    abandoned = invitations.find_abandoned_drafts(tx, clock.now() - _draft_timeout(), limit)
    for centre, invitation in abandoned:
        try:
            with tx.begin_nested():
                connection = tx.connection()
                _submit_draft(
                    connection, invitations.lock_by_id(connection, current_keyring(), centre, invitation)
                )
        except (DBAPIError, LostRace):
            raise
        except (
            Exception
        ) as error:  # one that cannot be read must not hold up the others: it has another turn later
            log.error("left answer not completed", invitation=str(invitation), exc_info=error)
            invitations.postpone_draft(tx, centre, invitation, clock.now())
    return len(abandoned)


def _load_open_invitation(
    tx: OptimisticTransaction, token: str, client_id: uuid.UUID
) -> RecordedAnswer | tuple[InvitationContext, Questionnaire]:
    """Who comes to answer gets the questionnaire; the client whose answer is final gets its receipt again.

    Others are refused. An answer of this client that was left for too long becomes final now, whether or not
    the worker has come round.
    """
    context, now = invitations.find_by_token(tx.connection, current_keyring(), token), clock.now()
    if context.was_answered_by(client_id):
        return _make_recorded_answer(context, client_id, repeated=True, late=context.invitation.left_begun)
    draft = context.draft
    if draft is not None and draft.client_id == client_id and _is_abandoned(draft, now):
        with tx.writing() as connection:
            _submit_draft(connection, context)
        return _make_recorded_answer(context, client_id, repeated=True, late=True)
    _refuse_answered(context, now)
    context.refuse_if_closed(clock.kyiv_day(now))
    return context, published.get_by_version(tx.connection, context.invitation.questionnaire)


def _submit_draft(connection: Connection, context: InvitationContext) -> None:
    draft = context.draft
    if draft is None:
        return  # somebody else sent meanwhile
    if context.invitation.answered_on is not None:
        invitations.delete_draft(connection, context, draft)  # somebody else sent while this was begun
        return
    answers = Answers.from_json(draft.answers)
    client, language, source, began_at = draft.client_id, draft.language, draft.source, draft.begun_at
    _store_final_answer(connection, context, client, answers, language, source, began_at, abandoned=True)


def _store_final_answer(
    connection: Connection,
    context: InvitationContext,
    client_id: uuid.UUID,
    answers: Answers,
    language: str,
    source: str,
    begun_at: datetime,
    *,
    abandoned: bool = False,
) -> RecordedAnswer:
    """Spend the invitation and record the answer on the Kyiv day it began; what was begun is final now."""
    recorded, day = _make_recorded_answer(context, client_id), clock.kyiv_day(begun_at)
    invitations.mark_answered(connection, context, client_id, answered_on=day, left_begun=abandoned)
    if context.draft is not None:
        invitations.delete_draft(connection, context, context.draft)
    record_answer(
        connection,
        Origin.from_case(context.centre, context.case, context.service),
        response_id=recorded.id,
        receipt_hash=context.key.hash_secret("receipt", recorded.receipt),
        questionnaire=context.invitation.questionnaire,
        answers=answers,
        language=language,
        source=source,
        day=day,
        answered_at=begun_at,
    )
    return recorded


def _make_recorded_answer(
    context: InvitationContext, client_id: uuid.UUID, *, repeated: bool = False, late: bool = False
) -> RecordedAnswer:
    response_id, receipt = (
        context.key.derive_response_id(context.client_scope, client_id),
        context.key.derive_receipt(context.client_scope, client_id),
    )
    return RecordedAnswer(response_id, receipt, repeated, late)


def _refuse_answered(context: InvitationContext, now: datetime) -> None:
    if context.invitation.answered_on is not None:
        raise AlreadyAnswered(context.invitation.answered_on)
    if context.draft is not None and _is_abandoned(context.draft, now):
        raise AlreadyAnswered(clock.kyiv_day(context.draft.begun_at))


def _draft_timeout() -> timedelta:
    return timedelta(minutes=current_settings().partial_minutes)


def _is_abandoned(draft: DraftFacts, now: datetime) -> bool:
    return draft.touched_at <= now - _draft_timeout()


def _merge_with_draft(
    draft: DraftFacts | None, questionnaire: Questionnaire, answers: Answers, *, full_form: bool
) -> Answers:
    """What was kept and what came now; ``Invalid`` if that is nothing."""
    draft_answers = Answers.from_json(draft.answers) if draft else Answers()
    if full_form:
        first = questionnaire.first_question.id
        draft_answers = Answers(
            single={first: draft_answers.single[first]} if first in draft_answers.single else {}
        )
    merged = draft_answers.merge_with(answers)
    if merged.is_empty:
        raise Invalid.for_field("/answers", NOTHING_ANSWERED)
    return merged


def _make_survey(context: InvitationContext, questionnaire: Questionnaire, *, has_draft: bool) -> Survey:
    return Survey(
        centre=PublicCentre.from_centre(context.centre),
        service=context.service.title,
        completed_on=clock.kyiv_day(context.case.status_at),
        questionnaire=questionnaire,
        has_draft=has_draft,
    )
