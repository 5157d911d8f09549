"""The relay: sends waiting events to the central system. Any number of relays may run at once.

1. ``claim_batch`` leases events of one centre to this relay, in a short transaction.
2. The transport sends them; no transaction is open meanwhile.
3. ``settle_batch`` stores the outcome, in another short transaction.

If a relay dies after sending, its lease ends and the same events are sent again; the receiver drops repeats by their
id. The centre that was served longest ago comes next, so that a centre with many events delays no other.
"""

import random
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, func, select, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.backoff import doubled_wait
from feedback_service.config import Settings
from feedback_service.database import reading, transaction
from feedback_service.delivery import clock_repair, numbering, outbox, retry_policy
from feedback_service.delivery.retry_policy import LEASE, Decision, ReceiverReply
from feedback_service.delivery.transports import Transport
from feedback_service.delivery.transports.https import HttpsTransport
from feedback_service.errors import Unavailable
from feedback_service.logs import log
from feedback_service.models import Centre, Event, EventSequence, ReceiverChannel
from feedback_service.models.delivery import LONGEST_REASON

CENTRAL_RECEIVER = "central"  # the name of the only receiver
IDLE_SECONDS = 0.5  # the pause when no event is due
LONGEST_PAUSE = timedelta(minutes=1)  # between two attempts while sending fails because of a fault of the program
CLOCK_CHECK_SECONDS = 5.0  # how often ``run`` looks for dates in the far future
CENTRES_TRIED = 8  # how many centres are tried when other relays are working on the first


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """Events of one centre that no other relay sends until the lease ends, oldest first.

    ``setbacks`` are those of the first event; ``probe``: the request tests whether a failing channel works again.
    """

    claim: uuid.UUID
    centre_id: uuid.UUID
    centre: str
    bodies: Mapping[str, str]  # by event id
    setbacks: int
    probe: bool


class Relay:
    """Sends events, one request after the other."""

    def __init__(self, transport: Transport, public_url: str) -> None:
        self._transport = transport
        self._public_url = public_url

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def run(self, stop: threading.Event) -> None:
        """Send all events that are due, until ``stop`` is set; log a failure and try again."""
        checked_at, faults = -CLOCK_CHECK_SECONDS, 0
        while not stop.is_set():
            try:
                if time.monotonic() - checked_at > CLOCK_CHECK_SECONDS:
                    checked_at = time.monotonic()
                    clock_repair.correct_future_times()
                is_busy, faults = self.deliver_once(), 0
            except Unavailable:  # ``database.outages`` has logged it
                is_busy = False
            except Exception as error:  # whatever it is, delivery goes on
                log.error("relay failed", exc_info=error)
                is_busy, faults = False, faults + 1
            if not is_busy:
                stop.wait(doubled_wait(timedelta(seconds=IDLE_SECONDS), LONGEST_PAUSE, faults).total_seconds())

    def deliver_all(self) -> int:
        """Send all events that are due now, unless the channel pauses; return the number of requests."""
        requests = 0
        while self.deliver_once():
            requests += 1
        return requests

    def find_failure(self) -> str | None:
        """Return why events wait: the last failure of the channel, ``None`` if it works."""
        return _read_failure()

    def deliver_once(self) -> bool:
        """Claim, send and settle one batch; return ``False`` when there is nothing to do at the moment."""
        centre_ids, is_stuck = _list_due_centres(), False
        for centre_id in centre_ids:
            try:
                batch = claim_batch(centre_id, self._public_url)
            except Exception as error:
                # If the database is unreachable, this fails too; otherwise only this centre cannot be served.
                _mark_centre_served(centre_id)
                log.error("events of a centre cannot be claimed", centre_id=str(centre_id), exc_info=error)
                is_stuck = True
                continue
            if batch is not None:
                self._send_batch(batch)
                return True
        if centre_ids and not is_stuck:
            time.sleep(random.uniform(0, 0.05))  # other relays are working on all of them
        return bool(centre_ids) and not is_stuck

    def _send_batch(self, batch: ClaimedBatch) -> None:
        """Send the batch; where the decision says so, send its halves separately, until the channel pauses."""
        id_groups: list[tuple[str, ...]] = [tuple(batch.bodies)]
        while id_groups:
            event_ids = id_groups.pop(0)
            started_at = time.perf_counter()
            reply = self._transport.send([batch.bodies[event_id] for event_id in event_ids])
            later_ids = [event_id for id_group in id_groups for event_id in id_group]
            circuit_before, decision = settle_batch(batch, event_ids, reply, later_ids)
            _log_outcome(batch, reply, circuit_before, decision, ms=round((time.perf_counter() - started_at) * 1000))
            if decision.circuit.is_paused(clock.now()):
                return
            id_groups = [*decision.halves, *id_groups]


