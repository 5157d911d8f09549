"""The retry policy: what follows from each reply, and generated histories of relays, a receiver and a clock."""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from feedback_service.delivery import retry_policy
from feedback_service.delivery.retry_policy import (
    LEASE,
    MAX_BATCH,
    Circuit,
    Decision,
    ReceiverReply,
    batch_size,
    channel_wait,
    decide_outcome,
)

NOW = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
SENT = ("a", "b", "c", "d")
OPEN = Circuit()
FAILURES = (
    401,
    402,
    403,
    404,
    405,
    408,
    409,
    410,
    418,
    425,
    429,
    431,
    451,
    500,
    501,
    502,
    503,
    504,
    505,
    599,
)
REDIRECTS = (300, 301, 302, 303, 304, 307, 308)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def decide(
    reply: ReceiverReply,
    channel: Circuit = OPEN,
    sent: tuple[str, ...] = SENT,
    *,
    now: datetime = NOW,
    probe: bool = False,
    setbacks: int = 0,
) -> Decision:
    """Decide at ``NOW``, without chance, about four events on an open channel, unless the arguments differ."""
    return decide_outcome(channel, reply, sent, now=now, chance=0.0, is_probe=probe, setbacks=setbacks)


def make_receipt(*accepted: str, **rejected: str) -> ReceiverReply:
    """Make a reply as the contract describes it."""
    return ReceiverReply(200, accepted=frozenset(accepted), rejected=rejected, is_readable=True)


# One decision -----------------------------------------------------------------------------------------------------


def test_accepted_events_are_delivered_rejected_are_dead_unnamed_wait() -> None:
    decision = decide(make_receipt("a", "b", "another", c="unknown centre"))

    assert decision.delivered == ("a", "b")
    assert decision.dead == {"c": "unknown centre"}
    assert (decision.waiting, decision.reason, decision.is_setback) == (
        ("d",),
        retry_policy.UNNAMED_EVENT,
        True,
    )
    assert decision.circuit == OPEN and decision.halves == ()


def test_a_reply_that_names_no_event_of_several_is_a_failure_of_the_connection() -> None:
    for reply in (make_receipt(), make_receipt("another"), make_receipt(another="no")):
        decision = decide(reply)
        assert (decision.waiting, decision.reason, decision.circuit.reason) == (
            SENT,
            retry_policy.UNNAMED_EVENT,
            retry_policy.UNNAMED_EVENT,
        )
        assert decision.circuit.is_paused(NOW)


@pytest.mark.parametrize(
    ("reply", "setbacks"),
    [(make_receipt(), 0), (make_receipt(), 6), (ReceiverReply(500), 6), (ReceiverReply(None), 9)],
)
def test_a_single_event_that_is_unnamed_or_fails_often_does_not_close_the_channel(
    reply: ReceiverReply, setbacks: int
) -> None:
    decision = decide(reply, sent=("a",), setbacks=setbacks)
    assert (decision.waiting, decision.is_setback, decision.circuit) == (("a",), True, OPEN)
    assert decision.wait >= seconds(1)


def test_an_event_both_accepted_and_rejected_is_dead() -> None:
    decision = decide(make_receipt("a", a="broken"), sent=("a",))
    assert (decision.delivered, dict(decision.dead)) == ((), {"a": "broken"})


@pytest.mark.parametrize("status", (*FAILURES, *REDIRECTS, None))
def test_a_failure_of_the_connection_closes_the_channel_and_all_events_wait(status: int | None) -> None:
    decision = decide(ReceiverReply(status, "no answer in time" if status is None else ""))

    assert (decision.delivered, dict(decision.dead), decision.halves) == ((), {}, ())
    assert decision.waiting == SENT
    assert decision.circuit.is_paused(NOW) and not decision.circuit.is_paused(NOW + seconds(1))
    assert decision.circuit.failing_since == NOW
    assert decision.circuit.reason == decision.reason == ("no answer in time" if status is None else f"HTTP {status}")


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_refused_batch_is_halved_until_the_refused_event_is_found(status: int) -> None:
    assert decide(ReceiverReply(status)).halves == (("a", "b"), ("c", "d"))
    assert decide(ReceiverReply(status), sent=("a", "b", "c")).halves == (("a",), ("b", "c"))
    alone = decide(ReceiverReply(status), sent=("a",))
    assert (dict(alone.dead), alone.halves, alone.waiting) == ({"a": f"HTTP {status}"}, (), ())
    assert alone.circuit == OPEN


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{}", b"[]", b"null", b'"accepted"', b"<html>", b"\xff", b"[" * 9999, b'{"accepted": {}}'),
        *(b'{"accepted": ["a"], "rejected": "b"}', b'{"ok": true}', None),
    ],
)
def test_a_success_that_cannot_be_read_is_a_failure_of_the_connection(body: bytes | None) -> None:
    reply = retry_policy.parse_reply(200, {}, body, now=NOW)
    decision = decide(reply)

    assert (decision.waiting, dict(decision.dead), decision.reason) == (
        SENT,
        {},
        retry_policy.UNREADABLE_REPLY,
    )
    assert decision.circuit.is_paused(NOW)


