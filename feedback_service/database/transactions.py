"""The three kinds of transactions. A story that loses a race runs again from its start.

So it decides again, on the data that the winner has committed.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session

from feedback_service.database import engine
from feedback_service.database.driver_errors import error_code, is_lost_race, is_temporary
from feedback_service.database.engine import db
from feedback_service.database.outages import outage_log
from feedback_service.database.readiness import TABLES_OUTDATED, is_migrated
from feedback_service.errors import LostRace, NotReady, Unavailable

ATTEMPTS = 5
CHECKPOINT_WAIT_SECONDS = 0.5
PAUSE_BETWEEN_PORTIONS = 0.002  # seconds; a thread that waits for the turn to write tries every 0.5 ms

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def transaction(story: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Run the story in one transaction: all of its writes are committed, or none.

    After a lost race (serialization failure, deadlock, a unique key taken by another transaction) the whole story
    runs again, five times at most. Raises ``Unavailable`` after the last one, and when the database is busy or not
    reachable; ``NotReady`` if a statement fails because the tables are not those of this release.
    """
    return _with_retries(story, _write_session)


def reading(story: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Run the story on one snapshot of the database, without writes.

    Raises ``Unavailable`` when the database is busy or not reachable.
    """
    return _with_retries(story, _read_session)


@dataclass(frozen=True, slots=True)
class OptimisticTransaction:
    """The connection on which an optimistic story reads, and its one transaction for writing."""

    connection: Connection
    is_part: bool = False  # of a transaction that the caller commits

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open the transaction for writing and commit it at the end. A story may do so once."""
        if self.is_part:
            yield self.connection
            return
        self.connection.commit()  # ends SQLite's snapshot: a writer must not wait with an old one
        self.connection.execution_options(vidhuk_begin=engine.WRITE)
        with _write_turn():
            try:
                yield self.connection
                self.connection.commit()
                outage_log.note_success(has_written=True)
            except BaseException:
                self.connection.close()  # while nobody else writes; this rolls back, also after a COMMIT that failed
                raise


def optimistic_transaction(
    story: Callable[Concatenate[OptimisticTransaction, P], R],
) -> Callable[P, R]:
    """Run a story that first reads and then writes once; otherwise as ``transaction`` does.

    While it reads, it holds no lock, so nobody waits for it. Its data may be old when it writes: therefore it writes
    with ``write_guarded``, and after a lost race it runs again.
    """
    return _with_retries(story, _optimistic)


def truncate_write_log() -> bool:
    """Copy SQLite's write-ahead log into the database file and empty it; return whether that was possible.

    The log keeps what was deleted until then. While somebody reads, it must wait; writers wait too, so not for long.
    On PostgreSQL nothing happens, because the server does this.
    """
    if db.engine.dialect.name != "sqlite":
        return True
    with _write_turn(), closing(db.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {CHECKPOINT_WAIT_SECONDS * 1000:.0f}")
            is_busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {engine.LOCK_WAIT_SECONDS * 1000:.0f}")
            cursor.close()
    return not is_busy


def in_portions(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in portions, for a transaction each; between two of them, other writers get their turn."""
    for start in range(0, len(items), size):
        if start:
            let_others_write()
        yield items[start : start + size]


def let_others_write() -> None:
    """Wait so long that a writer who waits gets the turn; for a story that has many transactions to do."""
    time.sleep(PAUSE_BETWEEN_PORTIONS)


def _with_retries(
    story: Callable[Concatenate[T, P], R], open_transaction: Callable[[], AbstractContextManager[T]]
) -> Callable[P, R]:
    """Wrap the story: it gets a transaction, and runs again in a new one after a lost race."""
    may_write = open_transaction is not _read_session

    @wraps(story)
    def retried(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with open_transaction() as tx:
                    result = story(tx, *args, **kwargs)
                outage_log.note_success(has_written=open_transaction is _write_session)
                return result
            except (DBAPIError, NoConnectionFree, LostRace) as error:
                if is_temporary(error):
                    raise _unavailable(error, may_write, retry_after=5) from error
                if not is_lost_race(error):
                    if _has_tables_of_another_release():
                        raise _not_ready(error, may_write) from error
                    raise
                if attempt == ATTEMPTS:
                    raise _unavailable(error, may_write, retry_after=1) from error
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    return retried


@contextmanager
def _write_session() -> Iterator[Session]:
    with _write_turn(), Session(db.engine, expire_on_commit=False) as tx:
        yield tx
        tx.commit()


@contextmanager
def _read_session() -> Iterator[Session]:
    with Session(db.engine, expire_on_commit=False) as tx:
        tx.connection(execution_options={"vidhuk_begin": engine.SNAPSHOT})
        yield tx
        tx.commit()  # not a rollback: psycopg would discard its prepared statements


@contextmanager
def _optimistic() -> Iterator[OptimisticTransaction]:
    with db.engine.connect() as connection:
        connection.execution_options(vidhuk_begin=engine.SINGLE_STATEMENTS)
        yield OptimisticTransaction(connection)
        connection.commit()  # see _read_session


def _write_turn() -> AbstractContextManager[None]:
    """Wait for the turn in the write queue; only SQLite has one. Raises ``Unavailable``."""
    queue = current_app.extensions.get(engine.WRITE_QUEUE)
    return nullcontext() if queue is None else queue.turn(engine.LOCK_WAIT_SECONDS)


def _has_tables_of_another_release() -> bool:
    """Whether the tables are those of another release, as between an upgrade of the program and of the tables."""
    try:
        with db.engine.connect() as connection:
            return not is_migrated(connection)
    except SQLAlchemyError:
        return False  # the first error says more


def _not_ready(error: Exception, may_write: bool) -> NotReady:
    event = "database not ready: run flask --app wsgi db upgrade"
    outage_log.note_failure(type(error).__qualname__, error_code(error), may_write=may_write, event=event)
    return NotReady(TABLES_OUTDATED)


def _unavailable(error: Exception, may_write: bool, *, retry_after: int) -> Unavailable:
    # The log omits the message, which may quote what a person sent.
    outage_log.note_failure(type(error).__qualname__, error_code(error), may_write=may_write)
    return Unavailable(retry_after)
