"""Delivery over a real connection, on both databases: every event takes effect once, in time, whatever happens."""

import hashlib
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.database import db, reading, transaction
from feedback_service.delivery import clock_repair, contents, numbering, outbox, relay, retry_policy
from feedback_service.delivery.events import build_response_withdrawn
from feedback_service.delivery.relay import ClaimedBatch, Relay
from feedback_service.delivery.transports import https
from feedback_service.delivery.transports.https import HttpsTransport
from feedback_service.errors import Unavailable
from feedback_service.flow import deliveries
from feedback_service.models import Centre, Event, EventSequence, ReceiverChannel
from tests.conftest import TimeIs
from tests.support import receiver as central_system
from tests.support import stored
from tests.support.receiver import SECRET, Receiver, ScriptedReply
from tests.support.statements import explain_plan, record_statements
from tests.support.story import CENTRE, create_centre, create_invitation, send_answer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("context")

OTHER = "SN12000008"


@pytest.fixture
def central() -> Iterator[Receiver]:
    """A receiver that keeps the contract, unless a test scripts it."""
    with Receiver() as central:
        yield central


@pytest.fixture
def event_relay(settings: Settings, central: Receiver) -> Iterator[Relay]:
    """A relay to that receiver."""
    with closing(make_relay_to(central, settings)) as event_relay:
        yield event_relay


def make_relay_to(central: Receiver, settings: Settings) -> Relay:
    """Make a relay to the receiver from settings."""
    event_relay = relay.make_relay(replace(settings, central_url=central.url, central_secret=(SECRET,)))
    assert event_relay is not None
    return event_relay


def send_and_die(batch: ClaimedBatch | None, central: Receiver) -> None:
    """Send a claimed batch, but do not settle it, as if the relay had died."""
    assert batch is not None
    with closing(HttpsTransport(central.url, [SECRET])) as transport:
        transport.send(list(batch.bodies.values()))


@transaction
def enqueue(tx: Session, n: int = 1, centre: str = CENTRE) -> list[str]:
    """Put ``n`` events of the centre into the outbox, and return their ids."""
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == centre)).one()
    now = clock.now()
    new_events = [build_response_withdrawn(str(uuid.uuid4()), clock.truncate_to_hour(now)) for _ in range(n)]
    before = set(tx.scalars(select(Event.id)))
    outbox.enqueue_events(tx.connection(), centre_id, new_events, now=now)
    new = select(Event.id).order_by(Event.due_at, Event.id)
    return [str(event_id) for event_id in tx.scalars(new) if event_id not in before]


def event_states(*ids: str) -> list[str]:
    """Return the states of these events, or of all."""
    states_by_id = {str(event.id): event.state for event in stored.read_rows(Event)}
    return [states_by_id[id] for id in ids or sorted(states_by_id)]


def read_event(id: str) -> Event:
    """Read an event."""
    [event] = stored.read_rows(Event, Event.id == uuid.UUID(id))
    assert isinstance(event, Event)
    return event


def read_channel() -> ReceiverChannel | None:
    """Read the channel; ``None`` if it was always open."""
    rows = stored.read_rows(ReceiverChannel)
    return rows[0] if rows else None


@transaction
def shorten_waits(tx: Session, seconds: float) -> None:
    """Move all dates of waits into the past by so many seconds."""
    for event in tx.scalars(select(Event).where(Event.due_at.is_not(None))):
        assert event.due_at is not None
        event.due_at -= timedelta(seconds=seconds)
    for channel in tx.scalars(select(ReceiverChannel).where(ReceiverChannel.retry_at.is_not(None))):
        assert channel.retry_at is not None and channel.failing_since is not None
        channel.retry_at -= timedelta(seconds=seconds)
        channel.failing_since -= timedelta(seconds=seconds)


def deliver_until_none_waits(event_relay: Relay, *, rounds: int = 60) -> None:
    """Deliver until no event waits; let waits pass in between."""
    for _ in range(rounds):
        event_relay.deliver_all()
        if "pending" not in event_states():
            return
        shorten_waits(10)
    raise AssertionError("events still wait")


