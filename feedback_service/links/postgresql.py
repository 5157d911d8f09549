"""Links to PostgreSQL: statements prepared for good, and many writes told as one statement.

Loaded by the first link to one, never where there is only SQLite (decision 16).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import DivisionByZero, error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Dialect

from feedback_service.errors import LostRace
from feedback_service.links.link import Link, in_our_words

MOST_PREPARED = 200  # statements on a kept link, each with the types of its values


class OnLoan(Link):
    """A link to PostgreSQL by a cursor, on a connection that is a Session's; other kinds do without one."""

    __slots__ = ()

    def is_at_rest(self) -> bool:
        return bool(self.driver.pgconn.transaction_status == TransactionStatus.IDLE)

    def _opened(self) -> Any:
        return psycopg.RawCursor(self.driver)


class Kept(OnLoan):
    """A link to PostgreSQL that stays ours, so that its statements can be prepared for good.

    It asks libpq itself, once a statement. A cursor lets go of the interpreter several times for each, and in a rush
    every time another thread has it next (decision 9). Many rows are written together, in a lot.
    """

    __slots__ = ("_names", "_number", "_values")

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        super().__init__(driver, dialect)
        driver.autocommit = True
        self._values = Transformer(driver)
        self._names: dict[tuple[str, Sequence[int] | None], bytes] = {}
        self._number = count()  # no name comes again, even if nobody remembers it

    def _opened(self) -> None:
        """No cursor: it would prepare statements of its own, and forget ours."""

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


class Lot(OnLoan):
    """Writes that are told PostgreSQL as one statement."""

    __slots__ = ("_link", "_lot", "_places")

    def __init__(self, link: Link) -> None:
        super().__init__(link.driver, link.dialect)
        self._link = link
        self._lot: list[tuple[str, int, bool]] = []
        self._places: list[Any] = []

    def _opened(self) -> None:
        """No cursor: the link has one, or none."""

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
            raise in_our_words(error, self.dialect) from error


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
