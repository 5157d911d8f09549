"""Who writes to a SQLite file, and when that is committed: decision 7.

SQLite's own waiting is unfair: the longer one has waited, the more seldom one looks. Here one thread of each process
waits for the file, and looks often; the kernel takes the turn back from who dies. A turn promises nothing: SQLite's
lock still guards the file.

Threads that come while another of their process has the turn may write in its transaction; the last of them commits
for all. So the disk is waited for once, not once for each.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from feedback_service.errors import LostRace, Unavailable
from feedback_service.logs import log

SHORTEST_PAUSE, LONGEST_PAUSE = 0.0001, 0.0005  # seconds between two looks whether the turn has come


@contextmanager
def turn(file: str, seconds: float) -> Iterator[None]:
    """Nobody else who asks here writes meanwhile; ``Unavailable`` if the turn does not come within ``seconds``."""
    until = time.monotonic() + seconds
    with _one_of_us:
        _end()
        queue = _queue_up(file, until)
        try:
            yield
        finally:
            os.close(queue)


@contextmanager
def shared(file: str, seconds: float, own: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A transaction to write in: on one's ``own`` connection, or on that of who came first. It is committed at the end.

    Raises what the commit raises, ``LostRace`` if somebody else's failure undid it, and ``Unavailable`` as ``turn``.
    """
    global _open
    until = time.monotonic() + seconds
    transaction = None
    _come()
    try:
        if _open is not None and _open.file != file:
            _end()
        if _open is None:
            _open = _Shared(file, own, _queue_up(file, until))
        transaction = _open
        try:
            yield transaction.connection
        except BaseException:
            transaction.undone = LostRace()  # for the others: they are told again
            raise
        finally:
            if transaction.undone or not _coming:
                _end()
    finally:
        _one_of_us.release()  # who comes next may have to end it
        if transaction is not None:
            transaction.ended.wait()
    if transaction.undone:
        raise transaction.undone


class _Shared:
    """A transaction that several threads write in, one after another."""

    def __init__(self, file: str, connection: sqlite3.Connection, queue: int) -> None:
        self.file, self.connection, self._queue = file, connection, queue
        self.undone: Exception | None = None
        self.ended = threading.Event()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            os.close(queue)
            raise

    def end(self) -> None:
        """Commit, unless somebody failed. Whatever happens the turn is over, and nobody takes for kept what is lost."""
        failed, self.undone = self.undone, self.undone or LostRace()
        try:
            if failed is None and self.connection.in_transaction:
                self.connection.commit()
                self.undone = None
        except Exception as error:  # MemoryError among them
            self.undone = error
        finally:
            with suppress(Exception):
                self.connection.rollback()  # nothing is left to undo after a commit
            os.close(self._queue)
            self.ended.set()


def _come() -> None:
    """Wait for the threads of one's own process; who leaves a transaction open counts on who comes."""
    _coming.append(None)
    try:
        _one_of_us.acquire()
    except BaseException:  # Ctrl-C
        _coming.pop()
        if _one_of_us.acquire(timeout=1):  # else who has it ends what is open, or counts on somebody else
            try:
                if not _coming:
                    _end()
            finally:
                _one_of_us.release()
        raise
    _coming.pop()


def _end() -> None:
    """The transaction that is open, if one is, is over; ``_one_of_us`` is held."""
    global _open
    if _open is not None:
        ended, _open = _open, None
        ended.end()


_one_of_us = threading.Lock()  # of a process, one thread at a time writes or waits for its turn
_coming: list[None] = []  # one for each thread that is about to write in whatever transaction is open
_open: _Shared | None = None


def _queue_up(file: str, until: float) -> int:
    """The turn, once it has come; it is over when this is closed."""
    try:
        queue = os.open(f"{file}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:  # the folder is full, read-only or gone: so is the database
        raise _out_of_turn(type(error).__name__) from error
    try:
        pause = SHORTEST_PAUSE
        while time.monotonic() > until or not _taken(queue):
            if time.monotonic() > until:
                raise _out_of_turn()
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
    except BaseException:
        os.close(queue)
        raise
    return queue


def _taken(queue: int) -> bool:
    try:
        fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _out_of_turn(error: str = "TimeoutError") -> Unavailable:
    log.warning("database unavailable", error=error, code="TURN")
    return Unavailable(retry_after=5)
