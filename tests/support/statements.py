"""What the database is asked, and how it would go about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from feedback_service.database import db

ExecutedStatement = tuple[str, Any]  # a statement and its values


@contextmanager
def record_statements(kind: str = "") -> Iterator[list[ExecutedStatement]]:
    """The statements that the database is asked meanwhile; of one kind, such as ``SELECT``, or of all."""
    executed: list[ExecutedStatement] = []

    def record_statement(_link: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        if statement.startswith(kind) and not statement.startswith("BEGIN"):
            executed.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", record_statement)
    try:
        yield executed
    finally:
        event.remove(db.engine, "before_cursor_execute", record_statement)


def explain_plan(tx: Session, executed: ExecutedStatement) -> str:
    """How the database would go about it, a step in each line."""
    statement, values = executed
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[tx.get_bind().dialect.name]
    return "\n".join(step[-1] for step in tx.connection().exec_driver_sql(f"{explain} {statement}", values))
