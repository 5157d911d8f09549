"""A made-up portal of public services, as integrators would build it: it knows Vidhuk by its public API only.

A press of its button ends an online case; then it shows the link to the survey, or leads straight into it.
"""

import json
import os
import secrets
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from flask import Flask, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from feedback_service.sandbox import demo_data

ORDERED_SERVICE = next(service for service in demo_data.SERVICES if service.code == "90002")
ORDER_AGE = timedelta(days=3)  # how long ago the demo case was ordered

TEXTS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    Path(__file__).with_name("data").joinpath("portal_texts.toml").read_text(encoding="utf-8")
)


class FeedbackUnavailable(Exception):
    """The feedback service refused the case, or did not answer."""


def create_app(service_url: str, run_file: Path) -> Flask:
    """Create the portal for the feedback service at that address; ``run_file`` is run.json with key and centre."""
    app = Flask(__name__, static_url_path="/portal/static")

    @app.get("/portal")
    def order() -> ResponseReturnValue:
        now = datetime.now(UTC)
        return _render_page("order", ordered_on=(now - ORDER_AGE).date())

    @app.post("/portal")
    def complete_service() -> ResponseReturnValue:
        try:
            invitation = _complete_case(service_url, run_file)
        except FeedbackUnavailable:
            return _render_page("failed"), 502
        address = f"{invitation['url']}?lang={_requested_language()}"
        if request.form.get("then") == "survey":
            return redirect(address, 303)
        last_day = datetime.fromisoformat(invitation["expires_at"]).date()
        return _render_page("given", address=address, last_day=last_day)

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        # Browsers hold form-action against redirects too, so the survey's own origin is named.
        own_directives = f"form-action 'self' {_read_survey_origin(run_file)}; base-uri 'none'; frame-ancestors 'none'"
        response.headers["Content-Security-Policy"] = f"default-src 'none'; style-src 'self'; {own_directives}"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    return app


def from_env() -> Flask:
    """Create the portal as the launcher starts it."""
    return create_app(os.environ["VIDHUK"], Path(os.environ["DATA_DIR"]) / "run.json")


def _complete_case(service_url: str, run_file: Path) -> dict[str, Any]:
    """Report a case that was completed online; return its invitation. Raises ``FeedbackUnavailable``."""
    now = datetime.now(UTC)
    try:
        run_facts = json.loads(run_file.read_text())
        case = {
            "centre": run_facts["centre"],
            "case_number": f"PORTAL-{secrets.token_hex(6)}",
            "service": ORDERED_SERVICE.names,
            "front_office": "online",
            "status": "completed",
            "status_at": now.isoformat(timespec="seconds"),
            "registered_at": (now - ORDER_AGE).isoformat(timespec="seconds"),
            "provider_edrpou": ORDERED_SERVICE.provider,
        }
        headers = {"Authorization": f"Bearer {run_facts['api_key']}"}
        with httpx.Client(base_url=service_url, headers=headers, timeout=10, trust_env=False) as http:
            reply = http.post("/api/v1/cases", json=case)
            reply.raise_for_status()
        invitation: dict[str, Any] = reply.json()["invitation"]
    except (OSError, ValueError, KeyError, httpx.HTTPError) as error:
        raise FeedbackUnavailable() from error
    return invitation


def _read_survey_origin(run_file: Path) -> str:
    try:
        url_parts = urlsplit(json.loads(run_file.read_text())["public"])
    except (OSError, ValueError, KeyError):
        return ""
    return f"{url_parts.scheme}://{url_parts.netloc}"


def _requested_language() -> str:
    return "en" if request.args.get("lang") == "en" else "uk"


def _render_page(name: str, **context: Any) -> str:
    language = _requested_language()
    return render_template(
        f"portal/{name}.html",
        language=language,
        other="en" if language == "uk" else "uk",
        text=TEXTS[language],
        service=ORDERED_SERVICE.title,
        day=lambda day: _format_day(day, language),
        **context,
    )


def _format_day(day: date, language: str) -> str:
    return f"{day:%d.%m.%Y}" if language == "uk" else f"{day.day} {day:%B %Y}"
