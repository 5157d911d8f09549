"""Small things that a kill may lose, written together a moment later."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from flask import Flask
from flask.globals import app_ctx

from feedback_service.errors import Unavailable
from feedback_service.logs import log

DELAY_SECONDS = 0.5

T = TypeVar("T")


class DeferredWriter(Generic[T]):
    """Writes small things that a kill may lose: one commit for all that came within ``DELAY_SECONDS``.

    ``write`` is a transaction. What it cannot write, because the database is busy or away, is dropped. A program
    that ends in order waits until all is written.
    """

    def __init__(self, write: Callable[[Sequence[T]], object]) -> None:
        self._write = write
        self._waiting: dict[Flask, list[T]] = {}
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def add(self, thing: T) -> None:
        """This will be written soon."""
        app = app_ctx.app  # the timer has none of its own
        with self._lock:
            things = self._waiting.setdefault(app, [])
            things.append(thing)
            if len(things) == 1:  # not after the lock: two that came at once would each leave it to the other
                threading.Timer(DELAY_SECONDS, self._write_all, (app,)).start()

    def write_now(self) -> None:
        """Everything is written now."""
        self._write_all(app_ctx.app)

    def _write_all(self, app: Flask) -> None:
        with self._writing:
            with self._lock:
                things = self._waiting.pop(app, None)
            if things is None:
                return
            try:
                with app.app_context(), suppress(Unavailable):
                    self._write(things)
            except Exception as error:  # nobody is there to catch it, and Python would print what it says
                log.error("not written", number=len(things), exc_info=error)
