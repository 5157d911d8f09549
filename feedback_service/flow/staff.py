"""People are let into the administration, and kept out of it: by whoever manages users, or at the command line.

``by`` is who does it, ``None`` at the command line, where everything is allowed. Others see who reaches one of
their centres, and change only whom they could have added themselves.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import journal, passwords, roles, sessions, users
from feedback_service.access.journal import COMMAND_LINE
from feedback_service.access.sessions import Visitor
from feedback_service.access.users import UserCard
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, ChangedMeanwhile, Conflict, FieldError, Invalid, NotAllowed, NotFound
from feedback_service.models import User

NOT_YOURS_TO_GIVE = N_("You cannot give this role.")
IS_YOU = N_("This is your own account. Ask somebody else to do that.")
NOT_YOURS = N_("You can see this user, but somebody with more rights has to change it.")


@dataclass(frozen=True, slots=True)
class Added:
    """A new user, and the secret of the link by which they choose a password."""

    id: uuid.UUID
    link: str


@dataclass(frozen=True, slots=True)
class Known:
    """A user as somebody may see them: whether they may be changed, and whether it is oneself."""

    card: UserCard
    may_change: bool
    is_you: bool


@transaction
def add_user(tx: Session, by: Visitor | None, email: str, role: str, scopes: Iterable[str]) -> Added:
    """A new user, who is let in once they have chosen a password by the link.

    Raises ``Invalid`` naming every field at fault, ``Conflict`` when the e-mail is taken.
    """
    return _add(tx, by, email, role, scopes)


def add_user_with_password(email: str, role: str, scopes: Sequence[str], password: str) -> None:
    """The same at the command line, with a password at once."""
    if why := passwords.complaint(password, email):
        raise Invalid.field("/password", why, least=passwords.LEAST, most=passwords.MOST)
    _add_with_hash(email, role, scopes, passwords.hashed(password))


@transaction
def _add_with_hash(tx: Session, email: str, role: str, scopes: Sequence[str], password_hash: str) -> None:
    user = tx.get_one(User, _add(tx, None, email, role, scopes).id)
    user.password_hash, user.link_hash, user.link_until = password_hash, None, None


def _add(tx: Session, by: Visitor | None, email: str, role: str, scopes: Iterable[str]) -> Added:
    now, given = clock.now(), list(scopes)
    _still_here(tx, by)
    _refuse_grant(by, role, given)
    user = users.add(tx, email, role, given, now)
    _note(tx, by, user, "user_added", now)
    return Added(user.id, users.new_link(user, now))


@reading
def known_users(tx: Session, by: Visitor | None) -> list[Known]:
    """Every user that ``by`` may see, by e-mail."""
    return [_known(by, card) for card in users.cards(tx) if _sees(by, card)]


@reading
def known_user(tx: Session, by: Visitor | None, user_id: uuid.UUID) -> Known:
    """One of them; ``NotFound`` for anybody else."""
    user = tx.get(User, user_id)
    card = users.card(user, users.scopes_of(tx, user)) if user else None
    if card is None or not _sees(by, card):
        raise NotFound()
    return _known(by, card)


@reading
def named(tx: Session, email: str) -> uuid.UUID:
    """The user with this e-mail; ``NotFound`` if there is none."""
    user = users.by_email(tx, email)
    if user is None:
        raise NotFound("There is no user with this e-mail.")
    return user.id


@transaction
def change_user(
    tx: Session, by: Visitor | None, user_id: uuid.UUID, version: int, role: str, scopes: Sequence[str]
) -> None:
    """The user has this role and reaches this; their sessions are over.

    Raises ``ChangedMeanwhile`` if somebody else changed them after ``version``, ``Invalid`` as when adding.
    """
    user = _to_change(tx, by, user_id)
    if user.version != version:
        raise ChangedMeanwhile()
    _refuse_grant(by, role, scopes)
    errors = list[FieldError]()
    kept = users.normal_scopes(tx, role, scopes, errors)
    if errors:
        raise Invalid(errors)
    if (user.role, users.scopes_of(tx, user)) == (role, tuple(kept)):
        return
    now = clock.now()
    before = users.chains(tx, user.role, users.scopes_of(tx, user))
    user.role, user.version = role, user.version + 1
    user.link_hash = user.link_until = None  # whoever made it might reach less than the user does now
    users.put_scopes(tx, user, kept)
    sessions.end(tx, user.id)
    _note(tx, by, user, "user_changed", now, also=before)


@transaction
def renew_link(tx: Session, by: Visitor | None, user_id: uuid.UUID) -> str:
    """The secret of a new link by which the user chooses a password; the present password works until then."""
    user, now = _to_change(tx, by, user_id), clock.now()
    if user.disabled_at is not None:
        raise Conflict(N_("The user is disabled."))
    _note(tx, by, user, "link_made", now)
    return users.new_link(user, now)


@transaction
def disable_user(tx: Session, by: Visitor | None, user_id: uuid.UUID) -> None:
    """The user is let in no more, and whatever they have open is closed."""
    user, now = _to_change(tx, by, user_id), clock.now()
    if user.disabled_at is None:
        user.disabled_at, user.link_hash, user.link_until = now, None, None
        user.version += 1
        sessions.end(tx, user.id)
        _note(tx, by, user, "user_disabled", now)


@transaction
def enable_user(tx: Session, by: Visitor | None, user_id: uuid.UUID) -> None:
    """The user is let in again, with the password they had."""
    user, now = _to_change(tx, by, user_id), clock.now()
    if user.disabled_at is not None:
        user.disabled_at, user.version = None, user.version + 1
        _note(tx, by, user, "user_enabled", now)


@transaction
def reset_second_factor(tx: Session, by: Visitor | None, user_id: uuid.UUID) -> None:
    """The user sets a second factor up anew after the next sign-in."""
    user, now = _to_change(tx, by, user_id), clock.now()
    user.second_factor, user.last_step, user.version = None, None, user.version + 1
    sessions.end(tx, user.id)
    _note(tx, by, user, "second_factor_reset", now)


def _still_here(tx: Session, by: Visitor | None) -> None:
    """Nobody acts who was let out, or given another role, since their request began."""
    if by is not None:
        sessions.held(tx, by)


def _refuse_grant(by: Visitor | None, role: str, scopes: Iterable[str]) -> None:
    """Nobody gives more than they may: not another role, not another's centre."""
    if by is None:
        return
    if role not in roles.GRANTS.get(by.role, ()):
        raise Invalid.field("/role", NOT_YOURS_TO_GIVE)
    if by.role in roles.OF_CENTRES:
        foreign = [scope.strip() for scope in scopes if scope.strip().upper() not in (*by.scopes, "")]
        if foreign:
            raise Invalid.field("/scope", users.NO_SUCH_CENTRE, scope=foreign[0][:40])


