"""The number of people who answered in each group, apart from their answers. Every past day is counted again."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM tallies WHERE subject = 'answers'")
    op.execute("DELETE FROM counted_days")
    _subjects(("answers", "people", "invitations"), before=("answers", "invitations"))


def downgrade() -> None:
    op.execute("DELETE FROM tallies WHERE subject = 'people'")
    _subjects(("answers", "invitations"), before=("answers", "people", "invitations"))


def _subjects(words: Iterable[str], before: Iterable[str]) -> None:
    name = op.f("ck_tallies_known_subject")
    # SQLite writes the table anew and does not say what its checks were.
    kept = {"sqlite_with_rowid": False}
    with op.batch_alter_table("tallies", copy_from=_tallies(before), table_kwargs=kept) as table:
        table.drop_constraint(name, type_="check")
        table.create_check_constraint(name, _one_of("subject", words))


def _tallies(subjects: Iterable[str]) -> sa.Table:
    return sa.Table(
        "tallies",
        sa.MetaData(),
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("span", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("headlines", sa.Text(), nullable=False, server_default=""),
        sa.CheckConstraint("span IN ('day', 'month')", name=op.f("ck_tallies_known_span")),
        sa.CheckConstraint(_one_of("subject", subjects), name=op.f("ck_tallies_known_subject")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_tallies_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "subject", "by", "span", "day", "key", name=op.f("pk_tallies")),
        sqlite_with_rowid=False,
    )


def _one_of(column: str, words: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"
