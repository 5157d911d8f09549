"""What gunicorn and the ``flask`` command start."""

import os
import sys

import click
from flask import Flask

from feedback_service import cli, logs
from feedback_service.config import BadSettings, Settings
from feedback_service.database import NotDurable, NotReachable
from feedback_service.program import prepare

# Flask's own commands that need pages and API; all others, the worker too, do without and take less memory.
OF_THE_DOORS = {"run", "routes", "shell"}
commanded = click.get_current_context(silent=True) is not None and OF_THE_DOORS.isdisjoint(sys.argv)

logs.configure()
app = Flask("feedback_service", static_folder=None)
try:
    settings = Settings.from_env(os.environ)
    if commanded:
        prepare(app, settings)
    else:
        import kiosk_ui
        from feedback_service.app import create_app

        app = create_app(settings)
        kiosk_ui.read_ahead(app)
except (BadSettings, NotDurable, NotReachable) as refusal:
    if "--help" not in sys.argv and sys.argv[-3:-1] != ["package", "check"]:
        sys.exit(f"vidhuk does not start: {refusal}")
    cli.register(app)  # explaining a command and checking a package take no settings
