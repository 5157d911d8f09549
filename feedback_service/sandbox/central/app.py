"""The doors of the demo central system: one for events, one for those who watch, one for its bad moods."""

import errno
import json
import os
import select
import socket
import struct
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from feedback_service.sandbox.central import checks, faults, pages, texts
from feedback_service.sandbox.central.book import Book
from feedback_service.sandbox.central.checks import Reader, Refused
from feedback_service.sandbox.central.faults import Fault, Faults

LISTED = 10_000  # events in one reply of /received, at most
SHOWN = 16  # events on the page
STUCK = 30  # seconds after which a reader of an endless answer counts as gone
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(book: Book, secrets: Sequence[bytes]) -> Flask:
    """The central system that writes in that book and takes what any of the secrets signed."""
    app = Flask(__name__, static_url_path="/static")
    assert isinstance(app.json, DefaultJSONProvider)
    app.json.ensure_ascii = app.json.sort_keys = False
    app.config["MAX_CONTENT_LENGTH"] = checks.MOST_BYTES
    reader, moods = Reader(), Faults()

    @app.post("/events")
    def events() -> ResponseReturnValue:
        fault, body = moods.take(), request.get_data()
        match fault.mode:
            case "reset_before":
                return _broken()
            case "slow":
                _wait(fault.seconds)
            case "status":
                return _reply({"error": "as asked"}, fault.status, fault)
            case "redirect":
                return redirect(url_for("elsewhere"), fault.status)
            case "garbage" | "empty" | "huge" if not fault.stores:
                return _nonsense(fault)
        answer = receive(fault, body)
        match fault.mode:
            case "timeout":
                _wait(fault.seconds)
            case "reset_after":
                return _broken()
            case "reset_midway":
                return _broken(json.dumps(answer).encode())
            case "drip":
                return _dripping(json.dumps(answer).encode(), fault.seconds)
            case "garbage" | "empty" | "huge":
                return _nonsense(fault)
        return _reply(answer, 200, fault)

    def receive(fault: Fault, body: bytes) -> dict[str, Any]:
        """Take a request; the answer to it. Raises ``Refused``."""
        now = datetime.now(UTC)
        checks.verify(request.headers, body, secrets, now.timestamp())
        batch = reader.read(request.mimetype, body)
        events, rejected = list(batch.events), list(batch.rejected)
        chosen = [event for event in events if fault.chooses(event)]
        if fault.mode == "poison" and chosen:
            raise Refused(fault.status, "poison", "one of the events is not liked, as asked")
        if fault.mode == "reject":
            events = [event for event in events if event not in chosen]
            rejected += [(event["id"], "not liked, as asked") for event in chosen]
        stored = events
        if fault.mode == "missing_ids":
            events = events[1::2]
            stored = stored if fault.stores else events
        if fault.mode == "wrong_ids":
            stored = stored if fault.stores else []
        taken = book.take(stored, now)
        if rejected:
            book.refused("event", rejected[-1][1], now, len(rejected))
        named = {event["id"] for event in events}
        answer = {
            "accepted": [each for each in taken.accepted if each in named],
            "duplicates": [each for each in taken.duplicates if each in named],
            "rejected": [{"id": each, "reason": reason} for each, reason in rejected],
        }
        if fault.mode == "wrong_ids":
            answer = {"accepted": [str(uuid.uuid4()) for _ in events], "duplicates": [], "rejected": []}
        if fault.mode == "duplicate_ids":
            both = [event["id"] for event in events]
            answer |= {"accepted": both + both, "duplicates": both}
        return answer

    @app.errorhandler(Refused)
    def refused(why: Refused) -> ResponseReturnValue:
        book.refused(why.reason, why.detail, datetime.now(UTC))
        return {"error": why.reason, "detail": why.detail}, why.status

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(_: RequestEntityTooLarge) -> ResponseReturnValue:
        return refused(Refused(413, "too_large", f"more than {checks.MOST_BYTES} bytes"))

    @app.route("/elsewhere", methods=["GET", "POST"])
    def elsewhere() -> ResponseReturnValue:
        """Where redirects lead, and nobody should follow."""
        book.refused("redirect_followed", "a redirect was followed", datetime.now(UTC))
        return {"accepted": [], "duplicates": [], "rejected": []}

    @app.get("/received")
    def received() -> ResponseReturnValue:
        after = request.args.get("after", 0, type=int)
        limit = max(1, min(request.args.get("limit", LISTED, type=int), LISTED))
        found = book.received(after=after, limit=limit)
        reply = jsonify(found)
        if len(found) == limit:
            following = url_for("received", after=found[-1]["arrival"], limit=limit)
            reply.headers["Link"] = f'<{following}>; rel="next"'
        return reply

    @app.get("/received/summary")
    def summary() -> ResponseReturnValue:
        return book.summary()

    @app.get("/faults")
    def shown_fault() -> ResponseReturnValue:
        return moods.now() | {"modes": list(faults.MODES)}

    @app.post("/faults")
    def put_fault() -> ResponseReturnValue:
        from_page = not request.is_json
        try:
            asked = pages.asked(request.form) if from_page else request.get_json()
            if not isinstance(asked, dict):
                raise ValueError("the body is no object")
            moods.put(faults.parse(asked))
        except ValueError as error:
            return {"error": str(error)}, 422
        if from_page:
            return redirect(url_for("watch", lang=pages.language(request.args)), 303)
        return shown_fault()

    @app.get("/")
    def watch() -> ResponseReturnValue:
        return render_template("central/page.html", modes=texts.MODES, **shown())

    @app.get("/live")
    def live() -> ResponseReturnValue:
        return render_template("central/live.html", **shown())

    def shown() -> dict[str, Any]:
        now = datetime.now(UTC)
        return pages.shown(
            request.args,
            now=now,
            summary=book.summary(),
            events=book.latest(SHOWN),
            pulse=book.pulse(now, pages.PULSE_SECONDS),
            fault=moods.now(),
        )

    @app.after_request
    def guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app


