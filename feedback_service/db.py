"""The database: one engine, two ways in (``transaction`` writes, ``reading`` reads), and durability asserted.

Nothing else in the program commits. A story that loses a race is told again from the start, so whatever it
decided is decided anew on what the winner left behind.

What people do all day has a way of its own, with less luggage: ``links.swift``.
"""

import random
import re
import select
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, Engine, MetaData, Table, TypeDecorator, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InvalidatePoolError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.pool import Pool

from feedback_service import turns
from feedback_service.errors import LostRace, Unavailable
from feedback_service.logs import log

if TYPE_CHECKING:
    import psycopg  # takes memory, and SQLite needs none of it

LOCK_WAIT_SECONDS = 15.0  # how long a writer waits for another before it gives up
IDLE_SECONDS = 60.0  # how long a transaction may do nothing and keep others waiting
ATTEMPTS = 5
LOST_RACE_STATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
KEPT_FIRST = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
# Connections, resources, shutdown, a lock waited for too long: these pass, anything else is a fault of ours.
PASSES = re.compile("(08|53|57P0|55P03)|SQLITE_(BUSY|LOCKED|CANTOPEN|FULL|IOERR)(_|$)")

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class NotDurable(Exception):
    """The database may forget what it acknowledged; the service refuses to use it."""


class NotReachable(Exception):
    """There is no database where the settings say; the message quotes no address, which may hold a password."""


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; SQLite, which has no zones, gets it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table; constraints get the names that migrations rely on."""

    registry = registry(
        type_annotation_map={datetime: Instant},
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


def table(kind: type[Base]) -> Table:
    """The model's table, for statements that need no objects: the ORM costs more than the database there."""
    return cast(Table, kind.__table__)


def init(app: Flask, url: str) -> None:
    """Give the application its engine; raises ``NotReachable``, or ``NotDurable`` if the database may forget."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    # Parameters hold people's words and secrets: they must not reach an error message. See logs.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "hide_parameters": True,
        "pool_size": 8,
        "max_overflow": 8,
        "pool_use_lifo": True,
    }
    db.init_app(app)
    with app.app_context():
        try:
            db.engine.connect().close()
        except DBAPIError as error:
            why = _code(error) or type(error.orig).__qualname__
            raise NotReachable(f"no database answers at FEEDBACK_DATABASE_URL ({why})") from error
        db.engine.dispose()  # a forked process must not inherit the connection


@event.listens_for(Engine, "connect")
def _durable(connection: Any, _record: Any) -> None:
    """Ask every new connection for durability, and check that it agreed; nobody waits for a lock for ever."""
    cursor = connection.cursor()
    if type(connection).__module__.startswith("sqlite3"):
        connection.isolation_level = None  # we say BEGIN ourselves, see _begin
        cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1000:.0f}")
        asked = {"journal_mode": ("wal",), "synchronous": (2, 3), "foreign_keys": (1,), "secure_delete": (1,)}
        cursor.execute("PRAGMA journal_mode = WAL")
        # Copied into the database less often, a page that many answers changed is copied once: 16 MB at most wait.
        cursor.execute("PRAGMA wal_autocheckpoint = 4000")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, not only forgotten
        found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in asked}
    else:
        asked = {"fsync": ("on",), "synchronous_commit": ("on", "remote_apply")}
        found = {}
        for name in asked:
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
        cursor.execute(f"SET lock_timeout = {LOCK_WAIT_SECONDS * 1000:.0f}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f}")
        connection.commit()
    cursor.close()
    wrong = [f"{name} is {found[name]}" for name, fine in asked.items() if found[name] not in fine]
    if wrong:
        raise NotDurable(f"the database may forget what it acknowledged: {', '.join(wrong)}")


@event.listens_for(Pool, "checkout")
def _checked(connection: Any, _record: Any, _proxy: Any) -> None:
    """Use no connection whose server hung up. It has said so, unasked: asking would cost each story a round trip."""
    if type(connection).__module__.startswith("psycopg") and not still_there(connection):
        raise InvalidatePoolError()


def still_there(connection: "psycopg.Connection") -> bool:
    """Whether the server has not hung up."""
    if connection.closed:
        return False
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return not waiting.poll(0)


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    """On SQLite a writer takes the lock at once: an upgrade halfway through could only fail."""
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("writes", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def transaction(story: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Everything the story writes happens, or none of it does.

    A lost race (serialization failure, deadlock, a unique promise that somebody else kept first) repeats the
    whole story, up to five times. Raises ``Unavailable`` when all were lost, or the database is locked or away.
    """
    return telling(story, _session)


