"""Somebody comes in: password, second factor, session; and goes out again.

The slow check of a password holds no transaction. Every attempt is counted in one before it is looked at.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, passwords, second_factor, sessions, throttle, users
from feedback_service.access.sessions import CODE_STAGE, FULL_STAGE, SET_UP_STAGE, CurrentUser
from feedback_service.config import current_settings
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Conflict, Invalid, NotAllowed, NotFound, NotRecognised
from feedback_service.models import User, UserSession

WRONG_SIGN_IN = N_("The e-mail or the password is not right.")
WRONG_CODE = N_("This code is not right, or it has been used. Wait for the next one.")
WRONG_PASSWORD = N_("This is not your password.")


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A session has begun: the cookie's value, and how far through the door it leads."""

    token: str
    stage: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of a person's own sessions."""

    id: uuid.UUID
    began_at: datetime
    seen_at: datetime


# Password -----------------------------------------------------------------------------------------------------


def sign_in(email: str, password: str) -> SessionStarted:
    """Who has this e-mail and this password gets a session, which most often still asks for a code.

    Raises ``NotRecognised``, with the same words after the same time whether there is such a user or not, or
    ``TooManyAttempts``.
    """
    normal_email = users.normalise_email(email)
    password_hash = _count_attempt(normal_email)
    if not passwords.verify_password(password_hash, password):
        raise NotRecognised(WRONG_SIGN_IN)
    assert password_hash is not None
    new_hash = passwords.hash_password(password) if passwords.needs_rehash(password_hash) else password_hash
    return _start_session(normal_email, password_hash, new_hash)


@transaction
def _count_attempt(tx: Session, email: str) -> str | None:
    """Count an attempt for the name; the hash to check the password against, if anybody could come in."""
    now, user = clock.now(), users.find_by_email(tx, email)
    wrong_attempts = throttle.count_attempt(tx, current_settings().secret_key, email, now)
    if user is None or user.disabled_at is not None:
        return None
    if wrong_attempts >= throttle.FREE_ATTEMPTS:
        _write_audit_entry(tx, user, "attempts", str(wrong_attempts), now)
    return user.password_hash


@transaction
def _start_session(tx: Session, email: str, password_hash: str, new_hash: str) -> SessionStarted:
    now, user = clock.now(), users.find_by_email(tx, email, lock=True)
    if user is None or user.disabled_at is not None or user.password_hash != password_hash:
        raise NotRecognised(WRONG_SIGN_IN)  # it changed while the password was looked at
    user.password_hash = new_hash
    throttle.forget_attempts(tx, current_settings().secret_key, email)
    stage = CODE_STAGE if user.second_factor is not None else SET_UP_STAGE
    return SessionStarted(sessions.start_session(tx, user, stage, now), stage)


# Second factor ------------------------------------------------------------------------------------------------


def enter_code(current_user: CurrentUser, code: str) -> SessionStarted:
    """The code is right: the session is replaced by one that opens the door.

    Raises ``NotRecognised`` or ``TooManyAttempts``.
    """
    return _count_and_check(current_user, _check_code, code)


@transaction
def offer_second_factor(tx: Session, current_user: CurrentUser) -> str:
    """The secret that an authenticator shall keep; the same until it is confirmed.

    Raises ``Conflict`` when there is a second factor already.
    """
    user_session, user = _lock_session_and_user(tx, current_user)
    if user.second_factor is not None:
        raise Conflict(N_("A second factor is set up already."))
    key = current_settings().secret_key
    secret = second_factor.open_secret(key, user.id, user_session.offered) if user_session.offered else None
    if secret is None:
        secret = second_factor.new_secret()
        user_session.offered = second_factor.seal_secret(key, user.id, secret)
    return secret


def confirm_second_factor(current_user: CurrentUser, code: str) -> SessionStarted:
    """The authenticator shows the right code: from now on one is asked for, and this session opens the door."""
    return _count_and_check(current_user, _confirm_second_factor, code)


@transaction
def postpone_second_factor(tx: Session, current_user: CurrentUser) -> SessionStarted:
    """The door opens without a second factor, where the installation allows that; else ``NotAllowed``."""
    user_session, user = _lock_session_and_user(tx, current_user)
    if (
        current_settings().second_factor != "optional"
        or user_session.stage != SET_UP_STAGE
        or user.second_factor is not None
    ):
        raise NotAllowed(N_("Here nobody works without a second factor."))
    return _replace_session(tx, user_session, user, clock.now())


