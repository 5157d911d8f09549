"""What events tell is sealed while it is stored, and goes when its answer is withdrawn."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.database import transaction
from feedback_service.delivery import contents, outbox, relay
from feedback_service.delivery.events import RESPONSE_RECORDED, RESPONSE_WITHDRAWN, build_centre_profile
from feedback_service.delivery.numbering import NO_KEY, UNREADABLE_WAIT
from feedback_service.delivery.relay import ClaimedBatch
from feedback_service.delivery.retry_policy import LEASE
from feedback_service.flow import receipts
from feedback_service.flow.answers import RecordedAnswer
from feedback_service.models import Centre, Event
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.receiver import SECRET, Receiver
from tests.support.story import create_centre, create_invitation, send_answer

pytestmark = pytest.mark.usefixtures("context")

SEAL_BYTES = 12 + 16  # nonce and tag
NOTHING_SAID = {"answers": [], "reasons": [], "breach": [], "comment_present": False}


@pytest.fixture
def central() -> Iterator[Receiver]:
    """A receiver that keeps the contract."""
    with Receiver() as central:
        yield central


@pytest.fixture
def event_relay(settings: Settings, central: Receiver) -> Iterator[relay.Relay]:
    """A relay to that receiver."""
    event_relay = relay.make_relay(replace(settings, central_url=central.url, central_secret=(SECRET,)))
    assert event_relay is not None
    with closing(event_relay):
        yield event_relay


@pytest.fixture
def answer(context: None) -> RecordedAnswer:
    """An answer to a case; both events wait."""
    create_centre()
    answers = {"off.nps": 1, "off.staff": "awful", "any.breach": ["bribe"], "any.comment": "Погано"}
    return send_answer(create_invitation().token, answers)


def set_event_keys(app: Flask, monkeypatch: pytest.MonkeyPatch, *keys: bytes) -> None:
    """Go on with these EVENT_KEYS."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], event_keys=keys))


def read_recorded() -> stored.OpenedEvent:
    """Read the event of the only answer."""
    [recorded] = stored.read_events(Event.type == RESPONSE_RECORDED)
    return recorded


def claim() -> ClaimedBatch:
    """Claim what waits, as a relay does before it sends."""
    [centre] = stored.read_rows(Centre)
    batch = relay.claim_batch(centre.id, "https://vidhuk.example")
    assert batch is not None
    return batch


def test_a_delivered_answer_is_blanked_when_it_is_withdrawn(answer: RecordedAnswer, event_relay: relay.Relay) -> None:
    event_relay.deliver_all()
    before = read_recorded().row
    assert before.body is not None

    receipts.withdraw_answer(answer.receipt)

    after = read_recorded().row
    assert (after.content, after.body, after.response_hash) == (None, None, None)
    assert (after.digest, after.sequence, after.state) == (before.digest, before.sequence, "delivered")


def test_an_answer_without_a_number_loses_what_was_said_and_still_travels(
    answer: RecordedAnswer, event_relay: relay.Relay, central: Receiver
) -> None:
    receipts.withdraw_answer(answer.receipt)
    recorded = read_recorded()
    assert recorded.data is not None and recorded.data | NOTHING_SAID == recorded.data

    event_relay.deliver_all()

    arrived = sorted(central.events_by_id.values(), key=lambda event: int(event["sequence"]))
    assert [event["type"] for event in arrived][1:] == [RESPONSE_RECORDED, RESPONSE_WITHDRAWN]
    assert arrived[1]["data"] == recorded.data
    assert read_recorded().row.body is None, "nothing of it is kept once it has arrived"


def test_an_answer_that_a_relay_has_claimed_goes_as_it_is_and_is_blanked_then(
    answer: RecordedAnswer, event_relay: relay.Relay, central: Receiver, time_is: TimeIs
) -> None:
    batch = claim()
    receipts.withdraw_answer(answer.receipt)
    [body] = [body for id, body in batch.bodies.items() if id == str(read_recorded().row.id)]
    assert '"off.nps"' in body and read_recorded().row.body is not None

    time_is(clock.now() + LEASE)
    event_relay.deliver_all()

    arrived = sorted(central.events_by_id.values(), key=lambda event: int(event["sequence"]))
    assert [event["type"] for event in arrived][1:] == [RESPONSE_RECORDED, RESPONSE_WITHDRAWN]
    assert arrived[1]["data"]["answers"] != []
    assert read_recorded().row.body is None


