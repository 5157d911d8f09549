"""The service starts only with a database that answers and is durable."""

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, event

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import NotDurable, db
from tests.support.database import FreshDatabase
from tests.support.environment import ROOT, build_environment, build_process_environment
from tests.support.pooler import pooler


def refused(tmp_path: Path, database_url: str) -> str:
    """Return the message when the service does not start with this database."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--once"],
        cwd=ROOT,
        env=build_process_environment(os.environ, build_environment(tmp_path, database_url)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    return done.stderr


def test_a_server_that_is_away_at_the_start_is_one_sentence_without_its_address(tmp_path: Path) -> None:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # nobody else gets the port, and nobody listens at it
        port = dead.getsockname()[1]
        said = refused(tmp_path, f"postgresql+psycopg://vidhuk:pa55word@127.0.0.1:{port}/vidhuk")

    assert said.count("\n") == 1
    assert "FEEDBACK_DATABASE_URL" in said
    for secret in ("pa55word", "127.0.0.1", str(port)):
        assert secret not in said


def test_a_file_that_cannot_be_opened_at_the_start_is_one_sentence(tmp_path: Path) -> None:
    assert refused(tmp_path, f"sqlite:///{tmp_path}/missing/feedback.db").count("\n") == 1


def test_a_postgresql_that_acknowledges_before_it_writes_is_refused(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    url = fresh_database("postgresql")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as link:
        [name] = link.execute("SELECT quote_ident(current_database())").fetchone() or ("",)
        link.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())

    with pytest.raises(NotDurable, match="synchronous_commit is off"):
        create_app(Settings.from_env(build_environment(tmp_path, url)))


def test_a_sqlite_that_will_not_wait_for_the_disk_is_refused(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    def stubborn(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.set_authorizer(
            lambda _action, name, value, *_rest: (
                sqlite3.SQLITE_IGNORE if name == "synchronous" and value else sqlite3.SQLITE_OK
            )
        )

    event.listen(Engine, "connect", stubborn, insert=True)
    try:
        with pytest.raises(NotDurable, match="synchronous is 0"):
            create_app(Settings.from_env(build_environment(tmp_path, fresh_database("sqlite"))))
    finally:
        event.remove(Engine, "connect", stubborn)


def test_a_foreign_engine_of_the_same_process_is_left_alone(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    create_app(Settings.from_env(build_environment(tmp_path, fresh_database("sqlite"))))

    with create_engine("sqlite://").connect() as foreign:
        assert foreign.exec_driver_sql("PRAGMA foreign_keys").scalar() == 0


def test_an_address_that_earlier_releases_advised_for_poolers_still_works(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    url = fresh_database("postgresql")
    address = f"{url}{'&' if '?' in url else '?'}prepare_threshold=none"
    with create_app(Settings.from_env(build_environment(tmp_path, address))).app_context():
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        db.engine.dispose()


def test_behind_a_pooler_nothing_is_prepared_or_set_on_connections_that_others_use_too(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    url = fresh_database("postgresql")
    found = "SELECT count(*), current_setting('lock_timeout') FROM pg_prepared_statements"

    def look_often(address: str) -> set[tuple[int, str]]:
        with create_app(Settings.from_env(build_environment(tmp_path, address))).app_context():
            with db.engine.connect() as connection:
                rows = {tuple(connection.exec_driver_sql(found).one()) for _ in range(10)}
            db.engine.dispose()
        return rows

    assert max(look_often(url)) == (1, "15s")
    with pooler(url) as address:
        assert look_often(address) == {(0, "0")}
