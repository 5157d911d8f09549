"""``python -m tests.support.migrations``: exit 0 when a migrated database has exactly what the models say."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.database import migrate
from tests.support.environment import ROOT, environment, process_environment


def main() -> int:
    """The exit code of ``flask db check`` on a database made by the migrations alone; its words on stderr."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/migrated.db"
        migrate(url, Path(folder))
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "db", "check"],
            cwd=ROOT,
            env=process_environment(os.environ, environment(Path(folder), url)),
            capture_output=True,
            text=True,
        )
    if done.returncode:
        print("Migrations do not match the models:", done.stdout, done.stderr, sep="\n", file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
