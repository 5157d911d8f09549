"""The database: one engine, three ways in, and durability asserted.

engine          the engine, its pool, and the check that the database keeps what it acknowledges
schema          the base of all tables, and how they keep instants
transactions    ``transaction`` writes, ``reading`` reads, ``optimistic_transaction`` reads first and then writes once
driver_errors   which errors mean "tell the story again", and which "come back later"
compiled        the statements of a visit, compiled once: the one shortcut past SQLAlchemy
sqlite_queue    who writes next to a SQLite file
deferred_writes small things that may be lost, written together a moment later

Nothing else in the program commits.
"""

from feedback_service.database.compiled import fetch_rows, write, write_guarded
from feedback_service.database.deferred_writes import DeferredWriter
from feedback_service.database.engine import NotDurable, NotReachable, db, open_database
from feedback_service.database.schema import Base, Instant, table
from feedback_service.database.transactions import (
    OptimisticTransaction,
    optimistic_transaction,
    reading,
    transaction,
)

__all__ = [
    "Base",
    "DeferredWriter",
    "Instant",
    "NotDurable",
    "NotReachable",
    "OptimisticTransaction",
    "db",
    "fetch_rows",
    "open_database",
    "optimistic_transaction",
    "reading",
    "table",
    "transaction",
    "write",
    "write_guarded",
]
