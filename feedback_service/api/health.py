"""What machines that watch over us ask: alive, ready, and how much of what."""

import os
from collections.abc import Iterable
from functools import lru_cache

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

from feedback_service import logs
from feedback_service.api import problems
from feedback_service.api.json_reply import json_response
from feedback_service.errors import FeedbackError
from feedback_service.flow import health

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

_requests = Counter(
    "vidhuk_requests", "Requests answered, by route and status.", ["method", "route", "status"]
)
_seconds = Histogram("vidhuk_request_seconds", "Time to answer, by route.", ["route"], buckets=BUCKETS)


def register(app: Flask) -> None:
    """The application can be watched, and counts its requests by route, never by address."""
    bp = Blueprint("probes", __name__)
    bp.add_url_rule("/healthz", view_func=alive)
    bp.add_url_rule("/readyz", view_func=ready)
    bp.add_url_rule("/metrics", view_func=metrics)
    bp.register_error_handler(FeedbackError, problems.problem_from_error)
    app.register_blueprint(bp)
    app.after_request(_count)


def alive() -> Response:
    """The process answers; it asks nobody else."""
    return json_response({"status": "alive"})


def ready() -> Response:
    """The database can be reached, remembers, and has the tables of this release; else 503 says which is not so."""
    health.check_ready()
    return json_response({"status": "ready"})


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
        backlog = health.measure_backlog()
        events = backlog.deliveries
        for name, about, value in (
            ("answers_begun", "Answers begun and not final yet.", backlog.begun_answers),
            (
                "days_to_recount",
                "Days of centres that are counted live until they are recounted.",
                backlog.days_to_recount,
            ),
            (
                "letters_pending",
                "Letters about alarms that the mail server has not taken yet.",
                backlog.letters,
            ),
            (
                "letter_oldest_pending_seconds",
                "How long the oldest of them has waited.",
                backlog.oldest_letter_seconds,
            ),
            ("events_pending", "Events that wait for the central monitoring system.", events.pending),
            (
                "event_oldest_pending_seconds",
                "How long the oldest has waited.",
                events.oldest_pending_seconds or 0,
            ),
            ("events_dead", "Events that the central monitoring system refused.", events.dead),
            ("events_delivered", "Events that the central monitoring system took.", events.delivered),
            (
                "channel_paused",
                "1 while the central system cannot be reached.",
                backlog.channel_paused,
            ),
        ):
            yield GaugeMetricFamily(f"vidhuk_{name}", about, value=value)


def _count(response: Response) -> Response:
    asked = request_ctx.request  # each look at the proxy costs a search
    route = asked.url_rule.rule if asked.url_rule else "none"
    method = asked.method if asked.method in METHODS else "other"
    requests, taken = _of_route(method, route, response.status_code)
    requests.inc()
    taken.observe(logs.elapsed_seconds())
    return response


@lru_cache(maxsize=1024)
def _of_route(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """What counts such requests; finding it each time took longer than counting."""
    return _requests.labels(method, route, str(status)), _seconds.labels(route)
