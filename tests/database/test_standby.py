"""A PostgreSQL that is a standby: reads work, writes are refused for now, and after its promotion all work again."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import (
    OptimisticTransaction,
    db,
    execute_write,
    optimistic_transaction,
    reading,
    table_of,
    transaction,
)
from feedback_service.errors import Unavailable
from feedback_service.models import Centre
from tests.support import postgres
from tests.support.database import FreshDatabase, migrate_database
from tests.support.environment import build_environment
from tests.support.postgres import PostgresServer
from tests.support.story import create_centre

RENAME = update(table_of(Centre)).values(name=bindparam("called"))
SERVER_PROCESS = select(func.pg_backend_pid())


@transaction
def rename(tx: Session, name: str) -> None:
    """Write with a Session."""
    tx.execute(RENAME, {"called": name})


@optimistic_transaction
def rename_optimistically(tx: OptimisticTransaction, name: str) -> None:
    """Write as answers are written."""
    with tx.writing() as connection:
        execute_write(connection, RENAME, {"called": name})


@reading
def read_names(tx: Session) -> list[str]:
    """Read."""
    return list(tx.scalars(select(Centre.name)))


@pytest.fixture
def standby(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PostgresServer, Flask]]:
    """A server that has just become a standby, and an application that uses it."""
    monkeypatch.setitem(postgres.OPTIONS, "wal_level", "replica")
    with PostgresServer() as server:
        url = server.create_database("standby")
        migrate_database(url, tmp_path)
        app = create_app(Settings.from_env(build_environment(tmp_path, url)))
        with app.app_context():
            create_centre()
            read_names()
        server.stop()
        (server.data_dir / "standby.signal").touch()
        server.start()
        yield server, app
        with app.app_context():
            db.engine.dispose()


def test_a_standby_refuses_writes_for_now_and_takes_them_after_its_promotion(
    standby: tuple[PostgresServer, Flask],
) -> None:
    server, app = standby
    client = app.test_client()
    with app.app_context():
        assert len(read_names()) == 1
        for write in (rename, rename_optimistically):
            with pytest.raises(Unavailable) as refusal:
                write("Нова назва")
            assert refusal.value.retry_after > 0
        assert client.get("/healthz").status_code == 200
        not_ready = client.get("/readyz?lang=en")
        assert (not_ready.status_code, "standby" in not_ready.get_json()["detail"]) == (503, True)

        with psycopg.connect(host=str(server.folder), user="postgres", dbname="postgres", autocommit=True) as operator:
            operator.execute("SELECT pg_promote(wait => true)")

        for write in (rename, rename_optimistically):
            write(f"Назва від {write.__name__}")
            assert read_names() == [f"Назва від {write.__name__}"]
        assert client.get("/readyz").status_code == 200


@pytest.fixture
def demoted(tmp_path: Path, fresh_database: FreshDatabase) -> Iterator[None]:
    """The application of a server that refuses writes on the connections that are open, as after a demotion."""
    url = fresh_database("postgresql")
    app = create_app(Settings.from_env(build_environment(tmp_path, url)))
    with app.app_context():
        yield
        db.engine.dispose()


@pytest.mark.parametrize("is_compiled", [True, False])
@pytest.mark.usefixtures("demoted")
def test_a_connection_on_which_a_write_was_refused_is_not_used_again(is_compiled: bool) -> None:
    processes = list[int]()

    @optimistic_transaction
    def write(tx: OptimisticTransaction, *, is_refused: bool) -> None:
        with tx.writing() as connection:
            processes.append(connection.scalars(SERVER_PROCESS).one())
            if is_refused:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            if is_compiled:
                execute_write(connection, RENAME, {"called": "Нова назва"})
            else:
                connection.execute(RENAME, {"called": "Нова назва"})

    with pytest.raises(Unavailable):
        write(is_refused=True)
    write(is_refused=False)

    assert len(set(processes)) == 2


@pytest.mark.usefixtures("demoted")
def test_a_write_in_a_snapshot_is_a_fault_of_ours_and_not_of_the_server() -> None:
    @reading
    def write(tx: Session) -> None:
        tx.execute(RENAME, {"called": "Нова назва"})

    @reading
    def write_compiled(tx: Session) -> None:
        execute_write(tx.connection(), RENAME, {"called": "Нова назва"})

    for story in (write, write_compiled):
        with pytest.raises(DBAPIError, match="read-only"):
            story()
