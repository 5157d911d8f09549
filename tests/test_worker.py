"""The worker: no duty delays another, a failed duty is tried again, and two workers share the work."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from structlog.testing import capture_logs

from feedback_service import worker
from feedback_service.database import reading
from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.errors import Unavailable
from feedback_service.flow import maintenance
from feedback_service.flow.duties import Stop
from feedback_service.models import Alarm
from feedback_service.worker import Duty
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.story import begin_answer, create_centre, create_invitation, send_answer

TIMEOUT = 20.0  # seconds: more than a slow machine takes


@contextmanager
def running_worker(app: Flask, *duties: Duty) -> Iterator[threading.Event]:
    """Run a worker with these duties during the block; wait for its end after the block."""
    stop = threading.Event()

    def run() -> None:
        with app.app_context():
            worker.run_duties(stop, duties)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(TIMEOUT)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_duty_that_hangs_delays_no_other(app: Flask) -> None:
    hanging, released = threading.Event(), threading.Event()
    runs = list[int]()

    def hang(_stop: Stop) -> int:
        hanging.set()
        released.wait(TIMEOUT)
        return 0

    def other(_stop: Stop) -> int:
        runs.append(len(runs))
        return 0

    with running_worker(app, Duty(hang, 0), Duty(other, 0.01)):
        assert hanging.wait(TIMEOUT)
        runs_before = len(runs)
        wait_until(lambda: len(runs) >= runs_before + 3)
        released.set()


def test_a_purge_that_hangs_in_the_database_delays_no_answer_that_was_left(
    app: Flask, context: None, time_is: TimeIs
) -> None:
    at = time_is("2026-11-20T10:00+02:00")
    create_centre()
    begin_answer(create_invitation().token, {"off.nps": 9})
    time_is(at.replace(day=21))
    hanging, released = threading.Event(), threading.Event()

    @reading
    def hang(_tx: object) -> int:
        hanging.set()
        released.wait(TIMEOUT)
        return 0

    def purge(_stop: Stop) -> int:
        return hang()

    with running_worker(app, Duty(purge, 3600), Duty(maintenance.complete_abandoned_drafts, 0.01)):
        assert hanging.wait(TIMEOUT)
        wait_until(lambda: stored.read_answers() == {("off.nps", "9")})
        released.set()


def test_a_duty_that_fails_is_tried_again(app: Flask) -> None:
    attempts = list[int]()

    def fail(_stop: Stop) -> int:
        attempts.append(len(attempts))
        raise RuntimeError("the disk is full")

    with running_worker(app, Duty(fail, 0.01)):
        wait_until(lambda: len(attempts) >= 3)


def test_a_duty_that_meets_a_database_that_is_away_is_tried_again_and_adds_nothing_to_the_log(app: Flask) -> None:
    attempts = list[int]()

    def fail(_stop: Stop) -> int:
        attempts.append(len(attempts))
        raise Unavailable(retry_after=5)

    with capture_logs() as lines, running_worker(app, Duty(fail, 0.01)):
        wait_until(lambda: len(attempts) >= 3)

    assert lines == []


def test_a_duty_that_fails_stops_no_other(app: Flask) -> None:
    done = threading.Event()

    def fail(_stop: Stop) -> int:
        raise RuntimeError("the disk is full")

    def other(_stop: Stop) -> int:
        done.set()
        return 1

    with running_worker(app, Duty(fail, 60), Duty(other, 60)):
        assert done.wait(TIMEOUT)


def test_stopping_waits_for_what_is_running_and_begins_nothing_else(app: Flask) -> None:
    begun, allowed_to_end, ended = threading.Event(), threading.Event(), list[str]()

    def run(stop: Stop) -> int:
        begun.set()
        assert allowed_to_end.wait(TIMEOUT)
        assert stop()
        ended.append("the last batch")
        return 1

    with running_worker(app, Duty(run, 0)) as stop:
        assert begun.wait(TIMEOUT)
        stop.set()
        time.sleep(0.1)
        assert ended == []
        allowed_to_end.set()

    assert ended == ["the last batch"]


@pytest.mark.slow
def test_two_workers_share_what_is_due(app: Flask, context: None, time_is: TimeIs) -> None:
    at = time_is("2026-11-20T10:00+02:00")
    create_centre()
    for _ in range(120):
        begin_answer(create_invitation().token, {"off.nps": 9})
    for _ in range(9):
        send_answer(create_invitation().token, {"any.breach": ["bribe"]})
    time_is(at.replace(day=21))

    duties = [Duty(duty.function, 0.01) for duty in worker.DUTIES]
    with running_worker(app, *duties), running_worker(app, *duties):
        wait_until(
            lambda: (
                len(stored.read_event_data(RESPONSE_RECORDED)) == 129
                and [alarm.bad for alarm in stored.read_rows(Alarm)] == [9]
            )
        )

    assert len(stored.read_event_data(RESPONSE_RECORDED)) == 129
    assert [alarm.bad for alarm in stored.read_rows(Alarm)] == [9]
    assert maintenance.find_count_mismatches() == []
