"""How many answers the poster of a hall brought in this hour; which reports of a breach belong to no case."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hall_counts",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("not_kept_on", sa.Date(), nullable=True),
        sa.Column("not_kept", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_hall_counts_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", name=op.f("pk_hall_counts")),
    )
    op.add_column("concerns", sa.Column("without_case", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alarms", sa.Column("without_case", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.execute("ALTER TABLE alarms DROP COLUMN without_case")
    op.execute("ALTER TABLE concerns DROP COLUMN without_case")
    op.drop_table("hall_counts")
