"""Delivery over a real connection, on both databases: whatever the receiver does, once in effect, in time."""

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

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.database import db, reading, transaction
from feedback_service.delivery import numbering, outbox, relay, retry_policy
from feedback_service.delivery.events import build_response_withdrawn
from feedback_service.delivery.relay import ClaimedBatch, Relay
from feedback_service.delivery.transports import https
from feedback_service.delivery.transports.https import HttpsTransport
from feedback_service.flow import deliveries
from feedback_service.models import Centre, Event, EventSequence, ReceiverChannel
from tests.conftest import TimeIs
from tests.support import receiver as central_system
from tests.support import stored
from tests.support.receiver import SECRET, Receiver, ScriptedReply
from tests.support.statements import explain_plan, record_statements
from tests.support.story import CENTRE, create_centre, create_invitation, send_answer

pytestmark = pytest.mark.usefixtures("context")

OTHER = "SN12000008"


@pytest.fixture
def central() -> Iterator[Receiver]:
    """A receiver that does as the contract says, until told otherwise."""
    with Receiver() as central:
        yield central


@pytest.fixture
def relays(settings: Settings, central: Receiver) -> Iterator[Relay]:
    """A courier to that receiver."""
    with closing(to(central, settings)) as made:
        yield made


def to(central: Receiver, settings: Settings) -> Relay:
    """A courier as the settings make it."""
    made = relay.make_relay(replace(settings, central_url=central.url, central_secret=(SECRET,)))
    assert made is not None
    return made


def send_and_die(errand: ClaimedBatch | None, central: Receiver) -> None:
    """A courier sends what it claimed, and is not heard of again."""
    assert errand is not None
    with closing(HttpsTransport(central.url, [SECRET])) as transport:
        transport.send(list(errand.bodies.values()))


@transaction
def promise(tx: Session, n: int = 1, centre: str = CENTRE) -> list[str]:
    """So many events wait in the centre's line; their ids."""
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == centre)).one()
    now = clock.now()
    tellings = [build_response_withdrawn(str(uuid.uuid4()), clock.truncate_to_hour(now)) for _ in range(n)]
    outbox.enqueue_events(tx.connection(), centre_id, tellings, now=now)
    subjects = [telling.subject for telling in tellings]
    return [
        str(id) for id in tx.scalars(select(Event.id).where(Event.subject.in_(subjects)).order_by(Event.id))
    ]


def states(*ids: str) -> list[str]:
    """What has become of these events, or of all."""
    found = {str(event.id): event.state for event in stored.read_rows(Event)}
    return [found[id] for id in ids or sorted(found)]


def event(id: str) -> Event:
    """The event as it is kept."""
    [found] = stored.read_rows(Event, Event.id == uuid.UUID(id))
    assert isinstance(found, Event)
    return found


def channel() -> ReceiverChannel | None:
    """The channel, once it was anything but simply open."""
    found = stored.read_rows(ReceiverChannel)
    return found[0] if found else None


@transaction
def time_passes(tx: Session, seconds: float) -> None:
    """Whatever waits until an instant waits so much shorter."""
    for row in tx.scalars(select(Event).where(Event.due_at.is_not(None))):
        assert row.due_at is not None
        row.due_at -= timedelta(seconds=seconds)
    for known in tx.scalars(select(ReceiverChannel).where(ReceiverChannel.retry_at.is_not(None))):
        assert known.retry_at is not None and known.failing_since is not None
        known.retry_at -= timedelta(seconds=seconds)
        known.failing_since -= timedelta(seconds=seconds)


def until_all_went(relays: Relay, *, rounds: int = 60) -> None:
    """Nothing waits any more; time flies meanwhile."""
    for _ in range(rounds):
        relays.deliver_all()
        if "pending" not in states():
            return
        time_passes(10)
    raise AssertionError("events still wait")


