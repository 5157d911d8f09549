"""Deferred items are written soon, also when several threads add some at once."""

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

import pytest
from flask import Flask
from structlog.testing import capture_logs

from feedback_service.database import DeferredWriter, deferred_writes
from feedback_service.errors import Unavailable
from tests.support.environment import ROOT

ENDING_PROCESS = """
from flask import Flask
from feedback_service.database import DeferredWriter
from feedback_service.errors import Unavailable
def write(items):
    print(*items)
things = DeferredWriter(write, retries=True)
with Flask("somebody").app_context():
    things.add("first")
print("end")
"""


class BusyDatabase:
    """A database that refuses writes while it is busy."""

    def __init__(self) -> None:
        self.is_busy, self.written, self.done = True, list[str](), threading.Event()

    def write(self, items: Sequence[str]) -> None:
        """Write the items, or raise ``Unavailable``."""
        if self.is_busy:
            raise Unavailable(retry_after=5)
        self.written += items
        if len(self.written) == 2:
            self.done.set()


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


def test_items_for_a_busy_database_are_dropped() -> None:
    database = BusyDatabase()
    things = DeferredWriter[str](database.write)
    with Flask("somebody").app_context():
        things.add("first")
        things.write_now()
        database.is_busy = False
        things.write_now()

    assert database.written == []


def test_items_that_may_not_be_lost_are_tried_again_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred_writes, "RETRY_SECONDS", 0.01)
    database = BusyDatabase()
    things = DeferredWriter[str](database.write, retries=True)
    with Flask("somebody").app_context():
        things.add("first")
        things.write_now()
        things.add("second")
        database.is_busy = False

    assert database.done.wait(10)
    assert database.written == ["first", "second"]


def test_an_item_that_cannot_be_written_takes_no_other_with_it() -> None:
    written = list[str]()

    def write(items: Sequence[str]) -> None:
        if "spoilt" in items:
            raise ValueError("cannot be written")
        written.extend(items)

    things = DeferredWriter[str](write, retries=True)
    with Flask("somebody").app_context(), capture_logs() as logs:
        for item in ("first", "spoilt", "last"):
            things.add(item)
        things.write_now()
        things.write_now()

    assert written == ["first", "last"]
    assert [(line["event"], line["number"]) for line in logs] == [("not written", 1)]


def test_a_database_that_becomes_busy_after_an_item_that_cannot_be_written_gets_the_others_later() -> None:
    database = BusyDatabase()
    database.is_busy = False

    def write(items: Sequence[str]) -> None:
        if "spoilt" in items:
            database.is_busy = len(items) == 1
            raise ValueError("cannot be written")
        database.write(items)

    things = DeferredWriter[str](write, retries=True)
    with Flask("somebody").app_context():
        for item in ("first", "spoilt", "last"):
            things.add(item)
        things.write_now()
        assert database.written == ["first"]
        database.is_busy = False
        things.write_now()

    assert database.written == ["first", "last"]


def test_more_items_than_may_wait_for_a_database_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred_writes, "MAX_KEPT_ITEMS", 2)
    database = BusyDatabase()
    things = DeferredWriter[str](database.write, retries=True)
    with Flask("somebody").app_context():
        things.add("first")
        things.add("second")
        with pytest.raises(Unavailable):
            things.add("third")
        database.is_busy = False
        things.write_now()

    assert database.written == ["first", "second"]


def test_a_process_that_ends_in_order_writes_what_waits() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDING_PROCESS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )

    assert ended.stdout.split() == ["end", "first"]


def test_a_process_that_ends_waits_for_no_database() -> None:
    process = ENDING_PROCESS.replace("print(*items)", "raise Unavailable(retry_after=5)")

    ended = subprocess.run([sys.executable, "-c", process], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 0
    assert "not written" in ended.stdout + ended.stderr