def test_an_answer_and_its_case_arrive_as_stored(event_relay: Relay, central: Receiver) -> None:
    create_centre()
    send_answer(create_invitation().token, {"off.nps": 9, "off.staff": "great"})

    event_relay.deliver_all()

    case, answer = sorted(central.events_by_id.values(), key=lambda event: int(event["sequence"]))
    assert case["type"] == "ua.vidhuk.case.status.v1"
    assert case["source"] == answer["source"] == f"/centres/{CENTRE}"
    assert case["subject"] == answer["subject"]
    assert (case["sequence"], answer["sequence"]) == ("1", "2")
    assert answer["data"]["answers"] == [
        {"question": "off.nps", "value": 9},
        {"question": "off.staff", "value": "great"},
    ]
    event = read_event(answer["id"])
    assert (event.state, event.attempts, event.reason, event.due_at) == ("delivered", 1, None, None)
    assert stored.open_event(event).data == answer["data"] and event.content is None
    assert event.body is not None and (body := contents.open_body(event.id, event.body)) is not None
    assert event.digest == contents.digest_body(body) != hashlib.sha256(body.encode()).digest()
    assert event.delivered_at == event.last_attempt_at == clock.truncate_to_hour(clock.now())


def test_each_request_carries_one_centre_and_at_most_a_hundred_events(event_relay: Relay, central: Receiver) -> None:
    for code in (create_centre(), create_centre(OTHER)):
        enqueue(150, code)

    event_relay.deliver_all()

    assert sorted(len(ids) for _, ids in central.requests) == [50, 50, 100, 100]
    for _, ids in central.requests:
        assert len({central.events_by_id[id]["source"] for id in ids}) == 1
    assert central.list_sequences(f"/centres/{CENTRE}") == list(range(1, 151))
    assert len(central.message_ids) == 4, "each request has a name of its own"


def test_events_of_a_relay_that_died_after_sending_are_sent_again_after_its_lease(
    event_relay: Relay, central: Receiver
) -> None:
    create_centre()
    ids = enqueue(3)
    [centre] = stored.read_rows(Centre)
    send_and_die(relay.claim_batch(centre.id, "http://127.0.0.1:8000"), central)

    assert not event_relay.deliver_once(), "its claim holds"
    shorten_waits(10)
    event_relay.deliver_all()

    assert event_states(*ids) == ["delivered"] * 3
    assert [central.repeats[id] for id in ids] == [1, 1, 1]
    assert all(len(central.raw_bodies[id]) == 1 for id in ids), "the same body both times"
    assert central.list_sequences(f"/centres/{CENTRE}") == [1, 2, 3]


def test_a_relay_whose_lease_has_ended_settles_nothing(central: Receiver) -> None:
    create_centre()
    [id] = enqueue()
    [centre] = stored.read_rows(Centre)
    slow = relay.claim_batch(centre.id, "http://127.0.0.1:8000")
    shorten_waits(10)
    quick = relay.claim_batch(centre.id, "http://127.0.0.1:8000")
    assert slow is not None and quick is not None

    relay.settle_batch(slow, [id], retry_policy.ReceiverReply(422), [])
    assert event_states(id) == ["pending"]
    relay.settle_batch(quick, [id], retry_policy.ReceiverReply(200, accepted=frozenset([id]), is_readable=True), [])
    assert event_states(id) == ["delivered"]


def test_a_body_stays_the_same_whatever_the_settings_become(central: Receiver) -> None:
    create_centre()
    [id] = enqueue()
    [centre] = stored.read_rows(Centre)
    for address in ("https://vidhuk.example", "https://elsewhere.example"):
        send_and_die(relay.claim_batch(centre.id, address), central)
        shorten_waits(10)

    [body] = central.raw_bodies[id]
    assert "https://vidhuk.example/schemas/" in body


@pytest.mark.slow
def test_four_relays_at_once_leave_no_gap_and_send_no_event_twice(
    app: Flask, settings: Settings, central: Receiver
) -> None:
    codes = [create_centre(), create_centre(OTHER)]
    for code in codes:
        enqueue(700, code)
    stop = threading.Event()

    def run() -> None:
        with app.app_context(), closing(make_relay_to(central, settings)) as event_relay:
            event_relay.run(stop)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        for code in codes:
            enqueue(20, code)
    try:
        wait_until(lambda: "pending" not in event_states())
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert set(event_states()) == {"delivered"}
    assert sum(central.repeats.values()) == 0
    for code in codes:
        assert central.list_sequences(f"/centres/{code}") == list(range(1, 801))
    assert {queue.last_sequence for queue in stored.read_rows(EventSequence)} == {800}


