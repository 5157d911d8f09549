"""Whether the database has the tables of this release, and whether it takes writes."""

import os
from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from feedback_service.errors import N_

MIGRATIONS = Path(__file__).parents[2] / "migrations"
MIN_FREE_BYTES = 4 * 1024 * 1024  # a large batch of cases needs as much
TABLES_OUTDATED = N_("The tables are not those of this release: run “flask db upgrade”.")


def is_migrated(connection: Connection) -> bool:
    """Whether the tables are those of this release."""
    return set(MigrationContext.configure(connection).get_current_heads()) == _newest_revision()


def takes_writes(connection: Connection) -> bool:
    """Whether writes can work, as far as that can be known without writing: monitoring asks every few seconds."""
    if connection.dialect.name == "sqlite":
        return _is_writable(connection.engine.url.database)
    query = "SELECT NOT pg_is_in_recovery() AND NOT current_setting('default_transaction_read_only')::boolean"
    return bool(connection.exec_driver_sql(query).scalar_one())


def _is_writable(file: str | None) -> bool:
    if not file:
        return True
    folder = os.path.dirname(os.path.abspath(file))  # SQLite writes its log beside the file
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return os.access(file, os.W_OK) and os.access(folder, os.W_OK) and disk.f_bavail * disk.f_frsize >= MIN_FREE_BYTES


@cache
def _newest_revision() -> set[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return set(ScriptDirectory.from_config(config).get_heads())
