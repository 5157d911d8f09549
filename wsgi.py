"""What gunicorn and the ``flask`` command start."""

import os
import sys

import click
from flask import Flask

from feedback_service import logs
from feedback_service.config import BadSettings, Settings
from feedback_service.database import NotDurable, NotReachable
from feedback_service.program import prepare

# Flask's own commands that need pages and API; all others, the worker too, do without and take less memory.
OF_THE_DOORS = {"run", "routes", "shell"}
commanded = click.get_current_context(silent=True) is not None and OF_THE_DOORS.isdisjoint(sys.argv)


def register_commands(app: Flask) -> None:
    """Give the ``flask`` command all of ours. A process that answers requests does without their modules."""
    from feedback_service import cli
    from feedback_service.sandbox import commands

    cli.register(app)
    commands.register(app)


logs.configure_logging()
app = Flask("feedback_service", static_folder=None)
try:
    settings = Settings.from_env(os.environ)
    if commanded:
        prepare(app, settings)
        register_commands(app)
    else:
        import kiosk_ui
        from feedback_service.app import create_app

        app = create_app(settings)
        kiosk_ui.preload_pages(app)
except (BadSettings, NotDurable, NotReachable) as refusal:
    if "--help" not in sys.argv and sys.argv[-3:-1] != ["package", "check"]:
        sys.exit(f"vidhuk does not start: {refusal}")
    register_commands(app)  # explaining a command and checking a package take no settings
