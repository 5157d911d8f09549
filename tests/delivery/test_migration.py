"""Migrations of the relay's tables on a database in use: no event is lost."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.delivery import relay
from feedback_service.models import Centre, Event
from tests.support import stored
from tests.support.database import FreshDatabase, run_flask_db
from tests.support.environment import build_environment
from tests.support.story import create_centre, create_invitation


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