def telling(
    story: Callable[Concatenate[T, P], R], opened: Callable[[Engine], AbstractContextManager[T]]
) -> Callable[P, R]:
    """The story, told with what ``opened`` gives, and told again after a lost race: see ``transaction``."""

    @wraps(story)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        engine = db.engine
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with opened(engine) as tx:
                    return story(tx, *args, **kwargs)
            except (DBAPIError, NoConnectionFree, LostRace) as error:
                if _passes(error):
                    raise _unavailable(error, retry_after=5) from error
                if not _lost_race(error):
                    raise
                if attempt == ATTEMPTS:
                    raise _unavailable(error, retry_after=1) from error
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    return told


@contextmanager
def _session(engine: Engine) -> Iterator[Session]:
    with turn(engine), Session(engine, expire_on_commit=False) as tx:
        yield tx
        tx.commit()


def turn(engine: Engine) -> AbstractContextManager[None]:
    """Nobody else writes meanwhile, where only one can: on SQLite. ``Unavailable`` if the turn does not come."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return turns.turn(file, LOCK_WAIT_SECONDS) if file else nullcontext()


def shared_turn(own: sqlite3.Connection) -> AbstractContextManager[sqlite3.Connection]:
    """A transaction on SQLite that may be another thread's: see ``turns.shared``."""
    return turns.shared(str(db.engine.url.database), LOCK_WAIT_SECONDS, own)


def reading(question: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """The question sees one unmoving picture of the database and changes nothing."""

    @wraps(question)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        engine = db.engine
        with _reachable(), Session(engine, expire_on_commit=False) as tx:
            unmoving = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            told = unmoving if engine.dialect.name == "postgresql" else {}
            tx.connection(execution_options={"writes": False, **told})
            answer = question(tx, *args, **kwargs)
            tx.commit()  # at a rollback psycopg forgets every statement that it has prepared
            return answer

    return asked


def _lost_race(error: Exception) -> bool:
    if isinstance(error, LostRace):
        return True
    return _code(error) in (KEPT_FIRST if isinstance(error, IntegrityError) else LOST_RACE_STATES)


@contextmanager
def _reachable() -> Iterator[None]:
    """Turn "locked" and "away" into a refusal that says to come back."""
    try:
        yield
    except (DBAPIError, NoConnectionFree) as error:
        if not _passes(error):
            raise
        raise _unavailable(error, retry_after=5) from error


def _passes(error: Exception) -> bool:
    """Whether it is about the database being busy or away, not about what was asked."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, NoConnectionFree)
    if error.connection_invalidated:
        return True
    code = _code(error)
    if code is not None:
        return PASSES.match(code) is not None
    # psycopg has no code for a server that it could not reach or that hung up.
    lost = isinstance(error, OperationalError | InterfaceError)
    return lost and not isinstance(error.orig, sqlite3.Error)


def _code(error: Exception) -> str | None:
    """PostgreSQL's SQLSTATE or SQLite's name of the error, if it has one."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)


def _unavailable(error: Exception, *, retry_after: int) -> Unavailable:
    # The message is not logged: it may quote what somebody sent.
    log.warning("database unavailable", error=type(error).__qualname__, code=_code(error))
    return Unavailable(retry_after)