def _count_and_check(
    current_user: CurrentUser, check: Callable[[CurrentUser, str], SessionStarted | None], code: str
) -> SessionStarted:
    """Count an attempt, then check; a wrong code stays counted."""
    _count_code_attempt(current_user)
    session_started = check(current_user, code)
    if session_started is None:
        raise NotRecognised(WRONG_CODE)
    return session_started


@transaction
def _count_code_attempt(tx: Session, current_user: CurrentUser) -> None:
    now = clock.now()
    wrong_attempts = throttle.count_attempt(
        tx, current_settings().secret_key, _throttle_name(current_user.user_id), now
    )
    if wrong_attempts >= throttle.FREE_ATTEMPTS:
        _write_audit_entry(tx, tx.get_one(User, current_user.user_id), "attempts", str(wrong_attempts), now)


@transaction
def _check_code(tx: Session, current_user: CurrentUser, code: str) -> SessionStarted | None:
    user_session, user = _lock_session_and_user(tx, current_user)
    sealed_secret = user.second_factor
    secret = (
        second_factor.open_secret(current_settings().secret_key, user.id, sealed_secret)
        if sealed_secret
        else None
    )
    return _use_code(tx, user_session, user, secret, code)


@transaction
def _confirm_second_factor(tx: Session, current_user: CurrentUser, code: str) -> SessionStarted | None:
    user_session, user = _lock_session_and_user(tx, current_user)
    if user.second_factor is not None or user_session.offered is None:
        raise Conflict(N_("A second factor is set up already."))
    secret = second_factor.open_secret(current_settings().secret_key, user.id, user_session.offered)
    user.second_factor, user.last_step = user_session.offered, None
    session_started = _use_code(tx, user_session, user, secret, code)
    if session_started is None:
        user.second_factor = None
    else:
        _write_audit_entry(tx, user, "second_factor_set", "", clock.now())
    return session_started


def _use_code(
    tx: Session, user_session: UserSession, user: User, secret: str | None, code: str
) -> SessionStarted | None:
    now = clock.now()
    step = second_factor.find_time_step(secret, code, now, after=user.last_step) if secret else None
    if step is None:
        return None
    # The condition sits in the statement: of two with the same code one is let in.
    step_unused = or_(User.last_step.is_(None), User.last_step < step)
    statement = update(User).where(User.id == user.id, step_unused).values(last_step=step).returning(User.id)
    if tx.scalar(statement) is None:
        return None
    throttle.forget_attempts(tx, current_settings().secret_key, _throttle_name(user.id))
    return _replace_session(tx, user_session, user, now)


def _replace_session(tx: Session, user_session: UserSession, user: User, now: datetime) -> SessionStarted:
    """A new session that opens the door takes the place of this one: what was known before opens nothing."""
    sessions.end_sessions(tx, user.id, user_session.id)
    _write_audit_entry(tx, user, "signed_in", "", now)
    return SessionStarted(sessions.start_session(tx, user, FULL_STAGE, now), FULL_STAGE)


def _throttle_name(user_id: uuid.UUID) -> str:
    return f"\0{user_id}"  # nothing that could be typed as an e-mail


# Session ------------------------------------------------------------------------------------------------------


def find_current_user(token: str) -> CurrentUser | None:
    """Whose session this is, if it lives; its use is noted about once a minute."""
    now, current_user = clock.now(), _read_current_user(token)
    if current_user is not None and now - current_user.seen_at > sessions.LAST_USE_PRECISION:
        _store_last_use(current_user.session_id, now)
    return current_user


@reading
def _read_current_user(tx: Session, token: str) -> CurrentUser | None:
    return sessions.find_current_user(tx, token, clock.now())


@transaction
def _store_last_use(tx: Session, session_id: uuid.UUID, now: datetime) -> None:
    tx.execute(update(UserSession).where(UserSession.id == session_id).values(seen_at=now))


@transaction
def sign_out(tx: Session, current_user: CurrentUser, *, everywhere: bool = False) -> None:
    """The session is over; ``everywhere``: all that this person has."""
    sessions.end_sessions(tx, current_user.user_id, *(() if everywhere else (current_user.session_id,)))
    user = tx.get_one(User, current_user.user_id)
    _write_audit_entry(tx, user, "signed_out_everywhere" if everywhere else "signed_out", "", clock.now())


