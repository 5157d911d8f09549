"""What follows from a reply of the central system: a pure step, without network, database and clock.

Failures of the connection are the channel's: it pauses, nothing dies, all wait. A refusal of what was sent is
an event's: the batch is split until the one is found, which dies alone, visible and replayable. What a reply
does not name has not arrived, and goes again a little later; one that names none of several is no reply.

Some servers fail (or hang) because of one event. That looks like a failure of the connection, so whoever was
in a request that failed on an open channel has a *setback*: it goes again after a while of its own, in a
company half as large, so that in the end such an event is alone and the others never meet it again; then it
does not close the channel any more either.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from feedback_service.backoff import doubled_wait

MAX_BATCH = 100  # events in one request
PATIENT_SETBACKS = 4  # setbacks of an event before its own wait grows
BATCH_GROWTH = 10  # events more after a request that went well, while the channel takes fewer

LEASE = timedelta(seconds=10)  # after which what a dead relay had claimed is free again
REQUEST_LIMIT = timedelta(seconds=8)  # in which a request ends, one way or the other: sooner than its lease

YOUNG_FAILURE = timedelta(minutes=10)  # trouble is; meanwhile we look again every few seconds
FIRST_WAIT, YOUNG_WAIT, OLD_WAIT = 1.0, 7.5, 240.0  # seconds, before jitter
JITTER = 0.25  # at most this share is added
MAX_RETRY_AFTER = timedelta(hours=1)  # of what a Retry-After may ask
CLOCK_SKEW = timedelta(minutes=1)  # by which clocks of machines may differ and still be right
FAR_AHEAD = timedelta(minutes=15)  # further ahead than any event is ever put off: its clock was wrong

REFUSAL_STATUSES = frozenset({400, 413, 415, 422})
UNREADABLE_REPLY = "the answer cannot be read"
UNNAMED_EVENT = "the answer does not name it"


@dataclass(frozen=True, slots=True)
class ReceiverReply:
    """What came of a request: a status, or ``None`` and why there is none; and which events it names."""

    status: int | None
    failure: str = ""
    accepted: frozenset[str] = frozenset()
    rejected: Mapping[str, str] = field(default_factory=dict)
    is_readable: bool = False
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver said something about each event."""
        return self.status is not None and 200 <= self.status < 300 and self.is_readable

    @property
    def is_refusal(self) -> bool:
        """Whether the receiver objects to what was sent."""
        return self.status in REFUSAL_STATUSES

    @property
    def reason(self) -> str:
        """Why it is not well, in a few words."""
        if self.status is None:
            return self.failure
        if 200 <= self.status < 300:
            return UNNAMED_EVENT if self.is_readable else UNREADABLE_REPLY
        return f"HTTP {self.status}"


