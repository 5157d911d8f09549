"""Endpoints for monitoring: the process is alive, the service is ready, and metrics."""

import os
from collections.abc import Iterable
from functools import cache, lru_cache

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
from feedback_service.flow.health import Backlog

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
APPLICANTS_PREFIXES = ("/s/", "/r/", "/c/", "/surveys/", "/receipts/", "/kiosk")
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

_requests = Counter("vidhuk_requests", "Requests answered, by route and status.", ["method", "route", "status"])
_lost_log_lines = Counter("log_lines_lost", "Log lines that could not be written.", namespace="vidhuk")
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
    logs.count_lost_lines(_lost_log_lines.inc)


def report_alive() -> Response:
    """Report that the process is alive; it asks nothing else."""
    return json_response({"status": "alive"})


def report_ready() -> Response:
    """Report that the database is reachable, durable and has the tables of this release; else 503 says what fails."""
    health.check_ready()
    return json_response({"status": "ready"})


def report_metrics() -> Response:
    """Report the counters of all web processes and the backlog in the database (Prometheus text format).

    When the database is away, the counters are reported all the same: they are wanted most then.
    """
    backlog_registry = CollectorRegistry()
    backlog_registry.register(_BacklogCollector(health.measure_backlog()))
    request_registry: CollectorRegistry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        request_registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(request_registry)
    return Response(
        generate_latest(request_registry) + generate_latest(backlog_registry),
        content_type=CONTENT_TYPE_LATEST,
    )


class _BacklogCollector:
    """Gauges of what the database holds, or of its being away."""

    def __init__(self, backlog: Backlog | None) -> None:
        self._backlog = backlog

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield one sample of each gauge."""
        backlog = self._backlog
        yield _make_gauge("database_up", "1 if the database answers.", backlog is not None)
        if backlog is None:
            return
        events = backlog.deliveries
        for name, description, value in (
            ("answers_begun", "Answers begun and not final yet.", backlog.draft_answers),
            (
                "recounts_pending",
                "Recounts that wait: of one day of one centre each, which is counted live until then.",
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
            (
                "events_overdue",
                "Events that the central monitoring system has not taken for 30 days; their content is kept.",
                events.overdue,
            ),
            ("events_dead", "Events that the central monitoring system refused.", events.dead),
            ("events_delivered", "Events that the central monitoring system took.", events.delivered),
            (
                "channel_paused",
                "1 while the central system does not answer or takes no events.",
                backlog.channel_failing,
            ),
            ("purge_refused", "1 while nothing is deleted, because the clock may be wrong.", backlog.purge_refused),
        ):
            yield _make_gauge(name, description, value)


def _make_gauge(name: str, description: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"vidhuk_{name}", description, value=value)


def _count_request(response: Response) -> Response:
    current_request = request_ctx.request  # reading it once from the proxy is faster
    route = current_request.url_rule.rule if current_request.url_rule else "none"
    method = current_request.method if current_request.method in METHODS else "other"
    status = str(response.status_code)
    if _is_of_applicants(route):
        # Otherwise two readings of the metrics would tell the second in which somebody answered.
        route, method, status = "applicants", "any", "failed" if response.status_code >= 500 else "served"
    requests, seconds = _find_metrics(method, route, status)
    requests.inc()
    seconds.observe(logs.elapsed_seconds())
    return response


@cache
def _is_of_applicants(route: str) -> bool:
    """Whether applicants answer by this route, look at their answer or rate on a tablet."""
    address = route.removeprefix("/api/v1").lower()
    return address == "/masked" or address.startswith(APPLICANTS_PREFIXES)


@lru_cache(maxsize=1024)
def _find_metrics(method: str, route: str, status: str) -> tuple[Counter, Histogram]:
    """Return the counter and the histogram of such requests; cached, since finding them takes longer than counting."""
    return _requests.labels(method, route, status), _seconds.labels(route)
