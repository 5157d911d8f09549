"""Endpoints for monitoring: the process is alive, the service is ready, and metrics."""

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

_requests = Counter("vidhuk_requests", "Requests answered, by route and status.", ["method", "route", "status"])
_seconds = Histogram("vidhuk_request_seconds", "Time to answer, by route.", ["route"], buckets=BUCKETS)


def register(app: Flask) -> None:
    """Register health and metrics; requests are counted by route, never by address, which may hold a token."""
    bp = Blueprint("probes", __name__)
    bp.add_url_rule("/healthz", view_func=report_alive)
    bp.add_url_rule("/readyz", view_func=report_ready)
    bp.add_url_rule("/metrics", view_func=report_metrics)
    bp.register_error_handler(FeedbackError, problems.problem_from_error)
    app.register_blueprint(bp)
    app.after_request(_count_request)


def report_alive() -> Response:
    """Report that the process is alive; it asks nothing else."""
    return json_response({"status": "alive"})


def report_ready() -> Response:
    """Report that the database is reachable, durable and has the tables of this release; else 503 says what fails."""
    health.check_ready()
    return json_response({"status": "ready"})


def report_metrics() -> Response:
    """Report the counters of all worker processes and the backlog in the database (Prometheus text format)."""
    backlog_registry = CollectorRegistry()
    backlog_registry.register(_BacklogCollector())
    request_registry: CollectorRegistry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        request_registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(request_registry)
    return Response(
        generate_latest(request_registry) + generate_latest(backlog_registry),
        content_type=CONTENT_TYPE_LATEST,
    )


class _BacklogCollector:
    """Gauges whose values are read from the database at each request for metrics."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield one sample of each gauge."""
        backlog = health.measure_backlog()
        events = backlog.deliveries
        for name, description, value in (
            ("answers_begun", "Answers begun and not final yet.", backlog.draft_answers),
            (
                "days_to_recount",
                "Days of centres that are counted live until they are recounted.",
                backlog.days_to_recount,
            ),
            (
                "letters_pending",
                "Letters about alarms that the mail server has not taken yet.",
                backlog.emails,
            ),
            (
                "letter_oldest_pending_seconds",
                "How long the oldest of them has waited.",
                backlog.oldest_email_seconds,
            ),
            ("events_pending", "Events that wait for the central monitoring system.", events.pending),
            (
                "event_oldest_pending_seconds",
                "How long the oldest has waited.",
                events.oldest_pending_seconds or 0,
            ),
            ("events_dead", "Events that the central monitoring system refused.", events.dead),
            ("events_delivered", "Events that the central monitoring system took.", events.delivered),
            ("channel_paused", "1 while the central system cannot be reached.", backlog.channel_paused),
            ("purge_refused", "1 while nothing is deleted, because the clock may be wrong.", backlog.purge_refused),
        ):
            yield GaugeMetricFamily(f"vidhuk_{name}", description, value=value)


def _count_request(response: Response) -> Response:
    current_request = request_ctx.request  # reading it once from the proxy is faster
    route = current_request.url_rule.rule if current_request.url_rule else "none"
    method = current_request.method if current_request.method in METHODS else "other"
    requests, seconds = _find_metrics(method, route, response.status_code)
    requests.inc()
    seconds.observe(logs.elapsed_seconds())
    return response


@lru_cache(maxsize=1024)
def _find_metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return the counter and the histogram of such requests; cached, since finding them takes longer than counting."""
    return _requests.labels(method, route, str(status)), _seconds.labels(route)
