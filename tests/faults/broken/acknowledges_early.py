"""Broken: a transaction returns its result before it is committed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from feedback_service.database import OptimisticTransaction, db, transactions

DELAY_SECONDS = 0.25  # seconds


@contextmanager
def _write_session() -> Iterator[Session]:
    tx = Session(db.engine, expire_on_commit=False)
    try:
        yield tx
        tx.flush()
    except BaseException:
        tx.close()
        raise
    _commit_soon(tx.commit, tx.close)


@contextmanager
def _optimistic() -> Iterator[OptimisticTransaction]:
    connection = db.engine.connect()  # it may write from the start
    try:
        yield OptimisticTransaction(connection, is_part=True)
    except BaseException:
        connection.close()
        raise
    _commit_soon(connection.commit, connection.close)


def _commit_soon(commit: Callable[[], object], close: Callable[[], object]) -> None:
    """Run the story; a thread will commit it later."""

    def late() -> None:
        time.sleep(DELAY_SECONDS)
        try:
            commit()
        finally:
            close()

    threading.Thread(target=late, daemon=True).start()


transactions._write_session, transactions._optimistic = _write_session, _optimistic
