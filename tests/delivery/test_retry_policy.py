"""The pure step: what follows from each reply; and whole histories of relays, receivers and clocks, made up."""

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
    decide_outcome,
    retry_delay,
)

NOW = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
SENT = ("a", "b", "c", "d")
OPEN = Circuit()
BROKEN = (401, 402, 403, 404, 405, 408, 409, 410, 418, 425, 429, 431, 451, 500, 501, 502, 503, 504, 505, 599)
REDIRECTS = (300, 301, 302, 303, 304, 307, 308)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def ruling(
    reply: ReceiverReply,
    channel: Circuit = OPEN,
    sent: tuple[str, ...] = SENT,
    *,
    now: datetime = NOW,
    probe: bool = False,
    setbacks: int = 0,
) -> Decision:
    """The step at noon without chance, unless told otherwise."""
    return decide_outcome(channel, reply, sent, now=now, chance=0.0, is_probe=probe, setbacks=setbacks)


def receipt(*taken: str, **rejected: str) -> ReceiverReply:
    """A reply that the contract knows."""
    return ReceiverReply(200, accepted=frozenset(taken), rejected=rejected, is_readable=True)


# One step -----------------------------------------------------------------------------------------------------


def test_what_is_named_arrived_what_is_rejected_died_what_is_left_out_waits() -> None:
    told = ruling(receipt("a", "b", "another", c="unknown centre"))

    assert told.delivered == ("a", "b")
    assert told.dead == {"c": "unknown centre"}
    assert (told.waiting, told.reason, told.is_setback) == (("d",), retry_policy.UNNAMED_EVENT, True)
    assert told.circuit == OPEN and told.halves == ()


def test_a_reply_that_names_nothing_of_what_was_sent_is_a_failure_of_the_connection() -> None:
    for reply in (receipt(), receipt("another"), receipt(another="no")):
        told = ruling(reply)
        assert (told.waiting, told.reason, told.circuit.reason) == (
            SENT,
            retry_policy.UNNAMED_EVENT,
            retry_policy.UNNAMED_EVENT,
        )
        assert told.circuit.is_closed(NOW)


@pytest.mark.parametrize(
    ("reply", "setbacks"), [(receipt(), 0), (receipt(), 6), (ReceiverReply(500), 6), (ReceiverReply(None), 9)]
)
def test_who_is_forgotten_alone_or_failed_again_and_again_holds_nobody_up(
    reply: ReceiverReply, setbacks: int
) -> None:
    told = ruling(reply, sent=("a",), setbacks=setbacks)
    assert (told.waiting, told.is_setback, told.circuit) == (("a",), True, OPEN)
    assert told.wait >= seconds(1)


def test_an_event_both_taken_and_rejected_is_shown_to_people() -> None:
    told = ruling(receipt("a", a="broken"), sent=("a",))
    assert (told.delivered, dict(told.dead)) == ((), {"a": "broken"})


@pytest.mark.parametrize("status", (*BROKEN, *REDIRECTS, None))
def test_failures_of_the_connection_kill_nothing_and_close_the_channel(status: int | None) -> None:
    told = ruling(ReceiverReply(status, "no answer in time" if status is None else ""))

    assert (told.delivered, dict(told.dead), told.halves) == ((), {}, ())
    assert told.waiting == SENT
    assert told.circuit.is_closed(NOW) and not told.circuit.is_closed(NOW + seconds(1))
    assert told.circuit.failing_since == NOW
    assert told.circuit.reason == told.reason == ("no answer in time" if status is None else f"HTTP {status}")


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_refused_batch_is_halved_until_the_one_is_found(status: int) -> None:
    assert ruling(ReceiverReply(status)).halves == (("a", "b"), ("c", "d"))
    assert ruling(ReceiverReply(status), sent=("a", "b", "c")).halves == (("a",), ("b", "c"))
    alone = ruling(ReceiverReply(status), sent=("a",))
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
    told = ruling(reply)

    assert (told.waiting, dict(told.dead), told.reason) == (SENT, {}, retry_policy.UNREADABLE_REPLY)
    assert told.circuit.is_closed(NOW)


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


