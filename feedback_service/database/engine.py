"""The engine with its pool, and the check that the database keeps what it acknowledges."""

import select
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from feedback_service.database.driver_errors import error_code
from feedback_service.database.schema import Base
from feedback_service.database.sqlite_queue import WriteQueue

LOCK_WAIT_SECONDS = 15.0  # how long a writer waits for another before it gives up
IDLE_SECONDS = 60.0  # how long a transaction may do nothing and keep others waiting
WRITE_QUEUE = "vidhuk_write_queue"  # where an application on SQLite has its queue of writers

db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class NotDurable(Exception):
    """The database may forget what it acknowledged; the service refuses to use it."""


class NotReachable(Exception):
    """There is no database where the settings say; the message quotes no address, which may hold a password."""


def open_database(app: Flask, url: str) -> None:
    """Give the application its engine; raises ``NotReachable``, or ``NotDurable`` if the database may forget."""
    address, connect_args = make_url(url), dict[str, Any]()
    if address.query.get("prepare_threshold") == "none":
        # PgBouncer before 1.22 may send a prepared statement to a server connection that has not prepared it. An
        # address cannot hold the value by which psycopg prepares nothing.
        connect_args["prepare_threshold"] = None
        address = address.difference_update_query(["prepare_threshold"])
    app.config["SQLALCHEMY_DATABASE_URI"] = address
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "hide_parameters": True,  # they hold people's words and secrets, and must not reach an error message
        "pool_size": 8,
        "max_overflow": 8,
        "pool_use_lifo": True,
        "connect_args": connect_args,
    }
    if address.get_backend_name() == "sqlite":
        app.extensions[WRITE_QUEUE] = WriteQueue(str(address.database))
    db.init_app(app)
    with app.app_context():
        _listen(db.engine)
        try:
            db.engine.connect().close()
        except DBAPIError as error:
            why = error_code(error) or type(error.orig).__qualname__
            raise NotReachable(f"no database answers at FEEDBACK_DATABASE_URL ({why})") from error
        db.engine.dispose()  # a forked process must not inherit the connection


def _listen(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "checkout", _refuse_if_hung_up)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """A new connection waits for the disk, keeps foreign keys and waits for a lock only so long."""
    connection.isolation_level = None  # we say BEGIN ourselves: see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1000:.0f}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # Copied into the database less often, a page that many answers changed is copied once: 16 MB at most wait.
    cursor.execute("PRAGMA wal_autocheckpoint = 4000")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, not only forgotten
    wanted = {"journal_mode": ("wal",), "synchronous": (2, 3), "foreign_keys": (1,), "secure_delete": (1,)}
    found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    cursor.close()
    _refuse_if_not_durable(found, wanted)


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """A new connection waits for the disk, and waits for a lock only so long."""
    cursor = connection.cursor()
    wanted = {"fsync": ("on",), "synchronous_commit": ("on", "remote_apply")}
    found = {name: cursor.execute(f"SHOW {name}").fetchone()[0] for name in wanted}
    cursor.execute(f"SET lock_timeout = {LOCK_WAIT_SECONDS * 1000:.0f}")
    cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f}")
    connection.commit()
    cursor.close()
    _refuse_if_not_durable(found, wanted)


def _refuse_if_hung_up(connection: Any, _record: Any, _proxy: Any) -> None:
    """Lend no connection whose server hung up; the pool then opens new ones.

    The server has said so without being asked, so it is enough to see whether anything is there to read.
    ``pool_pre_ping`` asks with a statement, twice a visit (decision 17).
    """
    unread = select.poll()
    if not connection.closed:
        unread.register(connection.fileno(), select.POLLIN)
    if connection.closed or unread.poll(0):
        raise InvalidatePoolError()


def _refuse_if_not_durable(found: dict[str, Any], wanted: dict[str, tuple[Any, ...]]) -> None:
    wrong = [f"{name} is {found[name]}" for name, fine in wanted.items() if found[name] not in fine]
    if wrong:
        raise NotDurable(f"the database may forget what it acknowledged: {', '.join(wrong)}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes SQLite's lock at once: an upgrade halfway through could only fail."""
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
