"""Carries what waits to the central system: claim, send, settle; any number of couriers at once.

Nothing is held open while we wait: a claim is a short transaction, a request is none, settling is another.
Whoever dies after sending gives its claim back by the lease; the same events go again, the receiver drops
repeats by their id. Centres take turns, so a centre with a long line delays no other.
"""

import random
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.database import reading, transaction
from feedback_service.delivery import line, relay
from feedback_service.delivery.relay import LEASE, Reply, Ruling
from feedback_service.delivery.transports import Transport
from feedback_service.delivery.transports.https import Https
from feedback_service.logs import log
from feedback_service.models import Centre, Channel, Event, Queue
from feedback_service.models.delivery import REASON

CENTRAL = "central"  # there is one receiver
IDLE = 0.5  # seconds until one looks again when there was nothing to do
FETCH = 5.0  # seconds between two looks for what a wrong clock has put off
TURNS = 8  # centres that are tried when another courier is with the first


@dataclass(frozen=True, slots=True)
class Errand:
    """Events of one centre that nobody else carries until the lease ends, oldest first."""

    claim: uuid.UUID
    centre_id: uuid.UUID
    centre: str
    bodies: Mapping[str, str]  # by event id
    setbacks: int
    probe: bool


class Courier:
    """Somebody who carries events, one request after the other."""

    def __init__(self, transport: Transport, public_url: str) -> None:
        self._transport = transport
        self._public_url = public_url

    def close(self) -> None:
        """No connection is open."""
        self._transport.close()

    def run(self, stop: threading.Event) -> None:
        """Whatever is due goes, until ``stop``; what fails is logged and tried again."""
        fetched = -FETCH
        while not stop.is_set():
            try:
                if time.monotonic() - fetched > FETCH:
                    fetched = time.monotonic()
                    fetch_back()
                busy = self.deliver_once()
            except Exception as error:  # the database may be away; whatever it is, delivery goes on
                log.error("relay failed", exc_info=error)
                busy = False
            if not busy:
                stop.wait(IDLE)

    def deliver_all(self) -> int:
        """Whatever is due went, as far as the channel took it; tells how many requests that were."""
        errands = 0
        while self.deliver_once():
            errands += 1
        return errands

    def deliver_once(self) -> bool:
        """One claim was sent and settled; ``False`` when nothing is to be done just now."""
        centres, stuck = _in_turn(), False
        for centre_id in centres:
            try:
                errand = claim(centre_id, self._public_url)
            except Exception as error:
                _pass_turn(centre_id)  # this fails too if the database is away; else only that line is stuck
                log.error("a centre's line is stuck", centre_id=str(centre_id), exc_info=error)
                stuck = True
                continue
            if errand is not None:
                self._carry(errand)
                return True
        if centres and not stuck:
            time.sleep(random.uniform(0, 0.05))  # other couriers are with all of them
        return bool(centres) and not stuck

    def _carry(self, errand: Errand) -> None:
        groups: list[tuple[str, ...]] = [tuple(errand.bodies)]
        while groups:
            sent = groups.pop(0)
            began = time.perf_counter()
            reply = self._transport.send([errand.bodies[id] for id in sent])
            rest = [id for group in groups for id in group]
            before, ruling = settle(errand, sent, reply, rest)
            _tell(errand, before, ruling, ms=round((time.perf_counter() - began) * 1000))
            if ruling.channel.closed(clock.now()):
                return
            groups = [*ruling.halves, *groups]


def courier(settings: Settings) -> Courier | None:
    """The courier to the central system that the settings name; ``None`` if no line is to be used."""
    if settings.central_url is None or settings.central_transport != "https":
        return None
    return Courier(Https(settings.central_url, settings.central_secret), settings.public_url)


def fetch_back() -> None:
    """What is put off for longer than we ever do is due: the clock that said so was ahead, or ours fell back."""
    if _had_its_turn_in_the_future():
        _look_again()
    for centre_id in _put_off_too_far():
        _fetch_back(centre_id)


