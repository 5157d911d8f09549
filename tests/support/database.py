"""Migrated databases for tests: made once by the real command, then copied."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from psycopg import Connection, connect, sql

from tests.support.environment import ROOT, environment, process_environment
from tests.support.postgres import Server


def migrate(database_url: str, data_dir: Path) -> None:
    """The database has every table, put there by ``flask db upgrade``; else ``RuntimeError``."""
    flask_db(environment(data_dir, database_url), "upgrade")


def flask_db(own: Mapping[str, str], *words: str) -> None:
    """``flask db …`` succeeds with these settings; else ``RuntimeError`` with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", *words],
        cwd=ROOT,
        env=process_environment(os.environ, own),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"flask db {' '.join(words)} failed:\n{done.stdout}{done.stderr}")


class SqliteDatabases:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        self._names = itertools.count()

    def fresh(self) -> str:
        """The address of a migrated database that nobody else has."""
        if not self._template.exists():
            migrate(f"sqlite:///{self._template}", self._folder)
        path = self._folder / f"fresh{next(self._names)}.db"
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


class PostgresDatabases:
    """Copies of one migrated database; one of them is emptied and used again, which is 300 times quicker."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._names = itertools.count()
        self._migrated = False
        self._shared: str | None = None
        self._link: Connection | None = None
        self._empty: sql.Composed

    def fresh(self) -> str:
        """The address of a migrated database that nobody else has."""
        if not self._migrated:
            migrate(self._server.create("migrated"), self._folder)
            self._migrated = True
        return self._server.create(f"fresh{next(self._names)}", template="migrated")

    def emptied(self) -> str:
        """The address of the one database that tests take turns with, without rows and connections."""
        if self._shared is None:
            self._shared = self.fresh()
            # Kept: a new connection spends 30 ms on learning what tables there are.
            self._link = connect(self._shared.replace("+psycopg", ""), autocommit=True)
            tables = self._link.execute(
                "SELECT tablename FROM pg_tables"
                " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            )
            self._empty = sql.SQL("; ").join(
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
        assert self._link is not None
        self._link.execute(self._empty)
        return self._shared

    def close(self) -> None:
        """Nobody takes turns any more."""
        if self._link is not None:
            self._link.close()


FreshDatabase = Callable[[str], str]
