"""Counts that every figure of a group needs, in a column of their own. Every past day is counted again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is stored of invitations stays: these may have been purged.
    op.execute("DELETE FROM tallies WHERE subject = 'answers'")
    op.execute("DELETE FROM counted_days")
    op.add_column("tallies", sa.Column("headlines", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.execute("ALTER TABLE tallies DROP COLUMN headlines")
