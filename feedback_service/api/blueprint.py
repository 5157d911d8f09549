"""Registers everything under ``/api``, the documentation pages and health; chooses the language of replies."""

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from feedback_service.api import cases, deliveries, docs, health, problems, summaries, surveys, tablets
from feedback_service.api.endpoint import GuardedView
from feedback_service.errors import FeedbackError
from feedback_service.i18n import choose_accepted_language
from feedback_service.vocabulary import LANGUAGES

HEADERS = {  # ``app`` adds them to every response of the API
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def register(app: Flask) -> None:
    """Register the JSON API in the application."""
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    for module in (cases, surveys, summaries, tablets, deliveries, docs):
        api.register_blueprint(module.bp)
    api.register_error_handler(FeedbackError, problems.problem_from_error)
    api.register_error_handler(HTTPException, problems.problem_from_http_error)
    app.register_blueprint(api)
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith("api.") and not isinstance(view, GuardedView):
            raise RuntimeError(f"{endpoint} does not declare who may call it")
    app.register_blueprint(docs.documents_bp)
    app.before_request(_refuse_unknown_address)
    health.register(app)


def choose_language() -> str:
    """Return the language of this request by ``Accept-Language``; the languages of a centre do not matter here."""
    return choose_accepted_language(request.accept_languages, LANGUAGES)


def _refuse_unknown_address() -> ResponseReturnValue | None:
    """Refuse an unknown address under ``/api`` as a problem: it belongs to no blueprint and so to no error handler."""
    error = request.routing_exception
    if isinstance(error, HTTPException) and f"{request.path}/".startswith("/api/"):
        return problems.problem_from_http_error(error) if (error.code or 0) >= 400 else None
    return None