# Nothing in these depends on the database.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "failing",
    [
        *(
            ScriptedReply(status, b"", stores=False)
            for status in (401, 403, 404, 408, 410, 425, 429, 500, 502, 503, 504)
        ),
        ScriptedReply(302, b"", {"Location": "http://127.0.0.1:9/events"}, stores=False),
        ScriptedReply(307, b"", {"Location": "/events"}, stores=False),
        ScriptedReply(409, b"{}", stores=False),
        ScriptedReply(500),
        ScriptedReply(resets=True),
        ScriptedReply(resets=True, stores=False),
        ScriptedReply(body=b"<html>not here</html>", stores=False),
        ScriptedReply(body=b"\xff\xfe{{", stores=False),
        ScriptedReply(body=b"[" * 100_000, stores=False),
        ScriptedReply(body=b"[]"),
        ScriptedReply(body=b'{"accepted": "all"}'),
        ScriptedReply(body=b'{"accepted": []' + b" " * 2_000_000 + b"}"),
        ScriptedReply(body=b"", stores=False),
        ScriptedReply(204, b""),
    ],
    ids=lambda answer: f"{answer.status} {(answer.body or b'')[:9]!r} {answer.resets} {answer.stores}",
)
def test_failures_of_the_connection_pause_the_channel_and_all_events_wait(
    event_relay: Relay, central: Receiver, failing: ScriptedReply, capsys: pytest.CaptureFixture[str]
) -> None:
    create_centre()
    ids = enqueue(5)
    central.script.append(failing)

    event_relay.deliver_all()

    assert event_states(*ids) == ["pending"] * 5
    paused = read_channel()
    assert paused is not None and paused.retry_at is not None and paused.reason
    assert paused.retry_at - clock.now() < timedelta(seconds=2), "it is tried again soon"
    assert len(central.requests) == 1, "and nothing is sent meanwhile"
    assert "/events" not in (paused.reason or "")

    deliver_until_none_waits(event_relay)
    assert event_states(*ids) == ["delivered"] * 5
    assert set(central.events_by_id) == set(ids)
    now_open = read_channel()
    assert now_open is not None and now_open.failing_since is None and now_open.retry_at is None


@pytest.mark.slow
def test_with_a_wrong_secret_all_events_wait(event_relay: Relay, central: Receiver) -> None:
    create_centre()
    ids = enqueue(120)
    central.secrets = (bytes(32),)
    for _ in range(20):
        event_relay.deliver_all()
        shorten_waits(300)
    assert event_states(*ids) == ["pending"] * 120 and central.events_by_id == {}

    central.secrets = (bytes(32), SECRET)
    deliver_until_none_waits(event_relay)
    assert event_states(*ids) == ["delivered"] * 120


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_events_wait_while_nobody_listens(settings: Settings, event_relay: Relay, central: Receiver) -> None:
    create_centre()
    ids = enqueue(2)

    with closing(Relay(HttpsTransport("http://127.0.0.1:9", [SECRET]), settings.public_url)) as nobody:
        nobody.deliver_all()

    assert event_states(*ids) == ["pending"] * 2
    paused = read_channel()
    assert paused is not None and paused.reason == "no connection"
    assert read_event(ids[0]).reason == "no connection" and read_event(ids[0]).attempts == 1

    deliver_until_none_waits(event_relay)
    assert event_states(*ids) == ["delivered"] * 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_slow_or_hanging_reply_is_cut_off(
    event_relay: Relay, central: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_policy, "REQUEST_LIMIT", timedelta(seconds=0.4))
    create_centre()
    ids = enqueue(3)

    for slow in (ScriptedReply(drip=0.1), ScriptedReply(seconds=30)):
        central.script.append(slow)
        started_at = time.monotonic()
        event_relay.deliver_all()
        assert time.monotonic() - started_at < 10, "it was not cut off but came to its end"
        assert event_states(*ids) == ["pending"] * 3
        assert read_event(ids[0]).reason == "no answer in time"
        shorten_waits(10)
    deliver_until_none_waits(event_relay)
    assert event_states(*ids) == ["delivered"] * 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_receiver_too_slow_for_a_whole_batch_gets_smaller_ones(
    event_relay: Relay, central: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_policy, "REQUEST_LIMIT", timedelta(seconds=0.2))
    create_centre()
    enqueue(120)
    central.behaviour = lambda events: ScriptedReply(seconds=0.4 if len(events) > 30 else 0, stores=len(events) <= 30)

    deliver_until_none_waits(event_relay)

    assert set(event_states()) == {"delivered"}


