"""Answers stand in the row of their response, instead of one row for each value."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ITS = "answers.centre_id = responses.centre_id AND answers.response_id = responses.id"
# The order tells nothing: it is that of the words.
GATHERED = {
    dialect: f"SELECT {by_question} FROM (SELECT question, {values} AS chosen"
    f" FROM (SELECT question, value FROM answers WHERE {ITS} ORDER BY question, value) AS sorted"
    " GROUP BY question ORDER BY question) AS each"
    for dialect, by_question, values in (
        ("sqlite", "json_group_object(question, json(chosen))", "json_group_array(value)"),
        (
            "postgresql",
            "json_object_agg(question, chosen ORDER BY question)",
            "json_agg(value ORDER BY value)",
        ),
    )
}
SCATTERED = {
    "sqlite": "SELECT r.centre_id, r.id, chosen.key, one.value FROM responses AS r,"
    " json_each(r.answers) AS chosen, json_each(chosen.value) AS one",
    "postgresql": "SELECT r.centre_id, r.id, chosen.key, one.value FROM responses AS r,"
    " json_each(r.answers) AS chosen, json_array_elements_text(chosen.value) AS one",
}


def upgrade() -> None:
    op.add_column("responses", sa.Column("answers", sa.JSON(), nullable=False, server_default="{}"))
    gathered = GATHERED[op.get_bind().dialect.name]
    op.execute(f"UPDATE responses SET answers = ({gathered}) WHERE EXISTS (SELECT 1 FROM answers WHERE {ITS})")
    op.drop_table("answers")


def downgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id", "response_id"],
            ["responses.centre_id", "responses.id"],
            name=op.f("fk_answers_centre_id_response_id"),
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_answers_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "response_id", "question", "value", name=op.f("pk_answers")),
        sqlite_with_rowid=False,
    )
    scattered = SCATTERED[op.get_bind().dialect.name]
    op.execute(f"INSERT INTO answers (centre_id, response_id, question, value) {scattered}")
    op.execute("ALTER TABLE responses DROP COLUMN answers")
