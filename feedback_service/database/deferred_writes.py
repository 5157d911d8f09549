"""Small writes that nobody waits for, collected for one commit."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from flask import Flask
from flask.globals import app_ctx

from feedback_service.errors import Unavailable
from feedback_service.logs import log

DELAY_SECONDS, RETRY_SECONDS = 0.5, 5.0
MAX_KEPT_ITEMS = 10_000  # that wait for a database; then ``add`` refuses more

T = TypeVar("T")


class DeferredWriter(Generic[T]):
    """Collects items for ``DELAY_SECONDS`` and writes them in one commit.

    ``write_items`` is a transaction. When the database is busy or not reachable, the items are dropped, or with
    ``retries`` they are kept and tried again every ``RETRY_SECONDS``. When they cannot be written for another reason,
    ``retries`` has each of them written for itself, and drops only those that fail.

    A process that ends in order first writes all of them. One that is killed loses those of the last half second, and
    those that wait for a database.
    """

    def __init__(self, write_items: Callable[[Sequence[T]], object], *, retries: bool = False) -> None:
        self._write_items, self._retries = write_items, retries
        self._waiting: dict[Flask, list[T]] = {}
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def add(self, item: T) -> None:
        """Write the item within ``DELAY_SECONDS``; raise ``Unavailable`` if too many wait for the database."""
        app = app_ctx.app  # the thread of the timer has no application
        with self._lock:
            items = self._waiting.setdefault(app, [])
            if len(items) >= MAX_KEPT_ITEMS and self._retries:
                raise Unavailable(retry_after=5)
            items.append(item)
            if len(items) == 1:  # inside the lock: outside, two threads could both see a length of 2
                self._start_timer(app, DELAY_SECONDS)

    def write_now(self) -> None:
        """Write all waiting items now."""
        self._write_all(app_ctx.app)

    def _start_timer(self, app: Flask, seconds: float) -> None:
        threading.Timer(seconds, self._write_all, (app,)).start()

    def _write_all(self, app: Flask) -> None:
        with self._writing:
            with self._lock:
                items = self._waiting.pop(app, None)
            if items is None:
                return
            with app.app_context():
                unwritten = self._try_to_write(items)
            if unwritten:
                self._keep(app, unwritten)

    def _try_to_write(self, items: list[T]) -> list[T]:
        """Write the items; return those that are to be tried again."""
        try:
            self._write_items(items)
        except Unavailable:
            return items if self._retries else []
        except Exception as error:  # in a thread Python would print the message, which may quote people
            if self._retries and len(items) > 1:
                return self._write_singly(items)
            log.error("not written", number=len(items), exc_info=error)
        return []

    def _write_singly(self, items: list[T]) -> list[T]:
        """Write each item for itself, so that one that cannot be written takes no other with it."""
        for position, item in enumerate(items):
            if self._try_to_write([item]):
                return items[position:]
        return []

    def _keep(self, app: Flask, items: list[T]) -> None:
        if not threading.main_thread().is_alive():  # the process ends, and waits for no database
            log.error("not written", number=len(items))
            return
        with self._lock:
            added_meanwhile = self._waiting.get(app)
            self._waiting[app] = items + (added_meanwhile or [])
            if not added_meanwhile:  # otherwise their own timer runs
                self._start_timer(app, RETRY_SECONDS)
