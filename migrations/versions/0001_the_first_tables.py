"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_table(
        "centres",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("prefix", sa.String(length=4), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("edrpou", sa.String(length=8), nullable=False),
        sa.Column("katottg", sa.String(length=19), nullable=False),
        sa.Column("controller", sa.String(length=500), nullable=True),
        sa.Column("contact", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centres")),
        sa.UniqueConstraint("code", name=op.f("uq_centres_code")),
        sa.UniqueConstraint("prefix", name=op.f("uq_centres_prefix")),
    )
    op.create_table(
        "documents",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('questionnaire', 'methodology')", name=op.f("ck_documents_known_kind")),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_documents")),
    )
    op.create_table(
        "api_key_centres",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_api_key_centres_api_key_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_api_key_centres_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "api_key_id", name=op.f("pk_api_key_centres")),
    )
    op.create_table(
        "code_guesses",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("window_began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_code_guesses_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", name=op.f("pk_code_guesses")),
    )
    op.create_table(
        "counted_days",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_counted_days_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "day", name=op.f("pk_counted_days")),
    )
    op.create_table(
        "events",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'dead')", name=op.f("ck_events_known_state")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_events_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_events")),
        sa.UniqueConstraint("centre_id", "sequence", name=op.f("uq_events_centre_id_sequence")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_state_created_at"), ["state", "created_at"], unique=False)

    op.create_table(
        "services",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("local_code", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_services_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_services")),
        sa.UniqueConstraint("centre_id", "code", "local_code", name=op.f("uq_services_centre_id_code_local_code")),
    )
    op.create_table(
        "cases",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number_hash", sa.LargeBinary(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("provider_edrpou", sa.String(length=8), nullable=True),
        sa.Column("front_office", sa.String(length=32), nullable=False),
        sa.Column("workplace", sa.String(length=64), nullable=True),
        sa.Column("workplace_kind", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("repository_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("front_office IN ('offline', 'online')", name=op.f("ck_cases_known_front_office")),
        sa.CheckConstraint(
            "status IN ('registered', 'in_progress', 'returned', 'completed', 'refused', 'cancelled')",
            name=op.f("ck_cases_known_status"),
        ),
        sa.CheckConstraint(
            "workplace_kind IN ('centre', 'territorial_unit', 'remote', 'mobile')",
            name=op.f("ck_cases_known_workplace_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["centre_id", "service_id"],
            ["services.centre_id", "services.id"],
            name=op.f("fk_cases_centre_id_service_id"),
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_cases_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number_hash", "centre_id", name=op.f("uq_cases_number_hash_centre_id")),
    )
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
    op.create_table(
        "responses",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("questionnaire", sa.String(length=64), nullable=False),
        sa.Column("front_office", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("provider_edrpou", sa.String(length=8), nullable=True),
        sa.Column("workplace", sa.String(length=64), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("part_of_day", sa.String(length=32), nullable=True),
        sa.Column("language", sa.String(length=32), nullable=False),
        sa.Column("receipt_hash", sa.LargeBinary(), nullable=True),
        sa.Column("client_hash", sa.LargeBinary(), nullable=True),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.CheckConstraint("front_office IN ('offline', 'online')", name=op.f("ck_responses_known_front_office")),
        sa.CheckConstraint(
            "part_of_day IN ('morning', 'midday', 'afternoon', 'evening')",
            name=op.f("ck_responses_known_part_of_day"),
        ),
        sa.CheckConstraint(
            "source IN ('qr_case', 'tablet_hall', 'tablet_walkup', 'qr_hall', 'sms_viber', 'phone_interview', 'paper_box', 'diia_centers_map')",
            name=op.f("ck_responses_known_source"),
        ),
        sa.ForeignKeyConstraint(
            ["centre_id", "service_id"],
            ["services.centre_id", "services.id"],
            name=op.f("fk_responses_centre_id_service_id"),
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_responses_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_responses")),
        sa.UniqueConstraint("client_hash", "centre_id", name=op.f("uq_responses_client_hash_centre_id")),
        sa.UniqueConstraint("receipt_hash", name=op.f("uq_responses_receipt_hash")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("responses", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_responses_centre_id_answered_on"), ["centre_id", "answered_on"], unique=False
        )

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
    op.create_table(
        "case_statuses",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "status IN ('registered', 'in_progress', 'returned', 'completed', 'refused', 'cancelled')",
            name=op.f("ck_case_statuses_known_status"),
        ),
        sa.ForeignKeyConstraint(
            ["centre_id", "case_id"],
            ["cases.centre_id", "cases.id"],
            name=op.f("fk_case_statuses_centre_id_case_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_case_statuses_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "case_id", "at", "status", name=op.f("pk_case_statuses")),
    )
    op.create_table(
        "comments",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id", "response_id"],
            ["responses.centre_id", "responses.id"],
            name=op.f("fk_comments_centre_id_response_id"),
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_comments_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "response_id", name=op.f("pk_comments")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "invitations",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("short_code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("questionnaire", sa.String(length=64), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("client_hash", sa.LargeBinary(), nullable=True),
        sa.Column("left_begun", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(answered_on IS NULL) = (client_hash IS NULL)", name=op.f("ck_invitations_answered_by_somebody")
        ),
        sa.CheckConstraint("started OR answered_on IS NULL", name=op.f("ck_invitations_started_before_answered")),
        sa.ForeignKeyConstraint(
            ["centre_id", "case_id"],
            ["cases.centre_id", "cases.id"],
            name=op.f("fk_invitations_centre_id_case_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_invitations_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("case_id", "centre_id", name=op.f("uq_invitations_case_id_centre_id")),
        sa.UniqueConstraint("short_code_hash", "centre_id", name=op.f("uq_invitations_short_code_hash_centre_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_invitations_centre_id_issued_on"), ["centre_id", "issued_on"], unique=False
        )

    op.create_table(
        "begun_answers",
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "source IN ('qr_case', 'tablet_hall', 'tablet_walkup', 'qr_hall', 'sms_viber', 'phone_interview', 'paper_box', 'diia_centers_map')",
            name=op.f("ck_begun_answers_known_source"),
        ),
        sa.ForeignKeyConstraint(
            ["centre_id", "invitation_id"],
            ["invitations.centre_id", "invitations.id"],
            name=op.f("fk_begun_answers_centre_id_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_begun_answers_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "invitation_id", name=op.f("pk_begun_answers")),
    )
    with op.batch_alter_table("begun_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_begun_answers_touched_at"), ["touched_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("begun_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_begun_answers_touched_at"))

    op.drop_table("begun_answers")
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invitations_centre_id_issued_on"))

    op.drop_table("invitations")
    op.drop_table("comments")
    op.drop_table("case_statuses")
    op.drop_table("answers")
    with op.batch_alter_table("responses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_responses_centre_id_answered_on"))

    op.drop_table("responses")
    op.drop_table("day_counts")
    op.drop_table("cases")
    op.drop_table("services")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_state_created_at"))

    op.drop_table("events")
    op.drop_table("counted_days")
    op.drop_table("code_guesses")
    op.drop_table("api_key_centres")
    op.drop_table("documents")
    op.drop_table("centres")
    op.drop_table("api_keys")
