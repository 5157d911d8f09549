"""Tablets of a centre: pairing by a code that works once, and recognition by a key.

A key is 256 random bits, stored as SHA-256. Pairing codes are short: they are stored as keyed hashes, which the flow
computes, live for ten minutes and work once.
"""

import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import and_, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.bearer_secrets import hash_secret, new_secret
from feedback_service.errors import TooManyGuesses
from feedback_service.models import Centre, Device, PairingRequest, RefusedTabletAnswer, WalkupCount

EARLIEST_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # of tablets; year 1 cannot change its time zone
PAIRING_PERIOD = timedelta(minutes=10)
MAX_WAITING_REQUESTS = 20_000  # tablets that wait for approval at once; a limit, because anybody can ask
GUESSING_PERIOD = timedelta(minutes=10)
MAX_REFUSED_ANSWERS = 200  # of one tablet that are known; the oldest go
REFUSED_SHOWN = 10  # of one tablet
MAX_WRONG_CODES = 20  # unknown short codes of one tablet in that period
REVOKED_DELIVERY_PERIOD = timedelta(days=30)  # in which a revoked tablet may deliver stored answers
MAX_UNREPORTED_ANSWERS = 10  # of a revoked tablet, given after its last heartbeat
MAX_REPORTED_ANSWERS = 5_000  # of a revoked tablet, given before it; a heartbeat may tell of more, but it may lie
ACTIVE_PERIOD = timedelta(days=30)  # since its last heartbeat; a tablet that is silent for longer is out of use
CLOCK_TOLERANCE = timedelta(days=1)  # by which a new tablet's clock may be behind before its first heartbeat