@reading
def _had_its_turn_in_the_future(tx: Session) -> bool:
    ahead = select(Queue.centre_id).where(Queue.claimed_at > clock.now() + relay.FAR)
    return tx.scalar(ahead.limit(1)) is not None


@transaction
def _look_again(tx: Session) -> None:
    """Turns are as if they had been now, and the channel does not wait for a time that such a clock set."""
    now = clock.now()
    for late in (
        update(Queue).where(Queue.claimed_at > now + relay.FAR).values(claimed_at=now),
        update(Channel).where(Channel.retry_at > now).values(retry_at=now),
    ):
        tx.execute(late, execution_options={"synchronize_session": False})
    log.warning("the channel was paused by a clock that was wrong")


@reading
def _put_off_too_far(tx: Session) -> list[uuid.UUID]:
    far = clock.now() + relay.FAR
    ahead = select(Event.id).where(Event.centre_id == Centre.id, Event.due_at > far)
    return list(tx.scalars(select(Centre.id).where(ahead.correlate(Centre).exists())))


@transaction
def _fetch_back(tx: Session, centre_id: uuid.UUID) -> None:
    now = clock.now()
    ahead = update(Event).where(Event.centre_id == centre_id, Event.due_at > now + relay.FAR)
    tx.execute(ahead.values(due_at=now), execution_options={"synchronize_session": False})
    log.warning("events were put off by a clock that was wrong", centre_id=str(centre_id))


@reading
def _in_turn(tx: Session) -> list[uuid.UUID]:
    """The centres with events that are due, longest not served first; none while the channel is closed."""
    now = clock.now()
    if _channel(tx).closed(now):
        return []
    # A subquery with a limit looks up one row for each centre, however long its line is.
    due = select(Event.due_at).where(Event.centre_id == Centre.id, Event.due_at <= now)
    first = due.order_by(Event.due_at).limit(1).correlate(Centre).scalar_subquery()
    centres = select(Centre.id).outerjoin(Queue, Queue.centre_id == Centre.id).where(first.is_not(None))
    return list(tx.scalars(centres.order_by(Queue.claimed_at.nulls_first(), Centre.id).limit(TURNS)))


@transaction
def _pass_turn(tx: Session, centre_id: uuid.UUID) -> None:
    """The centre counts as served, so that what is wrong with its line delays no other."""
    tx.execute(update(Queue).where(Queue.centre_id == centre_id).values(claimed_at=clock.now()))


@transaction
def claim(tx: Session, centre_id: uuid.UUID, public_url: str) -> Errand | None:
    """Take the centre's events that are due, as many as may go at once, for ``LEASE``.

    An event gets its number and its body at its first claim, for ever. ``None`` when another is at it.
    """
    channel = _channel(tx)
    # The clock is read only now: to begin may have meant to wait for the database, and a lease begins with us.
    now = clock.now()
    queue = line.mine(tx, centre_id, now)
    if queue is None or channel.closed(now):
        return None
    chosen = _company(line.due(tx, centre_id, now, channel.batch))
    probe = channel.failing_since is not None
    if not chosen or (probe and not _may_probe(tx, channel, now)):
        return None
    centre = tx.get_one(Centre, centre_id)
    lease: dict[str, Any] = {"claim": uuid.uuid4(), "due_at": now + LEASE}
    _put_off(tx, centre_id, [row.id for row in chosen if row.body is not None], lease)
    written = line.write([row for row in chosen if row.body is None], centre, queue, public_url)
    line.keep(tx, centre_id, [kept | lease for kept in written])
    bodies = {kept["event"]: kept["body"] for kept in written}
    queue.claimed_at = now
    carried = {str(row.id): bodies.get(row.id) or row.body for row in sorted(chosen, key=lambda row: row.id)}
    return Errand(lease["claim"], centre_id, centre.code, carried, chosen[0].setbacks, probe)


