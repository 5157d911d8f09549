"""Staff prove the second factor: a code of their authenticator. They set it up after their first sign-in.

Every attempt is counted in a transaction before the code is checked, so that a wrong code stays counted. ``proof`` is
what a known browser sent, see ``sign_in``.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import second_factor, sessions, throttle
from feedback_service.access.sessions import SET_UP_STAGE, CurrentUser
from feedback_service.config import current_settings
from feedback_service.database import transaction
from feedback_service.errors import N_, Conflict, NotAllowed, NotRecognised
from feedback_service.flow.sign_in import (
    SessionStarted,
    count_attempt_of_user,
    lock_session_and_user,
    name_code_attempts,
    start_full_session,
    write_audit_entry,
)
from feedback_service.models import User, UserSession

ALREADY_SET_UP = N_("A second factor is set up already.")


def enter_code(current_user: CurrentUser, code: str, proof: str = "") -> SessionStarted:
    """Check the code and replace the session by one with all rights.

    Raises ``NotRecognised`` or ``TooManyAttempts``.
    """
    return _count_and_check(current_user, _check_code, code, proof)


@transaction
def offer_second_factor(tx: Session, current_user: CurrentUser) -> str:
    """Return the secret for the user's authenticator; it stays the same until it is confirmed.

    Raises ``Conflict`` if there is a second factor already.
    """
    user_session, user = lock_session_and_user(tx, current_user)
    if user.second_factor is not None:
        raise Conflict(ALREADY_SET_UP)
    key = current_settings().secret_key
    secret = second_factor.open_secret(key, user.id, user_session.offered) if user_session.offered else None
    if secret is None:
        secret = second_factor.new_secret()
        user_session.offered = second_factor.seal_secret(key, user.id, secret)
    return secret


def confirm_second_factor(current_user: CurrentUser, code: str, proof: str = "") -> SessionStarted:
    """Check the first code of the authenticator, store the second factor, and replace the session.

    Raises ``NotRecognised``, ``TooManyAttempts``, or ``Conflict`` if there is a second factor already.
    """
    return _count_and_check(current_user, _confirm_second_factor, code, proof)


@transaction
def postpone_second_factor(tx: Session, current_user: CurrentUser) -> SessionStarted:
    """Replace the session by one with all rights, without a second factor.

    Raises ``NotAllowed`` unless the setting says that the second factor is optional.
    """
    user_session, user = lock_session_and_user(tx, current_user)
    is_optional = current_settings().second_factor == "optional"
    if not is_optional or user_session.stage != SET_UP_STAGE or user.second_factor is not None:
        raise NotAllowed(N_("Here nobody works without a second factor."))
    return _replace_session(tx, user_session, user, clock.now(), right_attempts=1)


def _count_and_check(
    current_user: CurrentUser, check: Callable[[CurrentUser, str, str], SessionStarted | None], code: str, proof: str
) -> SessionStarted:
    _count_attempt(current_user, proof)
    session_started = check(current_user, code, proof)
    if session_started is None:
        raise NotRecognised(N_("This code is not right, or it has been used. Wait for the next one."))
    return session_started


@transaction
def _count_attempt(tx: Session, current_user: CurrentUser, proof: str) -> None:
    user = tx.get_one(User, current_user.user_id, with_for_update=True)
    count_attempt_of_user(tx, user, name_code_attempts(user, proof))


@transaction
def _check_code(tx: Session, current_user: CurrentUser, code: str, proof: str) -> SessionStarted | None:
    user_session, user = lock_session_and_user(tx, current_user)
    key, sealed_secret = current_settings().secret_key, user.second_factor
    secret = second_factor.open_secret(key, user.id, sealed_secret) if sealed_secret else None
    return _use_code(tx, user_session, user, secret, code, proof)


@transaction
def _confirm_second_factor(tx: Session, current_user: CurrentUser, code: str, proof: str) -> SessionStarted | None:
    user_session, user = lock_session_and_user(tx, current_user)
    if user.second_factor is not None or user_session.offered is None:
        raise Conflict(ALREADY_SET_UP)
    secret = second_factor.open_secret(current_settings().secret_key, user.id, user_session.offered)
    user.second_factor, user.last_step = user_session.offered, None
    session_started = _use_code(tx, user_session, user, secret, code, proof)
    if session_started is None:
        user.second_factor = None
    else:
        write_audit_entry(tx, user, "second_factor_set", "", clock.now())
    return session_started


def _use_code(
    tx: Session, user_session: UserSession, user: User, secret: str | None, code: str, proof: str
) -> SessionStarted | None:
    now = clock.now()
    step = second_factor.find_time_step(secret, code, now, after=user.last_step) if secret else None
    if step is None:
        return None
    # The condition is part of the statement: of two requests with the same code only one signs in.
    step_unused = or_(User.last_step.is_(None), User.last_step < step)
    statement = update(User).where(User.id == user.id, step_unused).values(last_step=step).returning(User.id)
    if tx.scalar(statement) is None:
        return None
    throttle.forget_attempts(tx, current_settings().secret_key, name_code_attempts(user, proof))
    return _replace_session(tx, user_session, user, now, right_attempts=2)


def _replace_session(
    tx: Session, user_session: UserSession, user: User, now: datetime, *, right_attempts: int
) -> SessionStarted:
    """End this session and start one with all rights, so that a token seen before the check gives no rights.

    ``right_attempts``: how many attempts (password, code) this sign-in took. All others since the last sign-in failed.
    """
    failed_before, user.failed_attempts = max(user.failed_attempts - right_attempts, 0), 0
    if failed_before:
        write_audit_entry(tx, user, "attempts_before", str(failed_before), now)
    sessions.end_sessions(tx, user.id, user_session.id)
    write_audit_entry(tx, user, "signed_in", "", now)
    return start_full_session(tx, user, now, failed_before=failed_before)
