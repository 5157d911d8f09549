"""The audit log stays whole on the way down and up, with the reads in it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback_service.access import audit_log
from feedback_service.access.audit_log import ChainHead
from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db, reading
from tests.access.test_noted_reads import enter_reads, make_read, note_reads
from tests.support.database import FreshDatabase, run_flask_db
from tests.support.environment import build_environment
from tests.support.story import create_centre


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_audit_log_survives_a_downgrade_and_an_upgrade(
    dialect: str, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    at = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
    environment = build_environment(tmp_path, fresh_database(dialect))
    app = create_app(Settings.from_env(environment))
    with app.app_context():
        create_centre()
        note_reads([make_read(reasons=[f"reason-{number}" for number in range(40)], at=at)])
        enter_reads(at + timedelta(hours=1), 10)
        before = reading(audit_log.check_chains)()
        db.engine.dispose()

    run_flask_db(environment, "downgrade", "0015")
    run_flask_db(environment, "upgrade")

    with app.app_context():
        assert reading(audit_log.check_chains)() == before
        assert all(isinstance(chain, ChainHead) for chain in before) and before
        db.engine.dispose()
