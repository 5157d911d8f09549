"""The engine with its pool, and the check that the database is durable: it keeps what it acknowledges."""

import select
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, ExceptionContext, event, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from feedback_service.database.driver_errors import error_code, is_standby_refusal
from feedback_service.database.schema import Base
from feedback_service.database.sqlite_queue import WriteQueue

LOCK_WAIT_SECONDS = 15.0  # how long a writer waits for a lock
IDLE_SECONDS = 60.0  # PostgreSQL ends a transaction that is idle for longer
WRITE_QUEUE = "vidhuk_write_queue"  # key of the queue in ``app.extensions``; on SQLite only

# Kinds of transactions, and how each database begins them. Single statements on PostgreSQL need no BEGIN and no COMMIT.
# There each sees what was committed before it, so two reads of one story may differ; on SQLite both see one snapshot.
# That is safe: one statement reads the invitation with its case and draft, the write repeats what it relies on
# (``write_guarded``), and what else is read never changes (documents) or is only withdrawn (a final answer).
WRITE, SNAPSHOT, SINGLE_STATEMENTS = "write", "snapshot", "single statements"
BEGIN: Mapping[str, Mapping[str, str | None]] = {
    "sqlite": {WRITE: "BEGIN IMMEDIATE", SNAPSHOT: "BEGIN", SINGLE_STATEMENTS: "BEGIN"},
    "postgresql": {
        WRITE: "BEGIN",
        SNAPSHOT: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        SINGLE_STATEMENTS: None,
    },
}

db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class NotDurable(Exception):
    """The database may lose what it acknowledged, so the service refuses to use it."""


class NotReachable(Exception):
    """No database answers at the address. The message does not quote the address, which may contain a password."""


def open_database(app: Flask, url: str) -> None:
    """Give the application its engine and check the database. Raises ``NotReachable`` or ``NotDurable``."""
    # Earlier releases advised this for a pooler, which is noticed now; psycopg takes only a number.
    app.config["SQLALCHEMY_DATABASE_URI"] = make_url(url).difference_update_query(["prepare_threshold"])
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "hide_parameters": True,  # values are people's words and secrets; no error message may quote them
        "pool_size": 8,
        "max_overflow": 8,
        "pool_use_lifo": True,
    }
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite" and (file := db.engine.url.database):
            app.extensions[WRITE_QUEUE] = WriteQueue(file)  # beside the file that is used, also for a relative path
        _listen(db.engine)
        try:
            db.engine.connect().close()
        except DBAPIError as error:
            why = error_code(error) or type(error.orig).__qualname__
            raise NotReachable(f"no database answers at FEEDBACK_DATABASE_URL ({why})") from error
        db.engine.dispose()  # a forked process must not inherit the connection


def _listen(engine: Engine) -> None:
    event.listen(engine, "begin", _begin)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "checkout", _refuse_closed_connection)
        event.listen(engine, "handle_error", _close_connection_to_standby)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set up a new connection: durable commits, foreign keys, a limit for waits. Raises ``NotDurable``."""
    connection.isolation_level = None  # the driver must not begin: see _begin
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1000:.0f}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # A rare checkpoint copies a page once that many answers changed. At most 16 MB wait in the log.
    cursor.execute("PRAGMA wal_autocheckpoint = 4000")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # deleted data is overwritten
    allowed = {"journal_mode": ("wal",), "synchronous": (2, 3), "foreign_keys": (1,), "secure_delete": (1,)}
    values = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in allowed}
    cursor.close()
    _check_durability(values, allowed)


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """Set up a new connection: a limit for waits and for idle transactions. Raises ``NotDurable``.

    Behind a pooler (PgBouncer) transactions may run on other server connections than this one, which others use too.
    So nothing is prepared or set there. A pooler is known by the process id that it gives: it is not the server's.
    """
    connection.autocommit = True  # the driver must not begin: see _begin
    cursor = connection.cursor()
    allowed = {"fsync": ("on",), "synchronous_commit": ("on", "remote_apply")}
    values = {name: cursor.execute(f"SHOW {name}").fetchone()[0] for name in allowed}
    if cursor.execute("SELECT pg_backend_pid()").fetchone()[0] != connection.info.backend_pid:
        connection.prepare_threshold = None
    else:
        cursor.execute(f"SET lock_timeout = {LOCK_WAIT_SECONDS * 1000:.0f}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f}")
    cursor.close()
    _check_durability(values, allowed)


def _refuse_closed_connection(connection: Any, _record: Any, _proxy: Any) -> None:
    """Refuse a connection that the server has closed, so that the pool opens a new one.

    A server that closes a connection sends a message first, so it is enough to look for unread data.
    ``pool_pre_ping`` would send a statement, twice a visit (decision 17).
    """
    unread = select.poll()
    if not connection.closed:
        unread.register(connection.fileno(), select.POLLIN)
    if connection.closed or unread.poll(0):
        raise InvalidatePoolError()


def _close_connection_to_standby(context: ExceptionContext) -> None:
    """Close a connection whose server takes no writes, and all others of the pool: they lead to the same server."""
    connection, error = context.connection, context.original_exception
    if connection is not None and is_refused_by_standby(connection, error, context.statement):
        context.is_disconnect = True


def is_refused_by_standby(connection: Connection, error: BaseException, statement: str | None) -> bool:
    """Whether a standby refused a write. A write in a snapshot, which is for reading, is a fault of ours."""
    kind = connection.get_execution_options().get("vidhuk_begin", WRITE)
    return kind != SNAPSHOT and is_standby_refusal(error, statement)


def _check_durability(values: dict[str, Any], allowed: dict[str, tuple[Any, ...]]) -> None:
    wrong = [f"{name} is {values[name]}" for name, fine in allowed.items() if values[name] not in fine]
    if wrong:
        raise NotDurable(f"the database may forget what it acknowledged: {', '.join(wrong)}")


def _begin(connection: Connection) -> None:
    """Begin a transaction of the kind that the option ``vidhuk_begin`` names; neither driver begins by itself.

    A writer takes SQLite's lock at once, because taking it later can fail.
    """
    kind = connection.get_execution_options().get("vidhuk_begin", WRITE)
    if sql := BEGIN[connection.dialect.name][kind]:
        connection.exec_driver_sql(sql)