def test_a_withdrawal_leaves_the_events_of_other_answers_alone(answer: RecordedAnswer) -> None:
    other = send_answer(create_invitation().token, {"off.nps": 10})
    receipts.withdraw_answer(answer.receipt)

    told = {data["response_id"]: data["answers"] for data in stored.read_event_data(RESPONSE_RECORDED)}
    assert told == {str(answer.id): [], str(other.id): [{"question": "off.nps", "value": 10}]}


def test_a_new_key_in_front_seals_and_the_old_one_still_opens(
    answer: RecordedAnswer, app: Flask, monkeypatch: pytest.MonkeyPatch, event_relay: relay.Relay, central: Receiver
) -> None:
    [old_key] = app.config["SETTINGS"].event_keys
    set_event_keys(app, monkeypatch, b"n" * 32, old_key)
    send_answer(create_invitation().token, {"off.nps": 10})
    receipts.withdraw_answer(answer.receipt)

    event_relay.deliver_all()
    assert len(central.events_by_id) == 5

    set_event_keys(app, monkeypatch, b"n" * 32)
    assert {event.row.state for event in stored.read_events()} == {"delivered"}, "the new key opens every body"


def test_events_whose_key_is_missing_wait_for_it_and_delay_no_others(
    *,
    answer: RecordedAnswer,
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    event_relay: relay.Relay,
    central: Receiver,
    time_is: TimeIs,
) -> None:
    [old_key] = app.config["SETTINGS"].event_keys
    set_event_keys(app, monkeypatch, b"n" * 32)
    enqueue_profile()
    event_relay.deliver_all()
    assert [event["type"] for event in central.events_by_id.values()] == ["ua.vidhuk.centre.profile.v1"]
    waiting = stored.read_rows(Event, Event.state == "pending")
    assert [(event.sequence, event.reason) for event in waiting] == [(None, NO_KEY)] * 2

    set_event_keys(app, monkeypatch, b"n" * 32, old_key)
    time_is(clock.now() + UNREADABLE_WAIT)
    event_relay.deliver_all()
    assert sorted(int(event["sequence"]) for event in central.events_by_id.values()) == [1, 2, 3]


@transaction
def enqueue_profile(tx: Session) -> None:
    """Put an event into the outbox that is no answer's."""
    centre = tx.scalars(select(Centre)).one()
    event = build_centre_profile({"code": centre.code}, clock.now())
    outbox.enqueue_events(tx.connection(), centre.id, [event], now=clock.now())


@transaction
def exchange_contents(tx: Session) -> None:
    """Put the content of each event into the row of the other."""
    first, second = tx.execute(select(Event.id, Event.content)).all()
    for event_id, content in ((first.id, second.content), (second.id, first.content)):
        tx.execute(update(Event).where(Event.id == event_id).values(content=content))


def test_a_content_opens_in_its_own_row_only(answer: RecordedAnswer) -> None:
    exchange_contents()
    rows = stored.read_rows(Event)
    assert [contents.open_content(row.id, row.content) for row in rows] == [None, None]
    assert contents.open_content(uuid.uuid4(), b"") is None


@pytest.mark.parametrize(
    "answers",
    [
        {"off.nps": 1},
        {
            "off.nps": 10,
            "off.staff": "awful",
            "any.breach": ["bribe"],
            "any.reasons": ["seats"],
            "any.comment": "Погано",
        },
    ],
)
def test_the_length_of_what_is_stored_does_not_tell_what_was_said(
    context: None, event_relay: relay.Relay, answers: dict[str, object]
) -> None:
    create_centre()
    send_answer(create_invitation().token, answers)
    before = read_recorded().row
    event_relay.deliver_all()
    after = read_recorded().row

    assert before.content is not None and after.body is not None
    assert len(before.content) - SEAL_BYTES == contents.PADDED_TO, "as long as any other"
    assert len(after.body) - SEAL_BYTES == contents.PADDED_TO


def test_what_was_sealed_without_padding_still_opens_and_padding_is_no_part_of_a_body(context: None) -> None:
    event_id, seal = uuid.uuid4(), contents.current_seal()
    unpadded = b'{"subject": "case", "time": "2026-11-20T10:00:00+02:00", "data": {"n": 1}}'

    opened = contents.open_content(event_id, seal.seal(unpadded, event_id.bytes))

    assert opened is not None and opened.data == {"n": 1}
    assert contents.open_body(event_id, seal.seal(unpadded, event_id.bytes)) == unpadded.decode()
    assert contents.open_body(event_id, contents.seal_body(event_id, unpadded.decode())) == unpadded.decode()
