"""The worker: it does the duties, each in a thread of its own, so that a slow one delays no other.

Any number of workers may run at once. No duty needs a lease for itself, because each claims in the database what it
works on: events and e-mails are leased, rows are locked and skipped by others, a check counts for the worker that
deletes it, and counting a day twice gives the same figures.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ParamSpec

from flask.globals import app_ctx

from feedback_service.backoff import doubled_wait
from feedback_service.errors import NotReady, Unavailable
from feedback_service.flow import alarm_duties, audit, health, maintenance
from feedback_service.flow.duties import Stop, never_stop
from feedback_service.flow.maintenance import PurgeCounts
from feedback_service.logs import log

P = ParamSpec("P")

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=0.5), timedelta(seconds=30)  # for the tables of this release
RELAY_STOP_SECONDS = 3  # how long a stopping worker waits for the relay to end its request


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that the worker does again and again; ``pause`` is in seconds, from one end to the next start.

    ``function`` gets a function that tells whether to stop, and returns how many things it has done.
    """

    function: Callable[[Stop], int | PurgeCounts]
    pause: float

    @property
    def name(self) -> str:
        """The name of the duty in the log."""
        return self.function.__name__


DUTIES = (
    Duty(maintenance.complete_abandoned_drafts, 5),
    Duty(maintenance.close_days, 60),
    Duty(maintenance.purge_expired_data, 3600),
    Duty(maintenance.purge_refused_answers, 3600),
    Duty(maintenance.blank_delivered_events, 3600),
    Duty(maintenance.warn_of_overdue_events, 24 * 3600),
    Duty(maintenance.purge_sessions_and_attempts, 3600),
    Duty(audit.enter_reads, 60),
    Duty(alarm_duties.raise_alarms, 5),
    Duty(alarm_duties.send_alarm_emails, 5),
    Duty(alarm_duties.review_alarms, 3600),
    Duty(maintenance.empty_write_log, 60),
)


def run_duties(
    stop: threading.Event,
    duties: Iterable[Duty] = DUTIES,
    relay: Callable[[threading.Event], None] | None = None,
) -> None:
    """Do every duty again and again until ``stop`` is set; also run the relay, which has its own pauses.

    Returns when all duties have ended: a duty stops between two transactions. The relay has three seconds to end
    its request; otherwise the lease of its events ends, and they are sent again.
    """
    duty_threads = [_start_thread(duty.name, _repeat_duty, duty, stop) for duty in duties]
    relay_thread = _start_thread("relay", relay, stop) if relay else None
    stop.wait()
    for thread in duty_threads:
        thread.join()
    if relay_thread:
        relay_thread.join(RELAY_STOP_SECONDS)


def wait_for_tables(stop: threading.Event) -> None:
    """Wait until the database has the tables of this release, or ``stop`` is set; say once what is missing."""
    said, attempts = "", 0
    while not stop.is_set():
        try:
            health.check_tables()
        except NotReady as obstacle:
            if obstacle.detail != said:
                said = obstacle.detail
                log.warning("waiting for the database", reason=said)
            attempts += 1
            stop.wait(doubled_wait(FIRST_WAIT, LONGEST_WAIT, attempts).total_seconds())
        else:
            if said:
                log.info("the database is ready")
            return


def run_duties_once(duties: Iterable[Duty] = DUTIES) -> None:
    """Do everything that is due now, one duty after the other."""
    for duty in duties:
        _run_duty(duty, never_stop)


def _start_thread(name: str, function: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> threading.Thread:
    app = app_ctx.app  # a thread has no context of its own

    def run() -> None:
        with app.app_context():
            function(*args, **kwargs)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _repeat_duty(duty: Duty, stop: threading.Event) -> None:
    """Do the duty until ``stop`` is set; log a failure, and try again after the pause."""
    while not stop.is_set():
        try:
            _run_duty(duty, stop.is_set)
        except Unavailable:
            pass  # ``database.outages`` has logged it
        except Exception as error:  # whatever it is, the duty is tried again
            log.error("duty failed", duty=duty.name, exc_info=error)
        stop.wait(duty.pause)


def _run_duty(duty: Duty, stop: Stop) -> None:
    result = duty.function(stop)
    if n := sum(result) if isinstance(result, PurgeCounts) else result:
        log.info("duty done", duty=duty.name, n=n)