def from_env() -> Flask:
    """The central system as the launcher starts it: $DATA_DIR/central.db, secrets divided by commas."""
    secrets = [checks.secret(each) for each in os.environ["FEEDBACK_CENTRAL_SECRET"].split(",")]
    return create_app(Book(Path(os.environ["DATA_DIR"]) / "central.db"), secrets)


def _reply(answer: dict[str, Any], status: int, fault: Fault) -> Response:
    reply = Response(json.dumps(answer), status, mimetype="application/json")
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = fault.retry_after
    return reply


def _nonsense(fault: Fault) -> Response:
    if fault.mode == "empty":
        return Response(b"", mimetype="application/json")
    if fault.mode == "garbage":
        return Response(
            "<!doctype html><title>OK</title><p>Everything is fine, really.", mimetype="text/html"
        )
    _connection().settimeout(STUCK)
    return Response(_endless(), mimetype="application/json")


def _endless() -> Iterator[bytes]:
    yield b'{"accepted": ["'
    while True:
        yield b"0" * 65536


def _dripping(answer: bytes, seconds: float) -> Response:
    connection = _connection()

    def drops() -> Iterator[bytes]:
        for place in range(len(answer)):
            yield answer[place : place + 1]
            if _is_gone(connection, seconds):
                return

    return Response(drops(), mimetype="application/json", headers={"Content-Length": str(len(answer))})


def _broken(answer: bytes = b"") -> Response:
    """The connection is reset, after half of the answer if there is one."""
    connection = _connection()

    def cut() -> Iterator[bytes]:
        if answer:
            yield answer[: len(answer) // 2]
            time.sleep(0.05)  # a reset overtakes what is still on its way
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with socket.socket() as nothing:  # in its place, so that the server has something to close
            os.dup2(nothing.fileno(), connection.fileno(), inheritable=False)
        raise ConnectionResetError(errno.ECONNRESET, "reset as asked")

    return Response(cut(), mimetype="application/json", headers={"Content-Length": str(len(answer))})


def _wait(seconds: float) -> None:
    _is_gone(_connection(), seconds)


def _is_gone(connection: socket.socket, seconds: float) -> bool:
    """Wait; at once true when the other side hangs up, so that nobody holds a thread of ours for nothing."""
    readable, _, _ = select.select([connection], [], [], seconds)
    return bool(readable)


def _connection() -> socket.socket:
    connection: socket.socket = request.environ["gunicorn.socket"]
    return connection
