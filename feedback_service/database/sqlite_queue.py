"""The queue of writers to a SQLite file (decision 7).

SQLite's own lock is unfair: the longer a writer has waited, the more seldom SQLite tries again for it. In this queue
one thread of each process waits for a lock file and tries often. The queue only orders the writers; SQLite's own
lock still protects the database.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Histogram

from feedback_service.database.outages import outage_log
from feedback_service.errors import Unavailable

write_turn_seconds = Histogram(
    "vidhuk_write_turn_seconds",
    "How long writers to the SQLite file kept all others waiting.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
SHORTEST_PAUSE, LONGEST_PAUSE = 0.0001, 0.0005  # seconds between two attempts


class WriteQueue:
    """Lets one thread of all processes write to a SQLite file at a time."""

    def __init__(self, database_file: str) -> None:
        self._lock_file = f"{database_file}-turn"
        self._threads = threading.Lock()  # one thread of this process at a time waits for the file

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Wait for the turn to write, at most ``seconds``. Raises ``Unavailable``.

        The kernel ends the turn of a process that dies.
        """
        deadline = time.monotonic() + seconds
        if not self._threads.acquire(timeout=seconds):
            raise _unavailable("TimeoutError")
        try:
            lock = self._open_locked(deadline)
            began = time.perf_counter()
            try:
                yield
            finally:
                os.close(lock)
                write_turn_seconds.observe(time.perf_counter() - began)
        finally:
            self._threads.release()

    def _open_locked(self, deadline: float) -> int:
        """Return the descriptor of the locked file; closing it ends the turn."""
        try:
            lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:  # the folder is full, read-only or missing, and so is the database
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
    outage_log.note_failure(error, "TURN", may_write=True)
    return Unavailable(retry_after=5)
