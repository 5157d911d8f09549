"""Python loads this first where a harness puts this folder on the path: the service starts altered.

The product knows nothing of it. ``ALTERED`` names modules beside this one; each changes one thing.
"""

import importlib
import os

for name in os.environ.get("ALTERED", "").split():
    importlib.import_module(f"tests.faults.broken.{name}")
