"""Writes the OpenAPI document of the API: ``python -m feedback_service.api FILE``.

With ``--check`` it writes nothing and only compares.
"""

import argparse
import json
import sys
from pathlib import Path

from flask import Flask

from feedback_service.api import blueprint, openapi


def main() -> int:
    """Write or compare the file; return 0, or 1 if the compared file is not current."""
    parser = argparse.ArgumentParser(description=(openapi.__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    arguments = parser.parse_args()
    app = Flask("openapi", static_folder=None)
    blueprint.register(app)
    current = json.dumps(openapi.build_document(app), ensure_ascii=False, indent=1) + "\n"
    if arguments.check:
        if arguments.file.exists() and arguments.file.read_text(encoding="utf-8") == current:
            return 0
        print(f"{arguments.file} is not current: run python -m feedback_service.api {arguments.file}", file=sys.stderr)
        return 1
    arguments.file.write_text(current, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
