"""A person answers by an invitation: a draft is saved at every step, and becomes final when it is sent or abandoned.

A draft belongs to the invitation: whoever holds the link may add to it and send it. But who answered a question first
keeps it, and no other client can change or take back that answer (decision 29). A draft is abandoned when nobody has
changed it for ``partial_minutes`` (a setting); from then on it counts as an answer, that of the first client.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import drafts, invitations
from feedback_service.cases.invitations import DraftFacts, InvitationContext
from feedback_service.config import current_settings
from feedback_service.database import DeferredWriter, OptimisticTransaction, optimistic_transaction, transaction
from feedback_service.errors import AlreadyAnswered, BegunElsewhere, LostRace, OtherAnswer
from feedback_service.facts import AnswerFacts, PublicCentre
from feedback_service.flow.recording import make_service_context, record_answer
from feedback_service.keyring import RECEIPT_OF_FIRST_CLIENT, RECEIPT_OF_OTHER_CLIENT, TokenKey, current_keyring
from feedback_service.logs import log
from feedback_service.surveys import published, responses
from feedback_service.surveys.answers import Answers, Submission, require_some_answer
from feedback_service.surveys.joint_answers import JointAnswers
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.vocabulary import CONTINUED_ELSEWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAnswer:
    """What a client sends, be it a draft or final.

    ``replaces_all_but_first``: the form showed every question but the first, so it clears those that it leaves empty.
    """

    client_id: uuid.UUID
    submission: Submission
    language: str
    source: str
    replaces_all_but_first: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """What the person is asked, and by which service and day the person recognises the case."""

    centre: PublicCentre
    service: str | None
    completed_on: date | None
    questionnaire: Questionnaire
    has_draft: bool
    taken: frozenset[str] = frozenset()  # questions whose answer of another client stays instead of what came


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """A final answer, as its client gets it.

    ``repeated``: it was final before this call. ``was_abandoned``: it is the client's abandoned draft; what the client
    sends now is not in it. ``others_stay``: to some question the answer of another client stayed.
    """

    id: uuid.UUID
    receipt: str
    repeated: bool = False
    was_abandoned: bool = False
    others_stay: bool = False

    @classmethod
    def of_client(cls, key: TokenKey, namespace: bytes, client_id: uuid.UUID, **flags: bool) -> "RecordedAnswer":
        """Return the client's answer. Id and receipt are derived, so they are the same every time."""
        return cls(key.derive_response_id(namespace, client_id), key.derive_receipt(namespace, client_id), **flags)


@dataclass(frozen=True, slots=True)
class _ContinuedDraft:
    """A draft as it becomes with what the client sends now. ``taken`` as in ``Survey``."""

    context: InvitationContext
    questionnaire: Questionnaire
    draft: DraftFacts
    taken: frozenset[str]


def open_survey(token: str, *, mark_opened: bool) -> Survey:
    """Return the survey behind a link. With ``mark_opened``, a person looks at it, and the invitation notes that.

    Raises ``NotFound``, ``AlreadyAnswered``, ``InvitationCancelled`` or ``InvitationExpired``.
    """
    context, survey = _read_survey(token)
    if mark_opened and not context.invitation.opened:
        opened_invitations.add(context.invitation.token_hash)
    return survey


@optimistic_transaction
def read_offered_languages(tx: OptimisticTransaction, token: str) -> tuple[str, ...] | None:
    """Return the languages that the centre offers for its surveys, ``None`` for all; also if the link is used up.

    Raises ``NotFound``.
    """
    return invitations.find_by_token(tx.connection, current_keyring(), token).centre.languages


@optimistic_transaction
def choose_unnamed_client(tx: OptimisticTransaction, token: str, *, is_final: bool) -> uuid.UUID:
    """Return the client of a form that names none, as a program may send it: whoever began the draft without a name.

    If somebody with a name began it, or if nothing is begun by this form, it is a new client. Raises ``NotFound``.
    """
    context = invitations.find_by_token(tx.connection, current_keyring(), token)
    begins = context.draft is None and context.invitation.answered_on is None and not is_final
    unnamed_client = context.key.derive_unnamed_client(context.client_namespace)
    continues = context.draft is not None and context.draft.client_id == unnamed_client
    return unnamed_client if begins or continues else uuid.uuid4()