def test_a_receipt_is_understood_as_far_as_it_makes_sense() -> None:
    body = {
        "accepted": ["A", 7, None],
        "duplicates": ["b"],
        "rejected": [{"id": "C", "reason": "no"}, {"id": "d"}, "e", {"id": 5}, {"id": "f", "reason": 9}],
    }
    reply = retry_policy.parse_reply(201, {}, json.dumps(body).encode(), now=NOW)

    assert reply.accepted == {"a", "b"}
    assert reply.rejected == {"c": "no", "d": "rejected", "f": "rejected"}
    assert reply.is_success
    assert retry_policy.parse_reply(200, {}, b'{"duplicates": ["a"]}', now=NOW).accepted == {"a"}


def test_characters_that_cannot_be_shown_are_replaced_in_the_receivers_reason() -> None:
    body = rb'{"rejected": [{"id": "a", "reason": "bad\u0000 \ud800\u202e\u001b word \u0456"}]}'
    reply = retry_policy.parse_reply(200, {}, body, now=NOW)
    assert reply.rejected == {"a": "bad� " + "�" * 3 + " word і"}


def test_a_body_counts_only_with_success() -> None:
    reply = retry_policy.parse_reply(500, {}, b'{"accepted": ["a"]}', now=NOW)
    assert not reply.is_success and not reply.accepted


