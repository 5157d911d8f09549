"""API keys of case systems and portals.

A key is 256 random bits and is shown once. The database stores its SHA-256: a slower hash is needed only for secrets
that can be guessed.
"""

import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service import clock
from feedback_service.bearer_secrets import hash_secret, new_secret
from feedback_service.models import ApiKey, ApiKeyCentre, Centre
from feedback_service.vocabulary import SCOPES

_KEY_PATTERN = re.compile(r"vdk_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """The holder of an API key: what the key may do (``scopes``), and for which centres (their codes)."""

    key_id: uuid.UUID
    scopes: frozenset[str]
    centres: frozenset[str]
    last_used_on: date | None = None
    name: str = ""  # of the system that uses the key


@dataclass(frozen=True, slots=True)
class ApiKeySummary:
    """An API key as lists show it; ``centres`` are codes."""

    id: uuid.UUID
    name: str
    scopes: tuple[str, ...]
    centres: tuple[str, ...]
    created_at: datetime
    last_used_on: date | None
    revoked_at: datetime | None


def add_api_key(
    tx: Session,
    scopes: Collection[str],
    centres: Collection[Centre],
    *,
    name: str = "",
    key_id: uuid.UUID | None = None,
) -> str:
    """Make a key for these centres and return it, to be shown once.

    Raises ``ValueError`` for an unknown scope, or without any scope or centre.
    """
    if unknown_scopes := set(scopes) - set(SCOPES):
        raise ValueError(f"no such scope: {min(unknown_scopes)}; there are {', '.join(SCOPES)}")
    if not scopes or not centres:
        raise ValueError("a key needs at least one scope and one centre")
    secret = new_secret("vdk_")
    key = ApiKey(
        id=key_id or uuid7(),
        name=name,
        key_hash=hash_secret(secret),
        scopes=" ".join(scope for scope in SCOPES if scope in scopes),
        created_at=clock.now(),
    )
    tx.add(key)
    tx.flush()
    tx.add_all(ApiKeyCentre(centre_id=centre_id, api_key_id=key.id) for centre_id in {c.id for c in centres})
    return secret


def revoke_api_key(tx: Session, secret: str) -> bool:
    """Revoke a key and return ``True``; ``False`` if it is unknown or was revoked before."""
    statement = update(ApiKey).where(ApiKey.key_hash == hash_secret(secret), ApiKey.revoked_at.is_(None))
    return tx.scalar(statement.values(revoked_at=clock.now()).returning(ApiKey.id)) is not None


def find_caller(tx: Session, secret: str) -> ApiCaller | None:
    """Find whose key this is; ``None`` for a key that was never issued or is revoked."""
    if not _KEY_PATTERN.fullmatch(secret):
        return None
    query = (
        select(ApiKey.id, ApiKey.scopes, ApiKey.last_used_on, ApiKey.name, Centre.code)
        .join(ApiKeyCentre, ApiKeyCentre.api_key_id == ApiKey.id)
        .join(Centre, Centre.id == ApiKeyCentre.centre_id)
        .where(ApiKey.key_hash == hash_secret(secret), ApiKey.revoked_at.is_(None))
    )
    rows = tx.execute(query).all()
    if not rows:
        return None
    key_id, scopes, used_on, name, _ = rows[0]
    return ApiCaller(key_id, frozenset(scopes.split()), frozenset(row.code for row in rows), used_on, name)


def list_centre_codes(tx: Session, key_id: uuid.UUID) -> list[str]:
    """List the codes of the centres that a key is for."""
    query = select(Centre.code).join(ApiKeyCentre, ApiKeyCentre.centre_id == Centre.id)
    return list(tx.scalars(query.where(ApiKeyCentre.api_key_id == key_id)))


def list_api_keys(tx: Session) -> list[ApiKeySummary]:
    """List all keys, the newest first."""
    codes_by_key: dict[uuid.UUID, list[str]] = {}
    key_centres = select(ApiKeyCentre.api_key_id, Centre.code).join(Centre, Centre.id == ApiKeyCentre.centre_id)
    for key_id, code in tx.execute(key_centres.order_by(Centre.code)):
        codes_by_key.setdefault(key_id, []).append(code)
    query = select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id)
    return [
        ApiKeySummary(
            id=key.id,
            name=key.name,
            scopes=tuple(key.scopes.split()),
            centres=tuple(codes_by_key.get(key.id, ())),
            created_at=key.created_at,
            last_used_on=key.last_used_on,
            revoked_at=key.revoked_at,
        )
        for key in tx.scalars(query)
    ]
