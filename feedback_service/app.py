"""The application with its doors: it answers requests."""

from flask import Flask, Response, request

import kiosk_ui
from feedback_service import i18n, logs
from feedback_service.api import blueprint
from feedback_service.config import Settings
from feedback_service.program import prepare_app
from kiosk_ui import languages, pages


def create_app(settings: Settings) -> Flask:
    """Build the application. Raises ``NotReachable`` or ``NotDurable`` when its database is not usable."""
    app = prepare_app(Flask("feedback_service", static_folder=None), settings)
    app.after_request(_add_headers)  # registered first, so Flask runs it last, on every response
    logs.log_requests(app)
    i18n.init_translation(app, kiosk_ui.TRANSLATIONS, _choose_language)
    blueprint.register(app)
    kiosk_ui.register(app)
    return app


def _choose_language() -> str:
    """Return the reader's language by the rule of the door that the address belongs to."""
    return blueprint.choose_language() if request.path.startswith("/api/") else languages.choose_language()


def _add_headers(response: Response) -> Response:
    """Add the headers of the door, except those that the response already has."""
    headers = blueprint.HEADERS if request.path.startswith("/api/") else pages.HEADERS
    present = {name.lower() for name, _ in response.headers}  # a set: Werkzeug searches its headers one by one
    for name, value in headers.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    return response
