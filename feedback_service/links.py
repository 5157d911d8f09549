"""What people do all day, told with little luggage: a connection in the driver's own hands in place of a Session.

Such a story says what it wants by ``statements.Ready``. Rooms that serve both kinds of story take a ``Tx`` and cannot
tell. Why, and what it saves: decision 9.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg.errors import DivisionByZero
from sqlalchemy import Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from feedback_service.db import LostRace, db, telling, turn

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

    __slots__ = ("dialect", "driver", "sqlite")

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        self.driver, self.dialect = driver, dialect
        self.sqlite = dialect.name == "sqlite"

    def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What the statement finds; it takes ``values`` by their places."""
        found: list[tuple[Any, ...]]
        try:
            found = self._cursor().execute(sql, values).fetchall()
        except (sqlite3.Error, psycopg.Error) as error:
            raise _in_our_words(error) from error
        return found

    def write(self, sql: str, values: Sequence[Any], *, or_lost: bool) -> None:
        """Write; with ``or_lost`` a statement that finds no row to change raises ``LostRace``."""
        try:
            written = self._cursor().execute(sql, values)
        except (sqlite3.Error, psycopg.Error) as error:
            raise _in_our_words(error) from error
        if or_lost and not written.rowcount:
            raise LostRace()

    def write_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write with each of these."""
        try:
            self._cursor().executemany(sql, rows)
        except (sqlite3.Error, psycopg.Error) as error:
            raise _in_our_words(error) from error

    def _cursor(self) -> Any:
        return self.driver.cursor() if self.sqlite else psycopg.RawCursor(self.driver)


class _Lot(Link):
    """Writes that are told PostgreSQL as one statement."""

    __slots__ = ("_told", "_values")

    def __init__(self, link: Link) -> None:
        super().__init__(link.driver, link.dialect)
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
            self._cursor().execute(_as_one(tuple(self._told)), self._values)
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
        return
    with _committed(link) if isinstance(tx, Link) else nullcontext():
        yield link


@contextmanager
def _committed(link: Link) -> Iterator[None]:
    with turn(db.engine), _in_one_voice():
        link.driver.execute("BEGIN IMMEDIATE")
        try:
            yield
            link.driver.commit()
        except BaseException:
            link.driver.rollback()
            raise


@contextmanager
def _lent(engine: Engine) -> Iterator[Link]:
    """A connection of the pool's; PostgreSQL is not asked to begin or end anything on it."""
    with _in_one_voice():
        lent = engine.raw_connection()
        link = Link(lent.driver_connection, engine.dialect)
        try:
            if not link.sqlite:
                link.driver.autocommit = True
            yield link
        finally:
            if not link.sqlite and link.driver.closed:
                lent.invalidate()
            elif not link.sqlite:
                link.driver.autocommit = False
            lent.close()


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
