"""Everything under ``/api``, and what machines ask beside it, registered; which language a program reads."""

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from feedback_service.api import cases, deliveries, docs, health, problems, summaries, surveys, tablets
from feedback_service.api.endpoint import GuardedView
from feedback_service.config import SUPPORTED_LANGUAGES
from feedback_service.errors import FeedbackError
from feedback_service.i18n import NATIVE

HEADERS = {  # of every answer, see ``app``: nobody keeps, frames or reinterprets what this door says
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def register(app: Flask) -> None:
    """The application answers programs."""
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
    """The language for this request, by ``Accept-Language``. What a centre offers its visitors counts for nothing."""
    return request.accept_languages.best_match(SUPPORTED_LANGUAGES, NATIVE) or NATIVE


def _refuse_unknown_address() -> ResponseReturnValue | None:
    """An address that matches no route belongs to no blueprint; its refusal still leaves by this door."""
    error = request.routing_exception
    if isinstance(error, HTTPException) and f"{request.path}/".startswith("/api/"):
        return problems.problem_from_http_error(error) if (error.code or 0) >= 400 else None
    return None
