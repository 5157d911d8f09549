"""Who writes next to a SQLite file: decision 7.

SQLite's own waiting is unfair: the longer somebody has waited, the more seldom SQLite looks again for him. Here one
thread of each process waits for the file and looks often. The queue only orders the writers; SQLite's own lock still
guards the file.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from feedback_service.errors import Unavailable
from feedback_service.logs import log

SHORTEST_PAUSE, LONGEST_PAUSE = 0.0001, 0.0005  # seconds between two looks at the lock


class WriteQueue:
    """All who write to one SQLite file, in all processes; one of them writes at a time."""

    def __init__(self, database_file: str) -> None:
        self._lock_file = f"{database_file}-turn"
        self._threads = threading.Lock()  # one thread of this process at a time asks for the file

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Nobody else in the queue writes meanwhile; ``Unavailable`` if that takes longer than ``seconds``.

        The kernel ends the turn of a process that dies.
        """
        deadline = time.monotonic() + seconds
        if not self._threads.acquire(timeout=seconds):
            raise _unavailable("TimeoutError")
        try:
            lock = self._lock(deadline)
            try:
                yield
            finally:
                os.close(lock)
        finally:
            self._threads.release()

    def _lock(self, deadline: float) -> int:
        """The locked file; closing it ends the turn."""
        try:
            lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:  # the folder is full, read-only or gone: so is the database
            raise _unavailable(type(error).__name__) from error
        try:
            pause = SHORTEST_PAUSE
            while not _try_lock(lock):
                if time.monotonic() > deadline:
                    raise _unavailable("TimeoutError")
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
        except BaseException:
            os.close(lock)
            raise
        return lock


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unavailable(error: str) -> Unavailable:
    log.warning("database unavailable", error=error, code="TURN")
    return Unavailable(retry_after=5)
