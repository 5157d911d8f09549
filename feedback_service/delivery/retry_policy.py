"""Decides what follows from a reply of the central system; pure: without network, database and clock.

Here it is decided when an event and the channel are tried again; ``relay.settle_batch`` stores it.

A failure of the connection concerns the channel: it pauses, and all events wait. A refusal concerns an event: the
batch is halved until the refused event is found, which becomes a dead letter that people can see and send again.
An event that a reply does not name has not arrived, and is sent again a little later; a reply that names none of
several events counts as a failure of the connection.

Some servers fail or hang because of one event. This looks like a failure of the connection. Therefore every event of
a request that failed on a working channel gets a *setback*: it is sent again after a wait of its own, in a batch half
as large. In the end such an event is alone in its batch; then its failure does not pause the channel any more.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from feedback_service.backoff import doubled_wait

MAX_BATCH = 100  # events in one request
PATIENT_SETBACKS = 4  # setbacks before an event's own wait grows
BATCH_GROWTH = 10  # by how many events a reduced batch grows after a success

LEASE = timedelta(seconds=10)  # after which another relay may claim the events
REQUEST_LIMIT = timedelta(seconds=8)  # the longest request; it must end before the lease

YOUNG_FAILURE = timedelta(minutes=10)  # so long a failing channel is tried again every few seconds
FIRST_WAIT, YOUNG_WAIT, OLD_WAIT = 1.0, 7.5, 240.0  # seconds, before jitter
JITTER = 0.25  # the largest share of a wait that is added at random
MAX_RETRY_AFTER = timedelta(days=1)  # a longer Retry-After is cut to this
CLOCK_SKEW = timedelta(minutes=1)  # how far the clocks of two machines may differ
FAR_AHEAD = timedelta(minutes=15)  # no wait of an event is as long: a later date was set by a wrong clock

REFUSAL_STATUSES = frozenset({400, 413, 415, 422})
# The reasons are stored, and operators read them.
UNREADABLE_REPLY = 'the answer is a success without a JSON object that has "accepted", "duplicates" or "rejected"'
UNNAMED_EVENT = "the answer does not name it"


@dataclass(frozen=True, slots=True)
class ReceiverReply:
    """The outcome of a request: an HTTP status, or ``None`` and the ``failure``; and the events that it names."""

    status: int | None
    failure: str = ""
    accepted: frozenset[str] = frozenset()
    rejected: Mapping[str, str] = field(default_factory=dict)
    is_readable: bool = False
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver has processed the request and said what became of the events."""
        return self.status is not None and 200 <= self.status < 300 and self.is_readable

    @property
    def is_refusal(self) -> bool:
        """Whether the receiver refused what was sent."""
        return self.status in REFUSAL_STATUSES

    @property
    def reason(self) -> str:
        """Why the events were not delivered, in a few words."""
        if self.status is None:
            return self.failure
        if 200 <= self.status < 300:
            return UNNAMED_EVENT if self.is_readable else UNREADABLE_REPLY
        return f"HTTP {self.status}"