@transaction
def end_session(tx: Session, current_user: CurrentUser, session_id: uuid.UUID) -> None:
    """One of the visitor's own sessions is over; ``NotFound`` if it is not theirs."""
    if not sessions.end_sessions(tx, current_user.user_id, session_id):
        raise NotFound()


@reading
def list_own_sessions(tx: Session, current_user: CurrentUser) -> list[OpenSession]:
    """The visitor's living sessions, the one used last first."""
    user_sessions = sessions.list_user_sessions(tx, current_user.user_id, clock.now())
    return [
        OpenSession(user_session.id, user_session.began_at, user_session.seen_at)
        for user_session in user_sessions
    ]


# A password is set --------------------------------------------------------------------------------------------


def change_password(current_user: CurrentUser, current_password: str, new_password: str) -> SessionStarted:
    """The visitor has a new password, and this session, renewed, is the only one left.

    Raises ``Invalid`` naming what is wrong with either, or ``TooManyAttempts``.
    """
    if complaint := passwords.find_password_problem(new_password, current_user.email):
        raise _make_field_error("/password", complaint)
    password_hash = _count_attempt(current_user.email)
    if not passwords.verify_password(password_hash, current_password):
        raise Invalid.for_field("/current", WRONG_PASSWORD)
    assert password_hash is not None
    return _store_new_password(current_user, password_hash, passwords.hash_password(new_password))


@transaction
def _store_new_password(
    tx: Session, current_user: CurrentUser, password_hash: str, new_hash: str
) -> SessionStarted:
    _, user = _lock_session_and_user(tx, current_user)
    if user.password_hash != password_hash:
        raise Invalid.for_field("/current", WRONG_PASSWORD)
    now = clock.now()
    throttle.forget_attempts(tx, current_settings().secret_key, user.email)
    _set_password(tx, user, new_hash, now)
    return SessionStarted(sessions.start_session(tx, user, FULL_STAGE, now), FULL_STAGE)


@reading
def find_email_by_link(tx: Session, secret: str) -> str:
    """The e-mail of who may set a password by this link; ``NotFound`` once it was used or has grown old."""
    user = users.find_by_link(tx, secret, clock.now())
    if user is None:
        raise NotFound()
    return user.email


def set_password(secret: str, new_password: str) -> None:
    """Who holds the link has this password, and the link works no more.

    Raises ``NotFound``, or ``Invalid`` for a password that could be guessed.
    """
    if complaint := passwords.find_password_problem(new_password, find_email_by_link(secret)):
        raise _make_field_error("/password", complaint)
    _set_password_by_link(secret, passwords.hash_password(new_password))


@transaction
def _set_password_by_link(tx: Session, secret: str, new_hash: str) -> None:
    now = clock.now()
    user = users.find_by_link(tx, secret, now, lock=True)
    if user is None:
        raise NotFound()
    _set_password(tx, user, new_hash, now)


def _set_password(tx: Session, user: User, new_hash: str, now: datetime) -> None:
    user.password_hash, user.link_hash, user.link_until = new_hash, None, None
    sessions.end_sessions(tx, user.id)
    _write_audit_entry(tx, user, "password_set", "", now)


def _make_field_error(pointer: str, complaint: str) -> Invalid:
    return Invalid.for_field(pointer, complaint, least=passwords.MIN_LENGTH, most=passwords.MAX_LENGTH)


def _lock_session_and_user(tx: Session, current_user: CurrentUser) -> tuple[UserSession, User]:
    """The visitor's session and user, held until the end; ``NotRecognised`` if either is gone meanwhile."""
    user_session = sessions.lock_session(tx, current_user)
    user = tx.get_one(User, current_user.user_id, with_for_update=True)
    if user.disabled_at is not None:
        raise NotRecognised(sessions.SESSION_OVER)
    return user_session, user


def _write_audit_entry(tx: Session, user: User, action: str, object: str, now: datetime) -> None:
    chains = users.find_audit_chains(tx, user.role, users.list_scopes(tx, user))
    audit_log.append_entry(tx, chains, audit_log.Actor(user.id, user.email), action, object, now)


@transaction
def purge_sessions_and_attempts(tx: Session) -> int:
    """Sessions that are over and counts that mean nothing any more are gone; tells how many."""
    now = clock.now()
    return sessions.purge_sessions(tx, now) + throttle.purge_attempts(tx, now)
