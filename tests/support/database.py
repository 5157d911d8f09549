"""Migrated databases for tests: made once by the real command, then copied."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from psycopg import Connection, connect, sql

from tests.support.environment import ROOT, build_environment, build_process_environment
from tests.support.postgres import PostgresServer


def migrate_database(database_url: str, data_dir: Path) -> None:
    """Create every table by ``flask db upgrade``. Raises ``RuntimeError`` when the command fails."""
    run_flask_db(build_environment(data_dir, database_url), "upgrade")


def run_flask_db(settings: Mapping[str, str], *arguments: str) -> None:
    """Run ``flask db …`` with these settings. Raises ``RuntimeError`` with its output when it fails."""
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", *arguments],
        cwd=ROOT,
        env=build_process_environment(os.environ, settings),
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"flask db {' '.join(arguments)} failed:\n{result.stdout}{result.stderr}")


class SqliteDatabases:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        self._names = itertools.count()

    def create_database(self) -> str:
        """Create a migrated database that nobody else uses; return its address."""
        return self._copy_template(self._folder / f"fresh{next(self._names)}.db")

    def empty_shared_database(self) -> str:
        """Empty the database that tests use one after another; return its address."""
        shared = self._folder / "shared.db"
        for suffix in ("", "-wal", "-shm"):  # a new file: a connection left open cannot reach it
            Path(f"{shared}{suffix}").unlink(missing_ok=True)
        return self._copy_template(shared)

    def _copy_template(self, path: Path) -> str:
        if not self._template.exists():
            migrate_database(f"sqlite:///{self._template}", self._folder)
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


class PostgresDatabases:
    """Copies of one migrated database. Emptying one is 300 times quicker than making another."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._names = itertools.count()
        self._migrated = False
        self._shared: str | None = None
        self._connection: Connection | None = None
        self._empty_statement: sql.Composed

    def create_database(self) -> str:
        """Create a migrated database that nobody else uses; return its address."""
        if not self._migrated:
            migrate_database(self._server.create_database("migrated"), self._folder)
            self._migrated = True
        return self._server.create_database(f"fresh{next(self._names)}", template="migrated")

    def empty_shared_database(self) -> str:
        """Empty the database that tests use one after another, and close all connections to it; return its address."""
        if self._shared is None:
            self._shared = self.create_database()
            # The connection stays open: a new one spends 30 ms on learning what tables there are.
            self._connection = connect(self._shared.replace("+psycopg", ""), autocommit=True)
            tables = self._connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            )
            self._empty_statement = sql.SQL("; ").join(
                [
                    sql.SQL(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    ),
                    sql.SQL("BEGIN"),
                    sql.SQL("SET LOCAL session_replication_role = replica"),  # no foreign keys, so no order
                    *(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for (table,) in tables),
                    sql.SQL("COMMIT"),
                ]
            )
        assert self._connection is not None
        self._connection.execute(self._empty_statement)
        return self._shared

    def close(self) -> None:
        """Close the connection that empties the shared database."""
        if self._connection is not None:
            self._connection.close()


FreshDatabase = Callable[[str], str]
SharedDatabase = Callable[[str], str]
