"""Delivery: due dates, bodies and attempts of events, a sequence of events for each centre, the receiver's channel."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channels",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_channels")),
    )
    op.create_table(
        "queues",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_queues_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", name=op.f("pk_queues")),
    )
    with op.batch_alter_table("events") as events:
        events.drop_index("ix_events_state_created_at")
        events.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        events.add_column(sa.Column("claim", sa.Uuid(), nullable=True))
        events.add_column(sa.Column("body", sa.Text(), nullable=True))
        events.add_column(sa.Column("digest", sa.LargeBinary(), nullable=True))
        events.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        events.add_column(sa.Column("setbacks", sa.Integer(), nullable=False, server_default="0"))
        events.add_column(sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True))
        events.add_column(sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
        events.add_column(sa.Column("reason", sa.String(length=200), nullable=True))
    op.execute("UPDATE events SET due_at = created_at WHERE state = 'pending'")
    # Whoever has been here before has given numbers already.
    op.execute(
        "INSERT INTO queues (centre_id, last_sequence, claimed_at)"
        " SELECT centre_id, max(sequence), max(created_at) FROM events"
        " WHERE sequence IS NOT NULL GROUP BY centre_id"
    )
    with op.batch_alter_table("events") as events:
        events.alter_column("data", existing_type=sa.JSON(), nullable=True)
        events.alter_column("attempts", existing_type=sa.Integer(), server_default=None)
        events.alter_column("setbacks", existing_type=sa.Integer(), server_default=None)
        events.create_check_constraint(
            op.f("ck_events_due_while_pending"), "(state = 'pending') = (due_at IS NOT NULL)"
        )
    has_body, is_due = sa.text("body IS NOT NULL"), sa.text("due_at IS NOT NULL")
    op.create_index("ix_events_state_centre_id_id", "events", ["state", "centre_id", "id"])
    op.create_index(
        "ix_events_centre_id_due_at_id",
        "events",
        ["centre_id", "due_at", "id"],
        sqlite_where=is_due,
        postgresql_where=is_due,
    )
    op.create_index(
        "ix_events_delivered_at", "events", ["delivered_at"], sqlite_where=has_body, postgresql_where=has_body
    )


def downgrade() -> None:
    # What a body told goes back to where it came from; what was blanked has nothing left to tell.
    told = "(body::json) -> 'data'" if op.get_bind().dialect.name == "postgresql" else "body -> '$.data'"
    op.execute(f"UPDATE events SET data = {told} WHERE data IS NULL AND body IS NOT NULL")
    op.execute("UPDATE events SET data = '{}' WHERE data IS NULL")
    op.drop_index("ix_events_delivered_at", table_name="events")
    op.drop_index("ix_events_centre_id_due_at_id", table_name="events")
    op.drop_index("ix_events_state_centre_id_id", table_name="events")
    with op.batch_alter_table("events") as events:
        events.drop_constraint(op.f("ck_events_due_while_pending"), type_="check")
        events.alter_column("data", existing_type=sa.JSON(), nullable=False)
        for column in ("due_at", "claim", "body", "digest", "attempts", "setbacks"):
            events.drop_column(column)
        for column in ("last_attempt_at", "delivered_at", "reason"):
            events.drop_column(column)
        events.create_index("ix_events_state_created_at", ["state", "created_at"])
    op.drop_table("queues")
    op.drop_table("channels")