def make_relay(settings: Settings) -> Relay | None:
    """Make the relay to the central system of the settings; ``None`` if they name none, or another transport."""
    if settings.central_url is None or settings.central_transport != "https":
        return None
    return Relay(HttpsTransport(settings.central_url, settings.central_secret), settings.public_url)


@reading
def _list_due_centres(tx: Session) -> list[uuid.UUID]:
    """List the centres with due events, the one served longest ago first; none while the channel is paused."""
    now = clock.now()
    if _read_circuit(tx).is_paused(now):
        return []
    # A subquery with a limit reads one row for each centre, however many events wait.
    due_events = select(Event.due_at).where(Event.centre_id == Centre.id, Event.due_at <= now)
    first_due_at = due_events.order_by(Event.due_at).limit(1).correlate(Centre).scalar_subquery()
    query = (
        select(Centre.id)
        .outerjoin(EventSequence, EventSequence.centre_id == Centre.id)
        .where(first_due_at.is_not(None))
    )
    return list(tx.scalars(query.order_by(EventSequence.served.nulls_first(), Centre.id).limit(CENTRES_TRIED)))


@reading
def _read_failure(tx: Session) -> str | None:
    circuit = _read_circuit(tx)
    return circuit.reason if circuit.failing_since is not None else None


@transaction
def _mark_centre_served(tx: Session, centre_id: uuid.UUID) -> None:
    """Count the centre as served, so that a problem with its events delays no other centre."""
    tx.execute(update(EventSequence).where(EventSequence.centre_id == centre_id).values(served=_next_in_service()))


def _next_in_service() -> ScalarSelect[int]:
    """Return the number after that of the centre that was served last."""
    return select(func.max(EventSequence.served) + 1).scalar_subquery()


@transaction
def claim_batch(tx: Session, centre_id: uuid.UUID, public_url: str) -> ClaimedBatch | None:
    """Lease due events of the centre to this relay for ``LEASE``, as many as one request may carry.

    1. Lock the centre's numbering; without it, another relay is working on the centre.
    2. Lock the due events, and keep those that may be sent together with the first.
    3. If the channel is failing, claim the right to test it: one relay at a time does so.
    4. Lease the events; give a number and a body to those that are claimed for the first time.

    Returns ``None`` if there is nothing to send, or another relay is working on it.
    """
    circuit = _read_circuit(tx)
    # The clock is read only now: the transaction may have waited for the database, and the lease begins now.
    now = clock.now()
    sequence = numbering.lock_sequence(tx, centre_id)
    if sequence is None or circuit.is_paused(now):
        return None
    rows = _same_size_batch(numbering.lock_due_events(tx, centre_id, now, circuit.batch))
    is_probe = circuit.failing_since is not None
    if not rows or (is_probe and not _claim_probe(tx, circuit, now)):
        return None
    centre = tx.get_one(Centre, centre_id)
    lease_values: dict[str, Any] = {"claim": uuid.uuid4(), "due_at": now + LEASE}
    sequence.served = _next_in_service()
    numbered = numbering.number_events(tx, rows, centre, sequence, public_url, lease_values)
    if not numbered:
        return None
    bodies_by_id = {str(event.row.id): event.body for event in numbered}
    return ClaimedBatch(lease_values["claim"], centre_id, centre.code, bodies_by_id, rows[0].setbacks, is_probe)


