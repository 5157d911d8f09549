"""What goes on until it is told to end: the relay, and the worker that does all duties."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext

import click
from flask.cli import with_appcontext

from feedback_service import worker as duties
from feedback_service.cli.command import Command
from feedback_service.config import Settings, current_settings
from feedback_service.delivery import packaging
from feedback_service.delivery import relay as courier
from feedback_service.delivery.packaging import Packager
from feedback_service.delivery.relay import Relay
from feedback_service.logs import log

NO_CENTRAL = "FEEDBACK_CENTRAL_URL is not set: nothing is sent, events wait."


@click.command("relay", cls=Command)
@click.option("--once", is_flag=True, help="Send what is due now and end.")
@with_appcontext
def relay(once: bool) -> None:
    """Carry events to the central system, again and again; SIGTERM or Ctrl-C ends it between two requests."""
    carrier, stop = _carrier(current_settings()), threading.Event()
    if carrier is None:
        click.echo(NO_CENTRAL, err=True)
    with closing(carrier) if carrier else nullcontext():
        if once:
            click.echo(f"{carrier.deliver_all() if carrier else 0} batches carried.")
            return
        with _signals(stop.set):
            log.info("relay started", delivers=carrier is not None)
            carrier.run(stop) if carrier else stop.wait()


@click.command("worker", cls=Command)
@click.option("--once", is_flag=True, help="Do what is due now and end.")
@with_appcontext
def worker(once: bool) -> None:
    """Carry events, complete answers left, close days, purge, again and again; SIGTERM or Ctrl-C ends it."""
    carrier = _carrier(current_settings())
    with closing(carrier) if carrier else nullcontext():
        if once:
            duties.work_once()
            if carrier:
                carrier.deliver_all()
            return
        stop = threading.Event()
        with _signals(stop.set):
            log.info("worker started", delivers=carrier is not None)
            duties.work(stop, relay=carrier.run if carrier else None)


def _carrier(settings: Settings) -> Relay | Packager | None:
    """Who takes events out of the house, if anybody does."""
    return packaging.make_packager(settings) or courier.make_relay(settings)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call ``stop`` instead of ending the process."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
