"""A connection in the driver's own hands."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError

from feedback_service.errors import LostRace


class Link:
    """A connection in the driver's own hands, for ``Ready`` statements and no others.

    This class itself serves SQLite; for PostgreSQL see ``links.postgresql``.
    """

    __slots__ = ("_cursor", "dialect", "driver", "sqlite")

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        self.driver, self.dialect = driver, dialect
        self.sqlite = dialect.name == "sqlite"
        self._cursor = self._opened()

    def is_at_rest(self) -> bool:
        """Whether nothing is begun on it, so that another story may have it."""
        return not self.driver.in_transaction

    def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What the statement finds; it takes ``values`` by their places."""
        try:
            return self._ask(sql, values)
        except drivers_error(self.dialect) as error:
            raise in_our_words(error, self.dialect) from error

    def write(self, sql: str, values: Sequence[Any], *, or_lost: bool) -> None:
        """Write; with ``or_lost`` a statement that finds no row to change raises ``LostRace``."""
        try:
            written = self._do(sql, values)
        except drivers_error(self.dialect) as error:
            raise in_our_words(error, self.dialect) from error
        if or_lost and not written:
            raise LostRace()

    def write_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write with each of these; PostgreSQL is sent them all before it is asked how the first one went."""
        try:
            self._cursor.executemany(sql, rows)
        except drivers_error(self.dialect) as error:
            raise in_our_words(error, self.dialect) from error

    def _opened(self) -> Any:
        return self.driver.cursor()

    def _ask(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._cursor.execute(sql, values).fetchall()
        return found

    def _do(self, sql: str, values: Sequence[Any]) -> int:
        return int(self._cursor.execute(sql, values).rowcount)


def drivers_error(dialect: Dialect) -> type[Exception]:
    """What the driver of this kind of database raises."""
    error: type[Exception] = dialect.loaded_dbapi.Error
    return error


def in_our_words(error: Exception, dialect: Dialect) -> Exception:
    """A driver's error as SQLAlchemy would have raised it."""
    return DBAPIError.instance(None, None, error, drivers_error(dialect), hide_parameters=True)
