"""What the database is asked, and how it would go about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from feedback_service.database import db

Asked = tuple[str, Any]  # a statement and its values


@contextmanager
def statements(kind: str = "") -> Iterator[list[Asked]]:
    """The statements that the database is asked meanwhile; of one kind, such as ``SELECT``, or of all."""
    asked: list[Asked] = []

    def note(_link: object, _cursor: object, statement: str, given: object, *_: object) -> None:
        if statement.startswith(kind) and not statement.startswith("BEGIN"):
            asked.append((statement, given))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def plan(tx: Session, asked: Asked) -> str:
    """How the database would go about it, a step in each line."""
    statement, given = asked
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[tx.get_bind().dialect.name]
    return "\n".join(step[-1] for step in tx.connection().exec_driver_sql(f"{explain} {statement}", given))
