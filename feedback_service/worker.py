"""The worker: what time does, each duty in a thread of its own, so that a slow one delays no other.

Any number of workers may run at once. No duty needs a lease for itself, because each claims in the database what it
works on: events and letters are leased, rows are locked and skipped by others, a concern counts for whoever takes
it away, and counting a day twice gives the same figures.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ParamSpec

from flask.globals import app_ctx

from feedback_service.flow import alarm_duties, maintenance
from feedback_service.flow.maintenance import PurgeCounts, Stop
from feedback_service.logs import log

P = ParamSpec("P")

REQUEST_ENDS = 3  # seconds that a request under way is given when the worker ends


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is done again and again, ``pause`` seconds after it was done last."""

    do: Callable[[Stop], int | PurgeCounts]
    pause: float

    @property
    def name(self) -> str:
        """What the log calls it."""
        return self.do.__name__


DUTIES = (
    Duty(maintenance.complete_abandoned_drafts, 5),
    Duty(maintenance.close_days, 60),
    Duty(maintenance.purge_expired_data, 3600),
    Duty(maintenance.blank_delivered_events, 3600),
    Duty(maintenance.purge_sessions_and_attempts, 3600),
    Duty(alarm_duties.raise_alarms, 5),
    Duty(alarm_duties.send_alarm_emails, 5),
    Duty(alarm_duties.review_alarms, 3600),
)


def work(
    stop: threading.Event,
    duties: Iterable[Duty] = DUTIES,
    relay: Callable[[threading.Event], None] | None = None,
) -> None:
    """Do every duty until ``stop``, and the relay, which looks by itself when something is due.

    Returns when what was under way has ended: a duty stops between two transactions. A request of the relay has
    three seconds to end; otherwise its lease gives back what it carries.
    """
    own = [_start(duty.name, _repeat, duty, stop) for duty in duties]
    carrier = _start("relay", relay, stop) if relay else None
    stop.wait()
    for thread in own:
        thread.join()
    if carrier:
        carrier.join(REQUEST_ENDS)


def work_once(duties: Iterable[Duty] = DUTIES) -> None:
    """Do every duty as far as it is due now, one after the other."""
    for duty in duties:
        _do(duty, maintenance.never_stop)


def _start(name: str, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> threading.Thread:
    app = app_ctx.app  # a thread has no context of its own

    def run() -> None:
        with app.app_context():
            work(*args, **kwargs)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _repeat(duty: Duty, stop: threading.Event) -> None:
    """Do the duty when it is due, until ``stop``; a failure is logged, and the duty is tried when next due."""
    while not stop.is_set():
        try:
            _do(duty, stop.is_set)
        except Exception as error:  # whatever it is, the duty is tried again
            log.error("duty failed", duty=duty.name, exc_info=error)
        stop.wait(duty.pause)


def _do(duty: Duty, stop: Stop) -> None:
    done = duty.do(stop)
    if n := sum(done) if isinstance(done, PurgeCounts) else done:
        log.info("duty done", duty=duty.name, n=n)
