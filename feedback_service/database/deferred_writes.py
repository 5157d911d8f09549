"""Writes that a killed process may lose, collected for one commit."""

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
    """Collects items for ``DELAY_SECONDS`` and writes them in one commit; a killed process may lose them.

    ``write_items`` is a transaction. When the database is busy or not reachable, the items are dropped. A process
    that ends in order first writes all of them.
    """

    def __init__(self, write_items: Callable[[Sequence[T]], object]) -> None:
        self._write_items = write_items
        self._waiting: dict[Flask, list[T]] = {}
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def add(self, item: T) -> None:
        """Write the item within ``DELAY_SECONDS``."""
        app = app_ctx.app  # the thread of the timer has no application
        with self._lock:
            items = self._waiting.setdefault(app, [])
            items.append(item)
            if len(items) == 1:  # inside the lock: outside, two threads could both see a length of 2
                threading.Timer(DELAY_SECONDS, self._write_all, (app,)).start()

    def write_now(self) -> None:
        """Write all waiting items now."""
        self._write_all(app_ctx.app)

    def _write_all(self, app: Flask) -> None:
        with self._writing:
            with self._lock:
                items = self._waiting.pop(app, None)
            if items is None:
                return
            try:
                with app.app_context(), suppress(Unavailable):
                    self._write_items(items)
            except Exception as error:  # in a thread Python would print the message, which may quote people
                log.error("not written", number=len(items), exc_info=error)
