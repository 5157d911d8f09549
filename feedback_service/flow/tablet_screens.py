"""A tablet asks what to show, says how it fares, and looks up the case that a typed code belongs to."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unicodedata import category
from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from feedback_service import clock, keyring
from feedback_service.cases import invitations
from feedback_service.cases.invitations import InvitationContext
from feedback_service.centres import opening_hours
from feedback_service.config import current_settings
from feedback_service.counts import rollups
from feedback_service.database import reading, table, transaction
from feedback_service.errors import (
    N_,
    AlreadyAnswered,
    FeedbackError,
    Gone,
    Invalid,
    NotAuthenticated,
    NotFound,
    TooManyGuesses,
)
from feedback_service.flow.answers import NOTHING_ANSWERED, AnswerChecker, PublicCentre
from feedback_service.flow.recording import Origin, record_answer
from feedback_service.keyring import current_keyring
from feedback_service.models import Case, Centre, Device, Invitation, Service, Signal
from feedback_service.surveys import library, responses
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.tablets import devices, signals
from feedback_service.tablets.devices import AuthenticatedTablet
from feedback_service.tablets.signals import UNKNOWN_PACE, AnsweringPace
from feedback_service.vocabulary import FINAL_STATUSES, FRONT_OFFICES

CASE_OFFER_TIME = timedelta(minutes=3)  # that a desk's tablet offers a case after its end
MAX_ANSWER_AGE = timedelta(days=366)  # how long a tablet may have held an answer
EARLIEST_TIME = datetime(
    1970, 1, 1, tzinfo=UTC
)  # no clock means an earlier instant; the first years of all have no zones
NO_FREE_TEXT = N_("A tablet takes no free text.")
_INSERT_SIGNALS = insert(table(Signal))


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case that may be rated on a tablet: enough to see whose it is, and the code that spends it."""

    short_code: str
    service: str
    front_office: str
    offered_until: datetime | None  # how long to offer it


@dataclass(frozen=True, slots=True)
class ScreenConfig:
    """What a tablet is told about itself and what to ask."""

    id: uuid.UUID
    name: str
    mode: str
    workplace: str | None
    centre: PublicCentre
    prefix: str
    languages: tuple[str, ...]
    questionnaires: Mapping[str, Questionnaire]
    pending: OpenCase | None
    queue_key_id: str
    queue_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """How a tablet fares; ``time`` and ``oldest_at`` by its own clock."""

    time: datetime
    version: str | None = None
    waiting: int | None = None
    oldest_at: datetime | None = None
    persisted: bool | None = None
    battery: int | None = None


@reading
def read_screen_config(tx: Session, tablet: AuthenticatedTablet) -> ScreenConfig:
    """What the tablet shows; ``NotAuthenticated`` once it is revoked."""
    device, centre, now = (
        _require_active(tablet, devices.get_device(tx, tablet)),
        tx.get_one(Centre, tablet.centre_id),
        clock.now(),
    )
    today = clock.kyiv_day(now)
    return ScreenConfig(
        id=device.id,
        name=device.name,
        mode=device.mode,
        workplace=device.workplace,
        centre=PublicCentre.from_centre(centre),
        prefix=centre.prefix,
        languages=tuple(centre.languages or current_settings().languages),
        questionnaires={
            office: library.find_in_force(tx.connection(), office, today) for office in FRONT_OFFICES
        },
        pending=_find_just_completed_case(tx, centre, device, now) if device.mode == "desk" else None,
        queue_key_id=f"{current_keyring().signing_key.id}-{device.id}",  # each place has a key of its own
        queue_key=current_keyring().signing_key.derive_queue_key(device.id),
    )


@transaction
def record_heartbeat(tx: Session, tablet: AuthenticatedTablet, heartbeat: Heartbeat) -> int:
    """The tablet lives; the seconds that its clock runs ahead of ours. ``NotAuthenticated`` once revoked."""
    device, now = _require_active(tablet, devices.get_device(tx, tablet, lock=True)), clock.now()
    device.skew = round((heartbeat.time - now).total_seconds())
    device.seen_at, device.version, device.waiting = now, heartbeat.version, heartbeat.waiting
    device.persisted, device.battery = heartbeat.persisted, heartbeat.battery
    device.oldest_at = _to_server_time(device, heartbeat.oldest_at, now) if heartbeat.oldest_at else None
    return device.skew


def find_open_case(tablet: AuthenticatedTablet, short_code: str) -> OpenCase:
    """The case that a typed code belongs to, if it may still be rated.

    Raises ``NotFound``, ``AlreadyAnswered``, ``Gone``, ``NotAuthenticated``, and ``TooManyGuesses`` when the
    tablet brought too many codes that nobody has.
    """
    open_case = _find_open_case(tablet, short_code)
    if open_case is None:
        raise NotFound()  # only now: the wrong code has been counted for good
    return open_case


