"""A tablet brings what people answered on it, perhaps days ago.

Every answer it brings is judged alone, in a transaction of its own, and taken once by its client id. A case's
answer spends its invitation; one whose code is spent, closed or unknown is kept as a walk-up: it is told of the
hall, and never counts in the official figures.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from unicodedata import category

from sqlalchemy import insert
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import invitations
from feedback_service.cases.invitations import InvitationContext
from feedback_service.centres import opening_hours
from feedback_service.counts import rollups
from feedback_service.database import reading, table_of, transaction
from feedback_service.errors import (
    N_,
    FeedbackError,
    Gone,
    Invalid,
    NotAuthenticated,
)
from feedback_service.flow.answers import NOTHING_ANSWERED, AnswerChecker
from feedback_service.flow.recording import Origin, record_answer
from feedback_service.flow.tablet_screens import lock_invitation_by_code
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre, Device, Signal
from feedback_service.surveys import published, responses
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.tablets import devices, signals
from feedback_service.tablets.devices import AuthenticatedTablet
from feedback_service.tablets.signals import UNKNOWN_PACE, AnsweringPace
from feedback_service.vocabulary import FRONT_OFFICES

UNKNOWN_VERSION = N_("There is no questionnaire %(version)s.")
TOO_OLD = N_("This answer was given more than a year ago.")
AFTER_REVOCATION = N_("This answer was given after the tablet's key was revoked.")
MAX_ANSWER_AGE = timedelta(days=366)  # how long a tablet may have held an answer
NO_FREE_TEXT = N_("A tablet takes no free text.")
_INSERT_SIGNALS = insert(table_of(Signal))


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletAnswer:
    """What one person answered; ``answered_at`` by the tablet's clock."""

    client_id: uuid.UUID
    questionnaire: str
    language: str
    check_answers: AnswerChecker
    answered_at: datetime
    short_code: str | None = None
    pace: AnsweringPace = UNKNOWN_PACE


def accept_answers(
    tablet: AuthenticatedTablet, items: Sequence[TabletAnswer | FeedbackError], *, by_hand: bool = False
) -> list[str | FeedbackError]:
    """What became of each thing that a tablet brought, in its order: a word, or why it is no answer.

    The words are ``accepted``, ``accepted_as_walkup`` and ``duplicate``. ``by_hand``: an operator brings what
    the tablet could not. Else it raises ``NotAuthenticated`` when a revoked tablet brings nothing from before,
    and ``TooManyGuesses``, before anything is taken.
    """
    if by_hand:
        return [
            item if isinstance(item, FeedbackError) else _accept_or_refuse(tablet, item) for item in items
        ]
    _check_code_limit(tablet, any(isinstance(item, TabletAnswer) and item.short_code for item in items))
    results = [item if isinstance(item, FeedbackError) else _accept_or_refuse(tablet, item) for item in items]
    if tablet.revoked_at is not None and all(isinstance(result, NotAuthenticated) for result in results):
        _delete_device_key(tablet)
        raise NotAuthenticated()
    return results


@transaction
def record_refused_answer(tx: Session, tablet: AuthenticatedTablet, client_id: str, reason: str) -> None:
    """The device page will tell why something this tablet brought is no answer.

    Both may repeat what was sent, which may hold what no database keeps and no page should show.
    """
    printable_id = client_id.encode("utf-8", "backslashreplace").decode()
    client_hash = current_keyring().signing_key.hash_secret("refused", printable_id)
    printable_reason = "".join(
        "\ufffd" if category(character).startswith("C") else character for character in reason
    )
    devices.note_refused_answer(tx, tablet, client_hash, printable_reason, clock.now())


def _accept_or_refuse(tablet: AuthenticatedTablet, answer: TabletAnswer) -> str | FeedbackError:
    try:
        return _accept_answer(tablet, answer)
    except (Invalid, NotAuthenticated) as refusal:
        return refusal


@reading
def _check_code_limit(tx: Session, tablet: AuthenticatedTablet, has_codes: bool) -> None:
    if has_codes:
        devices.refuse_too_many_guesses(devices.get_device(tx, tablet), clock.now())


