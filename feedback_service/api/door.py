"""The JSON door: everything under ``/api``, and what machines ask beside it.

cases surveys summaries kiosk deliveries
                           thin views: read, call the flow, answer
operations                 what is declared beside each view; it guards, reads and documents
schemas fields body        the shapes on the wire, and how strictly they are read
problems replies           how refusals and answers are written
openapi docs               the door described, for programs and for people
probes                     health and metrics
"""

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from feedback_service.api import (
    cases,
    deliveries,
    docs,
    kiosk,
    operations,
    probes,
    problems,
    summaries,
    surveys,
)
from feedback_service.errors import FeedbackError

HEADERS = {  # of every answer, see ``app``: nobody keeps, frames or reinterprets what this door says
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def register(app: Flask) -> None:
    """The application answers programs."""
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    for room in (cases, surveys, summaries, kiosk, deliveries, docs):
        api.register_blueprint(room.bp)
    api.before_request(operations.admit)
    api.register_error_handler(FeedbackError, problems.refused)
    api.register_error_handler(HTTPException, problems.lost)
    app.register_blueprint(api)
    app.register_blueprint(docs.beside)
    app.before_request(_lost)
    probes.register(app)


def _lost() -> ResponseReturnValue | None:
    """An address that matches no route belongs to no blueprint; its refusal still leaves by this door."""
    error = request.routing_exception
    if isinstance(error, HTTPException) and f"{request.path}/".startswith("/api/"):
        return problems.lost(error) if (error.code or 0) >= 400 else None
    return None