@dataclass(frozen=True, slots=True)
class Circuit:
    """The way to the receiver: how many events go in one request, and what ails it."""

    batch: int = MAX_BATCH
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    reason: str | None = None

    def is_closed(self, now: datetime) -> bool:
        """Whether nobody is to send just now.

        Trouble that has not begun yet, or a wait longer than we ever ask for, means that the clock jumped.
        """
        if self.failing_since is not None and self.failing_since > now + CLOCK_SKEW:
            return False
        return self.retry_at is not None and now < self.retry_at <= now + 2 * MAX_RETRY_AFTER


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows: for the channel, and for each event that was sent."""

    circuit: Circuit
    delivered: tuple[str, ...] = ()
    dead: Mapping[str, str] = field(default_factory=dict)  # with the reason
    waiting: tuple[str, ...] = ()  # they go again after ``wait``
    wait: timedelta = timedelta(0)
    is_setback: bool = False  # it may be the fault of those that wait
    reason: str = ""  # why they wait
    halves: tuple[tuple[str, ...], ...] = ()  # they go again at once, apart


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
    """What follows from the reply to a request that carried the events ``event_ids``.

    ``chance`` is a number from 0 to 1; ``is_probe``: the request was sent to see whether a failing channel works
    again (only such a one proves it; others may have been under way before it failed). ``setbacks``: how many
    those that were sent have had.
    """
    named = reply.accepted | reply.rejected.keys()
    if reply.is_success and (len(event_ids) == 1 or not named.isdisjoint(event_ids)):
        return Decision(
            circuit=_recovered_circuit(circuit, is_probe),
            delivered=tuple(
                event_id
                for event_id in event_ids
                if event_id in reply.accepted and event_id not in reply.rejected
            ),
            dead={event_id: reply.rejected[event_id] for event_id in event_ids if event_id in reply.rejected},
            waiting=tuple(event_id for event_id in event_ids if event_id not in named),
            wait=_event_delay(setbacks, chance),
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
    was_open = circuit.failing_since is None
    is_to_blame = (
        was_open and batch_size(setbacks) == 1
    )  # it failed before, again and again, while others did not
    return Decision(
        circuit=circuit
        if is_to_blame
        else _failed_circuit(circuit, reply, now=now, chance=chance, is_probe=is_probe),
        waiting=tuple(event_ids),
        wait=_event_delay(setbacks, chance) if was_open else timedelta(0),
        is_setback=was_open,
        reason=reply.reason,
    )


def batch_size(setbacks: int) -> int:
    """In how large a company an event may go that has had so many setbacks."""
    return max(1, MAX_BATCH >> setbacks)


def _recovered_circuit(circuit: Circuit, is_probe: bool) -> Circuit:
    if circuit.failing_since is not None and not is_probe:
        return circuit
    return Circuit(batch=min(MAX_BATCH, circuit.batch + BATCH_GROWTH))


def _failed_circuit(
    circuit: Circuit, reply: ReceiverReply, *, now: datetime, chance: float, is_probe: bool
) -> Circuit:
    since = min(circuit.failing_since or now, now)
    wait = max(retry_delay(now - since, chance), min(reply.retry_after or timedelta(0), MAX_RETRY_AFTER))
    retry_at = now + wait
    if not is_probe and circuit.retry_at is not None and circuit.is_closed(now):
        retry_at = max(
            retry_at, circuit.retry_at
        )  # what was under way must not shorten what others were asked
    # A slow receiver must not be asked for ever for more than it can do in time.
    batch = max(1, circuit.batch // 2) if reply.status is None else circuit.batch
    return replace(circuit, batch=batch, failing_since=since, retry_at=retry_at, reason=reply.reason)


def retry_delay(failing_for: timedelta, chance: float) -> timedelta:
    """How long to wait before the next look at a channel that has failed for so long."""
    seconds = failing_for.total_seconds()
    if failing_for < YOUNG_FAILURE:
        wait = min(YOUNG_WAIT, max(FIRST_WAIT, seconds))
    else:
        wait = min(OLD_WAIT, YOUNG_WAIT * 2 ** min(9.0, seconds / YOUNG_FAILURE.total_seconds() - 1))
    return _add_jitter(wait, chance)


def _event_delay(setbacks: int, chance: float) -> timedelta:
    """Short until it is (nearly) alone, so that its company does not wait for long; then growing."""
    first, longest = timedelta(seconds=FIRST_WAIT), timedelta(seconds=OLD_WAIT)
    return _add_jitter(doubled_wait(first, longest, setbacks - PATIENT_SETBACKS + 1).total_seconds(), chance)


def _add_jitter(seconds: float, chance: float) -> timedelta:
    return timedelta(seconds=seconds * (1 + JITTER * chance))


def parse_reply(
    status: int, headers: Mapping[str, str], body: bytes | None, *, now: datetime
) -> ReceiverReply:
    """The reply, as far as it can be understood; ``body`` is ``None`` where it was too long to read."""
    receipt = _parse_receipt(body) if body is not None and 200 <= status < 300 else None
    requested_wait = parse_retry_after(headers.get("retry-after", ""), now)
    if receipt is None:
        return ReceiverReply(status, retry_after=requested_wait)
    accepted = frozenset(_read_ids(receipt["accepted"])) | frozenset(_read_ids(receipt["duplicates"]))
    return ReceiverReply(
        status, accepted=accepted, rejected=_read_rejections(receipt["rejected"]), is_readable=True
    )


def parse_retry_after(value: str, now: datetime) -> timedelta | None:
    """How long a Retry-After asks to wait, in seconds or until a date; ``None`` if it says nothing we know."""
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
    if not any(name in document for name in names) or not all(
        isinstance(items, list) for items in lists.values()
    ):
        return None
    return lists


def _read_ids(items: Iterable[Any]) -> Iterable[str]:
    return (event_id.lower() for event_id in items if isinstance(event_id, str))


def _read_rejections(items: Iterable[Any]) -> dict[str, str]:
    reasons = {}
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            reason = item.get("reason")
            reasons[item["id"].lower()] = (
                _replace_unprintable(reason) if isinstance(reason, str) and reason else "rejected"
            )
    return reasons


def _replace_unprintable(text: str) -> str:
    """Without what no database keeps (NUL, halves of surrogate pairs) and what would mislead who reads it."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