@dataclass(frozen=True, slots=True)
class Circuit:
    """The state of the channel to the receiver: the size of a batch, and since when and why it fails.

    A channel works or, after a failure, is paused until ``retry_at``.
    """

    batch: int = MAX_BATCH
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    reason: str | None = None

    def is_paused(self, now: datetime) -> bool:
        """Whether no relay may send now. A channel that fails is not paused while it is tried again.

        A failure in the future, or a wait longer than any that we set, means that the clock has jumped: then the
        channel counts as working.
        """
        if self.failing_since is not None and self.failing_since > now + CLOCK_SKEW:
            return False
        return self.retry_at is not None and now < self.retry_at <= now + MAX_RETRY_AFTER + CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a reply: for the channel, and for each event that was sent."""

    circuit: Circuit
    delivered: tuple[str, ...] = ()
    dead: Mapping[str, str] = field(default_factory=dict)  # with the reason
    waiting: tuple[str, ...] = ()  # sent again after ``wait``
    wait: timedelta = timedelta(0)
    is_setback: bool = False  # the waiting events may be the cause, and get a setback
    reason: str = ""  # why events wait
    halves: tuple[tuple[str, ...], ...] = ()  # sent again at once, separately


def decide_outcome(
    circuit: Circuit,
    reply: ReceiverReply,
    event_ids: Sequence[str],
    *,
    now: datetime,
    chance: float,
    is_probe: bool,
    setbacks: int = 0,
) -> Decision:
    """Decide what follows from the reply to a request that carried the events ``event_ids``.

    1. Success: named events are delivered or dead, events that are not named wait.
    2. Refusal: several events are halved, a single one is dead.
    3. Failure: all events wait, and the channel pauses, unless a single event has caused the failure.

    ``chance`` is a random number from 0 to 1. ``is_probe``: the request was sent to test a failing channel; only such
    a request ends the pause, because others may have begun before the failure. ``setbacks`` are those of the events.
    """
    named = reply.accepted | reply.rejected.keys()
    if reply.is_success and (len(event_ids) == 1 or not named.isdisjoint(event_ids)):
        return Decision(
            circuit=_recovered_circuit(circuit, is_probe),
            delivered=tuple(
                event_id for event_id in event_ids if event_id in reply.accepted and event_id not in reply.rejected
            ),
            dead={event_id: reply.rejected[event_id] for event_id in event_ids if event_id in reply.rejected},
            waiting=tuple(event_id for event_id in event_ids if event_id not in named),
            wait=_event_wait(setbacks, chance),
            is_setback=True,
            reason=UNNAMED_EVENT,
        )
    if reply.is_refusal and len(event_ids) > 1:
        middle = len(event_ids) // 2
        return Decision(
            _recovered_circuit(circuit, is_probe),
            halves=(tuple(event_ids[:middle]), tuple(event_ids[middle:])),
        )
    if reply.is_refusal:
        return Decision(_recovered_circuit(circuit, is_probe), dead=dict.fromkeys(event_ids, reply.reason))
    was_working = circuit.failing_since is None
    # A single event that failed again and again while others did not has caused the failure itself.
    if not (was_working and batch_size(setbacks) == 1):
        circuit = _failed_circuit(circuit, reply, now=now, chance=chance, is_probe=is_probe)
    return Decision(
        circuit=circuit,
        waiting=tuple(event_ids),
        wait=_event_wait(setbacks, chance) if was_working else timedelta(0),
        is_setback=was_working,
        reason=reply.reason,
    )


def batch_size(setbacks: int) -> int:
    """Return how many events may be sent together with an event that has had so many setbacks."""
    return max(1, MAX_BATCH >> setbacks)


def _recovered_circuit(circuit: Circuit, is_probe: bool) -> Circuit:
    if circuit.failing_since is not None and not is_probe:
        return circuit
    return Circuit(batch=min(MAX_BATCH, circuit.batch + BATCH_GROWTH))


def _failed_circuit(circuit: Circuit, reply: ReceiverReply, *, now: datetime, chance: float, is_probe: bool) -> Circuit:
    since = min(circuit.failing_since or now, now)
    wait = max(channel_wait(now - since, chance), min(reply.retry_after or timedelta(0), MAX_RETRY_AFTER))
    retry_at = now + wait
    if not is_probe and circuit.retry_at is not None and circuit.is_paused(now):
        # An older request must not shorten a wait that was set later.
        retry_at = max(retry_at, circuit.retry_at)
    # Without a status the receiver may be too slow for the batch.
    batch = max(1, circuit.batch // 2) if reply.status is None else circuit.batch
    return replace(circuit, batch=batch, failing_since=since, retry_at=retry_at, reason=reply.reason)


def channel_wait(failing_for: timedelta, chance: float) -> timedelta:
    """Return the wait before the next try of a channel that has failed for so long.

    Up to ``YOUNG_FAILURE`` as long as the failure, from 1 s to 7.5 s; then doubling every ten minutes, up to 240 s.
    Jitter is added.
    """
    seconds = failing_for.total_seconds()
    if failing_for < YOUNG_FAILURE:
        wait = min(YOUNG_WAIT, max(FIRST_WAIT, seconds))
    else:
        wait = min(OLD_WAIT, YOUNG_WAIT * 2 ** min(9.0, seconds / YOUNG_FAILURE.total_seconds() - 1))
    return _add_jitter(wait, chance)


def _event_wait(setbacks: int, chance: float) -> timedelta:
    """Return the wait of an event: short while its batch is large, so that others do not wait long, then growing."""
    first, longest = timedelta(seconds=FIRST_WAIT), timedelta(seconds=OLD_WAIT)
    return _add_jitter(doubled_wait(first, longest, setbacks - PATIENT_SETBACKS + 1).total_seconds(), chance)


def _add_jitter(seconds: float, chance: float) -> timedelta:
    return timedelta(seconds=seconds * (1 + JITTER * chance))


def parse_reply(status: int, headers: Mapping[str, str], body: bytes | None, *, now: datetime) -> ReceiverReply:
    """Read a reply as far as it can be understood; ``body`` is ``None`` if it was too long to read."""
    receipt = _parse_receipt(body) if body is not None and 200 <= status < 300 else None
    requested_wait = parse_retry_after(headers.get("retry-after", ""), now)
    if receipt is None:
        return ReceiverReply(status, retry_after=requested_wait)
    accepted = frozenset(_read_ids(receipt["accepted"])) | frozenset(_read_ids(receipt["duplicates"]))
    return ReceiverReply(status, accepted=accepted, rejected=_read_rejections(receipt["rejected"]), is_readable=True)


def parse_retry_after(value: str, now: datetime) -> timedelta | None:
    """Read a Retry-After header, which has seconds or a date; ``None`` if it has neither."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return timedelta(seconds=min(int(value[:9]), 10**8))
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(timedelta(0), until - now)


def _parse_receipt(body: bytes) -> dict[str, list[Any]] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    names = ("accepted", "duplicates", "rejected")
    lists = {name: document.get(name, []) for name in names}
    is_receipt = any(name in document for name in names) and all(isinstance(items, list) for items in lists.values())
    return lists if is_receipt else None


def _read_ids(items: Iterable[Any]) -> Iterable[str]:
    return (event_id.lower() for event_id in items if isinstance(event_id, str))


def _read_rejections(items: Iterable[Any]) -> dict[str, str]:
    reasons = {}
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            reason = item.get("reason")
            text = reason if isinstance(reason, str) and reason else "rejected"
            reasons[item["id"].lower()] = _replace_unprintable(text)
    return reasons


def _replace_unprintable(text: str) -> str:
    """Replace characters that a database cannot store (NUL, lone surrogates) or that would mislead a reader."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
