"""A draft knows which of its answers other clients gave, and an answer in which several took part carries a signal."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

OLD_REASONS = ("hurried", "burst", "alike", "after_hours")
NEW_REASON = "continued_elsewhere"


def upgrade() -> None:
    op.add_column("begun_answers", sa.Column("owners", sa.JSON(), nullable=False, server_default="{}"))
    _reasons((*OLD_REASONS, NEW_REASON), before=OLD_REASONS)


def downgrade() -> None:
    op.execute(f"DELETE FROM signals WHERE reason = '{NEW_REASON}'")
    _reasons(OLD_REASONS, before=(*OLD_REASONS, NEW_REASON))
    op.drop_column("begun_answers", "owners")


def _reasons(words: Iterable[str], before: Iterable[str]) -> None:
    # SQLite writes the table anew and does not say what its checks were.
    kept = {"sqlite_with_rowid": False}
    name = op.f("ck_signals_known_reason")
    with op.batch_alter_table("signals", copy_from=_signals(before), table_kwargs=kept) as table:
        table.drop_constraint(name, type_="check")
        table.create_check_constraint(name, _one_of(words))


def _signals(reasons: Iterable[str]) -> sa.Table:
    return sa.Table(
        "signals",
        sa.MetaData(),
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.CheckConstraint(_one_of(reasons), name=op.f("ck_signals_known_reason")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_signals_centre_id")),
        sa.ForeignKeyConstraint(
            ["centre_id", "response_id"],
            ["responses.centre_id", "responses.id"],
            name=op.f("fk_signals_centre_id_response_id"),
        ),
        sa.PrimaryKeyConstraint("centre_id", "response_id", "reason", name=op.f("pk_signals")),
        sqlite_with_rowid=False,
    )


def _one_of(words: Iterable[str]) -> str:
    return f"reason IN ({', '.join(repr(word) for word in words)})"
