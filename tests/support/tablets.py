"""Tablets of one centre, which call the application without a network; fixtures that folders take over."""

import itertools
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import transaction
from feedback_service.flow import tablet_pairing
from feedback_service.models import Device
from tests.api.conftest import Caller
from tests.support import story

NewTablet = Callable[..., Caller]
_seconds = itertools.count()


@pytest.fixture
def centre(app: Flask) -> str:
    """Create a centre; return its code."""
    with app.app_context():
        return story.create_centre()


@pytest.fixture
def new_tablet(app: Flask, centre: str) -> NewTablet:
    """``new_tablet("desk", workplace="window-3")`` is paired and calls with its key."""

    def new_tablet(mode: str = "hall", *, workplace: str | None = None, centre: str = centre) -> Caller:
        with app.app_context():
            code = tablet_pairing.add_tablet(centre, name="Планшет", mode=mode, workplace=workplace)
            caller = Caller(app.test_client(), tablet_pairing.pair_tablet(code).key)
            date_back_tablets()
        return caller

    return new_tablet


@transaction
def date_back_tablets(tx: Session) -> None:
    """Let all tablets be there for long, because most stories begin before the day on which they are told."""
    tx.execute(update(Device).values(created_at=datetime(2020, 1, 1, tzinfo=UTC)))


@pytest.fixture
def tablet(new_tablet: NewTablet) -> Caller:
    """A tablet in the hall."""
    return new_tablet()


def make_tablet_answer(answers: Mapping[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """Make the answer of one person, given just now, with these facts."""
    defaults: dict[str, Any] = {
        "client_id": str(uuid.uuid4()),
        "questionnaire": "offline-2026.1",
        "language": "uk",
        "answers": {"off.nps": 9, "off.staff": "great"} if answers is None else dict(answers),
        "answered_at": clock.now().isoformat(),
    }
    return defaults | facts


def deliver_answers(tablet: Caller, *items: Any) -> list[str]:
    """Send the answers; return the status of each."""
    reply = tablet.post("/kiosk/responses", {"responses": list(items)})
    assert reply.status_code == 200, reply.text
    return [result["status"] for result in reply.json["results"]]


def send_heartbeat(tablet: Caller, time: datetime | None = None, **facts: Any) -> Any:
    """Send a heartbeat of the tablet."""
    return tablet.post("/kiosk/heartbeat", {"time": (time or clock.now()).isoformat(), **facts})
