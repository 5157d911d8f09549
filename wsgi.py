"""The application for gunicorn and for the ``flask`` command."""

import os
import sys

import click
from flask import Flask

from feedback_service import logs
from feedback_service.config import BadSettings, Settings
from feedback_service.database import NotDurable, NotReachable
from feedback_service.program import prepare_app

# Flask's commands that need pages and API. Other commands and the worker do not load them, to save memory.
COMMANDS_WITH_DOORS = {"run", "routes", "shell"}
is_in_command = click.get_current_context(silent=True) is not None
needs_doors = not is_in_command or not COMMANDS_WITH_DOORS.isdisjoint(sys.argv)


def register_commands(app: Flask) -> None:
    """Add the commands of the service. A process that answers requests does not load their modules."""
    from feedback_service import cli
    from feedback_service.sandbox import commands

    cli.register(app)
    commands.register(app)


os.umask(0o077)  # databases, logs and packages hold what people said: their owner alone reads them
logs.configure_logging()
app = Flask("feedback_service", static_folder=None)
try:
    settings = Settings.from_env(os.environ)
    if needs_doors:
        import kiosk_ui
        from feedback_service.app import create_app

        app = create_app(settings)
        kiosk_ui.preload_pages(app)
    else:
        prepare_app(app, settings)
    if is_in_command:
        register_commands(app)
except (BadSettings, NotDurable, NotReachable) as refusal:
    if "--help" not in sys.argv and sys.argv[-3:-1] != ["package", "check"]:
        sys.exit(f"vidhuk does not start: {refusal}")
    register_commands(app)  # --help and the check of a package need no settings
