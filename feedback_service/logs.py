"""Logs that name things and never quote people.

A line is an event name, ids of ours and counts. Addresses of survey pages hold secrets, so a request is
logged by its route, never by its path; an exception by its type and the places it passed, never by its
message, which may quote what somebody sent.
"""

import json
import logging
import random
import re
import sys
import time
import traceback
import uuid
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask.globals import request_ctx

log: structlog.stdlib.BoundLogger = structlog.get_logger("feedback")


def _replace_exception(
    _logger: Any, _name: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Replace an exception by its type and where it passed."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else None
    if info and error is None:
        error = sys.exc_info()[1]
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = type(error).__qualname__
        event["places"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    return event


class _JsonFormatter(logging.Formatter):
    """Give other libraries' records our shape: their template, without the arguments that fill it."""

    def format(self, record: logging.LogRecord) -> str:
        message = str(record.msg)
        if not record.args:  # no template: whatever it quotes is already in it, so its first words must do
            message = " ".join(takewhile(_WORD.fullmatch, message.split()[:3]))
        event: dict[str, Any] = {
            "logger": record.name,
            "event": message,
            "level": record.levelname.lower(),
        }
        if record.exc_info:
            event["exc_info"] = record.exc_info
        for step in (structlog.processors.TimeStamper(fmt="iso", utc=True), _replace_exception):
            event = dict(step(None, record.levelname, event))
        return str(structlog.processors.JSONRenderer(ensure_ascii=False)(None, "", event))


def configure_logging(stream: Any = None) -> None:
    """Write one JSON object a line to standard error, from us and from every library."""
    global _line_logger
    _line_logger = structlog.WriteLogger(stream or sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _replace_exception,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def request_id() -> str:
    """The name of this request: ours, or the one the proxy in front gave it if it is a UUID."""
    if "request_id" not in g:
        proxy_id = request.environ.get("HTTP_X_REQUEST_ID")
        try:
            g.request_id = str(uuid.UUID(proxy_id) if proxy_id else _new_request_id())
        except ValueError:
            g.request_id = str(_new_request_id())
    return str(g.request_id)


def _new_request_id() -> uuid.UUID:
    """A random (v4) one, without asking the system for chance: nothing is opened by it."""
    return uuid.UUID(int=random.getrandbits(128), version=4)


def elapsed_seconds() -> float:
    """How long this request has taken so far; 0 if nobody looked when it began."""
    now = time.perf_counter()
    return now - float(g.get("started", now))


def log_requests(app: Flask) -> None:
    """Log every request once it is answered: route, method, status, milliseconds."""

    @app.before_request
    def note_start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def log_answer(response: Response) -> Response:
        current_request = request_ctx.request
        fields = {
            "request_id": request_id(),
            "method": current_request.method if current_request.method in _METHODS else "other",
            "route": current_request.url_rule.rule if current_request.url_rule else None,
            "status": response.status_code,
            "ms": round(elapsed_seconds() * 1000, 1),
            "event": "request",
            "level": "info",
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        # As ``log`` would, in a third of the time: it is the one line of every request.
        _line_logger.msg(_encode_json(fields))
        return response


_line_logger = structlog.WriteLogger(sys.stderr)
_encode_json = json.JSONEncoder(ensure_ascii=False).encode
_WORD = re.compile(r"[^\W\d]+[:,.]?")  # "Exception on /S/…" ends before the address
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
