"""How many walk-ups each tablet brought of a day, so that one tablet cannot use up the room of its centre."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "walkup_counts",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_walkup_counts_centre_id")),
        sa.ForeignKeyConstraint(
            ["centre_id", "device_id"],
            ["devices.centre_id", "devices.id"],
            name=op.f("fk_walkup_counts_centre_id_device_id"),
        ),
        sa.PrimaryKeyConstraint("centre_id", "device_id", "day", name=op.f("pk_walkup_counts")),
    )


def downgrade() -> None:
    op.drop_table("walkup_counts")
