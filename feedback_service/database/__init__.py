"""The database: one engine and three kinds of transactions, for the use cases of ``flow`` and ``delivery``.

engine          the engine, its pool, and the check that the database is durable
schema          the base class of all tables, and the type of instants
transactions    ``transaction`` writes, ``reading`` reads, ``optimistic_transaction`` reads first and then writes once
driver_errors   which errors mean a lost race, and which a database that is busy or not reachable
readiness       whether the database has our tables and takes writes
outages         log lines about a database that is busy or away
compiled        statements of a visit, compiled once: the only shortcut past SQLAlchemy
sqlite_queue    the queue of writers to a SQLite file
deferred_writes small writes that nobody waits for, collected for one commit
"""

from feedback_service.database.compiled import execute_write, fetch_rows, write_guarded
from feedback_service.database.deferred_writes import DeferredWriter
from feedback_service.database.engine import NotDurable, NotReachable, db, open_database
from feedback_service.database.outages import outage_log
from feedback_service.database.readiness import TABLES_OUTDATED, is_migrated, takes_writes
from feedback_service.database.schema import Base, Instant, table_of
from feedback_service.database.transactions import (
    OptimisticTransaction,
    in_portions,
    let_others_write,
    optimistic_transaction,
    reading,
    transaction,
    truncate_write_log,
)

__all__ = [
    "TABLES_OUTDATED",
    "Base",
    "DeferredWriter",
    "Instant",
    "NotDurable",
    "NotReachable",
    "OptimisticTransaction",
    "db",
    "execute_write",
    "fetch_rows",
    "in_portions",
    "is_migrated",
    "let_others_write",
    "open_database",
    "optimistic_transaction",
    "outage_log",
    "reading",
    "table_of",
    "takes_writes",
    "transaction",
    "truncate_write_log",
    "write_guarded",
]
