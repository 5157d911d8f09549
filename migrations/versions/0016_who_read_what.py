"""Reads of figures, comments and exports with their parameters, collected by the hour for the audit log.

The way down lets the column ``journal.object`` stay wide: entries that are cut would break their chains.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("journal") as table:
        table.alter_column("object", type_=sa.Text(), existing_nullable=False)
    op.create_table(
        "reads",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("page", sa.String(length=32), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "hour", "read_hash", name=op.f("pk_reads")),
    )


def downgrade() -> None:
    op.drop_table("reads")