@optimistic_transaction
def _read_survey(tx: OptimisticTransaction, token: str) -> tuple[InvitationContext, Survey]:
    context = invitations.find_by_token(tx.connection, current_keyring(), token)
    refuse_unanswerable(context, clock.now())
    questionnaire = published.get_by_version(tx.connection, context.invitation.questionnaire)
    return context, _make_survey(context, questionnaire, has_draft=context.draft is not None)


@transaction
def _mark_opened(tx: Session, token_hashes: Sequence[bytes]) -> None:
    invitations.mark_opened(tx, token_hashes)


# Noted later, many at once, so that nobody who opens a survey waits for the disk: decision 20.
opened_invitations = DeferredWriter(_mark_opened)


# ``…_within`` does the same in a transaction of the caller: the demo data store many answers in one.


def save_draft_within(tx: OptimisticTransaction, token: str, sent: SentAnswer) -> Survey | RecordedAnswer:
    """Save what a person has chosen so far, and return the survey, or the final answer as ``_continue_draft`` does.

    The draft counts, even if the person never sends it: see the module.
    """
    continued = _continue_draft(tx, token, sent)
    if isinstance(continued, RecordedAnswer):
        return continued
    with tx.writing() as connection:
        drafts.save_draft(connection, continued.context, continued.draft)
    survey = _make_survey(continued.context, continued.questionnaire, has_draft=True)
    return replace(survey, taken=continued.taken)


save_draft = optimistic_transaction(save_draft_within)


def submit_answer_within(
    tx: OptimisticTransaction, token: str, sent: SentAnswer, *, refuses_other_answer: bool = False
) -> RecordedAnswer:
    """Store a person's final answer and return its receipt. The same client gets the same receipt every time.

    1. Merge what the client sends with the draft, see ``_continue_draft`` also for the errors.
    2. In one write: mark the invitation as answered, delete the draft, and store the answer with its event, see
       ``recording.record_answer``. The answer counts on the Kyiv day on which the draft was begun.

    ``refuses_other_answer``: raise ``OtherAnswer`` if this client's answer is final with other content.
    """
    continued = _continue_draft(tx, token, sent, refuses_other_answer=refuses_other_answer)
    if isinstance(continued, RecordedAnswer):
        return continued
    context, questionnaire, draft = continued.context, continued.questionnaire, continued.draft
    with tx.writing() as connection:
        recorded = _store_final_answer(connection, context, questionnaire, draft, sent.client_id)
    return replace(recorded, others_stay=bool(continued.taken))


submit_answer = optimistic_transaction(submit_answer_within)


@transaction
def submit_abandoned_drafts(tx: Session, limit: int = 100) -> int:
    """Make up to ``limit`` abandoned drafts final, each on the day it was begun. Return how many were tried.

    1. Lock abandoned drafts, the oldest first.
    2. Store each as a final answer, whether or not its invitation was cancelled or has expired meanwhile.
    3. Postpone a draft that cannot be stored, so that it does not block the others.
    """
    abandoned = drafts.find_abandoned_drafts(tx, clock.now() - _draft_timeout(), limit)
    for centre_id, invitation_id in abandoned:
        try:
            with tx.begin_nested():
                connection = tx.connection()
                context = invitations.lock_by_id(connection, current_keyring(), centre_id, invitation_id)
                _submit_abandoned_draft(connection, context)
        except (DBAPIError, LostRace):
            raise
        except Exception as error:
            log.error("abandoned draft not submitted", invitation=str(invitation_id), exc_info=error)
            drafts.postpone_draft(tx, centre_id, invitation_id, clock.now())
    return len(abandoned)


