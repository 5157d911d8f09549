"""The migration of the doors, on an installation in use: nobody is signed out, and the way down is open."""

from pathlib import Path

import pytest
from sqlalchemy import text

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.flow import sign_in
from tests.support.database import FreshDatabase, run_flask_db
from tests.support.environment import build_environment
from tests.support.staff import create_session, create_user


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_sessions_survive_a_downgrade_and_an_upgrade(
    dialect: str, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    environment = build_environment(tmp_path, fresh_database(dialect))
    app = create_app(Settings.from_env(environment))
    with app.app_context():
        token = create_session(create_user("operator"))
        db.engine.dispose()

    run_flask_db(environment, "downgrade", "0010")
    with app.app_context():
        with db.engine.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM sign_ins")).scalar_one() == 1
            columns = set(connection.execute(text("SELECT * FROM users")).keys())
        db.engine.dispose()
    assert "failed_attempts" not in columns
    run_flask_db(environment, "upgrade")

    with app.app_context():
        current_user = sign_in.find_current_user(token)
        assert current_user is not None and current_user.failed_before == 0
        db.engine.dispose()
