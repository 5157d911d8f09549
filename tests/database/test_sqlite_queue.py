"""Writers to a SQLite file of all processes take turns, and wait for a limited time."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from feedback_service.database.engine import WRITE_QUEUE, open_database
from feedback_service.database.sqlite_queue import WriteQueue
from feedback_service.errors import Unavailable
from tests.support.environment import ROOT

PATIENCE = 10.0

HOLD_THE_TURN = """
import sys, time
from feedback_service.database.sqlite_queue import WriteQueue
with WriteQueue(sys.argv[1]).turn(10):
    print("mine", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "feedback.db")


def test_one_thread_at_a_time_has_the_turn(file: str) -> None:
    queue, inside, most = WriteQueue(file), 0, 0

    def write() -> None:
        nonlocal inside, most
        with queue.turn(PATIENCE):
            inside += 1
            most = max(most, inside)
            time.sleep(0.005)
            inside -= 1

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(write) for _ in range(24)]:
            done.result(PATIENCE)

    assert most == 1


def test_two_queues_to_one_file_exclude_each_other(file: str) -> None:
    with WriteQueue(file).turn(PATIENCE), pytest.raises(Unavailable), WriteQueue(file).turn(0.1):
        raise AssertionError("it was not his turn")


def test_queues_to_two_files_do_not_wait_for_each_other(file: str, tmp_path: Path) -> None:
    with WriteQueue(file).turn(PATIENCE), WriteQueue(str(tmp_path / "other.db")).turn(0.1):
        pass


def test_the_turn_of_a_process_that_is_killed_ends_with_it(file: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD_THE_TURN, file], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"mine\n"
        with pytest.raises(Unavailable), WriteQueue(file).turn(0.1):
            raise AssertionError("it was not his turn")
        process.send_signal(signal.SIGKILL)
        with WriteQueue(file).turn(PATIENCE):
            pass


def test_who_waits_is_refused_in_time_whether_for_a_thread_or_for_a_process(file: str) -> None:
    queue = WriteQueue(file)

    def wait() -> float:
        began = time.monotonic()
        with pytest.raises(Unavailable), queue.turn(0.3):
            raise AssertionError("it was not his turn")
        return time.monotonic() - began

    with open(f"{file}-turn", "w") as other, ThreadPoolExecutor(4) as threads:
        fcntl.flock(other, fcntl.LOCK_EX)
        waited = [one.result(PATIENCE) for one in [threads.submit(wait) for _ in range(4)]]

    assert all(0.25 < seconds < PATIENCE for seconds in waited)
    with queue.turn(0.1):
        pass


def test_nobody_who_keeps_coming_back_passes_who_waits(file: str) -> None:
    """SQLite's own wait tries more and more seldom; the queue tries at least every millisecond."""
    greedy, patient, stop = WriteQueue(file), WriteQueue(file), threading.Event()

    def come_back() -> None:
        while not stop.is_set():
            with greedy.turn(PATIENCE):
                time.sleep(0.001)
            time.sleep(0.0005)  # between its writes it has other things to do

    with ThreadPoolExecutor(1) as threads:
        again = threads.submit(come_back)
        waits = []
        for _ in range(20):
            began = time.monotonic()
            with patient.turn(PATIENCE):
                waits.append(time.monotonic() - began)
        stop.set()
        again.result(PATIENCE)

    assert sorted(waits)[len(waits) // 2] < 0.1


def test_a_failing_writer_gives_its_turn_back(file: str) -> None:
    queue = WriteQueue(file)
    with pytest.raises(ArithmeticError), queue.turn(PATIENCE):
        raise ArithmeticError

    with queue.turn(0.1):
        pass


def test_a_folder_that_is_gone_is_a_refusal(tmp_path: Path) -> None:
    missing = os.fspath(tmp_path / "missing" / "feedback.db")

    with pytest.raises(Unavailable), WriteQueue(missing).turn(PATIENCE):
        raise AssertionError("there is nothing to write to")


def test_the_queue_stands_beside_the_database_also_when_its_path_is_relative(tmp_path: Path) -> None:
    app = Flask("relative", instance_path=str(tmp_path))
    open_database(app, "sqlite:///feedback.db")

    with app.app_context(), app.extensions[WRITE_QUEUE].turn(PATIENCE):
        assert {"feedback.db", "feedback.db-turn"} <= {file.name for file in tmp_path.iterdir()}
