"""The addresses of the demo central system: for events, for what it received, and for its faults."""

import json
import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from feedback_service.sandbox.central import broken_replies, checks, faults, pages, texts
from feedback_service.sandbox.central.checks import BatchReader, RefusedRequest
from feedback_service.sandbox.central.event_store import EventStore
from feedback_service.sandbox.central.faults import Fault, FaultState

MAX_LISTED_EVENTS = 10_000  # events in one reply of /received, at most
EVENTS_ON_PAGE = 16  # events on the page
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(event_store: EventStore, secrets: Sequence[bytes]) -> Flask:
    """Create the central system with this store; it accepts what any of the secrets signed."""
    app = Flask(__name__, static_url_path="/static")
    assert isinstance(app.json, DefaultJSONProvider)
    app.json.ensure_ascii = app.json.sort_keys = False
    app.config["MAX_CONTENT_LENGTH"] = checks.MOST_BYTES
    batch_reader, fault_state = BatchReader(), FaultState()

    @app.post("/events")
    def events() -> ResponseReturnValue:
        fault, body = fault_state.take_fault(), request.get_data()
        match fault.mode:
            case "reset_before":
                return broken_replies.build_reset_reply()
            case "slow":
                broken_replies.wait_while_connected(fault.seconds)
            case "status":
                return _build_json_reply({"error": "as asked"}, fault.status, fault)
            case "redirect":
                return redirect(url_for("redirect_target"), fault.status)
            case "garbage" | "empty" | "huge" if not fault.stores:
                return broken_replies.build_nonsense_reply(fault)
        reply_body = take_batch(fault, body)
        match fault.mode:
            case "timeout":
                broken_replies.wait_while_connected(fault.seconds)
            case "reset_after":
                return broken_replies.build_reset_reply()
            case "reset_midway":
                return broken_replies.build_reset_reply(json.dumps(reply_body).encode())
            case "drip":
                return broken_replies.build_drip_reply(json.dumps(reply_body).encode(), fault.seconds)
            case "garbage" | "empty" | "huge":
                return broken_replies.build_nonsense_reply(fault)
        return _build_json_reply(reply_body, 200, fault)

    def take_batch(fault: Fault, body: bytes) -> dict[str, Any]:
        """Store the events of a request; return the reply. Raises ``RefusedRequest``."""
        now = datetime.now(UTC)
        checks.verify_signature(request.headers, body, secrets, now.timestamp())
        batch = batch_reader.read_batch(request.mimetype, body)
        events, rejected = list(batch.events), list(batch.rejected)
        faulty_events = [event for event in events if fault.applies_to(event)]
        if fault.mode == "poison" and faulty_events:
            raise RefusedRequest(fault.status, "poison", "one of the events is not liked, as asked")
        if fault.mode == "reject":
            events = [event for event in events if event not in faulty_events]
            rejected += [(event["id"], "not liked, as asked") for event in faulty_events]
        events_to_store = [] if fault.mode == "wrong_ids" and not fault.stores else events
        if fault.mode == "missing_ids":
            events = events[1::2]
            events_to_store = events_to_store if fault.stores else events
        receipt = event_store.store_events(events_to_store, now)
        if rejected:
            event_store.record_refusal("event", rejected[-1][1], now, len(rejected))
        named_ids = {event["id"] for event in events}
        reply_body = {
            "accepted": [event_id for event_id in receipt.accepted if event_id in named_ids],
            "duplicates": [event_id for event_id in receipt.duplicates if event_id in named_ids],
            "rejected": [{"id": event_id, "reason": reason} for event_id, reason in rejected],
        }
        if fault.mode == "wrong_ids":
            reply_body = {"accepted": [str(uuid.uuid4()) for _ in events], "duplicates": [], "rejected": []}
        if fault.mode == "duplicate_ids":
            event_ids = [event["id"] for event in events]
            reply_body |= {"accepted": event_ids + event_ids, "duplicates": event_ids}
        return reply_body

    @app.errorhandler(RefusedRequest)
    def handle_refusal(refusal: RefusedRequest) -> ResponseReturnValue:
        event_store.record_refusal(refusal.reason, refusal.detail, datetime.now(UTC))
        return {"error": refusal.reason, "detail": refusal.detail}, refusal.status

    @app.errorhandler(RequestEntityTooLarge)
    def handle_too_large(_: RequestEntityTooLarge) -> ResponseReturnValue:
        return handle_refusal(RefusedRequest(413, "too_large", f"more than {checks.MOST_BYTES} bytes"))

    @app.route("/elsewhere", methods=["GET", "POST"])
    def redirect_target() -> ResponseReturnValue:
        """The target of redirects, which no sender should follow."""
        event_store.record_refusal("redirect_followed", "a redirect was followed", datetime.now(UTC))
        return {"accepted": [], "duplicates": [], "rejected": []}

    @app.get("/received")
    def received() -> ResponseReturnValue:
        after = request.args.get("after", 0, type=int)
        limit = max(1, min(request.args.get("limit", MAX_LISTED_EVENTS, type=int), MAX_LISTED_EVENTS))
        listed_events = event_store.list_events(after=after, limit=limit)
        reply = jsonify(listed_events)
        if len(listed_events) == limit:
            next_page = url_for("received", after=listed_events[-1]["arrival"], limit=limit)
            reply.headers["Link"] = f'<{next_page}>; rel="next"'
        return reply

    @app.get("/received/summary")
    def summary() -> ResponseReturnValue:
        return event_store.read_summary()

    @app.get("/faults")
    def show_fault() -> ResponseReturnValue:
        return fault_state.describe_fault() | {"modes": list(faults.MODES)}

    @app.post("/faults")
    def put_fault() -> ResponseReturnValue:
        from_page = not request.is_json
        try:
            fault_settings = pages.parse_form(request.form) if from_page else request.get_json()
            if not isinstance(fault_settings, dict):
                raise ValueError("the body is no object")
            fault_state.set_fault(faults.parse_fault(fault_settings))
        except ValueError as error:
            return {"error": str(error)}, 422
        if from_page:
            return redirect(url_for("show_page", lang=pages.choose_language(request.args)), 303)
        return show_fault()

    @app.get("/")
    def show_page() -> ResponseReturnValue:
        return render_template("central/page.html", modes=texts.MODE_TEXTS, **page_context())

    @app.get("/live")
    def live() -> ResponseReturnValue:
        return render_template("central/live.html", **page_context())

    def page_context() -> dict[str, Any]:
        now = datetime.now(UTC)
        return pages.build_context(
            request.args,
            now=now,
            summary=event_store.read_summary(),
            events=event_store.list_latest_events(EVENTS_ON_PAGE),
            pulse=event_store.count_by_second(now, pages.PULSE_SECONDS),
            fault=fault_state.describe_fault(),
        )

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app


def from_env() -> Flask:
    """Create the central system as the launcher starts it: $DATA_DIR/central.db, secrets divided by commas."""
    secrets = [checks.decode_secret(encoded) for encoded in os.environ["FEEDBACK_CENTRAL_SECRET"].split(",")]
    return create_app(EventStore(Path(os.environ["DATA_DIR"]) / "central.db"), secrets)


def _build_json_reply(body: dict[str, Any], status: int, fault: Fault) -> Response:
    reply = Response(json.dumps(body), status, mimetype="application/json")
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = fault.retry_after
    return reply