# StoredEvent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        *(("120", 120), (" 7 ", 7), ("0", 0), ("99999999999999999999", 10**8)),
        *(("Fri, 20 Nov 2026 08:16:00 GMT", 60), ("Fri, 20 Nov 2026 10:16:00 +0200", 60)),
        *(("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Fri, 20-Nov-26 08:16:00 GMT", 60)),
        *(("", None), ("soon", None), ("-5", None), ("1.5", None), ("٣", None), ("1e9", None)),
        ("Fri, 99 Nov 2026 08:16:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(header: str, wait: int | None) -> None:
    assert retry_policy.parse_retry_after(header, NOW) == (None if wait is None else seconds(wait))


@pytest.mark.parametrize(
    ("requested", "actual"), [(0, 1), (0.5, 1), (30, 30), (7200, 7200), (86_400, 86_400), (10**8, 86_400)]
)
def test_a_retry_after_is_respected_up_to_a_day(requested: float, actual: float) -> None:
    decision = decide(ReceiverReply(503, retry_after=seconds(requested)))
    assert decision.circuit.retry_at == NOW + seconds(actual)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_a_failing_channel_is_first_tried_again_within_two_seconds(chance: float) -> None:
    assert seconds(1) <= channel_wait(seconds(0), chance) < seconds(2)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_a_young_failure_is_tried_every_ten_seconds_an_old_one_every_five_minutes(chance: float) -> None:
    for minute in range(10):
        assert channel_wait(timedelta(minutes=minute, seconds=59), chance) <= seconds(10)
    waits = [channel_wait(timedelta(minutes=minute), chance) for minute in range(10, 60)]
    assert waits == sorted(waits), "waits grow"
    for failing_for in (timedelta(hours=2), timedelta(days=30), timedelta(days=3650)):
        assert seconds(240) <= channel_wait(failing_for, chance) <= seconds(300)


def test_jitter_keeps_relays_apart() -> None:
    generator = random.Random(1)
    assert len({channel_wait(timedelta(days=1), generator.random()) for _ in range(50)}) == 50


def test_a_successful_probe_opens_the_channel_at_once() -> None:
    failing = Circuit(failing_since=NOW, retry_at=NOW + seconds(60), reason="HTTP 503")

    for reply in (make_receipt(*SENT), ReceiverReply(422)):
        assert decide(reply, failing, probe=True).circuit == OPEN
        assert decide(reply, failing, probe=False).circuit == failing, "it was sent before the failure"


def test_an_older_request_does_not_shorten_a_requested_wait() -> None:
    requested = decide(ReceiverReply(429, retry_after=seconds(600))).circuit
    later = decide(ReceiverReply(500), requested, now=NOW + seconds(2)).circuit

    assert later.retry_at == requested.retry_at
    assert later.failing_since == NOW


def test_a_wait_longer_than_any_request_means_that_the_clock_jumped() -> None:
    requested = decide(ReceiverReply(429, retry_after=seconds(3600))).circuit

    assert requested.is_paused(NOW) and requested.is_paused(NOW - seconds(55))
    assert not requested.is_paused(NOW - timedelta(days=1))


def test_a_failure_in_the_future_means_that_the_clock_jumped_and_closes_nothing() -> None:
    ahead = decide(ReceiverReply(401), now=NOW + timedelta(hours=1)).circuit

    assert not ahead.is_paused(NOW)
    assert decide(ReceiverReply(500), ahead, now=NOW).circuit.failing_since == NOW


# Setbacks ----------------------------------------------------------------------------------------------


def test_events_get_a_setback_when_an_open_channel_fails_but_not_a_failing_one() -> None:
    first = decide(ReceiverReply(500))
    assert first.is_setback and first.wait > seconds(0)
    second = decide(ReceiverReply(500), first.circuit, probe=True, now=NOW + seconds(1))
    assert not second.is_setback and second.wait == seconds(0)


def test_batches_shrink_to_one_event_and_only_then_waits_grow() -> None:
    assert [batch_size(setbacks) for setbacks in range(8)] == [100, 50, 25, 12, 6, 3, 1, 1]
    waits = [decide(ReceiverReply(500), setbacks=setbacks).wait for setbacks in range(20)]
    assert waits[:5] == [seconds(1)] * 5
    assert waits[6] == seconds(4)
    assert waits[-1] == seconds(240)


def test_a_receiver_that_is_too_slow_gets_smaller_batches_that_grow_slowly() -> None:
    channel = OPEN
    for batch in (50, 25, 12, 6, 3, 1, 1):
        channel = decide(ReceiverReply(None, "no answer in time"), channel, probe=True).circuit
        assert channel.batch == batch
    for batch in (11, 21, 31):
        channel = decide(make_receipt(*SENT), channel, probe=True).circuit
        assert channel.batch == batch
    assert decide(ReceiverReply(503)).circuit.batch == MAX_BATCH, "a receiver that answers is quick enough"


# Generated histories ----------------------------------------------------------------------------------------------


@dataclass
class StoredEvent:
    """An event as the database stores it."""

    due_at: datetime
    state: str = "pending"
    claim: int | None = None
    setbacks: int = 0


@dataclass
class Batch:
    """The events that a relay has claimed; it sends the first group next."""

    claim: int
    probe: bool
    setbacks: int
    groups: list[tuple[str, ...]] = field(default_factory=list)


FAILING = st.sampled_from(
    [*(ReceiverReply(status) for status in (401, 404, 408, 429, 500, 503, 302)), ReceiverReply(None, "reset")]
)
ASKING = st.integers(0, 100_000).map(lambda wait: ReceiverReply(503, retry_after=seconds(wait)))
UNREADABLE = st.just(ReceiverReply(200))


class History(RuleBasedStateMachine):
    """Three relays, one receiver, one clock; a short model of the relay's claims and tables."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.channel = OPEN
        self.table: dict[str, StoredEvent] = {}
        self.relays: dict[int, Batch] = {}
        self.received: set[str] = set()
        self.poison: set[str] = set()  # refused with 422
        self.refused: set[str] = set()  # named in "rejected"
        self.claims = 0

    # Rules

    @rule(n=st.integers(1, 130), poison=st.booleans(), refused=st.booleans())
    def events_are_stored(self, n: int, poison: bool, refused: bool) -> None:
        ids = [f"{len(self.table) + number:05}" for number in range(n)]
        self.table |= {id: StoredEvent(self.now) for id in ids}
        self.poison |= {ids[0]} if poison else set()
        self.refused |= {ids[-1]} if refused and not (poison and n == 1) else set()

    @rule(wait=st.floats(0.1, 4000))
    def time_passes(self, wait: float) -> None:
        self.now += seconds(wait)

    @rule(wait=st.floats(1, 100_000))
    def the_clock_is_set_back(self, wait: float) -> None:
        self.now -= seconds(wait)
        for event in self.table.values():  # as ``clock_repair.correct_future_times`` does
            event.due_at = min(event.due_at, self.now + LEASE)

    @rule(relay=st.integers(1, 3))
    def a_relay_claims(self, relay: int) -> None:
        if relay not in self.relays:
            self._claim(relay)

    @rule(relay=st.integers(1, 3))
    def a_relay_dies(self, relay: int) -> None:
        self.relays.pop(relay, None)

    @precondition(lambda self: self.relays)
    @rule(
        data=st.data(),
        stores=st.booleans(),
        failing=st.one_of(FAILING, ASKING, UNREADABLE),
        duration=st.floats(0, 8),
    )
    def the_connection_fails(self, data: st.DataObject, stores: bool, failing: ReceiverReply, duration: float) -> None:
        relay = data.draw(st.sampled_from(sorted(self.relays)))
        sent = self.relays[relay].groups[0]
        if stores and not self.poison & set(sent):
            self.received |= set(sent) - self.refused
        self._settle(relay, failing, duration)

    @precondition(lambda self: self.relays)
    @rule(data=st.data(), left_out=st.integers(0, 3), duration=st.floats(0, 8), dies=st.booleans())
    def the_receiver_answers(self, data: st.DataObject, left_out: int, duration: float, dies: bool) -> None:
        relay = data.draw(st.sampled_from(sorted(self.relays)))
        reply = self._answer(self.relays[relay].groups[0], left_out)
        if dies:
            del self.relays[relay]
        else:
            self._settle(relay, reply, duration)

    # Invariants

    @invariant()
    def delivered_events_have_been_received(self) -> None:
        assert {id for id, event in self.table.items() if event.state == "delivered"} <= self.received

    @invariant()
    def only_refused_events_are_dead(self) -> None:
        assert {id for id, event in self.table.items() if event.state == "dead"} <= self.poison | self.refused

    @invariant()
    def no_wait_is_longer_than_a_day(self) -> None:
        retry_at = self.channel.retry_at
        assert retry_at is None or not self.channel.is_paused(self.now) or retry_at - self.now <= seconds(86_400 + 60)

    def teardown(self) -> None:
        """Let the receiver work again: soon after a requested wait, every event is delivered, or dead if refused."""
        self.relays.clear()
        requested_wait = max(seconds(0), (self.channel.retry_at or self.now) - self.now)
        started_at, self.now = (
            self.now,
            self.now + (requested_wait if self.channel.is_paused(self.now) else seconds(0)),
        )
        for _ in range(20_000):
            if all(event.state != "pending" for event in self.table.values()):
                break
            if 1 not in self.relays and not self._claim(1):
                self.now += seconds(0.5)
            elif 1 in self.relays:
                self._settle(1, self._answer(self.relays[1].groups[0], 0), 0.01)
        assert {event.state for event in self.table.values()} <= {"delivered", "dead"}
        dead = {id for id, event in self.table.items() if event.state == "dead"}
        assert dead <= self.poison | self.refused
        assert self.table.keys() - dead <= self.received
        assert self.now - started_at - requested_wait < timedelta(minutes=6), "waiting events are sent soon"

    # The model of a relay

    def _claim(self, relay: int) -> bool:
        if self.channel.is_paused(self.now):
            return False
        due = sorted((event.due_at, id) for id, event in self.table.items() if self._is_due(event))
        if not due:
            return False
        probe = self.channel.failing_since is not None
        setbacks = self.table[due[0][1]].setbacks
        same_size = [id for _, id in due if batch_size(self.table[id].setbacks) == batch_size(setbacks)]
        claimed = tuple(same_size[: min(batch_size(setbacks), self.channel.batch)])
        if probe:
            self.channel = Circuit(
                self.channel.batch, self.channel.failing_since, self.now + LEASE, self.channel.reason
            )
        self.claims += 1
        for id in claimed:
            self.table[id].claim, self.table[id].due_at = self.claims, self.now + LEASE
        self.relays[relay] = Batch(self.claims, probe, setbacks, [claimed])
        return True

    def _is_due(self, event: StoredEvent) -> bool:
        return event.state == "pending" and event.due_at <= self.now

    def _answer(self, sent: tuple[str, ...], left_out: int) -> ReceiverReply:
        if self.poison & set(sent):
            return ReceiverReply(422)
        rejected = {id: "refused" for id in sent if id in self.refused}
        accepted = [id for id in sent if id not in rejected][left_out:]
        self.received |= set(accepted)
        return ReceiverReply(200, accepted=frozenset(accepted), rejected=rejected, is_readable=True)

    def _settle(self, relay: int, reply: ReceiverReply, duration: float) -> None:
        self.now += seconds(duration)
        batch = self.relays[relay]
        sent = batch.groups.pop(0)
        decision = decide_outcome(
            *(self.channel, reply, sent),
            now=self.now,
            chance=0.5,
            is_probe=batch.probe,
            setbacks=batch.setbacks,
        )
        self.channel = decision.circuit
        assert sorted(
            [
                *decision.delivered,
                *decision.dead,
                *decision.waiting,
                *(id for h in decision.halves for id in h),
            ]
        ) == sorted(sent)
        for id in sent:
            event = self.table[id]
            if event.claim != batch.claim:
                continue  # the lease has ended, another relay has claimed it
            event.due_at = self.now + LEASE
            if id in decision.waiting:
                event.due_at, event.claim = self.now + decision.wait, None
                event.setbacks += decision.is_setback
            elif id in decision.delivered or id in decision.dead:
                event.state, event.claim = ("delivered" if id in decision.delivered else "dead"), None
        batch.groups[:0] = decision.halves
        if decision.circuit.is_paused(self.now):
            for id in (id for group in batch.groups for id in group):
                if self.table[id].claim == batch.claim:
                    self.table[id].claim, self.table[id].due_at = None, self.now
            batch.groups.clear()
        if not batch.groups:
            del self.relays[relay]


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