def test_a_refused_event_is_found_and_is_the_only_dead_one(
    event_relay: Relay, central: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    create_centre()
    ids = enqueue(100)
    poison = ids[37]

    def judge(events: Sequence[central_system.Event]) -> ScriptedReply:
        bad = poison in {event["id"] for event in events}
        return ScriptedReply(422, b"{}", stores=False) if bad else ScriptedReply()

    central.behaviour = judge
    event_relay.deliver_all()

    assert event_states(poison) == ["dead"]
    assert read_event(poison).reason == "HTTP 422"
    assert event_states().count("delivered") == 99
    assert len(central.requests) <= 15, "halves, not one by one"
    assert sum(central.repeats.values()) == 0


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "blame", [ScriptedReply(500, b"", stores=False), ScriptedReply(body=b"oops"), ScriptedReply(resets=True)]
)
def test_an_event_that_makes_the_receiver_fail_is_sent_alone_in_the_end(
    event_relay: Relay, central: Receiver, blame: ScriptedReply
) -> None:
    create_centre()
    ids = enqueue(100)
    poison = ids[50]
    central.behaviour = lambda events: blame if poison in {event["id"] for event in events} else ScriptedReply()

    for _ in range(60):  # waits have a random part, so how many rounds are needed varies
        event_relay.deliver_all()
        if event_states().count("delivered") == 99:
            break
        shorten_waits(10)

    assert event_states(poison) == ["pending"]
    assert event_states().count("delivered") == 99
    central.behaviour = central_system.accept_all
    shorten_waits(300)
    deliver_until_none_waits(event_relay)
    assert event_states(poison) == ["delivered"]


def test_a_rejected_event_is_a_dead_letter_with_the_receivers_reason(event_relay: Relay, central: Receiver) -> None:
    create_centre()
    ids = enqueue(10)
    central.behaviour = lambda _: ScriptedReply(rejects={ids[4]: "unknown centre " + "x" * 900})

    event_relay.deliver_all()

    assert event_states(*ids) == ["delivered"] * 4 + ["dead"] + ["delivered"] * 5
    assert (read_event(ids[4]).reason or "").startswith("unknown centre x")
    assert read_channel() is None, "the channel is fine"


@pytest.mark.parametrize("words", ["no\x00thing", "half \ud800 a letter"])
def test_a_reason_with_characters_that_no_database_stores_stops_nothing(
    event_relay: Relay, central: Receiver, words: str
) -> None:
    create_centre()
    ids = enqueue(10)
    central.behaviour = lambda _: ScriptedReply(rejects={ids[4]: words})

    event_relay.deliver_all()

    assert event_states(*ids) == ["delivered"] * 4 + ["dead"] + ["delivered"] * 5


def test_an_event_that_a_receipt_does_not_name_is_sent_again_and_delays_no_other(
    event_relay: Relay, central: Receiver
) -> None:
    create_centre()
    ids = enqueue(10)
    central.behaviour = lambda _: ScriptedReply(leaves_out=frozenset([ids[2]]))

    event_relay.deliver_all()
    assert event_states(*ids).count("delivered") == 9
    left = read_event(ids[2])
    assert (left.state, left.reason, left.attempts) == ("pending", retry_policy.UNNAMED_EVENT, 1)
    assert read_channel() is None
    [more] = enqueue()
    event_relay.deliver_all()
    assert event_states(more) == ["delivered"]

    central.behaviour = central_system.accept_all
    deliver_until_none_waits(event_relay)
    assert central.list_sequences(f"/centres/{CENTRE}") == list(range(1, 12))


def test_a_retry_after_is_respected(event_relay: Relay, central: Receiver) -> None:
    create_centre()
    ids = enqueue(2)
    central.script.append(ScriptedReply(429, b"", {"Retry-After": "120"}, stores=False))
    event_relay.deliver_all()

    shorten_waits(118)
    assert event_relay.deliver_all() == 0
    shorten_waits(2.1)
    event_relay.deliver_all()

    assert event_states(*ids) == ["delivered"] * 2


