"""Records the statements that reach the database, and explains their plans."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from feedback_service.database import db

ExecutedStatement = tuple[str, Any]  # a statement and its values


@contextmanager
def record_statements(kind: str = "") -> Iterator[list[ExecutedStatement]]:
    """Record the statements that run in the block: those that begin with ``kind``, such as ``SELECT``, or all.

    Those of other threads, which write what was deferred, are not recorded.
    """
    executed: list[ExecutedStatement] = []
    thread = threading.get_ident()

    def record_statement(_link: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        if threading.get_ident() == thread and statement.startswith(kind) and not statement.startswith("BEGIN"):
            executed.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", record_statement)
    try:
        yield executed
    finally:
        event.remove(db.engine, "before_cursor_execute", record_statement)


def explain_plan(tx: Session, executed: ExecutedStatement) -> str:
    """Return the database's plan for the statement, a step in each line."""
    statement, values = executed
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[tx.get_bind().dialect.name]
    return "\n".join(step[-1] for step in tx.connection().exec_driver_sql(f"{explain} {statement}", values))
