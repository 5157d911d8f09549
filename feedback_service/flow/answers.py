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
from feedback_service.cases.invitations import Begun, Held
from feedback_service.cases.tokens import keyring
from feedback_service.config import settings
from feedback_service.database import (
    DeferredWriter,
    OptimisticTransaction,
    optimistic_transaction,
    transaction,
)
from feedback_service.errors import N_, AlreadyAnswered, Invalid, LostRace
from feedback_service.flow.recording import Origin, record
from feedback_service.logs import log
from feedback_service.models import Centre
from feedback_service.surveys import library
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.questionnaires import Questionnaire

Given = Callable[[Questionnaire], Answers]

NOTHING_ANSWERED = N_("Please answer at least one question.")


@dataclass(frozen=True, slots=True)
class CentreFacts:
    """The centre, who answers for personal data there, and the languages it chose, if it did."""

    code: str
    name: str
    controller: str | None
    contact: str | None
    languages: tuple[str, ...] | None

    @classmethod
    def of(cls, centre: Centre | invitations.CentreFacts) -> "CentreFacts":
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

    centre: CentreFacts
    service: str | None
    completed_on: date | None
    questionnaire: Questionnaire
    begun: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answer is final. ``repeated``: the same client again; ``late``: it had been completed without this."""

    id: uuid.UUID
    receipt: str
    repeated: bool = False
    late: bool = False


def open_survey(token: str, *, counts: bool) -> Survey:
    """The survey behind a link; ``counts``: a person looks at it, so the invitation is known to be opened.

    Raises ``NotFound``, ``AlreadyAnswered``, ``InvitationCancelled`` or ``InvitationExpired``.
    """
    held, survey = _look_at(token)
    if counts and not held.invitation.opened:
        opened.add(held.invitation.token_hash)
    return survey


@optimistic_transaction
def _look_at(tx: OptimisticTransaction, token: str) -> tuple[Held, Survey]:
    held, now = invitations.hold(tx.connection, keyring(), token), clock.now()
    _refuse_answered(held, now)
    held.refuse_if_closed(clock.kyiv_day(now))
    questionnaire = library.by_version(tx.connection, held.invitation.questionnaire)
    return held, _survey(held, questionnaire, begun=held.begun is not None)


@transaction
def _note_opened(tx: Session, hashes: Sequence[bytes]) -> None:
    invitations.note_opened(tx, hashes)


opened = DeferredWriter(_note_opened)  # looking must not wait for the disk: decision 9


def keep_begun_within(
    tx: OptimisticTransaction,
    token: str,
    *,
    client_id: uuid.UUID,
    given: Given,
    language: str,
    source: str,
    whole: bool = False,
) -> Survey | Recorded:
    """A person tapped: what was chosen is kept and will count, even if nothing more comes.

    ``whole``: the form showed every question but the first, so what it leaves out is taken back. The same
    client after its answer is final gets the ``Recorded`` again; other refusals as for ``open_survey``.
    """
    entered = _enter(tx, token, client_id)
    if isinstance(entered, Recorded):
        return entered
    held, questionnaire = entered
    answers = _joined(held.begun, questionnaire, given(questionnaire), whole=whole)
    with tx.writing() as connection:
        invitations.keep_begun(
            connection,
            held,
            client=client_id,
            answers=answers.to_json(),
            language=language,
            source=source,
            at=clock.now(),
        )
    return _survey(held, questionnaire, begun=True)


keep_begun = optimistic_transaction(keep_begun_within)


def finish_within(
    tx: OptimisticTransaction,
    token: str,
    *,
    client_id: uuid.UUID,
    given: Given,
    language: str,
    source: str,
    whole: bool = False,
) -> Recorded:
    """A person sends: the invitation is spent, the answer stored, and the central system's event promised.

    The same client again gets the same receipt. Raises as ``open_survey``, and ``Invalid`` if nothing is
    answered or an answer breaks a rule.
    """
    entered = _enter(tx, token, client_id)
    if isinstance(entered, Recorded):
        return entered
    held, questionnaire = entered
    begun, answers = held.begun, _joined(held.begun, questionnaire, given(questionnaire), whole=whole)
    source, began_at = (source, clock.now()) if begun is None else (begun.source, begun.begun_at)
    with tx.writing() as connection:
        return _finalise(connection, held, client_id, answers, language, source, began_at)


finish = optimistic_transaction(finish_within)


@transaction
def complete_left(tx: Session, limit: int = 100) -> int:
    """Answers begun and left become final as they are, on the day of their first tap; tells how many.

    Whatever became of their invitations since: what was tapped counts.
    """
    left = invitations.left(tx, clock.now() - _patience(), limit)
    for centre, invitation in left:
        try:
            with tx.begin_nested():
                connection = tx.connection()
                _complete(connection, invitations.hold_again(connection, keyring(), centre, invitation))
        except (DBAPIError, LostRace):
            raise
        except (
            Exception
        ) as error:  # one that cannot be read must not hold up the others: it has another turn later
            log.error("left answer not completed", invitation=str(invitation), exc_info=error)
            invitations.put_off(tx, centre, invitation, clock.now())
    return len(left)


def _enter(tx: OptimisticTransaction, token: str, client: uuid.UUID) -> Recorded | tuple[Held, Questionnaire]:
    """Who comes to answer gets the questionnaire; the client whose answer is final gets its receipt again.

    Others are refused. An answer of this client that was left for too long becomes final now, whether or not
    the worker has come round.
    """
    held, now = invitations.hold(tx.connection, keyring(), token), clock.now()
    if held.answered_by(client):
        return _recorded(held, client, repeated=True, late=held.invitation.left_begun)
    begun = held.begun
    if begun is not None and begun.client_id == client and _is_left(begun, now):
        with tx.writing() as connection:
            _complete(connection, held)
        return _recorded(held, client, repeated=True, late=True)
    _refuse_answered(held, now)
    held.refuse_if_closed(clock.kyiv_day(now))
    return held, library.by_version(tx.connection, held.invitation.questionnaire)


def _complete(connection: Connection, held: Held) -> None:
    begun = held.begun
    if begun is None:
        return  # somebody else sent meanwhile
    if held.invitation.answered_on is not None:
        invitations.drop_begun(connection, held, begun)  # somebody else sent while this was begun
        return
    answers = Answers.from_json(begun.answers)
    client, language, source, began_at = begun.client_id, begun.language, begun.source, begun.begun_at
    _finalise(connection, held, client, answers, language, source, began_at, left=True)


def _finalise(
    connection: Connection,
    held: Held,
    client: uuid.UUID,
    answers: Answers,
    language: str,
    source: str,
    began_at: datetime,
    *,
    left: bool = False,
) -> Recorded:
    """Spend the invitation and record the answer on the Kyiv day it began; what was begun is final now."""
    recorded, day = _recorded(held, client), clock.kyiv_day(began_at)
    invitations.spend(connection, held, client, on=day, left_begun=left)
    if held.begun is not None:
        invitations.drop_begun(connection, held, held.begun)
    record(
        connection,
        Origin.of_case(held.centre, held.case, held.service),
        response_id=recorded.id,
        receipt_hash=held.key.fingerprint("receipt", recorded.receipt),
        questionnaire=held.invitation.questionnaire,
        answers=answers,
        language=language,
        source=source,
        day=day,
        instant=began_at,
    )
    return recorded


def _recorded(held: Held, client: uuid.UUID, *, repeated: bool = False, late: bool = False) -> Recorded:
    response_id, receipt = held.key.response_id(held.scope, client), held.key.receipt(held.scope, client)
    return Recorded(response_id, receipt, repeated, late)


def _refuse_answered(held: Held, now: datetime) -> None:
    if held.invitation.answered_on is not None:
        raise AlreadyAnswered(held.invitation.answered_on)
    if held.begun is not None and _is_left(held.begun, now):
        raise AlreadyAnswered(clock.kyiv_day(held.begun.begun_at))


def _patience() -> timedelta:
    return timedelta(minutes=settings().partial_minutes)


def _is_left(begun: Begun, now: datetime) -> bool:
    return begun.touched_at <= now - _patience()


def _joined(begun: Begun | None, questionnaire: Questionnaire, answers: Answers, *, whole: bool) -> Answers:
    """What was kept and what came now; ``Invalid`` if that is nothing."""
    earlier = Answers.from_json(begun.answers) if begun else Answers()
    if whole:
        first = questionnaire.first.id
        earlier = Answers(single={first: earlier.single[first]} if first in earlier.single else {})
    joined = earlier.joined(answers)
    if joined.empty:
        raise Invalid.field("/answers", NOTHING_ANSWERED)
    return joined


def _survey(held: Held, questionnaire: Questionnaire, *, begun: bool) -> Survey:
    return Survey(
        centre=CentreFacts.of(held.centre),
        service=held.service.title,
        completed_on=clock.kyiv_day(held.case.status_at),
        questionnaire=questionnaire,
        begun=begun,
    )
