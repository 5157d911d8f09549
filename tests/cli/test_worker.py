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
from tests.support.environment import ROOT, build_environment, build_process_environment
from tests.support.receiver import ENCODED_SECRET, SECRET, Receiver
from tests.support.story import begin_answer, create_centre, create_invitation


def test_the_worker_does_once_what_is_due(operator: Operator, context: None, time_is: TimeIs) -> None:
    time_is("2026-03-02T10:00+02:00")
    create_centre()
    begin_answer(create_invitation().token, {"off.nps": 9})
    time_is("2026-03-03T10:00+02:00")

    operator.run_successfully("worker", "--once")

    assert stored.read_answers() == {("off.nps", "9")}
    assert [row.day for row in stored.read_rows(CountedDay) if row.closed] == [date(2026, 3, 2)]


@contextmanager
def a_worker(own: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A worker that has started."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        cwd=ROOT,
        env=build_process_environment(os.environ, own),
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
    create_centre()
    begin_answer(create_invitation().token, {"off.nps": 9})
    own = build_environment(tmp_path, database_url) | {"FEEDBACK_PARTIAL_MINUTES": "1"}
    with a_worker(own) as worker:
        worker.send_signal(number)
        _, said = worker.communicate(timeout=20)
    assert worker.returncode == 0, said


def test_relay_once_carries_what_is_due(settings: Settings) -> None:
    with Receiver() as central:
        app = create_app(replace(settings, central_url=central.url, central_secret=(SECRET,)))
        with app.app_context():
            create_centre()
            create_invitation()
        told = Operator(app).run_successfully("relay", "--once")
        with app.app_context():
            [event] = stored.read_rows(Event)
            db.engine.dispose()

    assert told.endswith("1 batches carried.\n")
    assert event.state == "delivered"


def test_without_a_central_system_events_wait(operator: Operator, context: None) -> None:
    create_centre()
    create_invitation()

    told = operator.run_command("relay", "--once")
    operator.run_successfully("worker", "--once")

    assert (told.exit_code, told.stderr) == (
        0,
        "FEEDBACK_CENTRAL_URL is not set: nothing is sent, events wait.\n",
    )
    assert [event.state for event in stored.read_rows(Event)] == ["pending"]


def test_the_worker_delivers_within_seconds_and_ends_when_told(
    tmp_path: Path, settings: Settings, context: None
) -> None:
    create_centre()
    with Receiver() as central:
        told = build_environment(tmp_path, settings.database_url)
        told |= {"FEEDBACK_CENTRAL_URL": central.url, "FEEDBACK_CENTRAL_SECRET": ENCODED_SECRET}
        with a_worker(told) as worker:
            create_invitation()
            deadline = time.monotonic() + 10
            while not central.events_by_id and time.monotonic() < deadline:
                time.sleep(0.05)
            worker.send_signal(signal.SIGTERM)
            _, said = worker.communicate(timeout=20)
    assert worker.returncode == 0, said
    assert len(central.events_by_id) == 1
    assert "events delivered" in said
