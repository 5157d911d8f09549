"""What machines that watch over us ask: alive, ready, and how much of what."""

import os
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response
from flask.globals import request_ctx
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from feedback_service import clock, logs
from feedback_service.alarms import post
from feedback_service.api import problems
from feedback_service.api.replies import reply
from feedback_service.database import NotDurable, reading
from feedback_service.delivery import overview
from feedback_service.errors import N_, FeedbackError, Unavailable
from feedback_service.indicators import rollups
from feedback_service.models import BegunAnswer

MIGRATIONS = Path(__file__).parents[2] / "migrations"
RETRY_SECONDS = 5
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

AWAY = N_("The database cannot be reached.")
FORGETFUL = N_("The database may forget what it acknowledged.")
BEHIND = N_("The tables are not those of this release: run “flask db upgrade”.")

_requests = Counter(
    "vidhuk_requests", "Requests answered, by route and status.", ["method", "route", "status"]
)
_seconds = Histogram("vidhuk_request_seconds", "Time to answer, by route.", ["route"], buckets=BUCKETS)


class NotReady(Unavailable):
    """The service is not ready."""

    slug, title = "not-ready", N_("The service is not ready")

    def __init__(self, why: str) -> None:
        super().__init__(RETRY_SECONDS)
        self.detail = why


def register(app: Flask) -> None:
    """The application can be watched, and counts its requests by route, never by address."""
    bp = Blueprint("probes", __name__)
    bp.add_url_rule("/healthz", view_func=alive)
    bp.add_url_rule("/readyz", view_func=ready)
    bp.add_url_rule("/metrics", view_func=metrics)
    bp.register_error_handler(FeedbackError, problems.refused)
    app.register_blueprint(bp)
    app.after_request(_count)


def alive() -> Response:
    """The process answers; it asks nobody else."""
    return reply({"status": "alive"})


def ready() -> Response:
    """The database can be reached, remembers, and has the tables of this release; else 503 says which is not so."""
    try:
        found = _revision()
    except NotDurable:
        raise NotReady(FORGETFUL) from None
    except (Unavailable, SQLAlchemyError):
        raise NotReady(AWAY) from None
    if found != _newest_revision():
        raise NotReady(BEHIND)
    return reply({"status": "ready"})


def metrics() -> Response:
    """Counters of all worker processes, and what waits in the database just now (Prometheus text format)."""
    waiting = CollectorRegistry()
    waiting.register(_Waiting())
    counted: CollectorRegistry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        multiprocess.MultiProcessCollector(counted)
    return Response(generate_latest(counted) + generate_latest(waiting), content_type=CONTENT_TYPE_LATEST)


class _Waiting:
    """Gauges that are read from the database when somebody looks."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One sample of each."""
        for name, about, value in (*_waiting(), *_delivering()):
            yield GaugeMetricFamily(f"vidhuk_{name}", about, value=value)


@reading
def _waiting(tx: Session) -> list[tuple[str, str, float]]:
    begun = tx.scalar(select(func.count()).select_from(BegunAnswer))
    now = clock.now()
    days = rollups.waiting(tx, before=clock.kyiv_day(now))
    letters, oldest = post.pending(tx)
    waited = (now - oldest).total_seconds() if oldest else 0
    return [
        ("answers_begun", "Answers begun and not final yet.", begun or 0),
        ("days_to_recount", "Days of centres that are counted live until they are recounted.", days),
        ("letters_pending", "Letters about alarms that the mail server has not taken yet.", letters),
        ("letter_oldest_pending_seconds", "How long the oldest of them has waited.", waited),
    ]


def _delivering() -> list[tuple[str, str, float]]:
    sums = overview.sums()
    return [
        ("events_pending", "Events that wait for the central monitoring system.", sums.pending),
        ("event_oldest_pending_seconds", "How long the oldest has waited.", sums.oldest_pending_seconds or 0),
        ("events_dead", "Events that the central monitoring system refused.", sums.dead),
        ("events_delivered", "Events that the central monitoring system took.", sums.delivered),
        ("channel_paused", "1 while the central system cannot be reached.", overview.channel_paused()),
    ]


@reading
def _revision(tx: Session) -> set[str]:
    return set(MigrationContext.configure(tx.connection()).get_current_heads())


@cache
def _newest_revision() -> set[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return set(ScriptDirectory.from_config(config).get_heads())


def _count(response: Response) -> Response:
    asked = request_ctx.request  # each look at the proxy costs a search
    route = asked.url_rule.rule if asked.url_rule else "none"
    method = asked.method if asked.method in METHODS else "other"
    requests, taken = _of_route(method, route, response.status_code)
    requests.inc()
    taken.observe(logs.seconds())
    return response


@lru_cache(maxsize=1024)
def _of_route(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """What counts such requests; finding it each time took longer than counting."""
    return _requests.labels(method, route, str(status)), _seconds.labels(route)
