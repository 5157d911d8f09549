"""A tablet reads what to show, sends its heartbeat, and looks up the case of a short code."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.cases import invitations, short_codes
from feedback_service.cases.invitations import InvitationContext
from feedback_service.centres.register import make_public_centre
from feedback_service.config import current_settings
from feedback_service.database import reading, transaction
from feedback_service.errors import NotAuthenticated, NotFound
from feedback_service.facts import PublicCentre
from feedback_service.flow.answers import refuse_unanswerable
from feedback_service.keyring import current_keyring
from feedback_service.models import Case, Centre, Device, Invitation, Service
from feedback_service.plain_text import normalise_identifier
from feedback_service.surveys import published
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.tablets import devices
from feedback_service.tablets.devices import AuthenticatedTablet
from feedback_service.vocabulary import FINAL_STATUSES, FRONT_OFFICES

CASE_OFFER_TIME = timedelta(minutes=3)  # how long a tablet at a window offers a case after its final status


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case that may be rated on a tablet: enough to recognise it, and its short code.

    The code of a case that the tablet offers begins with the centre's prefix; that of a case that was looked up does
    not. A tablet may send both.
    """

    short_code: str
    service: str
    front_office: str
    offered_until: datetime | None  # ``None`` for a case that was looked up


@dataclass(frozen=True, slots=True)
class ScreenConfig:
    """What a tablet needs to know: who it is, what to ask, and the key that encrypts its queue."""

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
    """The state that a tablet reports; ``time`` and ``oldest_at`` are by its own clock, ``battery`` in percent."""

    time: datetime
    version: str | None = None
    waiting: int | None = None
    oldest_at: datetime | None = None
    persisted: bool | None = None
    battery: int | None = None


@reading
def read_screen_config(tx: Session, tablet: AuthenticatedTablet) -> ScreenConfig:
    """Return what the tablet shows; raise ``NotAuthenticated`` if it is revoked."""
    device = _require_active(tablet, devices.get_device(tx, tablet))
    centre, now = tx.get_one(Centre, tablet.centre_id), clock.now()
    today = clock.kyiv_day(now)
    return ScreenConfig(
        id=device.id,
        name=device.name,
        mode=device.mode,
        workplace=device.workplace,
        centre=make_public_centre(centre),
        prefix=centre.prefix,
        languages=tuple(centre.languages or current_settings().languages),
        questionnaires={office: published.find_in_force(tx.connection(), office, today) for office in FRONT_OFFICES},
        pending=_find_just_completed_case(tx, centre, device, now) if device.mode == "desk" else None,
        queue_key_id=f"{current_keyring().signing_key.id}-{device.id}",  # each device has a key of its own
        queue_key=current_keyring().signing_key.derive_queue_key(device.id),
    )


@transaction
def record_heartbeat(tx: Session, tablet: AuthenticatedTablet, heartbeat: Heartbeat) -> int:
    """Store the heartbeat; return how many seconds the tablet's clock is ahead of ours.

    Raises ``NotAuthenticated`` if the tablet is revoked.
    """
    device, now = _require_active(tablet, devices.get_device(tx, tablet, lock=True)), clock.now()
    device.skew = round((heartbeat.time - now).total_seconds())
    device.seen_at, device.version, device.waiting = now, heartbeat.version, heartbeat.waiting
    device.persisted, device.battery = heartbeat.persisted, heartbeat.battery
    device.oldest_at = devices.to_server_time(device, heartbeat.oldest_at, now) if heartbeat.oldest_at else None
    return device.skew


def find_open_case(tablet: AuthenticatedTablet, short_code: str) -> OpenCase:
    """Return the case with this short code, if it may still be rated.

    Raises ``NotFound``, ``AlreadyAnswered``, ``Gone``, ``NotAuthenticated``, or ``TooManyGuesses`` if the tablet sent
    too many unknown codes.
    """
    open_case = _find_open_case(tablet, short_code)
    if open_case is None:
        raise NotFound()  # raised here and not inside the transaction, which had to commit the count of wrong codes
    return open_case


@transaction
def _find_open_case(tx: Session, tablet: AuthenticatedTablet, short_code: str) -> OpenCase | None:
    device, now = _require_active(tablet, devices.get_device(tx, tablet, lock=True)), clock.now()
    devices.refuse_too_many_guesses(device, now)
    context = lock_invitation_by_code(tx, device, tx.get_one(Centre, tablet.centre_id), short_code, now)
    if context is None:
        return None
    refuse_unanswerable(context, now)  # one begun on a phone passes: the tablet's answers join it
    code = context.key.derive_short_code(context.invitation.id)
    return OpenCase(keyring.format_code(code), context.service.title, context.case.front_office, None)


def lock_invitation_by_code(
    tx: Session, device: Device, centre: Centre, typed_code: str, now: datetime
) -> InvitationContext | None:
    """Lock and return the centre's invitation with this short code; an unknown code is counted and gives ``None``."""
    code = keyring.normalise_code(typed_code) or ""
    if len(code) == keyring.PREFIX_LENGTH + keyring.CODE_LENGTH and code.startswith(centre.prefix):
        code = code[keyring.PREFIX_LENGTH :]
    token = short_codes.find_token_by_short_code(tx, current_keyring(), centre, code)
    if token is None:
        devices.note_wrong_code(device, now)
        return None
    return invitations.find_by_token(tx.connection(), current_keyring(), token, lock=True)


def _find_just_completed_case(tx: Session, centre: Centre, device: Device, now: datetime) -> OpenCase | None:
    """Return the case completed last at the tablet's window, if that was just now and nobody has rated it.

    An earlier case is not offered any more, because its applicant has made room for the next person.
    """
    query = (
        select(Invitation, Case, Service)
        .join(Case, (Case.centre_id == Invitation.centre_id) & (Case.id == Invitation.case_id))
        .join(Service, (Service.centre_id == Case.centre_id) & (Service.id == Case.service_id))
        .where(
            Invitation.centre_id == centre.id,
            Invitation.issued_on >= clock.kyiv_day(now - CASE_OFFER_TIME),  # this column has an index
            Case.workplace == normalise_identifier(device.workplace or ""),  # perhaps stored with another dash
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
        return None  # its key was removed from the keyring
    return OpenCase(
        keyring.format_code(centre.prefix + code),
        service.title,
        case.front_office,
        case.status_at + CASE_OFFER_TIME,
    )


def _require_active(tablet: AuthenticatedTablet, device: Device) -> Device:
    if tablet.revoked_at is not None or device.revoked_at is not None:
        raise NotAuthenticated()
    return device
