"""An operator or a user pairs a tablet by a code, and revokes its key.

There are two ways, and both end in ``pair_tablet``. Either somebody makes a code (``add_tablet``) and types it on the
tablet; or the tablet shows a code (``ask_to_pair``), somebody approves it (``approve_tablet``), and the tablet fetches
its key with a secret of its own (like RFC 8628).
"""

import secrets
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.access import audit_log
from feedback_service.access.audit_log import COMMAND_LINE, Actor
from feedback_service.centres.register import find_centre, normalise_code
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Invalid, NotFound
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre, Device
from feedback_service.plain_text import read_code, read_line, refuse_unusable
from feedback_service.tablets import devices
from feedback_service.vocabulary import DEVICE_MODES

MAX_NAME_LENGTH, MAX_WORKPLACE_LENGTH = 100, 64  # characters
NOT_PAIRED = N_("This pairing code is wrong, used, or older than ten minutes. Ask for a new one.")
NOT_APPROVED = N_("Nobody has approved this tablet yet.")


@dataclass(frozen=True, slots=True)
class PairedTablet:
    """A paired tablet and its key, which is shown only once."""

    key: str
    id: uuid.UUID
    name: str
    mode: str
    workplace: str | None
    centre: str


@dataclass(frozen=True, slots=True)
class PendingPairing:
    """A tablet that waits for approval: the code that it shows, and the secret with which it fetches its key."""

    code: str
    secret: str
    until: datetime


find_tablet = reading(devices.find_tablet)


@transaction
def add_tablet(
    tx: Session, centre: str, *, name: str, mode: str, workplace: str | None = None, actor: Actor = COMMAND_LINE
) -> str:
    """Add a tablet and return the code that pairs it. Raises ``Invalid``."""
    tablet = _create_tablet(tx, centre, name, mode, workplace)
    _write_audit_entry(tx, tablet, actor, "tablet_added")
    return _issue_pairing_code(tablet)


@transaction
def renew_pairing_code(tx: Session, tablet_id: uuid.UUID, centres: Collection[str], actor: Actor = COMMAND_LINE) -> str:
    """Return a new code for a tablet whose code expired or whose key was lost.

    Raises ``NotFound`` unless it belongs to one of these centres.
    """
    tablet = _find_tablet(tx, tablet_id, centres)
    _write_audit_entry(tx, tablet, actor, "tablet_code")
    return _issue_pairing_code(tablet)


@transaction
def ask_to_pair(tx: Session) -> PendingPairing:
    """Give an unknown tablet a code to show."""
    now, code, secret = clock.now(), keyring.new_pairing_code(), secrets.token_urlsafe(32)
    key = current_keyring().signing_key
    devices.request_pairing(tx, key.hash_secret("pairing", secret), key.hash_secret("pairing", code), now)
    return PendingPairing(keyring.format_code(code), secret, now + devices.PAIRING_PERIOD)


@transaction
def look_at_request(tx: Session, code: str) -> None:
    """Keep the request of the tablet that shows this code until it expires: somebody is about to approve it.

    Raises ``NotFound`` if no tablet shows this code.
    """
    if not devices.note_look(tx, _hash_code(code), clock.now()):
        raise NotFound(NOT_PAIRED)


@transaction
def approve_tablet(
    tx: Session,
    code: str,
    centre: str,
    *,
    name: str,
    mode: str,
    workplace: str | None = None,
    actor: Actor = COMMAND_LINE,
) -> None:
    """Approve the tablet that shows this code; it gets its key when it asks again.

    Raises ``NotFound`` if no tablet shows this code, or ``Invalid``.
    """
    request = devices.lock_pairing_request(tx, _hash_code(code), clock.now())
    if request is None:
        raise NotFound(NOT_PAIRED)
    tablet = _create_tablet(tx, centre, name, mode, workplace)
    tablet.pairing_hash, tablet.pairing_until = request.secret_hash, request.until
    tx.delete(request)
    _write_audit_entry(tx, tablet, actor, "tablet_added")


