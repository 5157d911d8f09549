"""Run migrations on the application's own engine (``flask db …``)."""

from alembic import context
from flask import current_app

db = current_app.extensions["migrate"].db


def plain(kind: str, item: object, _context: object) -> str | bool:
    """Write our own column type as the plain one it stands on: migrations never import the application."""
    if kind == "type" and type(item).__name__ == "Instant":
        return "sa.DateTime(timezone=True)"
    return False


with db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=plain,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
