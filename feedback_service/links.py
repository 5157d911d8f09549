"""What people do all day, told with little luggage: a connection in the driver's own hands in place of a Session.

Such a story says what it wants by ``statements.Ready``. Rooms that serve both kinds of story take a ``Tx`` and cannot
tell. Why, and what it saves: decision 9.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg.errors import DivisionByZero
from psycopg.pq import TransactionStatus
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from feedback_service.db import shared_turn, still_there, telling
from feedback_service.errors import LostRace

P = ParamSpec("P")
R = TypeVar("R")


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
        return bool(self.driver.info.transaction_status == TransactionStatus.IDLE)

    def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What the statement finds; it takes ``values`` by their places."""
        found: list[tuple[Any, ...]]
        try:
            found = self._cursor.execute(sql, values).fetchall()
        except (sqlite3.Error, psycopg.Error) as error:
            raise _in_our_words(error) from error
        return found

    def write(self, sql: str, values: Sequence[Any], *, or_lost: bool) -> None:
        """Write; with ``or_lost`` a statement that finds no row to change raises ``LostRace``."""
        try:
            written = self._cursor.execute(sql, values)
        except (sqlite3.Error, psycopg.Error) as error:
            raise _in_our_words(error) from error
        if or_lost and not written.rowcount:
            raise LostRace()

    def write_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write with each of these."""
        try:
            self._cursor.executemany(sql, rows)
        except (sqlite3.Error, psycopg.Error) as error:
            raise _in_our_words(error) from error


class _Lot(Link):
    """Writes that are told PostgreSQL as one statement."""

    __slots__ = ("_told", "_values")

    def __init__(self, link: Link) -> None:
        self.driver, self.dialect, self.sqlite, self._cursor = link.driver, link.dialect, False, link._cursor
        self._told: list[tuple[str, int, bool]] = []
        self._values: list[Any] = []

    def write(self, sql: str, values: Sequence[Any], *, or_lost: bool) -> None:
        self._told.append((sql, len(self._values), or_lost))
        self._values += values

    def write_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        for values in rows:
            self.write(sql, values, or_lost=False)

    def settle(self) -> None:
        """Everything is written, or nothing; ``LostRace`` if a row was no longer as a write relied on."""
        if not self._told:
            return
        try:
            self._cursor.execute(_as_one(tuple(self._told)), self._values)
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
    link = Link(lent.driver_connection, engine.dialect)
    lent.detach()
    if not link.sqlite:
        link.driver.autocommit = True
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
