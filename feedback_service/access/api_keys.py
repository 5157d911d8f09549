"""Keys of integrators: 256 random bits, shown once, kept as SHA-256 (nothing weaker needs a slower hash)."""

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
    """Who came with a key: which key, what it may do, and the codes of the centres it may do it for."""

    key_id: uuid.UUID
    scopes: frozenset[str]
    centres: frozenset[str]
    last_used_on: date | None = None


@dataclass(frozen=True, slots=True)
class ApiKeySummary:
    """A key as lists show it; ``centres`` are codes."""

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
    """A new key for these centres, to be shown once; ``ValueError`` for an unknown scope, or for none at all."""
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
    """Nobody comes in with this key any more; ``False`` if nobody did before either."""
    statement = update(ApiKey).where(ApiKey.key_hash == hash_secret(secret), ApiKey.revoked_at.is_(None))
    return tx.scalar(statement.values(revoked_at=clock.now()).returning(ApiKey.id)) is not None


def find_caller(tx: Session, secret: str) -> ApiCaller | None:
    """The holder of a key that was given out and not revoked, or ``None``."""
    if not _KEY_PATTERN.fullmatch(secret):
        return None
    query = (
        select(ApiKey.id, ApiKey.scopes, ApiKey.last_used_on, Centre.code)
        .join(ApiKeyCentre, ApiKeyCentre.api_key_id == ApiKey.id)
        .join(Centre, Centre.id == ApiKeyCentre.centre_id)
        .where(ApiKey.key_hash == hash_secret(secret), ApiKey.revoked_at.is_(None))
    )
    rows = tx.execute(query).all()
    if not rows:
        return None
    key_id, scopes, used_on, _ = rows[0]
    return ApiCaller(key_id, frozenset(scopes.split()), frozenset(row.code for row in rows), used_on)


def list_centre_codes(tx: Session, key_id: uuid.UUID) -> list[str]:
    """The codes of the centres that a key is for."""
    query = select(Centre.code).join(ApiKeyCentre, ApiKeyCentre.centre_id == Centre.id)
    return list(tx.scalars(query.where(ApiKeyCentre.api_key_id == key_id)))


def list_api_keys(tx: Session) -> list[ApiKeySummary]:
    """All keys, the newest first."""
    codes_by_key: dict[uuid.UUID, list[str]] = {}
    key_centres = select(ApiKeyCentre.api_key_id, Centre.code).join(
        Centre, Centre.id == ApiKeyCentre.centre_id
    )
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
