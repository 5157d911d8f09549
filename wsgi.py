"""What gunicorn and the ``flask`` command start."""

import os
import sys

from flask import Flask

from feedback_service import cli, logs
from feedback_service.app import create_app
from feedback_service.config import BadSettings, Settings
from feedback_service.db import NotDurable, NotReachable

logs.configure()
try:
    app = create_app(Settings.from_env(os.environ))
except (BadSettings, NotDurable, NotReachable) as refusal:
    if "--help" not in sys.argv and sys.argv[-3:-1] != ["package", "check"]:
        sys.exit(f"vidhuk does not start: {refusal}")
    app = Flask("feedback_service")  # explaining a command and checking a package take no settings
    cli.register(app)
