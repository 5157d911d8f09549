"""Log lines, which never quote what people sent.

A line has the name of an event, ids of the service, and counts. Addresses of surveys contain secrets, so a request
is logged by its route, never by its path. An exception is logged by its type and its places in the code, never by
its message, which may quote what a person sent.

A line that cannot be written (the disk of the log is full, its reader has gone) is given up and counted: a request
whose answer is stored must not fail because of its log line.
"""

import json
import logging
import os
import random
import re
import signal
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, cast

import structlog
from flask import Flask, Response, g, request
from flask.globals import request_ctx

log: structlog.stdlib.BoundLogger = structlog.get_logger("feedback")


def _replace_exception(_logger: Any, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Replace an exception by its type and its last eight places in the code."""
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
    """Formats records of libraries as JSON: the template of the message, without its arguments."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "logger": record.name,
            "event": _message_without_quotes(record),
            "level": record.levelname.lower(),
        }
        if record.exc_info:
            event["exc_info"] = record.exc_info
        for step in (structlog.processors.TimeStamper(fmt="iso", utc=True), _replace_exception):
            event = dict(step(None, record.levelname, event))
        return str(structlog.processors.JSONRenderer(ensure_ascii=False)(None, "", event))


def _message_without_quotes(record: logging.LogRecord) -> str:
    """Return the template of the message; of a message without a template its first plain words.

    Process ids, exit codes and names of signals are filled in for gunicorn, whose messages say nothing without them.
    """
    message = str(record.msg)
    if not record.args:
        return " ".join(takewhile(_WORD.fullmatch, message.split()[:3]))
    if record.name != GUNICORN_LOGGER or not isinstance(record.args, tuple):
        return message
    arguments = iter(record.args)

    def fill(conversion: re.Match[str]) -> str:
        argument = next(arguments, None)
        is_harmless = isinstance(argument, int) or argument in signal.Signals.__members__
        return str(argument) if is_harmless else conversion[0]

    return re.sub("%[sd]", fill, message)


class _LossyStream:
    """Writes to a stream; what cannot be written is counted and given up."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream  # ``None`` if the process was started with its standard error closed

    def write(self, text: str) -> None:
        """Write, or count the loss."""
        try:
            self._stream.write(text)
        except (OSError, ValueError, AttributeError):  # full or broken, closed, or ``None``
            if _count_lost_line is not None:
                _count_lost_line()

    def flush(self) -> None:
        """Flush; ``write`` counts what is lost."""
        with suppress(OSError, ValueError, AttributeError):
            self._stream.flush()


def configure_logging(stream: Any = None) -> None:
    """Write log lines of the service and of all libraries to standard error, one JSON object a line."""
    global _line_logger
    _occupy_closed_streams()
    lossy_stream: Any = _LossyStream(stream or sys.stderr)
    _line_logger = structlog.WriteLogger(lossy_stream)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _replace_exception,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(lossy_stream),
    )
    handler = logging.StreamHandler(lossy_stream)
    handler.setFormatter(_JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _occupy_closed_streams() -> None:
    """Open the null device where a standard stream is closed: else a socket gets its number, and what others print."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest free number
        pass
    os.close(number)


def count_lost_lines(count: Callable[[], object] | None) -> None:
    """Call ``count`` for every line that cannot be written; ``None``: they are not counted."""
    global _count_lost_line
    _count_lost_line = count


def request_id() -> str:
    """Return the id of this request: that from the proxy if it is a UUID, else a new one."""
    if "request_id" not in g:
        proxy_id = request.environ.get("HTTP_X_REQUEST_ID")
        try:
            g.request_id = str(uuid.UUID(proxy_id) if proxy_id else _new_request_id())
        except ValueError:
            g.request_id = str(_new_request_id())
    return str(g.request_id)


def _new_request_id() -> uuid.UUID:
    """Return a random (v4) UUID; it is no secret, so a fast generator is enough."""
    return uuid.UUID(int=random.getrandbits(128), version=4)


def elapsed_seconds() -> float:
    """Return the seconds since this request began; 0 if its start was not measured."""
    now = time.perf_counter()
    return now - float(g.get("started", now))


def log_requests(app: Flask) -> None:
    """Log every request after its response: route, method, status, milliseconds."""

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
        # The same line as by ``log``, in a third of the time: every request writes one.
        _line_logger.msg(_encode_json(fields))
        return response


GUNICORN_LOGGER = "gunicorn.error"

_count_lost_line: Callable[[], object] | None = None
_line_logger = structlog.WriteLogger(cast(Any, _LossyStream(sys.stderr)))
_encode_json = json.JSONEncoder(ensure_ascii=False).encode
_WORD = re.compile(r"[^\W\d]+[:,.]?")  # "Exception on /S/…" ends before the address
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