def pair_tablet(code: str) -> PairedTablet:
    """Return the key for a code or for the secret of an approved tablet; works once, within ten minutes.

    Anybody may guess, and nobody is shut out by guesses: a wrong code costs one reading and keeps no writer waiting.
    Raises ``NotFound``; its sentence says whether the approval is still missing.
    """
    ring = current_keyring()
    hashes = ring.hash_secret_with_all("pairing", code)
    if normal_code := keyring.normalise_code(code):
        hashes += ring.hash_secret_with_all("pairing", normal_code)
    _refuse_wrong_code(hashes)
    return _pair_tablet(hashes)


@reading
def _refuse_wrong_code(tx: Session, hashes: Sequence[bytes]) -> None:
    now = clock.now()
    if not devices.is_pairing_allowed(tx, hashes, now):
        raise NotFound(NOT_APPROVED if devices.is_pairing_requested(tx, hashes, now) else NOT_PAIRED)


@transaction
def _pair_tablet(tx: Session, hashes: Sequence[bytes]) -> PairedTablet:
    tablet_and_key = devices.pair_tablet(tx, hashes, clock.now())
    if tablet_and_key is None:
        raise NotFound(NOT_PAIRED)  # another tablet was faster
    tablet, secret = tablet_and_key
    centre = tx.get_one(Centre, tablet.centre_id)
    return PairedTablet(secret, tablet.id, tablet.name, tablet.mode, tablet.workplace, centre.code)


@transaction
def revoke_tablet(tx: Session, tablet_id: uuid.UUID, centres: Collection[str], actor: Actor = COMMAND_LINE) -> None:
    """Revoke the key of a tablet: it may only deliver answers that were given until now.

    Raises ``NotFound`` unless it belongs to one of these centres.
    """
    tablet = _find_tablet(tx, tablet_id, centres)
    if tablet.revoked_at is None:
        tablet.revoked_at = clock.now()
        _write_audit_entry(tx, tablet, actor, "tablet_revoked")
    tablet.pairing_hash = tablet.pairing_until = None


def _hash_code(code: str) -> list[bytes]:
    return current_keyring().hash_secret_with_all("pairing", keyring.normalise_code(code) or "")


def _find_tablet(tx: Session, tablet_id: uuid.UUID, centres: Collection[str]) -> Device:
    query = select(Device).join(Centre, Centre.id == Device.centre_id)
    tablet = tx.scalar(query.where(Device.id == tablet_id, Centre.code.in_(centres)).with_for_update(of=Device))
    if tablet is None:
        raise NotFound()
    return tablet


def _write_audit_entry(tx: Session, tablet: Device, actor: Actor, action: str) -> None:
    audit_log.append_entry(tx, [tablet.centre_id], actor, action, f"{tablet.name} {tablet.id}", clock.now())


def _issue_pairing_code(tablet: Device) -> str:
    code = keyring.new_pairing_code()
    devices.allow_pairing(tablet, current_keyring().signing_key.hash_secret("pairing", code), clock.now())
    return keyring.format_code(code)


def _create_tablet(tx: Session, centre: str, name: str, mode: str, workplace: str | None) -> Device:
    centre_row, workplace = find_centre(tx, centre), (workplace or "").strip()
    with refuse_unusable("/workplace"):
        workplace = read_code(workplace, MAX_WORKPLACE_LENGTH) if workplace else ""
    with refuse_unusable("/name"):
        name = read_line(name, MAX_NAME_LENGTH)
    if centre_row is None:
        raise Invalid.for_field("/centre", N_("There is no centre %(code)s."), code=normalise_code(centre))
    if mode not in DEVICE_MODES:
        raise Invalid.for_field("/mode", N_("A tablet's mode is desk or hall."))
    if mode == "desk" and not workplace:
        raise Invalid.for_field("/workplace", N_("A desk's tablet needs the workplace whose cases it offers."))
    tablet = Device(
        centre_id=centre_row.id,
        id=uuid.uuid4(),
        name=name,
        mode=mode,
        workplace=workplace or None,
        created_at=clock.now(),
    )
    tx.add(tablet)
    return tablet
