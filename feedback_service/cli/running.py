"""What goes on until it is told to end: the relay, and the worker that does all duties."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext

import click
from flask.cli import with_appcontext
from flask.globals import app_ctx

from feedback_service.cli.command import Command
from feedback_service.config import Settings, settings
from feedback_service.delivery import courier, packer
from feedback_service.delivery.courier import Courier
from feedback_service.delivery.packer import Packer
from feedback_service.flow import upkeep
from feedback_service.logs import log

REQUEST_ENDS = 3  # seconds that a request under way is given when the worker ends
NO_CENTRAL = "FEEDBACK_CENTRAL_URL is not set: nothing is sent, events wait."


@click.command("relay", cls=Command)
@click.option("--once", is_flag=True, help="Send what is due now and end.")
@with_appcontext
def relay(once: bool) -> None:
    """Carry events to the central system, again and again; SIGTERM or Ctrl-C ends it between two requests."""
    carrier, stop = _carrier(settings()), threading.Event()
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
    carrier = _carrier(settings())
    with closing(carrier) if carrier else nullcontext():
        if once:
            upkeep.work_once()
            if carrier:
                carrier.deliver_all()
            return
        stop = threading.Event()
        with _signals(stop.set), _beside(carrier.run if carrier else None, stop):
            log.info("worker started", delivers=carrier is not None)
            upkeep.work(stop)


def _carrier(settings: Settings) -> Courier | Packer | None:
    """Who takes events out of the house, if anybody does."""
    return packer.packer(settings) or courier.courier(settings)


@contextmanager
def _beside(work: Callable[[threading.Event], None] | None, stop: threading.Event) -> Iterator[None]:
    """The work goes on in a thread of its own until the block ends, so that slow duties never delay delivery.

    A request that is under way then has a few seconds to end; else its lease gives back what it carries.
    """
    app = app_ctx.app  # a thread has no context of its own

    def begin() -> None:
        with app.app_context():
            assert work is not None
            work(stop)

    thread = threading.Thread(target=begin, name="relay", daemon=True) if work else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if thread:
            thread.join(REQUEST_ENDS)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call ``stop`` instead of ending the process."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