@transaction
def _find_open_case(tx: Session, tablet: AuthenticatedTablet, short_code: str) -> OpenCase | None:
    device, now = _require_active(tablet, devices.get_device(tx, tablet, lock=True)), clock.now()
    _refuse_too_many_guesses(device, now)
    context = _find_by_short_code(tx, device, tx.get_one(Centre, tablet.centre_id), short_code, now)
    if context is None:
        return None
    if context.invitation.answered_on is not None:
        raise AlreadyAnswered(context.invitation.answered_on)
    if context.invitation.started:
        raise AlreadyAnswered(clock.kyiv_day(now))
    context.refuse_if_closed(clock.kyiv_day(now))
    code = context.key.derive_short_code(context.invitation.id)
    return OpenCase(keyring.format_code(code), context.service.title, context.case.front_office, None)


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
        _refuse_too_many_guesses(devices.get_device(tx, tablet), clock.now())


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
    answered_at = _to_server_time(device, answer.answered_at, now)
    if tablet.revoked_at is not None and answered_at > tablet.revoked_at:
        raise NotAuthenticated(AFTER_REVOCATION)
    if answered_at < now - MAX_ANSWER_AGE:
        raise Invalid.for_field("/answered_at", TOO_OLD)
    day = clock.kyiv_day(answered_at)
    try:
        questionnaire = (
            library.find_in_force(tx.connection(), answer.questionnaire, day)
            if answer.questionnaire in FRONT_OFFICES
            else library.get_by_version(tx.connection(), answer.questionnaire)
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
        _find_by_short_code(tx, device, centre, answer.short_code, now)
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


def _find_by_short_code(
    tx: Session, device: Device, centre: Centre, typed_code: str, now: datetime
) -> InvitationContext | None:
    """The centre's invitation with this short code, locked; a code that nobody has is counted."""
    code = keyring.normalise_code(typed_code) or ""
    if len(code) == keyring.PREFIX_LENGTH + keyring.CODE_LENGTH and code.startswith(centre.prefix):
        code = code[keyring.PREFIX_LENGTH :]
    token = (
        invitations.find_token_by_short_code(tx, current_keyring(), centre, code)
        if len(code) == keyring.CODE_LENGTH
        else None
    )
    if token is None:
        devices.note_wrong_code(device, now)
        return None
    return invitations.find_by_token(tx.connection(), current_keyring(), token, lock=True)


def _find_just_completed_case(tx: Session, centre: Centre, device: Device, now: datetime) -> OpenCase | None:
    """The case that ended last at the tablet's window, if that was just now and nobody has rated it.

    The one before it is offered no more: who it belongs to has left the window to the next person.
    """
    query = (
        select(Invitation, Case, Service)
        .join(Case, (Case.centre_id == Invitation.centre_id) & (Case.id == Invitation.case_id))
        .join(Service, (Service.centre_id == Case.centre_id) & (Service.id == Case.service_id))
        .where(
            Invitation.centre_id == centre.id,
            Invitation.issued_on >= clock.kyiv_day(now - CASE_OFFER_TIME),  # there is an index for the day
            Case.workplace == device.workplace,
            Case.status.in_(FINAL_STATUSES),
            Case.status_at > now - CASE_OFFER_TIME,
        )
        .order_by(Case.status_at.desc(), Invitation.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    invitation, case, service = row
    if invitation.started or invitation.cancelled:
        return None
    try:
        code = current_keyring().get_key(invitation.key_id).derive_short_code(invitation.id)
    except LookupError:
        return None  # its key was taken off the ring
    return OpenCase(
        keyring.format_code(centre.prefix + code),
        service.title,
        case.front_office,
        case.status_at + CASE_OFFER_TIME,
    )


def _to_server_time(device: Device, tablet_time: datetime, now: datetime) -> datetime:
    """An instant that the tablet's clock told, put right; nothing was answered after now."""
    try:
        return max(min(tablet_time - timedelta(seconds=device.skew), now), EARLIEST_TIME)
    except OverflowError:
        return now


def _require_active(tablet: AuthenticatedTablet, device: Device) -> Device:
    if tablet.revoked_at is not None or device.revoked_at is not None:
        raise NotAuthenticated()
    return device


def _refuse_too_many_guesses(device: Device, now: datetime) -> None:
    if wait_seconds := devices.seconds_to_wait(device, now):
        raise TooManyGuesses(retry_after=wait_seconds)