@transaction
def settle_batch(
    tx: Session, batch: ClaimedBatch, event_ids: Sequence[str], reply: ReceiverReply, later_ids: Sequence[str]
) -> tuple[retry_policy.Circuit, Decision]:
    """Store what follows from the reply.

    1. Decide with ``retry_policy``; if the channel changes, lock it, decide again, and store it.
    2. Mark the events ``event_ids`` as delivered, dead or waiting, or lease them again if they are sent in halves;
       blank delivered ones whose answer was withdrawn meanwhile.
    3. Extend the lease of ``later_ids``, which this relay has not sent yet; release them if the channel is paused.

    Returns the channel before, and the decision. Events whose lease has ended and that another relay has claimed
    are left alone.
    """
    circuit_before = _read_circuit(tx)
    now, chance = clock.now(), random.random()

    def decide(circuit: retry_policy.Circuit) -> Decision:
        return retry_policy.decide_outcome(
            circuit, reply, event_ids, now=now, chance=chance, is_probe=batch.probe, setbacks=batch.setbacks
        )

    decision = decide(circuit_before)
    if decision.circuit != circuit_before:
        circuit_before = _read_circuit(tx, lock=True)
        decision = decide(circuit_before)
        _store_circuit(tx, decision.circuit)
    hour = clock.truncate_to_hour(now)  # a finer instant would tell that of an answer
    attempt_values: dict[str, Any] = {"attempts": Event.attempts + 1, "last_attempt_at": hour}
    delivered_ids = [uuid.UUID(event_id) for event_id in decision.delivered]
    outbox.mark_delivered(tx, batch.centre_id, delivered_ids, Event.claim == batch.claim, now=now)
    for event_id, reason in decision.dead.items():
        dead_values = {"state": "dead", "claim": None, "due_at": None, "reason": reason[:LONGEST_REASON]}
        _update_claimed(tx, batch, [event_id], attempt_values | dead_values)
    waiting_values = {"claim": None, "due_at": now + decision.wait, "reason": decision.reason}
    setback_values = {"setbacks": Event.setbacks + 1} if decision.is_setback else {}
    _update_claimed(tx, batch, decision.waiting, attempt_values | waiting_values | setback_values)
    lease_values: dict[str, Any] = {"due_at": now + LEASE}
    half_ids = [event_id for half in decision.halves for event_id in half]
    _update_claimed(tx, batch, half_ids, attempt_values | lease_values)
    later_values = {"claim": None, "due_at": now} if decision.circuit.is_paused(now) else lease_values
    _update_claimed(tx, batch, later_ids, later_values)
    return circuit_before, decision


def _same_size_batch(due_rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Return the rows that may be sent in one request with the first of them."""
    if not due_rows:
        return []
    size = retry_policy.batch_size(due_rows[0].setbacks)
    return [row for row in due_rows if retry_policy.batch_size(row.setbacks) == size][:size]


def _update_claimed(tx: Session, batch: ClaimedBatch, event_ids: Iterable[str], values: Mapping[str, Any]) -> None:
    event_keys = [uuid.UUID(event_id) for event_id in event_ids]
    if event_keys:
        statement = update(Event).where(Event.centre_id == batch.centre_id, Event.id.in_(event_keys))
        tx.execute(
            statement.where(Event.claim == batch.claim).values(values),
            execution_options={"synchronize_session": False},
        )


def _read_circuit(tx: Session, *, lock: bool = False) -> retry_policy.Circuit:
    query = select(
        ReceiverChannel.batch, ReceiverChannel.failing_since, ReceiverChannel.retry_at, ReceiverChannel.reason
    )
    query = query.where(ReceiverChannel.name == CENTRAL_RECEIVER)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return retry_policy.Circuit(*row) if row else retry_policy.Circuit()


def _store_circuit(tx: Session, circuit: retry_policy.Circuit) -> None:
    tried_at = clock.now() if circuit.failing_since is not None else None
    tx.merge(ReceiverChannel(name=CENTRAL_RECEIVER, tried_at=tried_at, **asdict(circuit)))


def _claim_probe(tx: Session, circuit: retry_policy.Circuit, now: datetime) -> bool:
    """Claim the right to test a failing channel; if this relay dies, another may do so after the lease."""
    statement = update(ReceiverChannel).where(
        ReceiverChannel.name == CENTRAL_RECEIVER, ReceiverChannel.retry_at == circuit.retry_at
    )
    return tx.scalar(statement.values(retry_at=now + LEASE).returning(ReceiverChannel.name)) is not None


def _log_outcome(
    batch: ClaimedBatch, reply: ReceiverReply, circuit_before: retry_policy.Circuit, decision: Decision, *, ms: int
) -> None:
    circuit_after = decision.circuit
    if decision.delivered:
        log.info("events delivered", centre=batch.centre, n=len(decision.delivered), ms=ms)
    if decision.waiting and not circuit_after.is_paused(clock.now()):
        log.warning("events have to go again", centre=batch.centre, n=len(decision.waiting), reason=decision.reason)
    if circuit_before.failing_since is None and circuit_after.failing_since is not None:
        problem = "cannot be reached" if reply.status is None else "answers, but takes nothing"
        log.critical(f"channel paused: the central system {problem}", reason=circuit_after.reason)
    elif circuit_before.failing_since is not None and circuit_after.failing_since is None:
        log.warning("channel works again", failed_since=circuit_before.failing_since.isoformat())
    for event_id in decision.dead:  # the receiver's reason is not logged: it may quote the event
        log.critical("event is a dead letter", event_id=event_id, centre=batch.centre)