def test_the_receivers_words_are_kept_as_far_as_they_can_be_shown() -> None:
    body = rb'{"rejected": [{"id": "a", "reason": "bad\u0000 \ud800\u202e\u001b word \u0456"}]}'
    reply = retry_policy.parse_reply(200, {}, body, now=NOW)
    assert reply.rejected == {"a": "bad� " + "�" * 3 + " word і"}


def test_a_body_counts_only_with_success() -> None:
    reply = retry_policy.parse_reply(500, {}, b'{"accepted": ["a"]}', now=NOW)
    assert not reply.is_success and not reply.accepted


# Waiting ------------------------------------------------------------------------------------------------------


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
    ("asked", "served"), [(0, 1), (0.5, 1), (30, 30), (3600, 3600), (7200, 3600), (10**8, 3600)]
)
def test_a_retry_after_is_served_but_never_more_than_an_hour(asked: float, served: float) -> None:
    told = ruling(ReceiverReply(503, retry_after=seconds(asked)))
    assert told.circuit.retry_at == NOW + seconds(served)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_the_first_look_again_comes_within_two_seconds(chance: float) -> None:
    assert seconds(1) <= retry_delay(seconds(0), chance) < seconds(2)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_young_trouble_is_looked_at_every_ten_seconds_old_trouble_every_five_minutes(chance: float) -> None:
    for minute in range(10):
        assert retry_delay(timedelta(minutes=minute, seconds=59), chance) <= seconds(10)
    waits = [retry_delay(timedelta(minutes=minute), chance) for minute in range(10, 60)]
    assert waits == sorted(waits), "waits grow"
    for failing_for in (timedelta(hours=2), timedelta(days=30), timedelta(days=3650)):
        assert seconds(240) <= retry_delay(failing_for, chance) <= seconds(300)


def test_jitter_keeps_relays_apart() -> None:
    generator = random.Random(1)
    assert len({retry_delay(timedelta(days=1), generator.random()) for _ in range(50)}) == 50


def test_success_opens_the_channel_at_once_if_it_was_sent_to_see() -> None:
    failing = Circuit(failing_since=NOW, retry_at=NOW + seconds(60), reason="HTTP 503")

    for reply in (receipt(*SENT), ReceiverReply(422)):
        assert ruling(reply, failing, probe=True).circuit == OPEN
        assert ruling(reply, failing, probe=False).circuit == failing, "it was under way before the trouble"


def test_what_was_under_way_does_not_shorten_the_wait_that_was_asked_for() -> None:
    asked = ruling(ReceiverReply(429, retry_after=seconds(600))).circuit
    later = ruling(ReceiverReply(500), asked, now=NOW + seconds(2)).circuit

    assert later.retry_at == asked.retry_at
    assert later.failing_since == NOW


def test_a_wait_longer_than_anybody_asks_for_means_that_the_clock_jumped() -> None:
    asked = ruling(ReceiverReply(429, retry_after=seconds(3600))).circuit

    assert asked.is_closed(NOW) and asked.is_closed(NOW - seconds(55))
    assert not asked.is_closed(NOW - timedelta(days=1))


def test_trouble_that_has_not_begun_yet_means_that_the_clock_jumped_and_holds_nobody() -> None:
    ahead = ruling(ReceiverReply(401), now=NOW + timedelta(hours=1)).circuit

    assert not ahead.is_closed(NOW)
    assert ruling(ReceiverReply(500), ahead, now=NOW).circuit.failing_since == NOW


# Who is to blame ----------------------------------------------------------------------------------------------


def test_an_open_channel_that_fails_is_a_setback_for_those_sent_a_failing_one_is_not() -> None:
    first = ruling(ReceiverReply(500))
    assert first.is_setback and first.wait > seconds(0)
    second = ruling(ReceiverReply(500), first.circuit, probe=True, now=NOW + seconds(1))
    assert not second.is_setback and second.wait == seconds(0)


