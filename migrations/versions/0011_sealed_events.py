"""Events are sealed, and what stays of them in clear tells no minute.

What an event tells is encrypted under EVENT_KEYS; without them, the way down fails at the first event that it cannot
open. Events of answers get random ids, because the old ones hold the millisecond of the answer; an id stays while
the event travels, because the receiver may know it. The table is copied in the order of its key, some rows at a time.

The way down cannot restore instants, ids, contents of withdrawn answers and unkeyed digests of blanked events.
"""

import hashlib
import hmac
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROWS_AT_ONCE = 500
NONCE_BYTES = 12
PADDED_TO = 1024  # bytes
RECORDED = "ua.vidhuk.response.recorded.v1"
OF_ANSWERS = (RECORDED, "ua.vidhuk.response.withdrawn.v1")
NOTHING_SAID = {"answers": [], "reasons": [], "breach": [], "comment_present": False}
IS_DUE, HAS_BODY = sa.text("due_at IS NOT NULL"), sa.text("body IS NOT NULL")
IS_OF_ANSWER = sa.text("response_hash IS NOT NULL")
INSTANT = sa.DateTime(timezone=True)

Row = Mapping[str, Any]


def upgrade() -> None:
    old = _set_old_table_aside("ix_events_state_centre_id_id", *_plain_columns())
    new = op.create_table("events", *_shared_columns(), *_sealed_columns(), *_constraints(), sqlite_with_rowid=False)
    keys = _Keys()
    for rows in _read_rows(old):
        withdrawn = _find_withdrawn(rows)
        op.bulk_insert(new, [_seal_row(row, keys, withdrawn) for row in rows])
    op.drop_table(old.name)
    _create_indexes("state", "centre_id", "created_at", "id")
    of_answer = {"sqlite_where": IS_OF_ANSWER, "postgresql_where": IS_OF_ANSWER}
    op.create_index("ix_events_response_hash", "events", ["response_hash"], **of_answer)
    op.add_column("queues", sa.Column("served", sa.BigInteger(), nullable=False, server_default="0"))
    # The centre that was served longest ago stays the next.
    op.execute(
        "UPDATE queues SET served ="
        " 1 + (SELECT count(*) FROM queues AS other WHERE other.claimed_at < queues.claimed_at)"
    )
    with op.batch_alter_table("queues") as queues:
        queues.alter_column("served", existing_type=sa.BigInteger(), existing_nullable=False, server_default=None)
        queues.drop_column("claimed_at")
    op.add_column("channels", sa.Column("tried_at", INSTANT, nullable=True))


def downgrade() -> None:
    op.execute("ALTER TABLE channels DROP COLUMN tried_at")
    op.add_column("queues", sa.Column("claimed_at", INSTANT, nullable=True))
    op.execute("UPDATE queues SET claimed_at = CURRENT_TIMESTAMP")
    with op.batch_alter_table("queues") as queues:
        queues.alter_column("claimed_at", existing_type=INSTANT, nullable=False)
        queues.drop_column("served")
    op.drop_index("ix_events_response_hash", table_name="events")
    old = _set_old_table_aside("ix_events_state_centre_id_created_at_id", *_sealed_columns())
    new = op.create_table("events", *_shared_columns(), *_plain_columns(), *_constraints())
    keys = _Keys()
    for rows in _read_rows(old):
        op.bulk_insert(new, [_open_row(row, keys) for row in rows])
    op.drop_table(old.name)
    _create_indexes("state", "centre_id", "id")


def _sealed_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("response_hash", sa.LargeBinary(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
    )


def _plain_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
    )


def _shared_columns() -> Iterator[sa.Column[Any]]:
    """Yield the columns that the table has before and after."""
    required: dict[str, sa.types.TypeEngine[Any]] = {
        **{"centre_id": sa.Uuid(), "id": sa.Uuid(), "type": sa.String(length=64), "created_at": INSTANT},
        **{"state": sa.String(length=32), "attempts": sa.Integer(), "setbacks": sa.Integer()},
    }
    optional: dict[str, sa.types.TypeEngine[Any]] = {
        **{"due_at": INSTANT, "claim": sa.Uuid(), "sequence": sa.BigInteger(), "digest": sa.LargeBinary()},
        **{"last_attempt_at": INSTANT, "delivered_at": INSTANT, "reason": sa.String(length=200)},
    }
    for columns, nullable in ((required, False), (optional, True)):
        for name, kind in columns.items():
            yield sa.Column(name, kind, nullable=nullable)