def test_an_answer_and_its_case_arrive_as_they_were_told(relays: Relay, central: Receiver) -> None:
    create_centre()
    send_answer(create_invitation().token, {"off.nps": 9, "off.staff": "great"})

    relays.deliver_all()

    case, answer = sorted(central.events_by_id.values(), key=lambda event: int(event["sequence"]))
    assert case["type"] == "ua.vidhuk.case.status.v1"
    assert case["source"] == answer["source"] == f"/centres/{CENTRE}"
    assert case["subject"] == answer["subject"]
    assert (case["sequence"], answer["sequence"]) == ("1", "2")
    assert answer["data"]["answers"] == [
        {"question": "off.nps", "value": 9},
        {"question": "off.staff", "value": "great"},
    ]
    kept = event(answer["id"])
    assert (kept.state, kept.attempts, kept.reason, kept.due_at) == ("delivered", 1, None, None)
    assert kept.body is not None and kept.data is None
    assert kept.digest == hashlib.sha256(kept.body.encode()).digest()
    assert kept.delivered_at == kept.last_attempt_at is not None


def test_each_request_carries_one_centre_and_at_most_a_hundred_events(
    relays: Relay, central: Receiver
) -> None:
    for code in (create_centre(), create_centre(OTHER)):
        promise(150, code)

    relays.deliver_all()

    assert sorted(len(ids) for _, ids in central.requests) == [50, 50, 100, 100]
    for _, ids in central.requests:
        assert len({central.events_by_id[id]["source"] for id in ids}) == 1
    assert central.list_sequences(f"/centres/{CENTRE}") == list(range(1, 151))
    assert len(central.message_ids) == 4, "each request has a name of its own"


def test_a_relay_that_died_after_sending_delays_by_its_lease_and_doubles_nothing(
    relays: Relay, central: Receiver
) -> None:
    create_centre()
    ids = promise(3)
    [centre] = stored.read_rows(Centre)
    send_and_die(relay.claim_batch(centre.id, "http://127.0.0.1:8000"), central)

    assert not relays.deliver_once(), "its claim holds"
    time_passes(10)
    relays.deliver_all()

    assert states(*ids) == ["delivered"] * 3
    assert [central.repeats[id] for id in ids] == [1, 1, 1]
    assert all(len(central.raw_bodies[id]) == 1 for id in ids), "the same body both times"
    assert central.list_sequences(f"/centres/{CENTRE}") == [1, 2, 3]


def test_who_lost_the_lease_settles_nothing(central: Receiver) -> None:
    create_centre()
    [id] = promise()
    [centre] = stored.read_rows(Centre)
    slow = relay.claim_batch(centre.id, "http://127.0.0.1:8000")
    time_passes(10)
    quick = relay.claim_batch(centre.id, "http://127.0.0.1:8000")
    assert slow is not None and quick is not None

    relay.settle_batch(slow, [id], retry_policy.ReceiverReply(422), [])
    assert states(id) == ["pending"]
    relay.settle_batch(
        quick, [id], retry_policy.ReceiverReply(200, accepted=frozenset([id]), is_readable=True), []
    )
    assert states(id) == ["delivered"]


def test_a_body_stays_the_same_whatever_the_settings_become(central: Receiver) -> None:
    create_centre()
    [id] = promise()
    [centre] = stored.read_rows(Centre)
    for address in ("https://vidhuk.example", "https://elsewhere.example"):
        send_and_die(relay.claim_batch(centre.id, address), central)
        time_passes(10)

    [body] = central.raw_bodies[id]
    assert "https://vidhuk.example/schemas/" in body


@pytest.mark.slow
def test_four_relays_at_once_leave_no_gap_and_send_nothing_twice(
    app: Flask, settings: Settings, central: Receiver
) -> None:
    codes = [create_centre(), create_centre(OTHER)]
    for code in codes:
        promise(700, code)
    stop = threading.Event()

    def carry() -> None:
        with app.app_context(), closing(to(central, settings)) as made:
            made.run(stop)

    couriers = [threading.Thread(target=carry) for _ in range(4)]
    for one in couriers:
        one.start()
    for _ in range(5):
        for code in codes:
            promise(20, code)
    deadline = time.monotonic() + 30
    while "pending" in states() and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    for one in couriers:
        one.join()

    assert set(states()) == {"delivered"}
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
def test_failures_of_the_connection_pause_the_channel_and_kill_nothing(
    relays: Relay, central: Receiver, failing: ScriptedReply, capsys: pytest.CaptureFixture[str]
) -> None:
    create_centre()
    ids = promise(5)
    central.script.append(failing)

    relays.deliver_all()

    assert states(*ids) == ["pending"] * 5
    paused = channel()
    assert paused is not None and paused.retry_at is not None and paused.reason
    assert paused.retry_at - clock.now() < timedelta(seconds=2), "the first look again comes soon"
    assert len(central.requests) == 1, "and nobody asks meanwhile"
    assert "/events" not in (paused.reason or "")

    until_all_went(relays)
    assert states(*ids) == ["delivered"] * 5
    assert set(central.events_by_id) == set(ids)
    now_open = channel()
    assert now_open is not None and now_open.failing_since is None and now_open.retry_at is None