_KEY_PATTERN = re.compile(r"vdt_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AuthenticatedTablet:
    """A tablet that presented its key."""

    centre_id: uuid.UUID
    id: uuid.UUID
    revoked_at: datetime | None


def allow_pairing(device: Device, code_hash: bytes, now: datetime) -> None:
    """Let this code pair the tablet for ten minutes; pairing replaces the tablet's key."""
    device.pairing_hash, device.pairing_until = code_hash, now + PAIRING_PERIOD


def is_pairing_allowed(tx: Session, hashes: Sequence[bytes], now: datetime) -> bool:
    """Whether one of these codes pairs a tablet now."""
    query = select(Device.id).where(Device.pairing_hash.in_(hashes), Device.pairing_until > now)
    return tx.scalars(query.limit(1)).first() is not None


def pair_tablet(tx: Session, hashes: Sequence[bytes], now: datetime) -> tuple[Device, str] | None:
    """Pair the tablet that a code belongs to, and return it with its new key.

    Returns ``None`` if the code is wrong, used or too old. One conditional UPDATE decides, so a code works once.
    """
    secret = new_secret("vdt_")
    update_waiting = update(Device).where(Device.pairing_hash.in_(hashes), Device.pairing_until > now)
    statement = update_waiting.values(
        pairing_hash=None,
        pairing_until=None,
        key_hash=hash_secret(secret),
        paired_at=now,
        revoked_at=None,
        unreported=0,
        skew=0,
    )
    device = tx.scalar(statement.returning(Device))
    return None if device is None else (device, secret)


def request_pairing(tx: Session, secret_hash: bytes, code_hash: bytes, now: datetime) -> None:
    """Store a request for approval, valid for ten minutes.

    Anybody can ask, and nobody is refused: if too many wait, the oldest at which nobody has looked makes room.
    """
    newest = select(PairingRequest.until).order_by(PairingRequest.until.desc())
    first_without_room = newest.offset(MAX_WAITING_REQUESTS - 1).limit(1).scalar_subquery()
    has_no_room = and_(PairingRequest.looked_at.is_(None), PairingRequest.until <= first_without_room)
    tx.execute(
        delete(PairingRequest).where(or_(PairingRequest.until <= now, has_no_room)),
        execution_options={"synchronize_session": False},
    )
    tx.add(PairingRequest(secret_hash=secret_hash, code_hash=code_hash, until=now + PAIRING_PERIOD))


def note_look(tx: Session, hashes: Sequence[bytes], now: datetime) -> bool:
    """Note that somebody looks at the request with this code, so that it stays; ``False`` if there is none."""
    fresh = update(PairingRequest).where(PairingRequest.code_hash.in_(hashes), PairingRequest.until > now)
    return tx.scalar(fresh.values(looked_at=now).returning(PairingRequest.secret_hash)) is not None


def lock_pairing_request(tx: Session, hashes: Sequence[bytes], now: datetime) -> PairingRequest | None:
    """Return the request of the tablet that shows this code, locked until the transaction ends, or ``None``."""
    query = select(PairingRequest).where(PairingRequest.code_hash.in_(hashes), PairingRequest.until > now)
    return tx.scalar(query.with_for_update())


def is_pairing_requested(tx: Session, hashes: Sequence[bytes], now: datetime) -> bool:
    """Whether the tablet with this secret still waits for approval."""
    query = select(PairingRequest.until).where(PairingRequest.secret_hash.in_(hashes))
    return any(until > now for until in tx.scalars(query))


def find_tablet(tx: Session, secret: str) -> AuthenticatedTablet | None:
    """Return the tablet with this key, or ``None``. A revoked tablet is found for 30 days, so that it can deliver."""
    if not _KEY_PATTERN.fullmatch(secret):
        return None
    columns = select(Device.centre_id, Device.id, Device.revoked_at)
    row = tx.execute(columns.where(Device.key_hash == hash_secret(secret))).one_or_none()
    if row is None or (row.revoked_at and row.revoked_at + REVOKED_DELIVERY_PERIOD <= clock.now()):
        return None
    return AuthenticatedTablet(*row)


def get_device(tx: Session, tablet: AuthenticatedTablet, *, lock: bool = False) -> Device:
    """Return the row of the tablet."""
    return tx.get_one(Device, (tablet.centre_id, tablet.id), with_for_update=lock or None)


def list_devices(tx: Session, centres: Collection[str]) -> Sequence[tuple[Centre, Device]]:
    """Return all tablets of these centres (codes), in the order of centre and name."""
    query = select(Centre, Device).join(Device, Device.centre_id == Centre.id).where(Centre.code.in_(centres))
    return tx.execute(query.order_by(Centre.code, Device.name, Device.id)).all()


def list_refused_answers(
    tx: Session, centre_ids: Collection[uuid.UUID], device_ids: Collection[uuid.UUID]
) -> list[tuple[uuid.UUID, date, str]]:
    """Return tablet, day and reason of refused answers, the latest first, at most 10 of each tablet."""
    latest_first = (RefusedTabletAnswer.came_on.desc(), RefusedTabletAnswer.client_hash)
    place = func.row_number().over(partition_by=RefusedTabletAnswer.device_id, order_by=latest_first)
    columns = select(
        RefusedTabletAnswer.device_id, RefusedTabletAnswer.came_on, RefusedTabletAnswer.reason, place.label("place")
    )
    in_places = columns.where(
        RefusedTabletAnswer.centre_id.in_(centre_ids), RefusedTabletAnswer.device_id.in_(device_ids)
    ).subquery()
    query = select(in_places.c.device_id, in_places.c.came_on, in_places.c.reason)
    rows = tx.execute(query.where(in_places.c.place <= REFUSED_SHOWN).order_by(in_places.c.place))
    return [(device_id, came_on, reason) for device_id, came_on, reason in rows]


def purge_refused_answers(tx: Session, before: date, limit: int) -> int:
    """Forget refused answers that came before that day, at most ``limit``, and return how many."""
    key = (RefusedTabletAnswer.centre_id, RefusedTabletAnswer.device_id, RefusedTabletAnswer.client_hash)
    old = [tuple(row) for row in tx.execute(select(*key).where(RefusedTabletAnswer.came_on < before).limit(limit))]
    statement = delete(RefusedTabletAnswer).where(tuple_(*key).in_(old))
    tx.execute(statement, execution_options={"synchronize_session": False})
    return len(old)


def note_refused_answer(
    tx: Session, tablet: AuthenticatedTablet, client_hash: bytes, reason: str, now: datetime
) -> None:
    """Store why an answer was refused, once for each client id; the oldest gives way if there are too many."""
    key = (tablet.centre_id, tablet.id, client_hash)
    if tx.get(RefusedTabletAnswer, key) is None:
        of_tablet = select(RefusedTabletAnswer).filter_by(centre_id=tablet.centre_id, device_id=tablet.id)
        latest_first = of_tablet.order_by(RefusedTabletAnswer.came_on.desc(), RefusedTabletAnswer.client_hash)
        for oldest in tx.scalars(latest_first.offset(MAX_REFUSED_ANSWERS - 1)).all():
            tx.delete(oldest)
        tx.add(
            RefusedTabletAnswer(
                centre_id=tablet.centre_id,
                device_id=tablet.id,
                client_hash=client_hash,
                came_on=clock.kyiv_day(now),
                reason=reason[:300],
            )
        )


def is_older_than_tablet(device: Device, answered_at: datetime) -> bool:
    """Whether the tablet was not there yet, so nobody can have answered on it."""
    return answered_at < device.created_at - CLOCK_TOLERANCE


def take_late_answer(device: Device, answered_at: datetime) -> bool:
    """Count an answer that a revoked tablet delivers; ``False`` if it cannot be one that the tablet held.

    Whoever has the tablet can make up answers. So of those given before its last heartbeat, only as many are taken as
    waited then, none older than the oldest of them. A few given later are taken: no heartbeat could tell of them.
    """
    if device.seen_at is None or answered_at > device.seen_at:
        is_plausible = device.unreported < MAX_UNREPORTED_ANSWERS
        device.unreported += is_plausible
        return is_plausible
    if not device.waiting or device.oldest_at is None or answered_at < device.oldest_at:
        return False
    device.waiting = min(device.waiting, MAX_REPORTED_ANSWERS) - 1
    return True


def count_active_tablets(tx: Session, device: Device, now: datetime) -> int:
    """Return how many tablets of the centre are in use; this one is one of them."""
    others = select(func.count()).where(
        Device.centre_id == device.centre_id,
        Device.id != device.id,
        Device.key_hash.is_not(None),
        Device.revoked_at.is_(None),
        Device.seen_at > now - ACTIVE_PERIOD,
    )
    return tx.scalars(others).one() + 1


def take_walkup(tx: Session, device: Device, day: date, share: int, *, oldest_day: date) -> bool:
    """Count a walk-up of this day; ``False`` if the tablet has brought its share already.

    The centre's counts from before ``oldest_day`` are deleted: no answer of those days is taken any more.
    """
    count = tx.get(WalkupCount, (device.centre_id, device.id, day), with_for_update=True, populate_existing=True)
    if count is None:
        old = delete(WalkupCount).filter_by(centre_id=device.centre_id)
        tx.execute(old.where(WalkupCount.day < oldest_day), execution_options={"synchronize_session": False})
        count = WalkupCount(centre_id=device.centre_id, device_id=device.id, day=day, number=0)
        tx.add(count)
    if count.number >= share:
        return False
    count.number += 1
    return True


def refuse_too_many_guesses(device: Device, now: datetime) -> None:
    """Raise ``TooManyGuesses`` while the tablet may try no other short code."""
    if device.guessing_since is None or device.wrong_codes < MAX_WRONG_CODES:
        return
    wait = device.guessing_since + GUESSING_PERIOD - now
    if wait > timedelta(0):
        raise TooManyGuesses(retry_after=int(wait.total_seconds()) + 1)


def note_wrong_code(device: Device, now: datetime) -> None:
    """Count a short code that does not exist."""
    if device.guessing_since is None or device.guessing_since + GUESSING_PERIOD <= now:
        device.guessing_since, device.wrong_codes = now, 0
    device.wrong_codes += 1


def to_server_time(device: Device, tablet_time: datetime, now: datetime) -> datetime:
    """Convert an instant by the tablet's clock into server time, from 1970 to now."""
    try:
        return max(min(tablet_time - timedelta(seconds=device.skew), now), EARLIEST_TIME)
    except OverflowError:
        return now
