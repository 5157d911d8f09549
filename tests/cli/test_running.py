"""The relay and the worker: what they do once, and that they end when told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.models import CountedDay, Event
from tests.cli.conftest import Operator
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.environment import ROOT, environment, process_environment
from tests.support.receiver import SECRET, WRITTEN, Receiver
from tests.support.story import a_centre, invited, tapped


def test_the_worker_does_once_what_is_due(operator: Operator, context: None, time_is: TimeIs) -> None:
    time_is("2026-03-02T10:00+02:00")
    a_centre()
    tapped(invited().token, {"off.nps": 9})
    time_is("2026-03-03T10:00+02:00")

    operator.does("worker", "--once")

    assert stored.answers() == {("off.nps", "9")}
    assert [row.day for row in stored.rows(CountedDay) if row.closed] == [date(2026, 3, 2)]


@contextmanager
def a_worker(own: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A worker that has started."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        cwd=ROOT,
        env=process_environment(os.environ, own),
        stderr=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stderr is not None
        assert "worker started" in worker.stderr.readline()
        yield worker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_ends_in_order_when_told(
    database_url: str, tmp_path: Path, context: None, number: signal.Signals
) -> None:
    a_centre()
    tapped(invited().token, {"off.nps": 9})
    own = environment(tmp_path, database_url) | {"FEEDBACK_PARTIAL_MINUTES": "1"}
    with a_worker(own) as worker:
        worker.send_signal(number)
        _, said = worker.communicate(timeout=20)
    assert worker.returncode == 0, said


def test_relay_once_carries_what_is_due(settings: Settings) -> None:
    with Receiver() as central:
        app = create_app(replace(settings, central_url=central.url, central_secret=(SECRET,)))
        with app.app_context():
            a_centre()
            invited()
        told = Operator(app).does("relay", "--once")
        with app.app_context():
            [event] = stored.rows(Event)
            db.engine.dispose()

    assert told.endswith("1 batches carried.\n")
    assert event.state == "delivered"


def test_without_a_central_system_events_wait(operator: Operator, context: None) -> None:
    a_centre()
    invited()

    told = operator.types("relay", "--once")
    operator.does("worker", "--once")

    assert (told.exit_code, told.stderr) == (
        0,
        "FEEDBACK_CENTRAL_URL is not set: nothing is sent, events wait.\n",
    )
    assert [event.state for event in stored.rows(Event)] == ["pending"]


def test_the_worker_delivers_within_seconds_and_ends_when_told(
    tmp_path: Path, settings: Settings, context: None
) -> None:
    a_centre()
    with Receiver() as central:
        told = environment(tmp_path, settings.database_url)
        told |= {"FEEDBACK_CENTRAL_URL": central.url, "FEEDBACK_CENTRAL_SECRET": WRITTEN}
        with a_worker(told) as worker:
            invited()
            deadline = time.monotonic() + 10
            while not central.book and time.monotonic() < deadline:
                time.sleep(0.05)
            worker.send_signal(signal.SIGTERM)
            _, said = worker.communicate(timeout=20)
    assert worker.returncode == 0, said
    assert len(central.book) == 1
    assert "events delivered" in said
