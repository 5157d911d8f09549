"""The program put together: ground, doors, commands, in that order."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_migrate import Migrate

import kiosk_ui
from feedback_service import cli, db, logs
from feedback_service.api import door
from feedback_service.config import Settings
from feedback_service.indicators import methodology
from feedback_service.models import Centre  # noqa: F401  the tables, for migrations
from feedback_service.surveys import questionnaires


class Service(Flask):
    """Flask, told that nothing here is a coroutine: it would look at every function before every call."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings) -> Flask:
    """A ready application. Raises ``NotReachable`` or ``NotDurable`` when its database cannot be relied on."""
    app = Service("feedback_service", static_folder=None)
    app.config["SETTINGS"] = settings
    db.init(app, settings.database_url)
    Migrate(app, db.db, render_as_batch=True)
    logs.log_requests(app)
    door.register(app)
    kiosk_ui.register(app)
    cli.register(app)
    questionnaires.shipped()  # read now, so that gunicorn's processes share them
    methodology.shipped()
    return app
