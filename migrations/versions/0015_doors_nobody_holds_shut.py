"""Tries that did not lead to a sign-in; pairing requests that somebody looked at; deliveries of a revoked tablet."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("failed_attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sign_ins", sa.Column("failed_before", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("pairing_requests", sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("devices", sa.Column("unreported", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.execute("ALTER TABLE devices DROP COLUMN unreported")
    op.execute("ALTER TABLE pairing_requests DROP COLUMN looked_at")
    op.execute("ALTER TABLE sign_ins DROP COLUMN failed_before")
    op.execute("ALTER TABLE users DROP COLUMN failed_attempts")
