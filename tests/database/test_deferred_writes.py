"""Deferred items are written soon, also when several threads add some at once."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask

from feedback_service.database import DeferredWriter, deferred_writes


class HandedOver:
    """A lock that runs another thread at the moment of its first release, as an operating system may."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._lock, self._meanwhile = threading.Lock(), [meanwhile]

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if self._meanwhile:
            self._meanwhile.pop()()


def test_two_that_come_in_the_same_moment_are_both_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred_writes, "DELAY_SECONDS", 0.01)
    written, done = list[str](), threading.Event()

    def write(lot: object) -> None:
        assert isinstance(lot, list)
        written.extend(lot)
        done.set()

    things = DeferredWriter[str](write)
    monkeypatch.setattr(things, "_lock", HandedOver(lambda: things.add("second")))
    with Flask("somebody").app_context():
        things.add("first")

    assert done.wait(10)
    assert written == ["first", "second"]