def test_company_shrinks_to_one_and_only_then_waits_grow() -> None:
    assert [batch_size(setbacks) for setbacks in range(8)] == [100, 50, 25, 12, 6, 3, 1, 1]
    waits = [ruling(ReceiverReply(500), setbacks=setbacks).wait for setbacks in range(20)]
    assert waits[:5] == [seconds(1)] * 5
    assert waits[6] == seconds(4)
    assert waits[-1] == seconds(240)


def test_a_receiver_that_is_too_slow_is_asked_for_less_and_carefully_for_more() -> None:
    channel = OPEN
    for batch in (50, 25, 12, 6, 3, 1, 1):
        channel = ruling(ReceiverReply(None, "no answer in time"), channel, probe=True).circuit
        assert channel.batch == batch
    for batch in (11, 21, 31):
        channel = ruling(receipt(*SENT), channel, probe=True).circuit
        assert channel.batch == batch
    assert ruling(ReceiverReply(503)).circuit.batch == MAX_BATCH, "whoever answers is quick enough"


# Whole histories ----------------------------------------------------------------------------------------------


@dataclass
class Waiting:
    """An event as a relay's table keeps it."""

    due_at: datetime
    state: str = "pending"
    claim: int | None = None
    setbacks: int = 0
    died_of: str = ""


@dataclass
class Carried:
    """What a relay has claimed: the group in hand, and what is to be sent after it."""

    claim: int
    probe: bool
    setbacks: int
    groups: list[tuple[str, ...]] = field(default_factory=list)


FAILING = st.sampled_from(
    [*(ReceiverReply(status) for status in (401, 404, 408, 429, 500, 503, 302)), ReceiverReply(None, "reset")]
)
ASKING = st.integers(0, 7200).map(lambda wait: ReceiverReply(503, retry_after=seconds(wait)))
UNREADABLE = st.just(ReceiverReply(200))