@transaction
def settle(
    tx: Session, errand: Errand, sent: Sequence[str], reply: Reply, rest: Sequence[str]
) -> tuple[relay.Channel, Ruling]:
    """Write down what follows from the reply for the events ``sent``, and hold the ``rest`` for another lease.

    Returns what the channel was before, and what follows. Where the lease ran out and somebody else has the
    events, what they settle counts.
    """
    before = _channel(tx)
    now, chance = clock.now(), random.random()

    def ruled(channel: relay.Channel) -> Ruling:
        return relay.step(
            channel, reply, sent, now=now, chance=chance, probe=errand.probe, setbacks=errand.setbacks
        )

    ruling = ruled(before)
    if ruling.channel != before:
        before = _channel(tx, lock=True)
        ruling = ruled(before)
        _set_channel(tx, ruling.channel)
    tried: dict[str, Any] = {"attempts": Event.attempts + 1, "last_attempt_at": now}
    done = tried | {"claim": None, "due_at": None}
    arrived = done | {"state": "delivered", "delivered_at": now, "reason": None}
    _ours(tx, errand, ruling.delivered, arrived)
    for id, reason in ruling.dead.items():
        _ours(tx, errand, [id], done | {"state": "dead", "reason": reason[:REASON]})
    waits = tried | {"claim": None, "due_at": now + ruling.wait, "reason": ruling.reason}
    _ours(tx, errand, ruling.waiting, waits | ({"setbacks": Event.setbacks + 1} if ruling.setback else {}))
    lease: dict[str, Any] = {"due_at": now + LEASE}
    _ours(tx, errand, [id for half in ruling.halves for id in half], tried | lease)
    _ours(tx, errand, rest, {"claim": None, "due_at": now} if ruling.channel.closed(now) else lease)
    return before, ruling


def _company(due: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Those that may go with the first of them."""
    if not due:
        return []
    size = relay.company(due[0].setbacks)
    return [row for row in due if relay.company(row.setbacks) == size][:size]


def _put_off(tx: Session, centre_id: uuid.UUID, ids: Sequence[uuid.UUID], lease: Mapping[str, Any]) -> None:
    if ids:
        tx.execute(update(Event).where(Event.centre_id == centre_id, Event.id.in_(ids)).values(lease))


def _ours(tx: Session, errand: Errand, ids: Iterable[str], values: Mapping[str, Any]) -> None:
    keys = [uuid.UUID(id) for id in ids]
    if keys:
        ours = update(Event).where(Event.centre_id == errand.centre_id, Event.id.in_(keys))
        tx.execute(
            ours.where(Event.claim == errand.claim).values(values),
            execution_options={"synchronize_session": False},
        )


def _channel(tx: Session, *, lock: bool = False) -> relay.Channel:
    known = select(Channel.batch, Channel.failing_since, Channel.retry_at, Channel.reason)
    known = known.where(Channel.name == CENTRAL)
    row = tx.execute(known.with_for_update() if lock else known).one_or_none()
    return relay.Channel(*row) if row else relay.Channel()


def _set_channel(tx: Session, channel: relay.Channel) -> None:
    tx.merge(Channel(name=CENTRAL, **asdict(channel)))


def _may_probe(tx: Session, seen: relay.Channel, now: datetime) -> bool:
    """One courier looks whether a failing channel works again; should it die, another may after its lease."""
    mine = update(Channel).where(Channel.name == CENTRAL, Channel.retry_at == seen.retry_at)
    return tx.scalar(mine.values(retry_at=now + LEASE).returning(Channel.name)) is not None


def _tell(errand: Errand, before: relay.Channel, ruling: Ruling, *, ms: int) -> None:
    after = ruling.channel
    if ruling.delivered:
        log.info("events delivered", centre=errand.centre, n=len(ruling.delivered), ms=ms)
    if ruling.waiting and not after.closed(clock.now()):
        log.warning(
            "events have to go again", centre=errand.centre, n=len(ruling.waiting), reason=ruling.reason
        )
    if before.failing_since is None and after.failing_since is not None:
        log.critical("channel paused: the central system cannot be reached", reason=after.reason)
    elif before.failing_since is not None and after.failing_since is None:
        log.warning("channel works again", failed_since=before.failing_since.isoformat())
    for id in ruling.dead:  # the receiver's words stay in the table: nobody knows what they quote
        log.critical("event is a dead letter", event_id=id, centre=errand.centre)