def _continue_draft(
    tx: OptimisticTransaction, token: str, sent: SentAnswer, *, refuses_other_answer: bool = False
) -> RecordedAnswer | _ContinuedDraft:
    """Return the draft as it becomes with what the client sends now.

    1. Read the invitation, its case and its draft.
    2. If this client's answer is final, return its receipt again. If it is an abandoned draft, make it final first.
       Raises ``AlreadyAnswered`` if a client of the same name answered on a tablet.
    3. Refuse an invitation that is answered, cancelled or expired; see ``open_survey`` for the errors.
    4. Read the answers out of the submission; raises ``Invalid``.
    5. Join them with the draft. Raises ``BegunElsewhere`` if this client adds nothing to what others began, because
       it could only end their answer before they are ready; and ``Invalid`` if nothing at all is answered.
    """
    client_id, submission = sent.client_id, sent.submission
    context, now = invitations.find_by_token(tx.connection, current_keyring(), token), clock.now()
    if recorded := _find_final(context, client_id, now):
        _refuse_unstored(tx.connection, context, recorded)
        if refuses_other_answer:
            _refuse_other_answer(tx.connection, context, recorded, submission)
        if context.invitation.answered_on is None:
            with tx.writing() as connection:
                _submit_abandoned_draft(connection, context)
        return recorded
    refuse_unanswerable(context, now)
    questionnaire = published.get_by_version(tx.connection, context.invitation.questionnaire)
    submitted, blank_ids = submission.read_answers(questionnaire), submission.blank_ids
    if sent.replaces_all_but_first:
        blank_ids |= {question.id for question in questionnaire.questions[1:]}
    joint, taken = join_with_draft(context, client_id, submitted, blank_ids)
    if taken == submitted.question_ids:
        took_part = (
            context.is_first_client(client_id) or context.hash_client_id(client_id).hex() in joint.owners.values()
        )
        if taken or not took_part:
            raise BegunElsewhere(taken)  # which questions others answered is not told to who sends nothing
    require_some_answer(joint.answers)
    draft = context.draft or DraftFacts(client_id, {}, {}, sent.language, sent.source, begun_at=now, touched_at=now)
    # The source and the day are those of the first submission; only the first client changes the language.
    draft = draft._replace(
        answers=joint.answers.to_json(),
        owners=joint.owners,
        language=sent.language if context.is_first_client(client_id) else draft.language,
        touched_at=now,
    )
    return _ContinuedDraft(context, questionnaire, draft, taken)


def join_with_draft(
    context: InvitationContext, client_id: uuid.UUID, submitted: Answers, blank_ids: Collection[str] = ()
) -> tuple[JointAnswers, frozenset[str]]:
    """Join what a client submits with the draft; return also the questions whose answer of another client stays."""
    saved, client = JointAnswers(), None
    if context.draft is not None:
        saved = JointAnswers(Answers.from_json(context.draft.answers), context.draft.owners)
    if not context.is_first_client(client_id):
        client = context.hash_client_id(client_id).hex()
    return saved.add(client, submitted, blank_ids), saved.find_taken(client, submitted)


def _find_final(context: InvitationContext, client_id: uuid.UUID, now: datetime) -> RecordedAnswer | None:
    """Return this client's answer if it is final, also as a draft that the client abandoned; else ``None``."""
    draft, was_abandoned = context.draft, context.invitation.left_begun
    if not context.was_answered_by(client_id):
        if draft is None or draft.client_id != client_id or not is_abandoned(draft, now):
            return None
        was_abandoned = True
    return RecordedAnswer.of_client(
        context.key, context.client_namespace, client_id, repeated=True, was_abandoned=was_abandoned
    )


def _refuse_unstored(connection: Connection, context: InvitationContext, recorded: RecordedAnswer) -> None:
    """Raise ``AlreadyAnswered`` if the client of this name answered on a tablet: the link gives no receipt for that."""
    answered_on = context.invitation.answered_on
    if answered_on is not None and not responses.is_stored(connection, context.centre.id, recorded.id):
        raise AlreadyAnswered(answered_on)


