"""The program with its doors: what answers requests."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask
from flask.globals import request_ctx

import kiosk_ui
from feedback_service import i18n, logs
from feedback_service.api import door
from feedback_service.config import Settings
from feedback_service.program import prepare
from kiosk_ui import languages, pages


class Service(Flask):
    """Flask, with less to do for each request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing here is a coroutine: Flask would look at every function before every call."""
        return func

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer; each door's headers are added out here, for inside each costs several times more."""
        path = "/" + environ.get("PATH_INFO", "").lstrip("/")  # as Flask reads it
        of_its_door = door.HEADERS if path.startswith("/api/") else pages.HEADERS
        return super().wsgi_app(environ, _adding(of_its_door, start_response))


def _adding(headers: Mapping[str, str], start: Callable[..., Any]) -> Callable[..., Any]:
    """As ``start``; what the answer says of itself stands."""

    def started(status: str, said: list[tuple[str, str]], *error: Any) -> Any:
        names = {name.lower() for name, _ in said}
        return start(
            status, [*said, *(pair for pair in headers.items() if pair[0].lower() not in names)], *error
        )

    return started


def create_app(settings: Settings) -> Flask:
    """A ready application. Raises ``NotReachable`` or ``NotDurable`` when its database cannot be relied on."""
    app = prepare(Service("feedback_service", static_folder=None), settings)
    logs.log_requests(app)
    i18n.init(app, kiosk_ui.TRANSLATIONS, _choose_language)
    door.register(app)
    kiosk_ui.register(app)
    return app


def _choose_language() -> str:
    """The reader's language, by the rule of the door that the address belongs to."""
    path = request_ctx.request.path  # each look at the proxy costs a search
    return door.choose_language() if path.startswith("/api/") else languages.choose_language()