@pytest.mark.slow
def test_a_centre_with_many_events_delays_no_other(event_relay: Relay, central: Receiver) -> None:
    enqueue(1500, create_centre())
    small = [id for n in range(4) for id in enqueue(10, create_centre(f"SN1200001{n}"))]

    for _ in range(5):
        event_relay.deliver_once()

    assert event_states(*small) == ["delivered"] * 40


def test_only_one_relay_tests_a_failing_channel(event_relay: Relay, central: Receiver) -> None:
    [one, _] = [enqueue(1, code) for code in (create_centre(), create_centre(OTHER))]
    central.script.append(ScriptedReply(503, b"", stores=False))
    event_relay.deliver_all()
    shorten_waits(5)
    first, second = stored.read_rows(Centre)

    probe = relay.claim_batch(first.id, "http://127.0.0.1:8000")
    assert probe is not None and probe.probe
    assert relay.claim_batch(second.id, "http://127.0.0.1:8000") is None

    shorten_waits(10)  # the relay that tested it has died
    deliver_until_none_waits(event_relay)
    assert event_states(*one) == ["delivered"]


def test_without_an_address_there_is_no_relay(settings: Settings) -> None:
    assert relay.make_relay(settings) is None


@transaction
def explain_claim(tx: Session, centre_id: uuid.UUID) -> str:
    """Return the plan by which PostgreSQL finds due events."""
    with record_statements("SELECT") as statements:
        numbering.lock_due_events(tx, centre_id, clock.now(), retry_policy.MAX_BATCH)
    [claim] = statements
    return explain_plan(tx, claim)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("analysed", [0, 1, 1000])
def test_a_sudden_backlog_is_read_in_order_and_never_sorted(context: None, analysed: int) -> None:
    create_centre()
    enqueue(analysed)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE events")  # from now on the planner expects so many events
        connection.commit()
    for _ in range(3):
        enqueue(1000)
    [centre] = stored.read_rows(Centre)

    plan = explain_claim(centre.id)

    assert "Index Scan using ix_events_centre_id_due_at_id" in plan
    assert "Sort" not in plan and "Bitmap" not in plan


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sending_one_event_again_scans_no_others(context: None) -> None:
    create_centre()
    [id, *_] = enqueue(3)

    with record_statements("UPDATE") as statements:
        deliveries.replay_event(uuid.UUID(id), [CENTRE])

    [replay] = statements
    assert "SCAN" not in reading(explain_plan)(replay)


@transaction
def reset_numbering(tx: Session) -> None:
    """Make the centre's last number lower than numbers that are in use."""
    tx.execute(update(EventSequence).values(last_sequence=0))


def test_a_number_is_never_given_twice(event_relay: Relay, central: Receiver) -> None:
    create_centre()
    enqueue(2)
    event_relay.deliver_all()
    reset_numbering()
    [id] = enqueue(1)

    assert not event_relay.deliver_once()
    assert (event_states(id), len(central.requests)) == (["pending"], 1)


@pytest.mark.slow
def test_a_centre_that_cannot_be_numbered_delays_no_other(event_relay: Relay, central: Receiver) -> None:
    enqueue(2, create_centre())
    event_relay.deliver_all()
    reset_numbering()
    [stuck] = enqueue()
    create_centre(OTHER)
    for _ in range(3):
        ids = enqueue(2, OTHER)
        for _ in range(2):
            event_relay.deliver_once()
        assert event_states(*ids) == ["delivered"] * 2
    assert event_states(stuck) == ["pending"]


@pytest.mark.parametrize(
    ("reply", "problem", "reason"),
    [
        (ScriptedReply(401, b"{}", stores=False), "answers, but takes nothing", "HTTP 401"),
        (
            ScriptedReply(200, b"OK", stores=False),
            "answers, but takes nothing",
            'the answer is a success without a JSON object that has "accepted", "duplicates" or "rejected"',
        ),
        (ScriptedReply(resets=True), "cannot be reached", "the connection broke"),
    ],
)
def test_a_pause_says_whether_the_central_system_answered(
    event_relay: Relay, central: Receiver, reply: ScriptedReply, problem: str, reason: str
) -> None:
    create_centre()
    enqueue(2)
    central.script.append(reply)

    with capture_logs() as lines:
        event_relay.deliver_all()

    [line] = [line for line in lines if line["log_level"] == "critical"]
    assert line["event"] == f"channel paused: the central system {problem}"
    assert line["reason"] == reason


