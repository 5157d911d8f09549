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

MOST = 100  # events in one request
PATIENT = 4  # setbacks of an event before its own wait grows
MORE = 10  # events more after a request that went well, while the channel takes fewer

LEASE = timedelta(seconds=10)  # after which what a dead relay had claimed is free again
REQUEST = timedelta(seconds=8)  # in which a request ends, one way or the other: sooner than its lease

YOUNG = timedelta(minutes=10)  # trouble is; meanwhile we look again every few seconds
FIRST_WAIT, YOUNG_WAIT, OLD_WAIT = 1.0, 7.5, 240.0  # seconds, before jitter
JITTER = 0.25  # at most this share is added
LONGEST_REQUESTED = timedelta(hours=1)  # of what a Retry-After may ask
SKEW = timedelta(minutes=1)  # by which clocks of machines may differ and still be right
FAR = timedelta(minutes=15)  # further ahead than any event is ever put off: its clock was wrong

REFUSED_CONTENT = frozenset({400, 413, 415, 422})
UNREADABLE = "the answer cannot be read"
UNNAMED = "the answer does not name it"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request: a status, or ``None`` and why there is none; and which events it names."""

    status: int | None
    why: str = ""
    taken: frozenset[str] = frozenset()
    rejected: Mapping[str, str] = field(default_factory=dict)
    readable: bool = False
    retry_after: timedelta | None = None

    @property
    def well(self) -> bool:
        """Whether the receiver said something about each event."""
        return self.status is not None and 200 <= self.status < 300 and self.readable

    @property
    def refuses(self) -> bool:
        """Whether the receiver objects to what was sent."""
        return self.status in REFUSED_CONTENT

    @property
    def reason(self) -> str:
        """Why it is not well, in a few words."""
        if self.status is None:
            return self.why
        if 200 <= self.status < 300:
            return UNNAMED if self.readable else UNREADABLE
        return f"HTTP {self.status}"


@dataclass(frozen=True, slots=True)
class Channel:
    """The way to the receiver: how many events go in one request, and what ails it."""

    batch: int = MOST
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    reason: str | None = None

    def closed(self, now: datetime) -> bool:
        """Whether nobody is to send just now.

        Trouble that has not begun yet, or a wait longer than we ever ask for, means that the clock jumped.
        """
        if self.failing_since is not None and self.failing_since > now + SKEW:
            return False
        return self.retry_at is not None and now < self.retry_at <= now + 2 * LONGEST_REQUESTED


@dataclass(frozen=True, slots=True)
class Ruling:
    """What follows: for the channel, and for each event that was sent."""

    channel: Channel
    delivered: tuple[str, ...] = ()
    dead: Mapping[str, str] = field(default_factory=dict)  # with the reason
    waiting: tuple[str, ...] = ()  # they go again after ``wait``
    wait: timedelta = timedelta(0)
    setback: bool = False  # it may be the fault of those that wait
    reason: str = ""  # why they wait
    halves: tuple[tuple[str, ...], ...] = ()  # they go again at once, apart


def step(
    channel: Channel,
    reply: Reply,
    sent: Sequence[str],
    *,
    now: datetime,
    chance: float,
    probe: bool,
    setbacks: int = 0,
) -> Ruling:
    """What follows from the reply to a request that carried the events ``sent``.

    ``chance`` is a number from 0 to 1; ``probe``: the request was sent to see whether a failing channel works
    again (only such a one proves it; others may have been under way before it failed). ``setbacks``: how many
    those that were sent have had.
    """
    named = reply.taken | reply.rejected.keys()
    if reply.well and (len(sent) == 1 or not named.isdisjoint(sent)):
        return Ruling(
            channel=_works(channel, probe),
            delivered=tuple(id for id in sent if id in reply.taken and id not in reply.rejected),
            dead={id: reply.rejected[id] for id in sent if id in reply.rejected},
            waiting=tuple(id for id in sent if id not in named),
            wait=_own_wait(setbacks, chance),
            setback=True,
            reason=UNNAMED,
        )
    if reply.refuses and len(sent) > 1:
        middle = len(sent) // 2
        return Ruling(_works(channel, probe), halves=(tuple(sent[:middle]), tuple(sent[middle:])))
    if reply.refuses:
        return Ruling(_works(channel, probe), dead=dict.fromkeys(sent, reply.reason))
    open_before = channel.failing_since is None
    to_blame = (
        open_before and company(setbacks) == 1
    )  # it failed before, again and again, while others did not
    return Ruling(
        channel=channel if to_blame else _fails(channel, reply, now=now, chance=chance, probe=probe),
        waiting=tuple(sent),
        wait=_own_wait(setbacks, chance) if open_before else timedelta(0),
        setback=open_before,
        reason=reply.reason,
    )


def company(setbacks: int) -> int:
    """In how large a company an event may go that has had so many setbacks."""
    return max(1, MOST >> setbacks)


def _works(channel: Channel, probe: bool) -> Channel:
    if channel.failing_since is not None and not probe:
        return channel
    return Channel(batch=min(MOST, channel.batch + MORE))


def _fails(channel: Channel, reply: Reply, *, now: datetime, chance: float, probe: bool) -> Channel:
    since = min(channel.failing_since or now, now)
    wait = max(pause(now - since, chance), min(reply.retry_after or timedelta(0), LONGEST_REQUESTED))
    retry_at = now + wait
    if not probe and channel.retry_at is not None and channel.closed(now):
        retry_at = max(
            retry_at, channel.retry_at
        )  # what was under way must not shorten what others were asked
    # A slow receiver must not be asked for ever for more than it can do in time.
    batch = max(1, channel.batch // 2) if reply.status is None else channel.batch
    return replace(channel, batch=batch, failing_since=since, retry_at=retry_at, reason=reply.reason)


def pause(failing_for: timedelta, chance: float) -> timedelta:
    """How long to wait before the next look at a channel that has failed for so long."""
    seconds = failing_for.total_seconds()
    if failing_for < YOUNG:
        wait = min(YOUNG_WAIT, max(FIRST_WAIT, seconds))
    else:
        wait = min(OLD_WAIT, YOUNG_WAIT * 2 ** min(9.0, seconds / YOUNG.total_seconds() - 1))
    return _jittered(wait, chance)


def _own_wait(setbacks: int, chance: float) -> timedelta:
    """Short until it is (nearly) alone, so that its company does not wait for long; then growing."""
    first, longest = timedelta(seconds=FIRST_WAIT), timedelta(seconds=OLD_WAIT)
    return _jittered(doubled_wait(first, longest, setbacks - PATIENT + 1).total_seconds(), chance)


def _jittered(seconds: float, chance: float) -> timedelta:
    return timedelta(seconds=seconds * (1 + JITTER * chance))


def understood(status: int, headers: Mapping[str, str], body: bytes | None, *, now: datetime) -> Reply:
    """The reply, as far as it can be understood; ``body`` is ``None`` where it was too long to read."""
    receipt = _receipt(body) if body is not None and 200 <= status < 300 else None
    asked = retry_after(headers.get("retry-after", ""), now)
    if receipt is None:
        return Reply(status, retry_after=asked)
    taken = frozenset(_ids(receipt["accepted"])) | frozenset(_ids(receipt["duplicates"]))
    return Reply(status, taken=taken, rejected=_rejected(receipt["rejected"]), readable=True)


def retry_after(value: str, now: datetime) -> timedelta | None:
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


def _receipt(body: bytes) -> dict[str, list[Any]] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    names = ("accepted", "duplicates", "rejected")
    lists = {name: told.get(name, []) for name in names}
    if not any(name in told for name in names) or not all(isinstance(x, list) for x in lists.values()):
        return None
    return lists


def _ids(named: Iterable[Any]) -> Iterable[str]:
    return (id.lower() for id in named if isinstance(id, str))


def _rejected(named: Iterable[Any]) -> dict[str, str]:
    found = {}
    for each in named:
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            reason = each.get("reason")
            found[each["id"].lower()] = _shown(reason) if isinstance(reason, str) and reason else "rejected"
    return found


def _shown(words: str) -> str:
    """Without what no database keeps (NUL, halves of surrogate pairs) and what would mislead who reads it."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)
