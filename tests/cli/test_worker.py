"""The commands of the relay and the worker: what they do once, and that they stop on a signal."""

import os
import signal
import subprocess
import sys
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
from tests.support.waiting import wait_until


def test_the_worker_does_once_what_is_due(operator: Operator, context: None, time_is: TimeIs) -> None:
    time_is("2026-03-02T10:00+02:00")
    create_centre()
    begin_answer(create_invitation().token, {"off.nps": 9})
    time_is("2026-03-03T10:00+02:00")

    operator.run_successfully("worker", "--once")

    assert stored.read_answers() == {("off.nps", "9")}
    assert [row.day for row in stored.read_rows(CountedDay) if row.closed] == [date(2026, 3, 2)]


@contextmanager
def start_worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start a worker process, and wait until it says that it has started."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        cwd=ROOT,
        env=build_process_environment(os.environ, environment),
        stderr=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stderr is not None
        try:
            assert "worker started" in worker.stderr.readline()
            yield worker
        finally:
            worker.terminate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_stops_on_a_signal(database_url: str, tmp_path: Path, context: None, number: signal.Signals) -> None:
    create_centre()
    begin_answer(create_invitation().token, {"off.nps": 9})
    environment = build_environment(tmp_path, database_url) | {"FEEDBACK_PARTIAL_MINUTES": "1"}
    with start_worker(environment) as worker:
        worker.send_signal(number)
        _, log_text = worker.communicate(timeout=60)
    assert worker.returncode == 0, log_text


def test_relay_once_sends_what_is_due(settings: Settings) -> None:
    with Receiver() as central:
        app = create_app(replace(settings, central_url=central.url, central_secret=(SECRET,)))
        with app.app_context():
            create_centre()
            create_invitation()
        output = Operator(app).run_successfully("relay", "--once")
        with app.app_context():
            [event] = stored.read_rows(Event)
            db.engine.dispose()

    assert output.endswith("1 batches carried.\n")
    assert event.state == "delivered"


def test_without_a_central_system_events_wait(operator: Operator, context: None) -> None:
    create_centre()
    create_invitation()

    result = operator.run_command("relay", "--once")
    operator.run_successfully("worker", "--once")

    assert (result.exit_code, result.stderr) == (
        0,
        "FEEDBACK_CENTRAL_URL is not set: nothing is sent, events wait.\n",
    )
    assert [event.state for event in stored.read_rows(Event)] == ["pending"]


def test_the_worker_delivers_within_seconds_and_stops_on_a_signal(
    tmp_path: Path, settings: Settings, context: None
) -> None:
    create_centre()
    with Receiver() as central:
        environment = build_environment(tmp_path, settings.database_url)
        environment |= {"FEEDBACK_CENTRAL_URL": central.url, "FEEDBACK_CENTRAL_SECRET": ENCODED_SECRET}
        with start_worker(environment) as worker:
            create_invitation()
            wait_until(lambda: len(central.events_by_id) == 1)
            worker.send_signal(signal.SIGTERM)
            _, log_text = worker.communicate(timeout=60)
    assert worker.returncode == 0, log_text
    assert len(central.events_by_id) == 1
    assert "events delivered" in log_text