@pytest.mark.slow
def test_a_wrong_secret_kills_no_event(relays: Relay, central: Receiver) -> None:
    create_centre()
    ids = promise(120)
    central.secrets = (bytes(32),)
    for _ in range(20):
        relays.deliver_all()
        time_passes(300)
    assert states(*ids) == ["pending"] * 120 and central.events_by_id == {}

    central.secrets = (bytes(32), SECRET)
    until_all_went(relays)
    assert states(*ids) == ["delivered"] * 120


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_is_there_then_somebody_is(settings: Settings, relays: Relay, central: Receiver) -> None:
    create_centre()
    ids = promise(2)

    with closing(Relay(HttpsTransport("http://127.0.0.1:9", [SECRET]), settings.public_url)) as nobody:
        nobody.deliver_all()

    assert states(*ids) == ["pending"] * 2
    paused = channel()
    assert paused is not None and paused.reason == "no connection"
    assert event(ids[0]).reason == "no connection" and event(ids[0]).attempts == 1

    until_all_went(relays)
    assert states(*ids) == ["delivered"] * 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_drips_or_hangs_is_cut_off(
    relays: Relay, central: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_policy, "REQUEST_LIMIT", timedelta(seconds=0.4))
    create_centre()
    ids = promise(3)

    for slow in (ScriptedReply(drip=0.1), ScriptedReply(seconds=5)):
        central.script.append(slow)
        began = time.monotonic()
        relays.deliver_all()
        assert time.monotonic() - began < 4, "it was not cut off but came to its end"
        assert states(*ids) == ["pending"] * 3
        assert event(ids[0]).reason == "no answer in time"
        time_passes(10)
    until_all_went(relays)
    assert states(*ids) == ["delivered"] * 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_receiver_too_slow_for_a_whole_batch_gets_smaller_ones(
    relays: Relay, central: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_policy, "REQUEST_LIMIT", timedelta(seconds=0.2))
    create_centre()
    promise(120)
    central.behaviour = lambda events: ScriptedReply(
        seconds=0.4 if len(events) > 30 else 0, stores=len(events) <= 30
    )

    until_all_went(relays)

    assert set(states()) == {"delivered"}


def test_a_poisoned_event_is_found_and_dies_alone(
    relays: Relay, central: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    create_centre()
    ids = promise(100)
    poison = ids[37]

    def judge(events: Sequence[central_system.Event]) -> ScriptedReply:
        bad = poison in {event["id"] for event in events}
        return ScriptedReply(422, b"{}", stores=False) if bad else ScriptedReply()

    central.behaviour = judge
    relays.deliver_all()

    assert states(poison) == ["dead"]
    assert event(poison).reason == "HTTP 422"
    assert states().count("delivered") == 99
    assert len(central.requests) <= 15, "halves, not one by one"
    assert sum(central.repeats.values()) == 0


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "blame", [ScriptedReply(500, b"", stores=False), ScriptedReply(body=b"oops"), ScriptedReply(resets=True)]
)
def test_an_event_that_makes_the_receiver_fail_ends_up_alone(
    relays: Relay, central: Receiver, blame: ScriptedReply
) -> None:
    create_centre()
    ids = promise(100)
    poison = ids[50]
    central.behaviour = lambda events: (
        blame if poison in {event["id"] for event in events} else ScriptedReply()
    )

    for _ in range(12):
        relays.deliver_all()
        time_passes(10)

    assert states(poison) == ["pending"]
    assert states().count("delivered") == 99
    central.behaviour = central_system.accept_all
    time_passes(300)
    until_all_went(relays)
    assert states(poison) == ["delivered"]