def test_a_relay_whose_database_is_away_adds_nothing_to_the_log(
    app: Flask, event_relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts, stop = list[int](), threading.Event()

    def fail() -> bool:
        attempts.append(len(attempts))
        if len(attempts) == 5:
            stop.set()
        raise Unavailable(retry_after=5)

    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(event_relay, "deliver_once", fail)
    with app.app_context(), capture_logs() as lines:
        event_relay.run(stop)

    assert (len(attempts), lines) == (5, [])


def test_a_relay_that_fails_again_and_again_tries_ever_more_rarely(
    app: Flask, event_relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses, stop = list[float](), threading.Event()

    def fail() -> bool:
        raise RuntimeError("a fault of the program")

    def note_pause(seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) == 10:
            stop.set()
        return False

    monkeypatch.setattr(event_relay, "deliver_once", fail)
    monkeypatch.setattr(stop, "wait", note_pause)
    with app.app_context():
        event_relay.run(stop)

    assert pauses[:4] == [0.5, 1, 2, 4]
    assert pauses[-1] == 60


def test_a_relay_continues_after_any_error(app: Flask, event_relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    create_centre()
    [id] = enqueue()
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.01)
    claim_batch, calls, stop = relay.claim_batch, [], threading.Event()

    def fail_once(centre_id: uuid.UUID, public_url: str) -> ClaimedBatch | None:
        calls.append(centre_id)
        if len(calls) == 1:
            raise RuntimeError("the database was away")
        return claim_batch(centre_id, public_url)

    monkeypatch.setattr(relay, "claim_batch", fail_once)

    def run() -> None:
        with app.app_context():
            event_relay.run(stop)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(lambda: event_states(id) == ["delivered"])
    finally:
        stop.set()
        thread.join()


def test_events_delayed_by_a_fast_clock_are_due_when_it_is_right_again(
    event_relay: Relay, central: Receiver, time_is: TimeIs
) -> None:
    now = clock.now()
    create_centre()
    time_is(now + timedelta(hours=1))
    ids = enqueue(2)
    event_relay.deliver_all()  # refused: the signature's time is not the receiver's
    late = enqueue(1)
    time_is(now)

    clock_repair.correct_future_times()
    event_relay.deliver_all()

    assert event_states(*ids, *late) == ["delivered"] * 3
    assert [central.events_by_id[id]["sequence"] for id in (*ids, *late)] == ["1", "2", "3"]


def test_events_of_a_fast_clock_are_numbered_in_the_order_in_which_they_happened(
    event_relay: Relay, central: Receiver, time_is: TimeIs
) -> None:
    now = clock.now()
    create_centre()
    ids: list[str] = []
    for hour in range(8):
        time_is(now + timedelta(days=2, hours=hour))
        ids += enqueue(2)
    time_is(now)

    clock_repair.correct_future_times()
    event_relay.deliver_all()

    assert [central.events_by_id[id]["sequence"] for id in ids] == [str(number) for number in range(1, 17)]


def test_a_pause_set_by_a_fast_clock_ends_when_it_is_right_again(
    event_relay: Relay, central: Receiver, time_is: TimeIs
) -> None:
    now = clock.now()
    create_centre()
    ids = enqueue(2)
    central.script.append(ScriptedReply(503, b"", stores=False))
    event_relay.deliver_all()
    time_is(now + timedelta(hours=1))
    assert event_relay.deliver_all() == 1, "it tests the channel and is refused, because of the signature's time"
    time_is(now + timedelta(seconds=5))

    clock_repair.correct_future_times()
    event_relay.deliver_all()

    assert event_states(*ids) == ["delivered"] * 2


def test_the_clock_may_stand_still(event_relay: Relay, central: Receiver, time_is: TimeIs) -> None:
    now = time_is(clock.now())
    create_centre()
    ids = enqueue(3)
    central.script.append(ScriptedReply(503, b"", stores=False))
    event_relay.deliver_all()
    time_is(now - timedelta(days=1))  # it was wrong before, by a day
    assert read_channel() is not None

    event_relay.deliver_all()
    time_is(now + timedelta(minutes=1))
    event_relay.deliver_all()
    assert event_states(*ids) == ["delivered"] * 3
    assert https.LONGEST_REPLY == 1024 * 1024
