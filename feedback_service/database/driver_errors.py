"""What an error of the database means: a lost race, a database that is busy or not reachable, or another fault."""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from feedback_service.errors import LostRace

LOST_RACE_CODES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
KEY_TAKEN_CODES = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
# Connection, resources, shutdown, too long a wait for a lock: these errors pass. Others are faults of the program.
TEMPORARY_CODES = re.compile("(08|53|57P0|55P03)|SQLITE_(BUSY|LOCKED|CANTOPEN|FULL|IOERR|READONLY)(_|$)")
# A standby, or a server that was just demoted to one, refuses writes; some kinds of transactions it refuses to begin.
WRITE_REFUSED_CODE, BEGIN_REFUSED_CODE = "25006", "0A000"


def error_code(error: Exception) -> str | None:
    """Return PostgreSQL's SQLSTATE or SQLite's name of the error; ``None`` if it has neither."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)


def is_lost_race(error: Exception) -> bool:
    """Whether another transaction was first, so that the story may succeed when it runs again."""
    if isinstance(error, LostRace):
        return True
    return error_code(error) in (KEY_TAKEN_CODES if isinstance(error, IntegrityError) else LOST_RACE_CODES)


def is_standby_refusal(error: BaseException, statement: str | None) -> bool:
    """Whether a server that takes no writes refused this one; another connection may lead to another server."""
    code = getattr(error, "sqlstate", None)
    return code == WRITE_REFUSED_CODE or (code == BEGIN_REFUSED_CODE and (statement or "").startswith("BEGIN"))


def is_temporary(error: Exception) -> bool:
    """Whether the database is busy or not reachable."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, NoConnectionFree)
    if error.connection_invalidated:
        return True
    code = error_code(error)
    if code is not None:
        return TEMPORARY_CODES.match(code) is not None
    # psycopg gives no code when it cannot reach the server or the server closes the connection.
    is_about_connection = isinstance(error, OperationalError | InterfaceError)
    return is_about_connection and not isinstance(error.orig, sqlite3.Error)
