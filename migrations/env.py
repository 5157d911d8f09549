"""Run migrations on the application's engine (``flask db …``)."""

from alembic import context
from flask import current_app

db = current_app.extensions["migrate"].db


def render_plain_type(kind: str, item: object, _context: object) -> str | bool:
    """Write the type ``Instant`` as the plain type that it uses: migrations never import the application."""
    if kind == "type" and type(item).__name__ == "Instant":
        return "sa.DateTime(timezone=True)"
    return False


with db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_plain_type,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
