"""The application with its doors: it answers requests."""

from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.globals import request_ctx

import kiosk_ui
from feedback_service import i18n, logs
from feedback_service.api import blueprint
from feedback_service.config import Settings, current_settings
from feedback_service.program import prepare_app
from kiosk_ui import languages, pages

HSTS = "max-age=31536000"  # a year: browsers use no plain http with this host


def create_app(settings: Settings) -> Flask:
    """Build the application. Raises ``NotReachable`` or ``NotDurable`` when its database is not usable."""
    app = prepare_app(Flask("feedback_service", static_folder=None), settings)
    app.after_request(_add_headers)  # registered first, so Flask runs it last, on every response
    logs.log_requests(app)
    app.before_request(_expect_whole_body)
    i18n.init_translation(app, kiosk_ui.TRANSLATIONS, _choose_language)
    blueprint.register(app)
    kiosk_ui.register(app)
    return app


def _expect_whole_body() -> None:
    """Let Werkzeug count the bytes of a body whose length is told: fewer of them raise ``ClientDisconnected``, 400.

    gunicorn says that it ends the body itself, but ends one that broke off as if it were whole: ``10`` would be 1.
    """
    environ = request_ctx.request.environ
    if "CONTENT_LENGTH" in environ:
        environ.pop("wsgi.input_terminated", None)


def _choose_language() -> str:
    """Return the reader's language by the rule of the door that the address belongs to."""
    return blueprint.choose_language() if request.path.startswith("/api/") else languages.choose_language()


def _add_headers(response: Response) -> Response:
    """Add the headers of the door, except those that the response already has."""
    if response.status_code == 308 and response.location:
        _drop_host(response)
    headers = blueprint.HEADERS if request.path.startswith("/api/") else pages.HEADERS
    if current_settings().public_url.startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    present = {name.lower() for name, _ in response.headers}  # a set: Werkzeug searches its headers one by one
    for name, value in headers.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    return response


def _drop_host(response: Response) -> None:
    """Make a redirect to the right form of an address relative: its host is that of the request, so anybody's."""
    address = urlsplit(response.location or "")
    response.location = address._replace(scheme="", netloc="", path="/" + address.path.lstrip("/")).geturl()
    response.data = b""  # the text repeats the address
