"""Commands that run until they are stopped: the relay, and the worker that does all duties."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext

import click
from flask.cli import with_appcontext

from feedback_service.cli.command import Command
from feedback_service.config import Settings, current_settings
from feedback_service.delivery.packaging import Packager, make_packager
from feedback_service.delivery.relay import Relay, make_relay
from feedback_service.logs import log
from feedback_service.worker import run_duties, run_duties_once, wait_for_tables

NO_CENTRAL_URL = "FEEDBACK_CENTRAL_URL is not set: nothing is sent, events wait."


@click.command("relay", cls=Command)
@click.option("--once", is_flag=True, help="Send what is due now and end.")
@with_appcontext
def relay(once: bool) -> None:
    """Carry events to the central system, again and again; SIGTERM or Ctrl-C ends it between two requests."""
    deliverer = _make_deliverer(current_settings())
    stop = threading.Event()
    if deliverer is None:
        click.echo(NO_CENTRAL_URL, err=True)
    with closing(deliverer) if deliverer else nullcontext():
        if once:
            batches = _deliver_once(deliverer) if deliverer else 0
            click.echo(f"{batches} {'batch' if batches == 1 else 'batches'} carried.")
            return
        with _call_on_termination(stop.set):
            log.info("relay started", delivers=deliverer is not None)
            wait_for_tables(stop)
            deliverer.run(stop) if deliverer else stop.wait()


@click.command("worker", cls=Command)
@click.option("--once", is_flag=True, help="Do what is due now and end.")
@with_appcontext
def worker(once: bool) -> None:
    """Carry events, complete answers left, close days, purge, again and again; SIGTERM or Ctrl-C ends it."""
    deliverer = _make_deliverer(current_settings())
    with closing(deliverer) if deliverer else nullcontext():
        if once:
            run_duties_once()
            if deliverer:
                deliverer.deliver_all()
            return
        stop = threading.Event()
        with _call_on_termination(stop.set):
            log.info("worker started", delivers=deliverer is not None)
            wait_for_tables(stop)
            run_duties(stop, relay=deliverer.run if deliverer else None)


def _deliver_once(deliverer: Relay | Packager) -> int:
    """Carry what is due and return the number of batches. Raises ``ClickException`` if events wait after a failure."""
    try:
        batches = deliverer.deliver_all()
    except OSError as error:
        raise click.ClickException(f"No package can be written: {error.strerror}; events wait.") from error
    if failure := deliverer.find_failure():
        raise click.ClickException(f"The central system took nothing ({failure}); events wait.")
    return batches


def _make_deliverer(settings: Settings) -> Relay | Packager | None:
    """Make what delivers events as the settings say; ``None`` if they name no way to the central system."""
    return make_packager(settings) or make_relay(settings)


@contextmanager
def _call_on_termination(function: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT call the function instead of ending the process."""
    signals = (signal.SIGTERM, signal.SIGINT)
    previous_handlers = {number: signal.signal(number, lambda *_: function()) for number in signals}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
