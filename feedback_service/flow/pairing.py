"""Tablets come and go: an operator or a signed-in person lets one in by a code, and ends its key again.

Two ways lead in, by one door (``pair``). Somebody makes a code and types it on the tablet; or the tablet shows
a code, somebody approves it, and the tablet fetches its key by a secret of its own (the shape of RFC 8628).
"""

import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import devices, journal
from feedback_service.access.journal import COMMAND_LINE, Actor
from feedback_service.cases import tokens
from feedback_service.cases.tokens import keyring
from feedback_service.database import transaction
from feedback_service.errors import N_, Invalid, NotFound, TooManyGuesses
from feedback_service.models import Centre, Device
from feedback_service.text import clean
from feedback_service.words import DEVICE_MODES

NAME, WORKPLACE = 100, 64  # characters
NOT_PAIRED = N_("This pairing code is wrong, used, or older than ten minutes. Ask for a new one.")
NOT_APPROVED = N_("Nobody has approved this tablet yet.")


@dataclass(frozen=True, slots=True)
class Paired:
    """A tablet has its key, told only now."""

    key: str
    id: uuid.UUID
    name: str
    mode: str
    workplace: str | None
    centre: str


@dataclass(frozen=True, slots=True)
class Asking:
    """A tablet waits for approval: the code it shows, the secret it fetches its key by."""

    code: str
    secret: str
    until: datetime


@transaction
def add_device(
    tx: Session,
    centre: str,
    *,
    name: str,
    mode: str,
    workplace: str | None = None,
    by: Actor = COMMAND_LINE,
) -> str:
    """A place for a tablet, and the code that the tablet becomes it by; raises ``Invalid``."""
    now, code = clock.now(), tokens.new_pairing_code()
    device = _new(tx, centre, name, mode, workplace, now)
    _note(tx, device, by, "tablet_added")
    devices.open_to_pairing(device, keyring().signing.fingerprint("pairing", code), now)
    return tokens.spelled(code)


@transaction
def new_code(tx: Session, device_id: uuid.UUID, centres: Collection[str], by: Actor = COMMAND_LINE) -> str:
    """Another code for a tablet of one of these centres: it lost its key, or its code grew old; else ``NotFound``."""
    now, code, device = clock.now(), tokens.new_pairing_code(), _of(tx, device_id, centres)
    devices.open_to_pairing(device, keyring().signing.fingerprint("pairing", code), now)
    _note(tx, device, by, "tablet_code")
    return tokens.spelled(code)


@transaction
def ask_to_pair(tx: Session) -> Asking:
    """A tablet that nobody knows shows a code; ``TooManyGuesses`` when too many do so at once."""
    now, code, secret = clock.now(), tokens.new_pairing_code(), secrets.token_urlsafe(32)
    key = keyring().signing
    waits = devices.request(tx, key.fingerprint("pairing", secret), key.fingerprint("pairing", code), now)
    if not waits:
        raise TooManyGuesses(retry_after=60)
    return Asking(tokens.spelled(code), secret, now + devices.PAIRING)


@transaction
def approve(
    tx: Session,
    code: str,
    centre: str,
    *,
    name: str,
    mode: str,
    workplace: str | None = None,
    by: Actor = COMMAND_LINE,
) -> None:
    """The tablet that shows this code is let in, once it asks again; ``NotFound`` if none does, or ``Invalid``."""
    now, normal = clock.now(), tokens.normal_code(code)
    request = devices.requested(tx, keyring().fingerprints("pairing", normal or ""), now)
    if request is None:
        raise NotFound(NOT_PAIRED)
    device = _new(tx, centre, name, mode, workplace, now)
    device.pairing_hash, device.pairing_until = request.secret_hash, request.until
    tx.delete(request)
    _note(tx, device, by, "tablet_added")


@transaction
def pair(tx: Session, code: str) -> Paired:
    """Whoever brings a code, or the secret of an approved tablet, gets the key; once, within ten minutes.

    Raises ``NotFound``, which says whether approval is still to come.
    """
    now, ring = clock.now(), keyring()
    hashes = ring.fingerprints("pairing", code)
    if normal := tokens.normal_code(code):
        hashes += ring.fingerprints("pairing", normal)
    paired = devices.pair(tx, hashes, now)
    if paired is None:
        raise NotFound(NOT_APPROVED if devices.is_requested(tx, hashes, now) else NOT_PAIRED)
    device, secret = paired
    centre = tx.get_one(Centre, device.centre_id)
    return Paired(secret, device.id, device.name, device.mode, device.workplace, centre.code)


@transaction
def revoke_device(
    tx: Session, device_id: uuid.UUID, centres: Collection[str], by: Actor = COMMAND_LINE
) -> None:
    """A tablet of one of these centres may only deliver what was given until now; else ``NotFound``."""
    device = _of(tx, device_id, centres)
    if device.revoked_at is None:
        device.revoked_at = clock.now()
        _note(tx, device, by, "tablet_revoked")
    device.pairing_hash = device.pairing_until = None


def _of(tx: Session, device_id: uuid.UUID, centres: Collection[str]) -> Device:
    query = select(Device).join(Centre, Centre.id == Device.centre_id)
    device = tx.scalar(
        query.where(Device.id == device_id, Centre.code.in_(centres)).with_for_update(of=Device)
    )
    if device is None:
        raise NotFound()
    return device


def _note(tx: Session, device: Device, by: Actor, action: str) -> None:
    journal.note(tx, [device.centre_id], by, action, f"{device.name} {device.id}", clock.now())


def _new(tx: Session, centre: str, name: str, mode: str, workplace: str | None, now: datetime) -> Device:
    code = centre.strip().upper()
    found = tx.scalar(select(Centre).where(Centre.code == code)) if code.isascii() else None
    if found is None:
        raise Invalid.field("/centre", N_("There is no centre %(code)s."), code=code)
    if mode not in DEVICE_MODES:
        raise Invalid.field("/mode", N_("A tablet's mode is desk or hall."))
    if mode == "desk" and not (workplace or "").strip():
        raise Invalid.field("/workplace", N_("A desk's tablet needs the workplace whose cases it offers."))
    device = Device(
        centre_id=found.id,
        id=uuid.uuid4(),
        name=_line("/name", name, NAME),
        mode=mode,
        workplace=_line("/workplace", workplace, WORKPLACE) if workplace and workplace.strip() else None,
        created_at=now,
        skew=0,
        wrong_codes=0,
    )
    tx.add(device)
    return device


def _line(pointer: str, text: str, longest: int) -> str:
    try:
        tidy = " ".join(clean(text).split())
    except ValueError:
        raise Invalid.field(pointer, N_("Leave out line breaks and invisible control characters.")) from None
    if not tidy:
        raise Invalid.field(pointer, N_("This field cannot be blank."))
    if len(tidy) > longest:
        raise Invalid.field(pointer, N_("Use at most %(limit)d characters."), limit=longest)
    return tidy
