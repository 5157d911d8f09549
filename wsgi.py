"""What gunicorn and the ``flask`` command start."""

import os
import sys

from feedback_service import logs
from feedback_service.app import create_app
from feedback_service.config import BadSettings, Settings
from feedback_service.db import NotDurable

logs.configure()
try:
    app = create_app(Settings.from_env(os.environ))
except (BadSettings, NotDurable) as refusal:
    sys.exit(f"vidhuk does not start: {refusal}")
