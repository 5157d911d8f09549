"""Tablets: devices, pairing, refused answers, signals of hasty answers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("workplace", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pairing_hash", sa.LargeBinary(), nullable=True),
        sa.Column("pairing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("key_hash", sa.LargeBinary(), nullable=True),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.Column("waiting", sa.Integer(), nullable=True),
        sa.Column("oldest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("persisted", sa.Boolean(), nullable=True),
        sa.Column("battery", sa.Integer(), nullable=True),
        sa.Column("skew", sa.BigInteger(), nullable=False),
        sa.Column("guessing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.CheckConstraint("mode IN ('desk', 'hall')", name=op.f("ck_devices_known_mode")),
        sa.CheckConstraint("(pairing_hash IS NULL) = (pairing_until IS NULL)", name=op.f("ck_devices_pairing_ends")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_devices_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_devices")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_devices_key_hash")),
        sa.UniqueConstraint("pairing_hash", name=op.f("uq_devices_pairing_hash")),
    )
    op.create_table(
        "pairing_requests",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_pairing_requests")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_pairing_requests_code_hash")),
    )
    op.create_index("ix_pairing_requests_until", "pairing_requests", ["until"])
    op.create_table(
        "refused_items",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("client_hash", sa.LargeBinary(), nullable=False),
        sa.Column("came_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_refused_items_centre_id")),
        sa.ForeignKeyConstraint(
            ["centre_id", "device_id"],
            ["devices.centre_id", "devices.id"],
            name=op.f("fk_refused_items_centre_id_device_id"),
        ),
        sa.PrimaryKeyConstraint("centre_id", "device_id", "client_hash", name=op.f("pk_refused_items")),
    )
    op.create_table(
        "signals",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "reason IN ('hurried', 'burst', 'alike', 'after_hours')", name=op.f("ck_signals_known_reason")
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_signals_centre_id")),
        sa.ForeignKeyConstraint(
            ["centre_id", "response_id"],
            ["responses.centre_id", "responses.id"],
            name=op.f("fk_signals_centre_id_response_id"),
        ),
        sa.PrimaryKeyConstraint("centre_id", "response_id", "reason", name=op.f("pk_signals")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("signals")
    op.drop_table("refused_items")
    op.drop_table("pairing_requests")
    op.drop_table("devices")
