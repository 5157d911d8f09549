"""Whose turn it is to write to a SQLite file: decision 7.

SQLite's own waiting is unfair: the longer one has waited, the more seldom one looks. Here one thread of each process
waits for the file, and is woken; the kernel takes the turn back from who dies. A turn promises nothing: SQLite's lock
still guards the file.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from feedback_service.errors import Unavailable
from feedback_service.logs import log

_one_of_us = threading.Lock()


@contextmanager
def turn(file: str, seconds: float) -> Iterator[None]:
    """Nobody else who asks here writes meanwhile; ``Unavailable`` if the turn does not come within ``seconds``.

    A process that was stopped in its turn keeps one thread of each other waiting until it goes on or dies.
    """
    until = time.monotonic() + seconds
    if not _one_of_us.acquire(timeout=seconds):
        raise _out_of_turn()
    try:
        queue = _queue_up(f"{file}-turn")
        try:
            fcntl.flock(queue, fcntl.LOCK_EX)
            if time.monotonic() > until:
                raise _out_of_turn()
            yield
        finally:
            os.close(queue)
    finally:
        _one_of_us.release()


def _queue_up(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:  # the folder is full, read-only or gone: so is the database
        raise _out_of_turn(type(error).__name__) from error


def _out_of_turn(error: str = "TimeoutError") -> Unavailable:
    log.warning("database unavailable", error=error, code="TURN")
    return Unavailable(retry_after=5)
