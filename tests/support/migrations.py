"""``python -m tests.support.migrations``: exit 0 when a migrated database has exactly what the models say."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.database import migrate_database
from tests.support.environment import ROOT, build_environment, build_process_environment


def main() -> int:
    """The exit code of ``flask db check`` on a database made by the migrations alone; its words on stderr."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/migrated.db"
        migrate_database(url, Path(folder))
        result = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "db", "check"],
            cwd=ROOT,
            env=build_process_environment(os.environ, build_environment(Path(folder), url)),
            capture_output=True,
            text=True,
        )
    if result.returncode:
        print("Migrations do not match the models:", result.stdout, result.stderr, sep="\n", file=sys.stderr)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