def test_a_rejected_event_is_a_dead_letter_with_the_receivers_words(relays: Relay, central: Receiver) -> None:
    create_centre()
    ids = promise(10)
    central.behaviour = lambda _: ScriptedReply(rejects={ids[4]: "unknown centre " + "x" * 900})

    relays.deliver_all()

    assert states(*ids) == ["delivered"] * 4 + ["dead"] + ["delivered"] * 5
    assert (event(ids[4]).reason or "").startswith("unknown centre x")
    assert channel() is None, "the channel is fine"


@pytest.mark.parametrize("words", ["no\x00thing", "half \ud800 a letter"])
def test_words_that_no_database_keeps_stop_nothing(relays: Relay, central: Receiver, words: str) -> None:
    create_centre()
    ids = promise(10)
    central.behaviour = lambda _: ScriptedReply(rejects={ids[4]: words})

    relays.deliver_all()

    assert states(*ids) == ["delivered"] * 4 + ["dead"] + ["delivered"] * 5


def test_what_a_receipt_leaves_out_goes_again_while_others_go_on(relays: Relay, central: Receiver) -> None:
    create_centre()
    ids = promise(10)
    central.behaviour = lambda _: ScriptedReply(leaves_out=frozenset([ids[2]]))

    relays.deliver_all()
    assert states(*ids).count("delivered") == 9
    left = event(ids[2])
    assert (left.state, left.reason, left.attempts) == ("pending", retry_policy.UNNAMED_EVENT, 1)
    assert channel() is None
    [more] = promise()
    relays.deliver_all()
    assert states(more) == ["delivered"]

    central.behaviour = central_system.accept_all
    until_all_went(relays)
    assert central.list_sequences(f"/centres/{CENTRE}") == list(range(1, 12))


def test_a_retry_after_is_served_first(relays: Relay, central: Receiver) -> None:
    create_centre()
    ids = promise(2)
    central.script.append(ScriptedReply(429, b"", {"Retry-After": "120"}, stores=False))
    relays.deliver_all()

    time_passes(118)
    assert relays.deliver_all() == 0
    time_passes(2.1)
    relays.deliver_all()

    assert states(*ids) == ["delivered"] * 2


@pytest.mark.slow
def test_a_centre_with_most_of_the_load_delays_no_other(relays: Relay, central: Receiver) -> None:
    promise(1500, create_centre())
    small = [id for n in range(4) for id in promise(10, create_centre(f"SN1200001{n}"))]

    for _ in range(5):
        relays.deliver_once()

    assert states(*small) == ["delivered"] * 40


def test_only_one_relay_looks_whether_the_channel_works_again(relays: Relay, central: Receiver) -> None:
    [one, _] = [promise(1, code) for code in (create_centre(), create_centre(OTHER))]
    central.script.append(ScriptedReply(503, b"", stores=False))
    relays.deliver_all()
    time_passes(5)
    first, second = stored.read_rows(Centre)

    probe = relay.claim_batch(first.id, "http://127.0.0.1:8000")
    assert probe is not None and probe.probe
    assert relay.claim_batch(second.id, "http://127.0.0.1:8000") is None

    time_passes(10)  # the one that looked has died
    until_all_went(relays)
    assert states(*one) == ["delivered"]


def test_without_an_address_nothing_is_sent(settings: Settings) -> None:
    assert relay.make_relay(settings) is None


@transaction
def plan_of_a_claim(tx: Session, centre_id: uuid.UUID) -> str:
    """How PostgreSQL would look for the events that are due."""
    with record_statements("SELECT") as asked:
        numbering.lock_due_events(tx, centre_id, clock.now(), retry_policy.MAX_BATCH)
    [claim] = asked
    return explain_plan(tx, claim)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("known", [0, 1, 1000])
