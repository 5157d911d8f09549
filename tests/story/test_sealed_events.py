"""Somebody has a copy of the database and none of the keys: no event leads to a case, an invitation or an answer."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Table, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.cases.services import ServiceRef
from feedback_service.config import Settings
from feedback_service.database import Base, reading
from feedback_service.delivery import relay
from feedback_service.delivery.events import RESPONSE_RECORDED, RESPONSE_WITHDRAWN
from feedback_service.flow import receipts
from feedback_service.models import Case, Event, Response
from tests.api.conftest import Caller
from tests.conftest import TimeIs
from tests.support import stored, story
from tests.support.receiver import SECRET, Receiver
from tests.support.tablets import NewTablet, centre, deliver_answers, make_tablet_answer, new_tablet

__all__ = ["centre", "new_tablet"]

EXACT_WHILE_WAITING = "due_at"
CENTRE_ID, WORDS = "centre_id", ("state", "type")


@pytest.fixture
def central() -> Iterator[Receiver]:
    """A receiver that keeps the contract."""
    with Receiver() as central:
        yield central


@pytest.fixture
def lived(app: Flask, settings: Settings, central: Receiver, new_tablet: NewTablet, time_is: TimeIs) -> None:
    """Cases, answers by phone and by tablet, a withdrawal; some events have travelled and some wait."""
    now = clock.now()
    if now.minute > 55:  # all happens within one hour, and the receiver takes signatures of five minutes
        now -= timedelta(minutes=4)
    with app.app_context():
        tablet = new_tablet("desk", workplace="window-3")
        _answer_and_withdraw(tablet, now, time_is, minutes=0)
        event_relay = relay.make_relay(replace(settings, central_url=central.url, central_secret=(SECRET,)))
        assert event_relay is not None
        with closing(event_relay):
            event_relay.deliver_all()
        assert len(central.events_by_id) == 7
        _answer_and_withdraw(tablet, now, time_is, minutes=2)


def _answer_and_withdraw(tablet: Caller, now: datetime, time_is: TimeIs, *, minutes: int) -> None:
    """Three cases and three answers, one of which is withdrawn."""
    invitations = []
    for number, (local_code, window) in enumerate(
        [("14-13", "window-3"), ("07-01", "window-8"), ("02-02", "window-9")]
    ):
        time_is(now + timedelta(minutes=minutes, seconds=7 * number))
        service = ServiceRef("", f"{local_code}-{minutes}", f"Послуга {local_code}-{minutes}")
        invitations.append(
            story.create_invitation(service=service, workplace=window, status_at=clock.now() - timedelta(seconds=2))
        )
    time_is(now + timedelta(minutes=minutes, seconds=50))
    story.send_answer(invitations[0].token, {"off.nps": 1, "any.comment": "Дуже довго чекали"})
    withdrawn = story.send_answer(invitations[1].token, {"off.nps": 2, "off.staff": "awful"})
    by_code = make_tablet_answer({"off.nps": 3}, short_code=invitations[2].short_code)
    assert deliver_answers(tablet, by_code) == ["accepted"]
    time_is(now + timedelta(minutes=minutes, seconds=59))
    receipts.withdraw_answer(withdrawn.receipt)


@reading
def read_table(tx: Session, table: Table) -> list[dict[str, Any]]:
    """Read every row of a table as a stranger does."""
    return [dict(row) for row in tx.execute(select(table)).mappings()]


@reading
def read_order_on_disk(tx: Session) -> None:
    tx.execute(text("SELECT rowid FROM events"))


def read_everything_but_events() -> Iterator[tuple[str, Any]]:
    """Yield every value of the other tables with its column."""
    for table in Base.metadata.sorted_tables:
        if table.name not in ("events", "centres", "queues"):
            for row in read_table(table):
                yield from ((f"{table.name}.{name}", value) for name, value in row.items() if name != CENTRE_ID)


@pytest.mark.usefixtures("lived")
def test_no_value_of_an_event_stands_in_another_table(app: Flask) -> None:
    with app.app_context():
        events = read_table(Base.metadata.tables["events"])
        others = list(read_everything_but_events())
    assert {event["type"] for event in events} >= {RESPONSE_RECORDED, RESPONSE_WITHDRAWN}
    assert {event["state"] for event in events} == {"delivered", "pending"}

    def is_telling(value: Any) -> bool:
        return isinstance(value, uuid.UUID | bytes) or (isinstance(value, str) and len(value) > 3)

    in_events = {
        value
        for event in events
        for name, value in event.items()
        if name not in (CENTRE_ID, *WORDS) and is_telling(value)
    }
    assert in_events and not {(name, value) for name, value in others if is_telling(value) and value in in_events}
    instants_elsewhere = {value.replace(second=0, microsecond=0) for _, value in others if isinstance(value, datetime)}
    for event in events:
        assert event["id"].version == 4, "a random id holds no instant"
        instants = [
            value for name, value in event.items() if isinstance(value, datetime) and name != EXACT_WHILE_WAITING
        ]
        assert instants and all(instant == clock.truncate_to_hour(instant) for instant in instants)
        assert event[EXACT_WHILE_WAITING] is None or event["state"] == "pending"
    assert instants_elsewhere, "there was something to compare"


@pytest.mark.usefixtures("lived")
def test_nothing_that_an_event_tells_can_be_read_without_the_keys(app: Flask) -> None:
    with app.app_context():
        case_key = app.config["SETTINGS"].case_key
        told = {
            *(keyring.derive_case_pseudonym(case_key, case.id) for case in stored.read_rows(Case)),
            *(str(response.id) for response in stored.read_rows(Response)),
            *("window-3", "14-13", "off.nps", "Послуга", "answered_on", "case_status", "status_at"),
        }
        raw = b"".join(
            value if isinstance(value, bytes) else str(value).encode()
            for event in read_table(Base.metadata.tables["events"])
            for value in event.values()
        )
    assert len(told) > 12
    assert [word for word in told if word.encode() in raw] == []


@pytest.mark.usefixtures("lived")
def test_the_queue_of_a_centre_keeps_no_instant(app: Flask) -> None:
    with app.app_context():
        [queue] = read_table(Base.metadata.tables["queues"])
    assert not [value for value in queue.values() if isinstance(value, datetime)]


@pytest.mark.usefixtures("lived")
def test_events_that_look_alike_tell_no_answer_from_another(app: Flask) -> None:
    with app.app_context():
        delivered = stored.read_rows(Event, Event.type == RESPONSE_RECORDED, Event.state == "delivered")
    in_clear = {(event.created_at, event.delivered_at, event.attempts, event.reason) for event in delivered}
    assert len(delivered) == 3 and len(in_clear) == 1


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_order_on_disk_is_that_of_random_ids(app: Flask) -> None:
    with app.app_context(), pytest.raises(DBAPIError):
        read_order_on_disk()
