"""Small things that a kill may lose, written in lots."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from flask import Flask
from flask.globals import app_ctx

from feedback_service.errors import Unavailable
from feedback_service.logs import log

GATHER_SECONDS = 0.5

T = TypeVar("T")


class Gathered(Generic[T]):
    """Small things that a kill may lose, written in lots: one commit for all that came within ``GATHER_SECONDS``.

    ``write`` is a transaction. What it cannot write, because the database is busy or away, is dropped. A program
    that ends in order waits until all is written.
    """

    def __init__(self, write: Callable[[Sequence[T]], object]) -> None:
        self._write = write
        self._lots: dict[Flask, list[T]] = {}
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def add(self, thing: T) -> None:
        """This will be written soon."""
        app = app_ctx.app  # the timer has none of its own
        with self._lock:
            lot = self._lots.setdefault(app, [])
            lot.append(thing)
            if len(lot) == 1:  # not after the lock: two that came at once would each leave it to the other
                threading.Timer(GATHER_SECONDS, self._settle, (app,)).start()

    def settle(self) -> None:
        """Everything is written now."""
        self._settle(app_ctx.app)

    def _settle(self, app: Flask) -> None:
        with self._writing:
            with self._lock:
                lot = self._lots.pop(app, None)
            if lot is None:
                return
            try:
                with app.app_context(), suppress(Unavailable):
                    self._write(lot)
            except Exception as error:  # nobody is there to catch it, and Python would print what it says
                log.error("not written", number=len(lot), exc_info=error)
