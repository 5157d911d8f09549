"""Checks that the migrations make the tables that the models describe: ``python -m tools.migrations``."""

import sys
import tempfile
from pathlib import Path

from tests.support.database import migrate_database, run_flask_db
from tests.support.environment import build_environment


def main() -> int:
    """Migrate an empty database and compare it with the models. Return the exit code: 0 when they agree."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/migrated.db"
        migrate_database(url, Path(folder))
        try:
            run_flask_db(build_environment(Path(folder), url), "check")
        except RuntimeError as error:
            print("Migrations do not match the models:", error, sep="\n", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
