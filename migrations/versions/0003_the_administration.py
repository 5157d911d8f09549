"""Administration: users, sessions, the audit log; profiles of centres, names of API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("second_factor", sa.LargeBinary(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("link_hash", sa.LargeBinary(), nullable=True),
        sa.Column("link_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "role IN ('administrator', 'head', 'council', 'provider', 'oblast', 'central_body', 'ministry', 'operator')",
            name=op.f("ck_users_known_role"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_users_link_hash")),
    )
    op.create_table(
        "user_scopes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_scopes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "scope", name=op.f("pk_user_scopes")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered", sa.LargeBinary(), nullable=True),
        sa.Column("noted", sa.JSON(), nullable=False),
        sa.CheckConstraint("stage IN ('code', 'set_up', 'full')", name=op.f("ck_sign_ins_known_stage")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    op.create_index("ix_sign_ins_user_id", "sign_ins", ["user_id"])
    op.create_table(
        "attempts",
        sa.Column("name_hash", sa.LargeBinary(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name_hash", name=op.f("pk_attempts")),
    )
    op.create_table(
        "journal",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("object", sa.String(length=300), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_journal")),
    )
    op.create_table(
        "journal_heads",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_journal_heads")),
    )
    # Defaults stay where old rows need them: to take one away, SQLite would have to make the table anew.
    op.add_column("api_keys", sa.Column("name", sa.String(length=100), nullable=False, server_default=""))
    op.add_column("api_keys", sa.Column("last_used_on", sa.Date(), nullable=True))
    op.add_column("centres", sa.Column("notice", sa.Text(), nullable=True))
    op.add_column("centres", sa.Column("opening", sa.JSON(), nullable=True))
    op.add_column("centres", sa.Column("windows", sa.JSON(), nullable=True))
    op.add_column("centres", sa.Column("languages", sa.JSON(), nullable=True))
    op.add_column("centres", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.create_index("ix_responses_provider_edrpou_centre_id", "responses", ["provider_edrpou", "centre_id"])


def downgrade() -> None:
    op.drop_index("ix_responses_provider_edrpou_centre_id", table_name="responses")
    for table, column in (
        *(("centres", name) for name in ("notice", "opening", "windows", "languages", "version")),
        *(("api_keys", name) for name in ("name", "last_used_on")),
    ):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for table in ("journal_heads", "journal", "attempts", "sign_ins", "user_scopes", "users"):
        op.drop_table(table)
