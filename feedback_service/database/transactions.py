"""The three ways to use the database. A story that loses a race is told again from the start.

So whatever it decided is decided anew on what the winner left behind.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session

from feedback_service.database import engine
from feedback_service.database.driver_errors import error_code, is_lost_race, is_temporary
from feedback_service.database.engine import db
from feedback_service.errors import LostRace, Unavailable
from feedback_service.logs import log

ATTEMPTS = 5

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def transaction(story: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Everything the story writes happens, or none of it does.

    A lost race (serialization failure, deadlock, a unique key that somebody else took first) repeats the
    whole story, up to five times. Raises ``Unavailable`` when all were lost, or the database is locked or away.
    """
    return _with_retries(story, _write_session)


def reading(question: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """The question sees one unmoving picture of the database and changes nothing.

    Raises ``Unavailable`` when the database is locked or away.
    """
    return _with_retries(question, _read_session)


@dataclass(frozen=True, slots=True)
class OptimisticTransaction:
    """What an optimistic story reads on, and how it writes."""

    connection: Connection
    is_part: bool = False  # of a transaction that somebody else began and will commit

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The one transaction of the story that writes: it is committed at the end. The story has no second one."""
        if self.is_part:
            yield self.connection
            return
        if self.connection.dialect.name == "sqlite":
            self.connection.commit()  # what was read must not be held on to while we wait to write
            self.connection.execution_options(writes=True)
        with _write_turn():
            try:
                yield self.connection
                self.connection.commit()
            except BaseException:
                self.connection.rollback()
                raise


def optimistic_transaction(
    story: Callable[Concatenate[OptimisticTransaction, P], R],
) -> Callable[P, R]:
    """As ``transaction``, for a story that first reads and then writes once.

    Nobody waits for it while it reads and thinks. What it read may be old when it writes, so it writes by
    ``write_guarded``, and a lost race is told again from the start.
    """
    return _with_retries(story, _optimistic)


def _with_retries(
    story: Callable[Concatenate[T, P], R], opened: Callable[[], AbstractContextManager[T]]
) -> Callable[P, R]:
    """The story, told with what ``opened`` gives, and told again after a lost race."""

    @wraps(story)
    def retried(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with opened() as tx:
                    return story(tx, *args, **kwargs)
            except (DBAPIError, NoConnectionFree, LostRace) as error:
                if is_temporary(error):
                    raise _unavailable(error, retry_after=5) from error
                if not is_lost_race(error):
                    raise
                if attempt == ATTEMPTS:
                    raise _unavailable(error, retry_after=1) from error
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
        is_postgresql = tx.get_bind().dialect.name == "postgresql"
        unmoving = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        tx.connection(execution_options={"writes": False, **(unmoving if is_postgresql else {})})
        yield tx
        tx.commit()  # at a rollback psycopg forgets every statement that it has prepared


@contextmanager
def _optimistic() -> Iterator[OptimisticTransaction]:
    with db.engine.connect() as connection:
        connection.execution_options(writes=False)
        yield OptimisticTransaction(connection)
        connection.commit()  # see _read_session


def _write_turn() -> AbstractContextManager[None]:
    """Nobody else writes meanwhile, where only one can: on SQLite. ``Unavailable`` if the turn does not come."""
    queue = current_app.extensions.get(engine.WRITE_QUEUE)
    return nullcontext() if queue is None else queue.turn(engine.LOCK_WAIT_SECONDS)


def _unavailable(error: Exception, *, retry_after: int) -> Unavailable:
    # The message is not logged: it may quote what somebody sent.
    log.warning("database unavailable", error=type(error).__qualname__, code=error_code(error))
    return Unavailable(retry_after)