class History(RuleBasedStateMachine):
    """Three relays, one receiver, one clock; claims and tables as the courier keeps them, in a few lines."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.channel = OPEN
        self.table: dict[str, Waiting] = {}
        self.relays: dict[int, Carried] = {}
        self.book: set[str] = set()
        self.poison: set[str] = set()  # refused with 422
        self.refused: set[str] = set()  # named in "rejected"
        self.claims = 0

    # What happens

    @rule(n=st.integers(1, 130), poison=st.booleans(), refused=st.booleans())
    def something_happens(self, n: int, poison: bool, refused: bool) -> None:
        ids = [f"{len(self.table) + number:05}" for number in range(n)]
        self.table |= {id: Waiting(self.now) for id in ids}
        self.poison |= {ids[0]} if poison else set()
        self.refused |= {ids[-1]} if refused and not (poison and n == 1) else set()

    @rule(wait=st.floats(0.1, 4000))
    def time_passes(self, wait: float) -> None:
        self.now += seconds(wait)

    @rule(wait=st.floats(1, 100_000))
    def the_clock_is_set_back(self, wait: float) -> None:
        self.now -= seconds(wait)
        for event in self.table.values():  # what the courier leaves to time, see the lease
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
        took=st.floats(0, 8),
    )
    def the_connection_fails(
        self, data: st.DataObject, stores: bool, failing: ReceiverReply, took: float
    ) -> None:
        relay = data.draw(st.sampled_from(sorted(self.relays)))
        sent = self.relays[relay].groups[0]
        if stores and not self.poison & set(sent):
            self.book |= set(sent) - self.refused
        self._settle(relay, failing, took)

    @precondition(lambda self: self.relays)
    @rule(data=st.data(), left_out=st.integers(0, 3), took=st.floats(0, 8), dies=st.booleans())
    def the_receiver_answers(self, data: st.DataObject, left_out: int, took: float, dies: bool) -> None:
        relay = data.draw(st.sampled_from(sorted(self.relays)))
        reply = self._answer(self.relays[relay].groups[0], left_out)
        if dies:
            del self.relays[relay]
        else:
            self._settle(relay, reply, took)

    # What is always so

    @invariant()
    def what_is_delivered_is_in_the_receivers_book(self) -> None:
        assert {id for id, event in self.table.items() if event.state == "delivered"} <= self.book

    @invariant()
    def only_what_was_refused_dies(self) -> None:
        assert {id for id, event in self.table.items() if event.state == "dead"} <= self.poison | self.refused

    @invariant()
    def nobody_is_kept_waiting_for_longer_than_an_hour(self) -> None:
        retry_at = self.channel.retry_at
        assert (
            retry_at is None or not self.channel.is_closed(self.now) or retry_at - self.now <= seconds(7200)
        )

    def teardown(self) -> None:
        """The receiver is well again: everything arrives, or is dead and rightly so; soon, but for what was asked."""
        self.relays.clear()
        asked = max(seconds(0), (self.channel.retry_at or self.now) - self.now)
        began, self.now = self.now, self.now + (asked if self.channel.is_closed(self.now) else seconds(0))
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
        assert self.table.keys() - dead <= self.book
        assert self.now - began - asked < timedelta(minutes=6), "what waits goes soon"

    # How a courier keeps its tables

    def _claim(self, name: int) -> bool:
        if self.channel.is_closed(self.now):
            return False
        due = sorted((event.due_at, id) for id, event in self.table.items() if self._free(event))
        if not due:
            return False
        probe = self.channel.failing_since is not None
        setbacks = self.table[due[0][1]].setbacks
        same = [id for _, id in due if batch_size(self.table[id].setbacks) == batch_size(setbacks)]
        taken = tuple(same[: min(batch_size(setbacks), self.channel.batch)])
        if probe:
            self.channel = Circuit(
                self.channel.batch, self.channel.failing_since, self.now + LEASE, self.channel.reason
            )
        self.claims += 1
        for id in taken:
            self.table[id].claim, self.table[id].due_at = self.claims, self.now + LEASE
        self.relays[name] = Carried(self.claims, probe, setbacks, [taken])
        return True

    def _free(self, event: Waiting) -> bool:
        return event.state == "pending" and event.due_at <= self.now

    def _answer(self, sent: tuple[str, ...], left_out: int) -> ReceiverReply:
        if self.poison & set(sent):
            return ReceiverReply(422)
        rejected = {id: "refused" for id in sent if id in self.refused}
        taken = [id for id in sent if id not in rejected][left_out:]
        self.book |= set(taken)
        return ReceiverReply(200, accepted=frozenset(taken), rejected=rejected, is_readable=True)

    def _settle(self, name: int, reply: ReceiverReply, took: float) -> None:
        self.now += seconds(took)
        carried = self.relays[name]
        sent = carried.groups.pop(0)
        told = decide_outcome(
            *(self.channel, reply, sent),
            now=self.now,
            chance=0.5,
            is_probe=carried.probe,
            setbacks=carried.setbacks,
        )
        self.channel = told.circuit
        assert sorted(
            [*told.delivered, *told.dead, *told.waiting, *(id for h in told.halves for id in h)]
        ) == sorted(sent)
        for id in sent:
            event = self.table[id]
            if event.claim != carried.claim:
                continue  # the lease ran out, somebody else has it
            event.due_at = self.now + LEASE
            if id in told.waiting:
                event.due_at, event.claim = self.now + told.wait, None
                event.setbacks += told.is_setback
            elif id in told.delivered or id in told.dead:
                event.state, event.claim = ("delivered" if id in told.delivered else "dead"), None
        carried.groups[:0] = told.halves
        if told.circuit.is_closed(self.now):
            for id in (id for group in carried.groups for id in group):
                if self.table[id].claim == carried.claim:
                    self.table[id].claim, self.table[id].due_at = None, self.now
            carried.groups.clear()
        if not carried.groups:
            del self.relays[name]


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
