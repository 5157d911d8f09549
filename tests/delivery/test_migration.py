"""Migrations of the relay's tables on a database in use: no event is lost."""

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Uuid, column, select, table, text, update

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db, table_of
from feedback_service.delivery import relay
from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.flow import receipts
from feedback_service.models import Centre, Event, Response
from tests.support import stored
from tests.support.database import FreshDatabase, run_flask_db
from tests.support.environment import build_environment
from tests.support.story import create_centre, create_invitation, send_answer

SEAL_BYTES = 12 + 16  # AES-GCM: nonce and tag


@contextmanager
def running_app(environment: dict[str, str]) -> Iterator[Flask]:
    """Make the application; close its connections afterwards."""
    app = create_app(Settings.from_env(environment))
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_events_survive_a_downgrade_and_an_upgrade(dialect: str, fresh_database: FreshDatabase, tmp_path: Path) -> None:
    environment = build_environment(tmp_path, fresh_database(dialect))
    with running_app(environment):
        create_centre()
        create_invitation()
        create_invitation()
        [centre] = stored.read_rows(Centre)
        before = sorted((str(event.row.id), str(event.data)) for event in stored.read_events())
        batch = relay.claim_batch(centre.id, "https://vidhuk.example")
        assert batch is not None and len(batch.bodies) == 2, "their data is only in their bodies now"
        create_invitation()

    run_flask_db(environment, "downgrade", "0001")
    with running_app(environment), db.engine.begin() as connection:
        rows = connection.execute(
            text("SELECT state, sequence, data IS NULL FROM events ORDER BY sequence IS NULL, sequence")
        ).all()
    run_flask_db(environment, "upgrade")

    assert [(state, sequence) for state, sequence, _ in rows] == [
        ("pending", 1),
        ("pending", 2),
        ("pending", None),
    ]
    assert not any(empty for *_, empty in rows)
    with running_app(environment):
        after = sorted((str(event.row.id), str(event.data)) for event in stored.read_events())
        assert set(before) < set(after)
        assert all(event.due_at == event.created_at for event in stored.read_rows(Event))
        batch = relay.claim_batch(centre.id, "https://vidhuk.example")
        assert batch is not None
        assert [json.loads(body)["sequence"] for body in batch.bodies.values()] == ["1", "2", "3"]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_stored_events_are_sealed_and_can_be_opened_again(
    dialect: str, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    environment = build_environment(tmp_path, fresh_database(dialect))
    with running_app(environment):
        create_centre()
        for nps in (1, 2, 3):
            send_answer(create_invitation().token, {"off.nps": nps, "off.staff": "awful"})
        [centre] = stored.read_rows(Centre)
        first = relay.claim_batch(centre.id, "https://vidhuk.example")
        assert first is not None and len(first.bodies) == 6
        withdrawn = send_answer(create_invitation().token, {"off.nps": 4})
        blank, delivered, *_ = [event.row for event in stored.read_events(Event.type == RESPONSE_RECORDED)]
        hour = blank.created_at
        with db.engine.begin() as connection:
            taken: dict[str, Any] = {"state": "delivered", "due_at": None, "claim": None, "delivered_at": hour}
            for event_id, values in ((blank.id, {"body": None, "response_hash": None}), (delivered.id, {})):
                connection.execute(update(Event).where(Event.id == event_id).values(taken | values))
        before = [(event.row.sequence, event.subject, event.time, event.data) for event in stored.read_events()]

    run_flask_db(environment, "downgrade", "0010")
    with running_app(environment), db.engine.begin() as connection:
        rows = connection.execute(text("SELECT body, digest, data, subject, created_at FROM events")).all()
        # As the earlier release left it: the author withdrew the answer, and its event kept what was said.
        connection.execute(
            update(Response).where(Response.id == withdrawn.id).values(answers={}, withdrawn_on=date(2026, 11, 20))
        )
    assert len(rows) == 8 and sum(row.subject == "" for row in rows) == 1
    for row in rows:
        assert row.body is None or bytes(row.digest) == hashlib.sha256(row.body.encode()).digest()
        assert row.body is None or row.body == row.body.strip(), "a body is what the receiver got"

    run_flask_db(environment, "upgrade")

    with running_app(environment):
        events = stored.read_events()
        after = [(event.row.sequence, event.subject, event.time, event.data) for event in events]
        assert after[:-1] == before[:-1]
        [without_answers] = stored.read_events(Event.withdrawn)
        assert without_answers.data is not None and without_answers.data["answers"] == []
        of_answers = [event.row for event in events if event.row.type == RESPONSE_RECORDED]
        assert [row.response_hash is not None for row in of_answers] == [False, True, True, True]
        with db.engine.connect() as connection:
            raw = repr(connection.execute(select(table_of(Event))).all())
        assert "off.nps" not in raw and "case_status" not in raw
        sealed = [part for event in events for part in (event.row.content, event.row.body) if part is not None]
        assert sealed and {(len(part) - SEAL_BYTES) % 1024 for part in sealed} == {0}, "no length tells what was said"
        receipts.withdraw_answer(send_answer(create_invitation().token, {"off.nps": 5}).receipt)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_ids_that_told_the_millisecond_become_random(
    dialect: str, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    environment = build_environment(tmp_path, fresh_database(dialect))
    with running_app(environment):
        create_centre()
        send_answer(create_invitation().token, {"off.nps": 1})
    run_flask_db(environment, "downgrade", "0010")
    exact = "2026-11-20 15:38:59.812000"
    with running_app(environment), db.engine.begin() as connection:
        old_id = uuid.UUID("01a22d43-9d73-71ab-8000-000000000001")
        event = table("events", column("id", Uuid()), column("type"), column("created_at"))
        values = {
            "id": old_id,
            "created_at": datetime.fromisoformat(f"{exact}+00:00") if dialect == "postgresql" else exact,
        }
        connection.execute(update(event).where(event.c.type == RESPONSE_RECORDED).values(values))

    run_flask_db(environment, "upgrade")

    with running_app(environment):
        [recorded] = stored.read_events(Event.type == RESPONSE_RECORDED)
        assert recorded.row.id.version == 4 and recorded.data is not None
        assert recorded.row.created_at == datetime(2026, 11, 20, 15, tzinfo=UTC)
