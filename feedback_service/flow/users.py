"""User administration: users get access to the administration, and lose it.

``current_user`` is who does it; ``None`` stands for the command line, where everything is allowed. Everybody else sees
the users of their own centres, and changes only users that they could have added themselves.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, passwords, roles, sessions, users
from feedback_service.access.audit_log import COMMAND_LINE
from feedback_service.access.sessions import CurrentUser
from feedback_service.access.users import UserSummary
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, ChangedMeanwhile, Conflict, FieldError, Invalid, NotAllowed, NotFound
from feedback_service.flow.sign_in import refuse_weak_password
from feedback_service.models import User


@dataclass(frozen=True, slots=True)
class UserAdded:
    """A new user, the secret of the link with which they choose a password, and what is suspicious about the e-mail."""

    id: uuid.UUID
    link: str
    warning: FieldError | None


@dataclass(frozen=True, slots=True)
class VisibleUser:
    """A user as the current user sees them."""

    user: UserSummary
    may_change: bool
    is_you: bool


def add_user_with_password(email: str, role: str, scopes: Sequence[str], password: str) -> UserAdded:
    """Add a user with a password, at the command line; errors as in ``add_user``. The link does not work."""
    refuse_weak_password(password, email)
    return _add_user_with_hash(email, role, scopes, passwords.hash_password(password))


@transaction
def _add_user_with_hash(tx: Session, email: str, role: str, scopes: Sequence[str], password_hash: str) -> UserAdded:
    added = _create_user(tx, None, email, role, scopes)
    user = tx.get_one(User, added.id)
    user.password_hash, user.link_hash, user.link_until = password_hash, None, None
    return added


def _create_user(
    tx: Session, current_user: CurrentUser | None, email: str, role: str, scopes: Iterable[str]
) -> UserAdded:
    """Add a user, who can sign in after choosing a password with the link.

    Raises ``Invalid`` naming every field at fault, ``Conflict`` if the e-mail is taken.
    """
    now, scope_list = clock.now(), list(scopes)
    _require_live_session(tx, current_user)
    _refuse_grant(current_user, role, scope_list)
    user = users.add_user(tx, email, role, scope_list, now)
    _write_audit_entry(tx, current_user, user, "user_added", now)
    return UserAdded(user.id, users.issue_password_link(user, now), users.find_email_warning(tx, user))


add_user = transaction(_create_user)


@reading
def list_users(tx: Session, current_user: CurrentUser | None) -> list[VisibleUser]:
    """Return every user that the current user may see, ordered by e-mail."""
    return [_make_visible_user(current_user, each) for each in users.list_users(tx) if _can_see(current_user, each)]


@reading
def find_user(tx: Session, current_user: CurrentUser | None, user_id: uuid.UUID) -> VisibleUser:
    """Return one user; raise ``NotFound`` for a user that the current user may not see."""
    user = tx.get(User, user_id)
    summary = users.summarise_user(user, users.list_scopes(tx, user)) if user else None
    if summary is None or not _can_see(current_user, summary):
        raise NotFound()
    return _make_visible_user(current_user, summary)


@reading
def find_user_id(tx: Session, email: str) -> uuid.UUID:
    """Return the id of the user with this e-mail; raise ``NotFound`` if there is none."""
    user = users.find_by_email(tx, email)
    if user is None:
        raise NotFound("There is no user with this e-mail.")
    return user.id


@transaction
def change_user(
    tx: Session, current_user: CurrentUser | None, user_id: uuid.UUID, version: int, role: str, scopes: Sequence[str]
) -> None:
    """Give the user another role or other scopes, and end their sessions.

    Raises ``ChangedMeanwhile`` if somebody else changed the user after ``version``, ``Invalid`` as in ``add_user``.
    """
    user = _lock_user_to_change(tx, current_user, user_id)
    if user.version != version:
        raise ChangedMeanwhile()
    _refuse_grant(current_user, role, scopes)
    errors = list[FieldError]()
    new_scopes = users.normalise_scopes(tx, role, scopes, errors)
    if errors:
        raise Invalid(errors)
    if (user.role, users.list_scopes(tx, user)) == (role, tuple(new_scopes)):
        return
    now = clock.now()
    old_chains = users.find_audit_chains(tx, user.role, users.list_scopes(tx, user))
    user.role, user.version = role, user.version + 1
    user.link_hash = user.link_until = None  # its maker may have fewer rights than the user has now
    users.replace_scopes(tx, user, new_scopes)
    sessions.end_sessions(tx, user.id)
    _write_audit_entry(tx, current_user, user, "user_changed", now, more_chains=old_chains)


@transaction
def renew_password_link(tx: Session, current_user: CurrentUser | None, user_id: uuid.UUID) -> str:
    """Return the secret of a new password link; the present password works until the link is used."""
    user, now = _lock_user_to_change(tx, current_user, user_id), clock.now()
    if user.disabled_at is not None:
        raise Conflict(N_("The user is disabled."))
    _write_audit_entry(tx, current_user, user, "link_made", now)
    return users.issue_password_link(user, now)


@transaction
def disable_user(tx: Session, current_user: CurrentUser | None, user_id: uuid.UUID) -> None:
    """Disable the user and end their sessions."""
    user, now = _lock_user_to_change(tx, current_user, user_id), clock.now()
    if user.disabled_at is None:
        user.disabled_at, user.link_hash, user.link_until = now, None, None
        user.version += 1
        sessions.end_sessions(tx, user.id)
        _write_audit_entry(tx, current_user, user, "user_disabled", now)


@transaction
def enable_user(tx: Session, current_user: CurrentUser | None, user_id: uuid.UUID) -> None:
    """Enable the user again, with the password they had."""
    user, now = _lock_user_to_change(tx, current_user, user_id), clock.now()
    if user.disabled_at is not None:
        user.disabled_at, user.version = None, user.version + 1
        _write_audit_entry(tx, current_user, user, "user_enabled", now)


@transaction
def reset_second_factor(tx: Session, current_user: CurrentUser | None, user_id: uuid.UUID) -> None:
    """Delete the second factor; the user sets up a new one after the next sign-in."""
    user, now = _lock_user_to_change(tx, current_user, user_id), clock.now()
    user.second_factor, user.last_step, user.version = None, None, user.version + 1
    sessions.end_sessions(tx, user.id)
    _write_audit_entry(tx, current_user, user, "second_factor_reset", now)


def _require_live_session(tx: Session, current_user: CurrentUser | None) -> None:
    """Refuse a current user who was disabled, or got another role, since the request began."""
    if current_user is not None:
        sessions.lock_session(tx, current_user)


def _refuse_grant(current_user: CurrentUser | None, role: str, scopes: Iterable[str]) -> None:
    """Raise ``Invalid`` if the current user may not give this role or these scopes."""
    if current_user is None:
        return
    if role not in roles.GRANTABLE_ROLES.get(current_user.role, ()):
        raise Invalid.for_field("/role", N_("You cannot give this role."))
    if current_user.role in roles.CENTRE_ROLES:
        foreign_scopes = [scope.strip() for scope in scopes if scope.strip().upper() not in (*current_user.scopes, "")]
        if foreign_scopes:
            raise Invalid.for_field("/scope", users.NO_SUCH_CENTRE, scope=foreign_scopes[0][:40])


def _can_see(current_user: CurrentUser | None, summary: UserSummary) -> bool:
    if current_user is None or current_user.role not in roles.CENTRE_ROLES:
        return True
    return summary.role in roles.CENTRE_ROLES and not set(summary.scopes).isdisjoint(current_user.scopes)


def _make_visible_user(current_user: CurrentUser | None, summary: UserSummary) -> VisibleUser:
    is_you = current_user is not None and current_user.user_id == summary.id
    return VisibleUser(summary, _may_change(current_user, summary.role, summary.scopes) and not is_you, is_you)


def _may_change(current_user: CurrentUser | None, role: str, scopes: Collection[str]) -> bool:
    if current_user is None:
        return True
    within_reach = current_user.role not in roles.CENTRE_ROLES or set(scopes) <= set(current_user.scopes)
    return role in roles.GRANTABLE_ROLES.get(current_user.role, ()) and within_reach


def _lock_user_to_change(tx: Session, current_user: CurrentUser | None, user_id: uuid.UUID) -> User:
    _require_live_session(tx, current_user)
    user = tx.get(User, user_id, with_for_update=True)
    summary = users.summarise_user(user, users.list_scopes(tx, user)) if user else None
    if user is None or summary is None or not _can_see(current_user, summary):
        raise NotFound()
    if current_user is not None and current_user.user_id == user.id:
        raise Conflict(N_("This is your own account. Ask somebody else to do that."))
    if not _may_change(current_user, summary.role, summary.scopes):
        raise NotAllowed(N_("You can see this user, but somebody with more rights has to change it."))
    return user


def _write_audit_entry(
    tx: Session,
    current_user: CurrentUser | None,
    user: User,
    action: str,
    now: datetime,
    more_chains: Collection[uuid.UUID] = (),
) -> None:
    chains = {*users.find_audit_chains(tx, user.role, users.list_scopes(tx, user)), *more_chains}
    actor = current_user.actor if current_user else COMMAND_LINE
    audit_log.append_entry(tx, chains, actor, action, f"{user.email} {user.role}", now)
