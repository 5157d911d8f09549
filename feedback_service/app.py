"""The program put together: ground, doors, commands, in that order."""

from flask import Flask
from flask_migrate import Migrate

import kiosk_ui
from feedback_service import cli, db, logs
from feedback_service.api import door
from feedback_service.config import Settings
from feedback_service.indicators import methodology
from feedback_service.models import Centre  # noqa: F401  the tables, for migrations
from feedback_service.surveys import questionnaires


def create_app(settings: Settings) -> Flask:
    """A ready application. Raises ``NotReachable`` or ``NotDurable`` when its database cannot be relied on."""
    app = Flask("feedback_service", static_folder=None)
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
