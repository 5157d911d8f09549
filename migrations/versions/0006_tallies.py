"""Counts of days and months for each service, window, …; explanations. Every past day is counted again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("day_counts")
    op.execute("DELETE FROM counted_days")
    op.create_table(
        "tallies",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("span", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.CheckConstraint("span IN ('day', 'month')", name=op.f("ck_tallies_known_span")),
        sa.CheckConstraint("subject IN ('answers', 'invitations')", name=op.f("ck_tallies_known_subject")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_tallies_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "subject", "by", "span", "day", "key", name=op.f("pk_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "explanations",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=254), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("topic IN ('sources')", name=op.f("ck_explanations_known_topic")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_explanations_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "topic", "first", "last", "version", name=op.f("pk_explanations")),
    )


def downgrade() -> None:
    op.drop_table("explanations")
    op.drop_table("tallies")
    op.execute("DELETE FROM counted_days")
    op.create_table(
        "day_counts",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("front_office", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("question", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id", "day"],
            ["counted_days.centre_id", "counted_days.day"],
            name=op.f("fk_day_counts_centre_id_day"),
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_day_counts_centre_id")),
        sa.PrimaryKeyConstraint(
            "centre_id", "day", "front_office", "source", "question", "value", name=op.f("pk_day_counts")
        ),
        sqlite_with_rowid=False,
    )
