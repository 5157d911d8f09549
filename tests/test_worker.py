"""The worker: no duty delays another, none is given up, and two workers share the work."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask

from feedback_service import worker
from feedback_service.database import reading
from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.flow import maintenance
from feedback_service.flow.maintenance import Stop
from feedback_service.models import Alarm
from feedback_service.worker import Duty
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.story import begin_answer, create_centre, create_invitation, send_answer

SOON = 20.0  # seconds: more than a slow machine takes


@contextmanager
def working(app: Flask, *duties: Duty) -> Iterator[threading.Event]:
    """A worker goes on with these duties, and has ended after the block."""
    stop = threading.Event()

    def work() -> None:
        with app.app_context():
            worker.work(stop, duties)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(SOON)
        assert not thread.is_alive()


def until(done: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + SOON
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_duty_that_hangs_delays_no_other(app: Flask) -> None:
    hangs, released = threading.Event(), threading.Event()
    done = list[int]()

    def hang(_stop: Stop) -> int:
        hangs.set()
        released.wait(SOON)
        return 0

    def other(_stop: Stop) -> int:
        done.append(len(done))
        return 0

    with working(app, Duty(hang, 0), Duty(other, 0.01)):
        assert hangs.wait(SOON)
        before = len(done)
        until(lambda: len(done) >= before + 3)
        released.set()


def test_a_purge_that_hangs_in_the_database_delays_no_answer_that_was_left(
    app: Flask, context: None, time_is: TimeIs
) -> None:
    at = time_is("2026-11-20T10:00+02:00")
    create_centre()
    begin_answer(create_invitation().token, {"off.nps": 9})
    time_is(at.replace(day=21))
    hangs, released = threading.Event(), threading.Event()

    @reading
    def hold(_tx: object) -> int:
        hangs.set()
        released.wait(SOON)
        return 0

    def purge(_stop: Stop) -> int:
        return hold()

    with working(app, Duty(purge, 3600), Duty(maintenance.complete_abandoned_drafts, 0.01)):
        assert hangs.wait(SOON)
        until(lambda: stored.read_answers() == {("off.nps", "9")})
        released.set()


def test_a_duty_that_fails_is_tried_again(app: Flask) -> None:
    tried = list[int]()

    def fail(_stop: Stop) -> int:
        tried.append(len(tried))
        raise RuntimeError("the disk is full")

    with working(app, Duty(fail, 0.01)):
        until(lambda: len(tried) >= 3)


def test_a_failure_of_one_duty_leaves_the_others_their_turn(app: Flask) -> None:
    done = threading.Event()

    def fail(_stop: Stop) -> int:
        raise RuntimeError("the disk is full")

    def other(_stop: Stop) -> int:
        done.set()
        return 1

    with working(app, Duty(fail, 60), Duty(other, 60)):
        assert done.wait(SOON)


def test_stopping_waits_for_what_is_running_and_begins_nothing_else(app: Flask) -> None:
    begun, told, ended = threading.Event(), threading.Event(), list[str]()

    def run(stop: Stop) -> int:
        begun.set()
        assert told.wait(SOON)
        assert stop()
        ended.append("the last portion")
        return 1

    with working(app, Duty(run, 0)) as stop:
        assert begun.wait(SOON)
        stop.set()
        time.sleep(0.1)
        assert ended == []
        told.set()

    assert ended == ["the last portion"]


def test_two_workers_share_what_is_due(app: Flask, context: None, time_is: TimeIs) -> None:
    at = time_is("2026-11-20T10:00+02:00")
    create_centre()
    for _ in range(120):
        begin_answer(create_invitation().token, {"off.nps": 9})
    for _ in range(9):
        send_answer(create_invitation().token, {"any.breach": ["bribe"]})
    time_is(at.replace(day=21))

    duties = [Duty(duty.do, 0.01) for duty in worker.DUTIES]
    with working(app, *duties), working(app, *duties):
        until(
            lambda: (
                len(stored.read_event_data(RESPONSE_RECORDED)) == 129
                and [alarm.bad for alarm in stored.read_rows(Alarm)] == [9]
            )
        )

    assert len(stored.read_event_data(RESPONSE_RECORDED)) == 129
    assert [alarm.bad for alarm in stored.read_rows(Alarm)] == [9]
    assert maintenance.find_count_mismatches() == []