def _sees(by: Visitor | None, card: UserCard) -> bool:
    if by is None or by.role not in roles.OF_CENTRES:
        return True
    return card.role in roles.OF_CENTRES and not set(card.scopes).isdisjoint(by.scopes)


def _known(by: Visitor | None, card: UserCard) -> Known:
    is_you = by is not None and by.user_id == card.id
    return Known(card, _may_change(by, card.role, card.scopes) and not is_you, is_you)


def _may_change(by: Visitor | None, role: str, scopes: Collection[str]) -> bool:
    if by is None:
        return True
    within = by.role not in roles.OF_CENTRES or set(scopes) <= set(by.scopes)
    return role in roles.GRANTS.get(by.role, ()) and within


def _to_change(tx: Session, by: Visitor | None, user_id: uuid.UUID) -> User:
    _still_here(tx, by)
    user = tx.get(User, user_id, with_for_update=True)
    card = users.card(user, users.scopes_of(tx, user)) if user else None
    if user is None or card is None or not _sees(by, card):
        raise NotFound()
    if by is not None and by.user_id == user.id:
        raise Conflict(IS_YOU)
    if not _may_change(by, card.role, card.scopes):
        raise NotAllowed(NOT_YOURS)
    return user


def _note(
    tx: Session,
    by: Visitor | None,
    user: User,
    action: str,
    now: datetime,
    also: Collection[uuid.UUID] = (),
) -> None:
    chains = {*users.chains(tx, user.role, users.scopes_of(tx, user)), *also}
    journal.note(tx, chains, by.actor if by else COMMAND_LINE, action, f"{user.email} {user.role}", now)