def test_a_sudden_backlog_is_read_in_order_and_never_sorted(context: None, known: int) -> None:
    create_centre()
    promise(known)
    with db.engine.connect() as link:
        link.exec_driver_sql("ANALYZE events")  # the planner believes that there are so many for ever
        link.commit()
    for _ in range(3):
        promise(1000)
    [centre] = stored.read_rows(Centre)

    plan = plan_of_a_claim(centre.id)

    assert "Index Scan using ix_events_centre_id_due_at_id" in plan
    assert "Sort" not in plan and "Bitmap" not in plan


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_to_send_one_event_again_no_other_is_looked_at(context: None) -> None:
    create_centre()
    [id, *_] = promise(3)

    with record_statements("UPDATE") as asked:
        deliveries.replay_event(uuid.UUID(id), [CENTRE])

    [replay] = asked
    assert "SCAN" not in reading(explain_plan)(replay)


@transaction
def spoil_database(tx: Session) -> None:
    """The line's number is lower than what was given."""
    tx.execute(update(EventSequence).values(last_sequence=0))


def test_a_number_is_never_given_twice(relays: Relay, central: Receiver) -> None:
    create_centre()
    promise(2)
    relays.deliver_all()
    spoil_database()
    [id] = promise(1)

    assert not relays.deliver_once()
    assert (states(id), len(central.requests)) == (["pending"], 1)


@pytest.mark.slow
def test_a_line_that_is_stuck_delays_no_other(relays: Relay, central: Receiver) -> None:
    promise(2, create_centre())
    relays.deliver_all()
    spoil_database()
    [stuck] = promise()
    create_centre(OTHER)
    for _ in range(3):
        ids = promise(2, OTHER)
        for _ in range(2):
            relays.deliver_once()
        assert states(*ids) == ["delivered"] * 2
    assert states(stuck) == ["pending"]


def test_a_relay_goes_on_after_whatever_went_wrong(
    app: Flask, relays: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_centre()
    [id] = promise()
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.01)
    real, calls, stop = relay.claim_batch, [], threading.Event()

    def breaks_once(centre_id: uuid.UUID, public_url: str) -> ClaimedBatch | None:
        calls.append(centre_id)
        if len(calls) == 1:
            raise RuntimeError("the database was away")
        return real(centre_id, public_url)

    monkeypatch.setattr(relay, "claim", breaks_once)

    def carry() -> None:
        with app.app_context():
            relays.run(stop)

    thread = threading.Thread(target=carry)
    thread.start()
    deadline = time.monotonic() + 5
    while states(id) == ["pending"] and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    thread.join()
    assert states(id) == ["delivered"]


def test_what_was_put_off_by_a_clock_that_was_ahead_is_due_when_it_is_right_again(
    relays: Relay, central: Receiver, time_is: TimeIs
) -> None:
    now = clock.now()
    create_centre()
    time_is(now + timedelta(hours=1))
    ids = promise(2)
    relays.deliver_all()  # refused: it is signed at another time than the receiver's
    late = promise(1)
    time_is(now)

    relay.correct_future_times()
    relays.deliver_all()

    assert states(*ids, *late) == ["delivered"] * 3
    assert [event["sequence"] for event in central.events_by_id.values()] == ["1", "2", "3"]


def test_a_pause_that_a_clock_set_while_it_was_ahead_ends_when_it_is_right_again(
    relays: Relay, central: Receiver, time_is: TimeIs
) -> None:
    now = clock.now()
    create_centre()
    ids = promise(2)
    central.script.append(ScriptedReply(503, b"", stores=False))
    relays.deliver_all()
    time_is(now + timedelta(hours=1))
    assert relays.deliver_all() == 1, "it looks, and is refused: that is no time to sign at"
    time_is(now + timedelta(seconds=5))

    relay.correct_future_times()
    relays.deliver_all()

    assert states(*ids) == ["delivered"] * 2


def test_the_clock_may_stand_still(relays: Relay, central: Receiver, time_is: TimeIs) -> None:
    now = time_is(clock.now())
    create_centre()
    ids = promise(3)
    central.script.append(ScriptedReply(503, b"", stores=False))
    relays.deliver_all()
    time_is(now - timedelta(days=1))  # it was wrong before, by a day
    assert channel() is not None

    relays.deliver_all()
    time_is(now + timedelta(minutes=1))
    relays.deliver_all()
    assert states(*ids) == ["delivered"] * 3
    assert https.LONGEST_REPLY == 1024 * 1024
