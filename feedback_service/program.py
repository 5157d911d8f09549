"""The program behind its doors: database and shipped documents. A command needs no more."""

from flask import Flask
from flask_migrate import Migrate

from feedback_service.config import Settings
from feedback_service.database import db, open_database
from feedback_service.indicators import methodology
from feedback_service.surveys import questionnaires


def prepare(app: Flask, settings: Settings) -> Flask:
    """``app`` with all of it. Raises ``NotReachable`` or ``NotDurable`` when its database cannot be relied on."""
    app.config["SETTINGS"] = settings
    open_database(app, settings.database_url)
    Migrate(app, db, render_as_batch=True)
    questionnaires.load_shipped()  # read now, so that gunicorn's processes share them
    methodology.shipped_methodologies()
    return app