def _constraints() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name=op.f("ck_events_due_while_pending")),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'dead')", name=op.f("ck_events_known_state")),
        sa.ForeignKeyConstraint(["centre_id"], ["centres.id"], name=op.f("fk_events_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "id", name=op.f("pk_events")),
        sa.UniqueConstraint("centre_id", "sequence", name=op.f("uq_events_centre_id_sequence")),
    )


def _set_old_table_aside(index: str, *columns: sa.Column[Any]) -> sa.Table:
    """Rename the table so that the new one can have its name and those of its indexes."""
    for name in (index, "ix_events_centre_id_due_at_id", "ix_events_delivered_at"):
        op.drop_index(name, table_name="events")
    op.rename_table("events", "old_events")
    if op.get_bind().dialect.name == "postgresql":
        for name in ("pk_events", "uq_events_centre_id_sequence"):
            op.execute(f"ALTER TABLE old_events RENAME CONSTRAINT {name} TO old_{name}")
    return sa.Table("old_events", sa.MetaData(), *_shared_columns(), *columns)


def _create_indexes(*columns: str) -> None:
    is_due = {"sqlite_where": IS_DUE, "postgresql_where": IS_DUE}
    has_body = {"sqlite_where": HAS_BODY, "postgresql_where": HAS_BODY}
    op.create_index(f"ix_events_{'_'.join(columns)}", "events", [*columns])
    op.create_index("ix_events_centre_id_due_at_id", "events", ["centre_id", "due_at", "id"], **is_due)
    op.create_index("ix_events_delivered_at", "events", ["delivered_at"], **has_body)


def _read_rows(table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    """Yield all rows in the order of their key, some at a time."""
    key, last = (table.c.centre_id, table.c.id), None
    while True:
        query = sa.select(table).order_by(*key).limit(ROWS_AT_ONCE)
        if last is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*(sa.literal(part, sa.Uuid()) for part in last)))
        rows = [dict(row) for row in op.get_bind().execute(query).mappings()]
        if not rows:
            return
        yield rows
        last = (rows[-1]["centre_id"], rows[-1]["id"])


class _Keys:
    """What seals and opens events; the application's own code may change after this migration."""

    def __init__(self) -> None:
        secrets = current_app.config["SETTINGS"].event_keys
        self._ciphers = [AESGCM(_derive_key(secret, "events")) for secret in secrets]
        self._hash_key = _derive_key(secrets[0], "events/hash")

    def seal(self, text: str, event_id: uuid.UUID) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        document = text.encode()
        document += b" " * (-len(document) % PADDED_TO)  # else the length would tell what was said
        return nonce + self._ciphers[0].encrypt(nonce, document, event_id.bytes)

    def open(self, sealed: bytes, event_id: uuid.UUID) -> str:
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], event_id.bytes).decode().rstrip(" ")
            except InvalidTag:
                continue
        raise RuntimeError("an event cannot be opened: its key is not among FEEDBACK_EVENT_KEYS")

    def hash(self, content: bytes) -> bytes:
        return hmac.digest(self._hash_key, content, hashlib.sha256)


def _derive_key(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"vidhuk/{purpose}".encode()).derive(secret)


def _find_withdrawn(rows: list[dict[str, Any]]) -> set[uuid.UUID]:
    """Return which answers of these events were withdrawn."""
    response_ids = {response_id for row in rows if (response_id := _response_id(row))}
    responses = sa.table("responses", sa.column("id", sa.Uuid()), sa.column("withdrawn_on", sa.Date()))
    query = sa.select(responses.c.id).where(responses.c.id.in_(response_ids), responses.c.withdrawn_on.is_not(None))
    return set(op.get_bind().scalars(query)) if response_ids else set()


def _response_id(row: Row) -> uuid.UUID | None:
    if row["type"] != RECORDED:
        return None
    data = json.loads(row["body"])["data"] if row["body"] is not None else row["data"]
    return uuid.UUID(data["response_id"]) if data else None


def _seal_row(row: Row, keys: _Keys, withdrawn: set[uuid.UUID]) -> dict[str, Any]:
    is_delivered = row["state"] == "delivered"
    is_travelling = row["body"] is not None and not is_delivered
    event_id = uuid.uuid4() if row["type"] in OF_ANSWERS and not is_travelling else row["id"]
    response_id = _response_id(row)
    is_withdrawn = response_id in withdrawn
    content = body = None
    if row["body"] is not None:
        body = keys.seal(row["body"], event_id)
    elif row["data"] is not None and not is_delivered:
        data = row["data"] | (NOTHING_SAID if is_withdrawn else {})
        document = {"subject": row["subject"], "time": _in_utc(row["time"]).isoformat(), "data": data}
        content = keys.seal(json.dumps(document, ensure_ascii=False), event_id)
    if is_delivered and is_withdrawn:
        body = None
    is_blank = content is None and body is None
    return _shared_values(row) | {
        "id": event_id,
        "content": content,
        "body": body,
        "digest": keys.hash(row["digest"]) if row["digest"] else None,
        "response_hash": keys.hash(response_id.bytes) if response_id and not is_blank else None,
        "withdrawn": is_withdrawn,
        **{name: _truncate(row[name]) for name in ("created_at", "last_attempt_at", "delivered_at")},
    }


def _open_row(row: Row, keys: _Keys) -> dict[str, Any]:
    values = _shared_values(row) | {"subject": "", "time": row["created_at"], "data": None, "body": None}
    if row["content"] is not None:
        document = json.loads(keys.open(row["content"], row["id"]))
        values |= {"data": document["data"]}
    elif row["body"] is not None:
        body = keys.open(row["body"], row["id"])
        document = json.loads(body)
        values |= {"body": body, "digest": hashlib.sha256(body.encode()).digest()}
    else:
        return values
    time = datetime.fromisoformat(document["time"])
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    return values | {
        "subject": document["subject"],
        "time": time.astimezone(UTC).replace(tzinfo=None) if is_sqlite else time,
    }


def _shared_values(row: Row) -> dict[str, Any]:
    return {column.name: row[column.name] for column in _shared_columns()}


def _in_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _truncate(instant: datetime | None) -> datetime | None:
    return instant.replace(minute=0, second=0, microsecond=0) if instant is not None else None
