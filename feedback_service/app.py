"""The program with its doors: what answers requests."""

from flask import Flask, Response, request

import kiosk_ui
from feedback_service import i18n, logs
from feedback_service.api import blueprint
from feedback_service.config import Settings
from feedback_service.program import prepare
from kiosk_ui import languages, pages


def create_app(settings: Settings) -> Flask:
    """A ready application. Raises ``NotReachable`` or ``NotDurable`` when its database cannot be relied on."""
    app = prepare(Flask("feedback_service", static_folder=None), settings)
    app.after_request(_add_headers)  # the first that is registered is the last to run: it sees every answer
    logs.log_requests(app)
    i18n.init(app, kiosk_ui.TRANSLATIONS, _choose_language)
    blueprint.register(app)
    kiosk_ui.register(app)
    return app


def _choose_language() -> str:
    """The reader's language, by the rule of the door that the address belongs to."""
    return blueprint.choose_language() if request.path.startswith("/api/") else languages.choose_language()


def _add_headers(response: Response) -> Response:
    """Each door has headers for all its answers; what an answer says of itself stands."""
    headers = blueprint.HEADERS if request.path.startswith("/api/") else pages.HEADERS
    present = {name.lower() for name, _ in response.headers}  # a look at Werkzeug's headers searches them
    for name, value in headers.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    return response
