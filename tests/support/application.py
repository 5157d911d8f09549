"""The application for tests: one for each shared database of a process; building one costs 60 ms of CPU time."""

from flask import Flask

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db, outage_log
from feedback_service.flow import audit
from feedback_service.flow.answers import opened_invitations
from feedback_service.indicators import published
from tests.support.templates import CompiledTemplates

COMPILED_TEMPLATES = CompiledTemplates()


class Applications:
    """Applications that wait for the next test with the same database address.

    Between two tests an application gets the next test's settings; its connections are closed, deferred writes are
    written and cached methodologies forgotten. Nothing else in an application depends on settings or data.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Flask] = {}

    def lend(self, settings: Settings) -> Flask:
        """Return the application with these settings, as it was when it was built."""
        app = self._waiting.get(settings.database_url)
        if app is None:
            app = self._waiting[settings.database_url] = build_application(settings)
        app.config["SETTINGS"] = settings
        app.testing = True
        return app


def build_application(settings: Settings) -> Flask:
    """Build an application for one test; compiled templates are shared."""
    app = create_app(settings)
    app.testing = True
    app.jinja_env.bytecode_cache = COMPILED_TEMPLATES
    return app


def release_application(app: Flask) -> None:
    """End what the application still does for a test: deferred writes, open connections, cached documents."""
    with app.app_context():
        opened_invitations.write_now()
        audit.recent_reads.write_now()
        published.clear_cache()
        outage_log.forget()
        db.engine.dispose()
