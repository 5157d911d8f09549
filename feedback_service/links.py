"""What people do all day, told with little luggage: a connection in the driver's own hands in place of a Session.

Such a story says what it wants by ``statements.Ready``. Rooms that serve both kinds of story take a ``Tx`` and cannot
tell. Why, and what it saves: decision 9.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import DivisionByZero, error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from feedback_service.db import shared_turn, still_there, telling
from feedback_service.errors import LostRace

P = ParamSpec("P")
R = TypeVar("R")

DRIVERS_ERRORS = (sqlite3.Error, psycopg.Error)
MOST_PREPARED = 200  # statements on a kept link to PostgreSQL, each with the types of its values


def swift(story: Callable[Concatenate["Link", P], R]) -> Callable[P, R]:
    """As ``transaction``, for a story that first reads, each statement by itself, and then writes once, ``together``.

    Nobody waits for it while it reads and thinks. What it read may be old when it writes: the writes say what they
    rely on (``or_lost``), and a lost race is told again from the start.
    """
    return telling(story, _lent)


class Link:
    """A connection in the driver's own hands, for ``Ready`` statements and no others."""

    __slots__ = ("_cursor", "dialect", "driver", "sqlite")

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        self.driver, self.dialect = driver, dialect
        self.sqlite = dialect.name == "sqlite"
        self._cursor: Any = driver.cursor() if self.sqlite else psycopg.RawCursor(driver)

    def is_at_rest(self) -> bool:
        """Whether nothing is begun on it, so that another story may have it."""
        if self.sqlite:
            return not self.driver.in_transaction
        return bool(self.driver.pgconn.transaction_status == TransactionStatus.IDLE)

    def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What the statement finds; it takes ``values`` by their places."""
        try:
            return self._ask(sql, values)
        except DRIVERS_ERRORS as error:
            raise _in_our_words(error) from error

    def write(self, sql: str, values: Sequence[Any], *, or_lost: bool) -> None:
        """Write; with ``or_lost`` a statement that finds no row to change raises ``LostRace``."""
        try:
            written = self._do(sql, values)
        except DRIVERS_ERRORS as error:
            raise _in_our_words(error) from error
        if or_lost and not written:
            raise LostRace()

    def write_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write with each of these; PostgreSQL is sent them all before it is asked how the first one went."""
        try:
            self._cursor.executemany(sql, rows)
        except DRIVERS_ERRORS as error:
            raise _in_our_words(error) from error

    def _ask(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._cursor.execute(sql, values).fetchall()
        return found

    def _do(self, sql: str, values: Sequence[Any]) -> int:
        return int(self._cursor.execute(sql, values).rowcount)


class _Kept(Link):
    """A link to PostgreSQL that stays ours, so that its statements can be prepared for good.

    It asks libpq itself, once a statement. A cursor lets go of the interpreter several times for each, and in a rush
    every time another thread has it next (decision 9).
    """

    __slots__ = ("_names", "_number", "_values")

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        super().__init__(driver, dialect)
        # A cursor would prepare statements of its own, and forget ours. Many rows are written together, in a lot.
        self._cursor = None
        driver.autocommit = True
        self._values = Transformer(driver)
        self._names: dict[tuple[str, Sequence[int] | None], bytes] = {}
        self._number = count()  # no name comes again, even if nobody remembers it

    def _ask(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        result = self._told(sql, values)
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, tuple)

    def _do(self, sql: str, values: Sequence[Any]) -> int:
        return self._told(sql, values).command_tuples or 0

    def _told(self, sql: str, values: Sequence[Any]) -> PGresult:
        given = self._values.dump_sequence(values, [PyFormat.AUTO] * len(values))
        name = self._prepared(sql, self._values.types)
        return _done(self.driver.pgconn.exec_prepared(name, given, self._values.formats))

    def _prepared(self, sql: str, types: Sequence[int] | None) -> bytes:
        name = self._names.get((sql, types))
        if name is None:
            if len(self._names) >= MOST_PREPARED:
                _done(self.driver.pgconn.exec_(b"DEALLOCATE ALL"))
                self._names.clear()
            name = b"ready_%d" % next(self._number)
            _done(self.driver.pgconn.prepare(name, sql.encode(self._values.encoding), types))
            self._names[sql, types] = name
        return name


def _done(result: PGresult) -> PGresult:
    """The result, if it is none of an error."""
    if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
        return result
    error = error_from_result(result)
    raise error if error.sqlstate else psycopg.OperationalError(str(error))  # no code: it hung up


class _Lot(Link):
    """Writes that are told PostgreSQL as one statement."""

    __slots__ = ("_link", "_lot", "_places")

    def __init__(self, link: Link) -> None:
        self.driver, self.dialect, self.sqlite, self._link = link.driver, link.dialect, False, link
        self._lot: list[tuple[str, int, bool]] = []
        self._places: list[Any] = []

    def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._link.rows(sql, values)

    def write(self, sql: str, values: Sequence[Any], *, or_lost: bool) -> None:
        self._lot.append((sql, len(self._places), or_lost))
        self._places += values

    def write_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        for values in rows:
            self.write(sql, values, or_lost=False)

    def settle(self) -> None:
        """Everything is written, or nothing; ``LostRace`` if a row was no longer as a write relied on."""
        if not self._lot:
            return
        try:
            self._link._do(_as_one(tuple(self._lot)), self._places)
        except DivisionByZero as error:
            raise LostRace() from error
        except psycopg.Error as error:
            raise _in_our_words(error) from error


@lru_cache(maxsize=256)
def _as_one(told: Sequence[tuple[str, int, bool]]) -> str:
    """One statement that does all of this: each with the number of values given before it, and whether it is a race.

    It divides by the number of rows that each race was about, so the database itself undoes what is lost.
    """
    parts, races = [], []
    for place, (sql, before, or_lost) in enumerate(told):
        parts.append(f"told{place} AS ({_counted_from(before, sql)}{' RETURNING 1' if or_lost else ''})")
        if or_lost:
            races.append(f"1 / (SELECT count(*) FROM told{place})")
    return f"WITH {', '.join(parts)} SELECT {', '.join(races) or '1'}"


def _counted_from(before: int, sql: str) -> str:
    return re.sub(r"\$(\d+)", lambda place: f"${int(place[1]) + before}", sql)


Tx = Session | Link


def link_of(tx: Tx) -> Link:
    """The driver's connection behind either kind of story."""
    if isinstance(tx, Link):
        return tx
    connection = tx.connection()
    return Link(connection.connection.driver_connection, connection.dialect)


@contextmanager
def together(tx: Tx) -> Iterator[Link]:
    """Writes that wait for no answer of each other: all of them happen, or none.

    They are a swift story's transaction, and it has no other; on PostgreSQL they are one statement in any story.
    """
    link = link_of(tx)
    if not link.sqlite:
        lot = _Lot(link)
        yield lot
        lot.settle()
    elif isinstance(tx, Link):
        with _committed(link) as shared:
            yield shared
    else:
        yield link


@contextmanager
def _committed(link: Link) -> Iterator[Link]:
    """A link to write on: what is written is committed at the end, perhaps with what others write meanwhile."""
    with _in_one_voice(), shared_turn(link.driver) as driver:
        yield link if driver is link.driver else Link(driver, link.dialect)


@contextmanager
def _lent(engine: Engine) -> Iterator[Link]:
    """A link that nobody uses: the one used last, whose caches are warm. On it PostgreSQL begins nothing by itself."""
    with _in_one_voice():
        link = _taken(engine) or _made(engine)
        try:
            yield link
        except IntegrityError:  # mostly a race that was lost
            _put_back(engine, link)
            raise
        except (sqlite3.Error, psycopg.Error, DBAPIError):
            link.driver.close()  # what failed once on it may fail again: a plan that a migration made wrong
            raise
        except BaseException:
            _put_back(engine, link)
            raise
        _put_back(engine, link)


def _put_back(engine: Engine, link: Link) -> None:
    idle = _idle.get(engine)
    if idle is not None and link.is_at_rest():
        idle.append(link)
    else:
        link.driver.close()


# The pool's own way of lending costs a twentieth of a visit (decision 9). There are never more links than threads.
_idle: WeakKeyDictionary[Engine, list[Link]] = WeakKeyDictionary()


def _taken(engine: Engine) -> Link | None:
    """The link put back last, unless its server hung up."""
    idle = _idle.setdefault(engine, [])
    while True:
        try:
            link = idle.pop()
        except IndexError:
            return None
        if link.sqlite or still_there(link.driver):
            return link
        link.driver.close()


def _made(engine: Engine) -> Link:
    lent = engine.raw_connection()  # it is asked for durability as all are
    kind = Link if engine.dialect.name == "sqlite" else _Kept
    link = kind(lent.driver_connection, engine.dialect)
    lent.detach()
    return link


@event.listens_for(Engine, "engine_disposed")
def _disposed(engine: Engine) -> None:
    """An engine that is done with its connections is done with these."""
    for link in _idle.pop(engine, []):
        link.driver.close()


@contextmanager
def _in_one_voice() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, psycopg.Error) as error:
        raise _in_our_words(error) from error


def _in_our_words(error: sqlite3.Error | psycopg.Error) -> Exception:
    """A driver's error as SQLAlchemy would have raised it."""
    base = sqlite3.Error if isinstance(error, sqlite3.Error) else psycopg.Error
    return DBAPIError.instance(None, None, error, base, hide_parameters=True)
