"""Sessions: a cookie with 256 random bits; the database stores their hash.

A session ends 30 minutes after its last use, and at the latest 12 hours after its start.
"""

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, not_, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service.access import roles
from feedback_service.access.audit_log import Actor
from feedback_service.bearer_secrets import hash_secret, new_secret
from feedback_service.errors import N_, NotRecognised
from feedback_service.models import User, UserScope, UserSession

IDLE_LIMIT, LIFETIME_LIMIT = timedelta(minutes=30), timedelta(hours=12)
MAX_LISTED_SESSIONS = 100  # of a user
LAST_USE_PRECISION = timedelta(minutes=1)  # how exactly the time of the last use is stored

CODE_STAGE, SET_UP_STAGE, FULL_STAGE = "code", "set_up", "full"  # stages of a sign-in
SESSION_OVER = N_("Your session is over. Please sign in again.")


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """A user with a session; ``scopes`` say what the role reaches, ``stage`` how far the sign-in has come."""

    session_id: uuid.UUID
    user_id: uuid.UUID
    email: str
    role: str
    scopes: tuple[str, ...]
    stage: str
    began_at: datetime
    seen_at: datetime
    noted_pages: frozenset[str]
    failed_before: int = 0  # failed attempts between the sign-in before and this one

    @property
    def is_signed_in(self) -> bool:
        """Whether the sign-in is complete."""
        return self.stage == FULL_STAGE

    @property
    def actor(self) -> Actor:
        """The user as the audit log names them."""
        return Actor(self.user_id, self.email)

    def has_right(self, right: str) -> bool:
        """Whether the user's role has the right."""
        return roles.has_right(self.role, right)


def start_session(tx: Session, user: User, stage: str, now: datetime, *, failed_before: int = 0) -> str:
    """Start a session and return the value of its cookie, which is not stored."""
    token = new_secret()
    tx.add(
        UserSession(
            id=uuid7(),
            token_hash=hash_secret(token),
            user_id=user.id,
            stage=stage,
            began_at=now,
            seen_at=now,
            noted=[],
            failed_before=failed_before,
        )
    )
    tx.flush()
    return token


def find_current_user(tx: Session, token: str, now: datetime) -> CurrentUser | None:
    """Find the user of a session, if the session has not ended and the user is not disabled."""
    query = (
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_hash == hash_secret(token), *_is_active(now), User.disabled_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    session, user = row
    return CurrentUser(
        session_id=session.id,
        user_id=user.id,
        email=user.email,
        role=user.role,
        scopes=tuple(tx.scalars(select(UserScope.scope).where(UserScope.user_id == user.id))),
        stage=session.stage,
        began_at=session.began_at,
        seen_at=session.seen_at,
        noted_pages=frozenset(session.noted),
        failed_before=session.failed_before,
    )


def lock_session(tx: Session, current_user: CurrentUser) -> UserSession:
    """Lock the user's session until the transaction ends; raise ``NotRecognised`` if it was ended meanwhile."""
    session = tx.get(UserSession, current_user.session_id, with_for_update=True)
    if session is None:
        raise NotRecognised(SESSION_OVER)
    return session


def list_user_sessions(tx: Session, user_id: uuid.UUID, now: datetime) -> Sequence[UserSession]:
    """List the user's sessions that have not ended, the one used last first."""
    query = select(UserSession).where(UserSession.user_id == user_id, UserSession.stage == FULL_STAGE, *_is_active(now))
    return tx.scalars(query.order_by(UserSession.seen_at.desc(), UserSession.id).limit(MAX_LISTED_SESSIONS)).all()


def end_sessions(tx: Session, user_id: uuid.UUID, *session_ids: uuid.UUID) -> int:
    """End these sessions of the user, or all if none are named; return how many were ended."""
    statement = delete(UserSession).where(UserSession.user_id == user_id)
    if session_ids:
        statement = statement.where(UserSession.id.in_(session_ids))
    return len(tx.scalars(statement.returning(UserSession.id)).all())


def purge_sessions(tx: Session, now: datetime, limit: int) -> int:
    """Delete sessions that have ended, at most ``limit``, and return how many."""
    ended = select(UserSession.id).where(not_(and_(*_is_active(now)))).limit(limit)
    statement = delete(UserSession).where(UserSession.id.in_(ended))
    return len(tx.scalars(statement.returning(UserSession.id)).all())


def derive_form_token(token: str) -> str:
    """Derive the token that every form of this session carries, against cross-site request forgery."""
    return hmac.new(token.encode(), b"vidhuk/form", hashlib.sha256).hexdigest()


def is_form_token(token: str, sent: str) -> bool:
    """Whether ``sent`` is the form token of the session."""
    return hmac.compare_digest(derive_form_token(token).encode(), sent.encode("utf-8", "replace"))


def _is_active(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (UserSession.seen_at >= now - IDLE_LIMIT, UserSession.began_at >= now - LIFETIME_LIMIT)