@transaction
def _delete_device_key(tx: Session, tablet: AuthenticatedTablet) -> None:
    """The revoked tablet has brought what it held."""
    devices.get_device(tx, tablet, lock=True).key_hash = None


@transaction
def _accept_answer(tx: Session, tablet: AuthenticatedTablet, answer: TabletAnswer) -> str:
    """The answer is stored with the day it was given, and its event promised; or it was before."""
    centre, ring, now = tx.get_one(Centre, tablet.centre_id), current_keyring(), clock.now()
    scope = centre.id.bytes
    client_hashes = [key.hash_client_id(scope, answer.client_id) for key in ring.keys]
    if responses.find_by_client(tx, centre.id, client_hashes) is not None:
        return "duplicate"
    device = devices.get_device(tx, tablet, lock=answer.short_code is not None)
    answered_at = devices.to_server_time(device, answer.answered_at, now)
    if tablet.revoked_at is not None and answered_at > tablet.revoked_at:
        raise NotAuthenticated(AFTER_REVOCATION)
    if answered_at < now - MAX_ANSWER_AGE:
        raise Invalid.for_field("/answered_at", TOO_OLD)
    day = clock.kyiv_day(answered_at)
    try:
        questionnaire = (
            published.find_in_force(tx.connection(), answer.questionnaire, day)
            if answer.questionnaire in FRONT_OFFICES
            else published.get_by_version(tx.connection(), answer.questionnaire)
        )
    except LookupError:
        raise Invalid.for_field("/questionnaire", UNKNOWN_VERSION, version=answer.questionnaire) from None
    answers = answer.check_answers(questionnaire)
    if answers.is_empty:
        raise Invalid.for_field("/answers", NOTHING_ANSWERED)
    if answers.comment is not None:
        raise Invalid.for_field("/answers/any.comment", NO_FREE_TEXT)
    context = _find_spendable_invitation(tx, device, centre, answer, questionnaire, answered_at, now)
    if context is not None:
        invitations.mark_answered(tx.connection(), context, answer.client_id, answered_on=day)
        if context.invitation.last_day < clock.kyiv_day(now):  # its day's invitations may be counted for good
            rollups.reopen_invitations(tx, centre.id, since=context.invitation.issued_on)
    front_office = questionnaire.front_office
    response_id = ring.signing_key.derive_response_id(scope, answer.client_id)
    record_answer(
        tx.connection(),
        Origin.from_case(context.centre, context.case, context.service)
        if context
        else Origin(centre=centre, front_office=front_office, workplace=device.workplace),
        response_id=response_id,
        receipt_hash=None,
        client_hash=client_hashes[0],
        questionnaire=questionnaire.version,
        answers=answers,
        language=answer.language,
        source="tablet_hall" if context else "tablet_walkup",
        day=day,
        answered_at=answered_at,
    )
    if signal_reasons := signals.find_signals(
        answer.pace, was_open=opening_hours.is_open(centre.opening, answered_at)
    ):
        signal_row = {"centre_id": centre.id, "response_id": response_id}
        tx.execute(_INSERT_SIGNALS, [signal_row | {"reason": reason} for reason in signal_reasons])
    return "accepted" if context or answer.short_code is None else "accepted_as_walkup"


def _find_spendable_invitation(
    tx: Session,
    device: Device,
    centre: Centre,
    answer: TabletAnswer,
    questionnaire: Questionnaire,
    answered_at: datetime,
    now: datetime,
) -> InvitationContext | None:
    """The invitation that the answer may spend; ``None`` if it has no code, or one that is spent, closed or unknown."""
    context = (
        lock_invitation_by_code(tx, device, centre, answer.short_code, now)
        if answer.short_code is not None
        else None
    )
    if context is None or context.invitation.answered_on is not None:
        return None
    if context.invitation.started:
        return None  # begun on a phone: that tap counts, whatever comes
    if context.case.front_office != questionnaire.front_office:
        return None  # asked about the hall, because the tablet could not look the code up
    try:
        context.refuse_if_closed(clock.kyiv_day(answered_at))
    except Gone:
        return None
    return context
