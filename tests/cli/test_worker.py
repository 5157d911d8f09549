"""The commands of the relay and the worker: what they do once, and that they stop on a signal."""

import json
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
from tests.support.database import run_flask_db
from tests.support.environment import ROOT, build_environment, build_process_environment
from tests.support.receiver import ENCODED_SECRET, SECRET, Receiver, ScriptedReply
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

    assert output.endswith("1 batch carried.\n")
    assert event.state == "delivered"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(ScriptedReply(503, b"{}", stores=False), "HTTP 503"), (ScriptedReply(resets=True), "the connection broke")],
)
def test_relay_once_says_that_a_failure_keeps_events_waiting(
    settings: Settings, reply: ScriptedReply, reason: str
) -> None:
    with Receiver() as central:
        central.script.append(reply)
        app = create_app(replace(settings, central_url=central.url, central_secret=(SECRET,)))
        with app.app_context():
            create_centre()
            create_invitation()
        failed, while_paused = (Operator(app).run_command("relay", "--once") for _ in range(2))
        with app.app_context():
            db.engine.dispose()

    for result in (failed, while_paused):
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.endswith(f"Error: The central system took nothing ({reason}); events wait.\n")


def test_the_worker_without_tables_says_once_what_to_do_and_works_when_they_are_there(tmp_path: Path) -> None:
    environment = build_environment(tmp_path, f"sqlite:///{tmp_path}/new.db")
    with start_worker(environment) as worker:
        assert worker.stderr is not None
        first_line = json.loads(worker.stderr.readline())
        time.sleep(2)  # four attempts of a duty would be seen
        run_flask_db(environment, "upgrade")
        assert "database is ready" in worker.stderr.readline()
        worker.send_signal(signal.SIGTERM)
        _, log_text = worker.communicate(timeout=20)

    assert first_line["event"] == "waiting for the database"
    assert "run “flask db upgrade”" in first_line["reason"]
    assert (worker.returncode, log_text) == (0, "")


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
