"""Sessions: a cookie with 256 random bits, of which the database keeps the hash.

A session ends 30 minutes after it was last used and 12 hours after it began, whatever happens in between.
"""

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service.access import roles
from feedback_service.access.journal import Actor
from feedback_service.bearer_secrets import hash_secret, new_secret
from feedback_service.errors import N_, NotRecognised
from feedback_service.models import SignIn, User, UserScope

IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)  # how exactly the last use is kept

CODE, SET_UP, FULL = "code", "set_up", "full"  # stages
OVER = N_("Your session is over. Please sign in again.")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a session: who, in which role, reaching what, and how far through the door."""

    session_id: uuid.UUID
    user_id: uuid.UUID
    email: str
    role: str
    scopes: tuple[str, ...]
    stage: str
    began_at: datetime
    seen_at: datetime
    noted: frozenset[str]

    @property
    def is_in(self) -> bool:
        """Whether nothing more is asked of them."""
        return self.stage == FULL

    @property
    def actor(self) -> Actor:
        """As the journal names them."""
        return Actor(self.user_id, self.email)

    def may(self, right: str) -> bool:
        """Whether their role has the right."""
        return roles.may(self.role, right)


def begin(tx: Session, user: User, stage: str, now: datetime) -> str:
    """A new session; the cookie's value, known to nobody else."""
    token = new_secret()
    tx.add(
        SignIn(
            id=uuid7(),
            token_hash=hash_secret(token),
            user_id=user.id,
            stage=stage,
            began_at=now,
            seen_at=now,
            noted=[],
        )
    )
    tx.flush()
    return token


def find(tx: Session, token: str, now: datetime) -> Visitor | None:
    """Whose session this is, if it lives and its user is not disabled."""
    query = (
        select(SignIn, User)
        .join(User, User.id == SignIn.user_id)
        .where(SignIn.token_hash == hash_secret(token), *_living(now), User.disabled_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    held, user = row
    return Visitor(
        session_id=held.id,
        user_id=user.id,
        email=user.email,
        role=user.role,
        scopes=tuple(tx.scalars(select(UserScope.scope).where(UserScope.user_id == user.id))),
        stage=held.stage,
        began_at=held.began_at,
        seen_at=held.seen_at,
        noted=frozenset(held.noted),
    )


def held(tx: Session, visitor: Visitor) -> SignIn:
    """The visitor's session, held until the transaction ends; ``NotRecognised`` if it was ended meanwhile."""
    held = tx.get(SignIn, visitor.session_id, with_for_update=True)
    if held is None:
        raise NotRecognised(OVER)
    return held


def of_user(tx: Session, user_id: uuid.UUID, now: datetime) -> Sequence[SignIn]:
    """The user's living sessions, the one used last first."""
    query = select(SignIn).where(SignIn.user_id == user_id, SignIn.stage == FULL, *_living(now))
    return tx.scalars(query.order_by(SignIn.seen_at.desc(), SignIn.id)).all()


def end(tx: Session, user_id: uuid.UUID, *which: uuid.UUID) -> int:
    """These sessions of the user are over, or all without any named; tells how many."""
    mine = delete(SignIn).where(SignIn.user_id == user_id)
    if which:
        mine = mine.where(SignIn.id.in_(which))
    return len(tx.scalars(mine.returning(SignIn.id)).all())


def purge(tx: Session, now: datetime) -> int:
    """Sessions that are over are gone; tells how many."""
    over = delete(SignIn).where(or_(SignIn.seen_at < now - IDLE, SignIn.began_at < now - ABSOLUTE))
    return len(tx.scalars(over.returning(SignIn.id)).all())


def form_token(token: str) -> str:
    """What a form of this session carries, so that nobody else can have made it."""
    return hmac.new(token.encode(), b"vidhuk/form", hashlib.sha256).hexdigest()


def is_form_token(token: str, sent: str) -> bool:
    """Whether a form carries its session's token."""
    return hmac.compare_digest(form_token(token).encode(), sent.encode("utf-8", "replace"))


def _living(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (SignIn.seen_at >= now - IDLE, SignIn.began_at >= now - ABSOLUTE)