def _refuse_other_answer(
    connection: Connection, context: InvitationContext, recorded: RecordedAnswer, submission: Submission
) -> None:
    """Raise ``OtherAnswer`` if the submission says something else than the final answer of this client."""
    questionnaire = published.get_by_version(connection, context.invitation.questionnaire)
    submitted = submission.read_answers(questionnaire)
    if context.invitation.answered_on is not None:
        is_other = responses.has_other_content(connection, context.centre.id, recorded.id, submitted)
    else:
        draft = context.draft
        is_other = draft is not None and not draft.owners and Answers.from_json(draft.answers) != submitted
    if is_other:
        raise OtherAnswer()


def _submit_abandoned_draft(connection: Connection, context: InvitationContext) -> None:
    """Make the draft final. Without a draft nothing happens; a draft beside a final answer is deleted.

    Only the worker can meet these two: somebody else may have answered before it locked the invitation.
    """
    draft = context.draft
    if draft is None:
        return
    if context.invitation.answered_on is not None:
        drafts.delete_draft(connection, context, draft)
        return
    questionnaire = published.get_by_version(connection, context.invitation.questionnaire)
    _store_final_answer(connection, context, questionnaire, draft, draft.client_id, was_abandoned=True)


def _store_final_answer(
    connection: Connection,
    context: InvitationContext,
    questionnaire: Questionnaire,
    final: DraftFacts,
    client_id: uuid.UUID,
    *,
    was_abandoned: bool = False,
) -> RecordedAnswer:
    """Mark the invitation as answered, delete its draft, and record the answer on the Kyiv day of its beginning.

    The receipt of a client who finishes what another client began cannot take the answer back.
    """
    recorded = RecordedAnswer.of_client(context.key, context.client_namespace, client_id)
    day, is_first_client = clock.kyiv_day(final.begun_at), context.is_first_client(client_id)
    invitations.mark_answered(connection, context, client_id, answered_on=day, was_abandoned=was_abandoned)
    if context.draft is not None:
        drafts.delete_draft(connection, context, context.draft)
    facts = AnswerFacts(
        response_id=recorded.id,
        context=make_service_context(context.centre, context.case, context.service),
        questionnaire=questionnaire.version,
        language=final.language,
        source=final.source,
        answered_on=day,
        answered_at=final.begun_at,
        receipt_hash=context.key.hash_secret(
            RECEIPT_OF_FIRST_CLIENT if is_first_client else RECEIPT_OF_OTHER_CLIENT, recorded.receipt
        ),
    )
    signals = () if is_first_client and not final.owners else (CONTINUED_ELSEWHERE,)
    record_answer(connection, facts, questionnaire, Answers.from_json(final.answers), signals)
    return recorded


def refuse_unanswerable(context: InvitationContext, now: datetime) -> None:
    """Raise ``AlreadyAnswered``, ``InvitationCancelled`` or ``InvitationExpired``.

    An abandoned draft counts as an answer, even before the worker has submitted it.
    """
    if context.invitation.answered_on is not None:
        raise AlreadyAnswered(context.invitation.answered_on)
    if context.draft is not None and is_abandoned(context.draft, now):
        raise AlreadyAnswered(clock.kyiv_day(context.draft.begun_at))
    context.refuse_cancelled_or_expired(clock.kyiv_day(now))


def _draft_timeout() -> timedelta:
    return timedelta(minutes=current_settings().partial_minutes)


def is_abandoned(draft: DraftFacts, now: datetime) -> bool:
    """Tell whether nobody has changed the draft for so long that it counts as an answer."""
    return draft.touched_at <= now - _draft_timeout()


def _make_survey(context: InvitationContext, questionnaire: Questionnaire, *, has_draft: bool) -> Survey:
    return Survey(
        centre=context.centre,
        service=context.service.title,
        completed_on=clock.kyiv_day(context.case.status_at),
        questionnaire=questionnaire,
        has_draft=has_draft,
    )
