"""Alarms and e-mails about them; comments can be searched, read by day and set aside."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PORTION = 1000
MARKERS = re.compile(
    r"\[(?:телефон|e-mail|податковий номер|номер документа|номер картки|рахунок|номер авто|код|номер)\]"
)
POOR = frozenset([*map(str, range(7)), "acceptable", "awful", "bad"])  # in the questionnaires of that day
STANDS = sa.text("over_on IS NULL")
KINDS = "kind IN ('bad_answers', 'breach')"


def upgrade() -> None:
    op.drop_index("ix_responses_centre_id_answered_on", table_name="responses")
    op.create_index(
        "ix_responses_of_day",
        "responses",
        ["centre_id", "answered_on", "front_office", "source", "service_id", "withdrawn_on"],
    )
    _replace_comments(new=True)
    op.create_table(
        "concerns",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(KINDS, name=op.f("ck_concerns_known_kind")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_concerns_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_concerns")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alarms",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=36), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("noticed", sa.Date(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("over_on", sa.Date(), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=254), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.CheckConstraint(KINDS, name=op.f("ck_alarms_known_kind")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_alarms_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_alarms")),
    )
    op.create_index(
        "uq_alarms_standing",
        "alarms",
        ["centre_id", "kind", "subject"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
    op.create_table(
        "gatherings",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(KINDS, name=op.f("ck_gatherings_known_kind")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_gatherings_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "kind", name=op.f("pk_gatherings")),
    )
    op.create_table(
        "letters",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_letters_centre_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_letters_user_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_letters")),
    )
    op.create_index("ix_letters_due_at", "letters", ["due_at"])
    op.create_index("ix_letters_user_id", "letters", ["user_id"])
    op.create_table(
        "mail_wishes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("alarms", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mail_wishes_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_mail_wishes")),
    )


def downgrade() -> None:
    for table in ("mail_wishes", "letters", "gatherings", "alarms", "concerns"):
        op.drop_table(table)
    _replace_comments(new=False)
    op.drop_index("ix_responses_of_day", table_name="responses")
    op.create_index("ix_responses_centre_id_answered_on", "responses", ["centre_id", "answered_on"])


def _replace_comments(*, new: bool) -> None:
    """A table with another key takes the place of ``comments`` and has the same texts."""
    op.rename_table("comments", "comments_before")
    if op.get_bind().dialect.name == "postgresql":  # where names of constraints are the whole schema's
        names = ["pk_comments", "fk_comments_centre_id", "fk_comments_centre_id_response_id"]
        for name in names if new else [*names, "uq_comments_response_id_centre_id"]:
            op.execute(f"ALTER TABLE comments_before RENAME CONSTRAINT {name} TO {name}_before")
    day = (sa.Column("answered_on", sa.Date(), nullable=False),)
    beside = (
        sa.Column("set_aside", sa.Boolean(), nullable=False),
        sa.Column("front_office", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.String(length=32), nullable=False),
        sa.Column("poor", sa.Boolean(), nullable=False),
        sa.Column("breach", sa.Boolean(), nullable=False),
        sa.Column("reasons", sa.String(length=500), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
    )
    once = (sa.UniqueConstraint("response_id", "centre_id", name=op.f("uq_comments_response_id_centre_id")),)
    key = ("centre_id", "answered_on", "response_id") if new else ("centre_id", "response_id")
    op.create_table(
        "comments",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        *(day if new else ()),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        *(beside if new else ()),
        sa.Column("text", sa.Text(), nullable=False),
        *(once if new else ()),
        sa.ForeignKeyConstraint(
            ["centre_id", "response_id"],
            ["responses.centre_id", "responses.id"],
            name=op.f("fk_comments_centre_id_response_id"),
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_comments_centre_id")),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_comments")),
        sqlite_with_rowid=False,
    )
    if new:
        _copy_with_facts()
    else:
        names = "centre_id, response_id, text"
        op.execute(f"INSERT INTO comments ({names}) SELECT {names} FROM comments_before")
    op.drop_table("comments_before")


def _copy_with_facts() -> None:
    link = op.get_bind()
    facts = "centre_id, answered_on, response_id, front_office, source, service_id, language, text"
    rows = link.execute(
        sa.text(
            "SELECT c.centre_id, r.answered_on, c.response_id, r.front_office, r.source, r.service_id, r.language,"
            " c.text FROM comments_before c JOIN responses r ON r.centre_id = c.centre_id AND r.id = c.response_id"
        )
    )
    said = sa.text("SELECT question, value FROM answers WHERE centre_id = :centre_id AND response_id = :response_id")
    copy = sa.text(
        f"INSERT INTO comments ({facts}, set_aside, poor, breach, reasons, folded) VALUES"
        f" (:{facts.replace(', ', ', :')}, :set_aside, :poor, :breach, :reasons, :folded)"
    )
    for portion in rows.mappings().partitions(PORTION):
        copies = []
        for row in portion:
            answers = [(question, value) for question, value in link.execute(said, dict(row))]
            reasons = [value for question, value in answers if question == "any.reasons"]
            copies.append(
                dict(row)
                | {
                    "set_aside": False,
                    "poor": any(value in POOR for question, value in answers if question[:4] != "any."),
                    "breach": any(q == "any.breach" and value != "none" for q, value in answers),
                    "reasons": "".join(f" {reason} " for reason in reasons),
                    "folded": _folded(row["text"]),
                }
            )
        link.execute(copy, copies)


def _folded(text: str) -> str:
    """What the service's own folding made of a text on the day of this migration."""
    plain = unicodedata.normalize("NFKC", MARKERS.sub(" ", text)).casefold()
    plain = re.sub("[\u0300\u0301\u00ad\u200b-\u200d\u2060\ufeff]", "", plain)
    plain = re.sub("(?<=\\w)['’ʼ‘`´′＇\"“”]+(?=\\w)", "", plain).replace("ґ", "г")
    words = re.sub(r"[\W_]+", " ", plain)
    return f" {words.strip()} "
