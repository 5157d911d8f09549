"""The application without its doors: database and shipped documents. A command needs no more."""

from flask import Flask
from flask_migrate import Migrate

from feedback_service.config import Settings
from feedback_service.database import db, open_database
from feedback_service.indicators import methodology
from feedback_service.surveys import questionnaires


def prepare_app(app: Flask, settings: Settings) -> Flask:
    """Give ``app`` its settings, database and documents. Raises ``NotReachable`` or ``NotDurable``."""
    app.config["SETTINGS"] = settings
    open_database(app, settings.database_url)
    Migrate(app, db, render_as_batch=True)
    questionnaires.load_shipped()  # loaded before gunicorn forks, so that its processes share them
    methodology.shipped_methodologies()
    return app
