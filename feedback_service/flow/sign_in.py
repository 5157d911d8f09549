"""Staff sign in with a password, keep their sessions, and choose a password; see also ``second_factor``.

Every attempt is counted in a transaction before the password is verified. The verification is slow, so it runs
outside any transaction. ``proof`` is what a known browser sent (``access.known_browsers``): its attempts are counted
apart, so that guesses made elsewhere do not keep the owner of the account out.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, known_browsers, passwords, sessions, throttle, users
from feedback_service.access.sessions import CODE_STAGE, FULL_STAGE, SET_UP_STAGE, CurrentUser
from feedback_service.config import current_settings
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Invalid, NotFound, NotRecognised
from feedback_service.models import User, UserSession

WRONG_SIGN_IN = N_("The e-mail or the password is not right.")
WRONG_PASSWORD = N_("This is not your password.")


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A new session: ``token`` is the value of its cookie, ``stage`` says what it allows (see ``access.sessions``).

    When the sign-in is complete, the browser gets a new proof.
    """

    token: str
    stage: str
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A live session, as its owner sees it."""

    id: uuid.UUID
    began_at: datetime
    seen_at: datetime


# Password -----------------------------------------------------------------------------------------------------


def sign_in(email: str, password: str, proof: str = "") -> SessionStarted:
    """Check the e-mail and the password, and start a session; most sessions must still prove the second factor.

    1. Take a turn. 2. Count the attempt. 3. Verify the password. 4. Start the session, unless the user changed
    meanwhile.

    Raises ``SignInBusy``, ``TooManyAttempts``, or ``NotRecognised`` with the same sentence after the same time whether
    or not there is such a user.
    """
    normal_email = users.normalise_email(email)
    with passwords.take_turn(is_known=bool(proof) and _is_known_browser(normal_email, proof)):
        password_hash = _count_attempt(normal_email, proof)
        if not passwords.verify_password(password_hash, password):
            raise NotRecognised(WRONG_SIGN_IN)
        assert password_hash is not None
        new_hash = passwords.hash_password(password) if passwords.needs_rehash(password_hash) else password_hash
    return _start_session(normal_email, password_hash, new_hash, proof)


@reading
def _is_known_browser(tx: Session, email: str, proof: str) -> bool:
    """Whether the user with this e-mail has signed in before in the browser that sent this proof."""
    user = users.find_by_email(tx, email)
    return user is not None and _find_browser_name(user, proof) is not None


@transaction
def _count_attempt(tx: Session, email: str, proof: str) -> str | None:
    """Count an attempt and return the password hash of the user; ``None`` if nobody with this e-mail may sign in."""
    user = users.find_by_email(tx, email, lock=True)
    if user is None:
        throttle.count_attempt(tx, current_settings().secret_key, email, clock.now())
        return None
    count_attempt_of_user(tx, user, name_password_attempts(user, proof))
    return user.password_hash if user.disabled_at is None else None


def count_attempt_of_user(tx: Session, user: User, name: str) -> None:
    """Count an attempt under this name, and for what the user is told; from the fifth on the audit log has each.

    The caller has locked the user. Raises ``TooManyAttempts``.
    """
    now = clock.now()
    wrong_attempts = throttle.count_attempt(tx, current_settings().secret_key, name, now)
    user.failed_attempts += 1
    if wrong_attempts >= throttle.FREE_ATTEMPTS and user.disabled_at is None:
        write_audit_entry(tx, user, "attempts", str(wrong_attempts), now)


def name_password_attempts(user: User, proof: str) -> str:
    """Return the name under which passwords typed in this browser are counted."""
    browser = _find_browser_name(user, proof)
    return f"\0password/{browser}" if browser else user.email


def name_code_attempts(user: User, proof: str) -> str:
    """Return the name under which codes typed in this browser are counted; nobody can type it as an e-mail."""
    browser = _find_browser_name(user, proof)
    return f"\0code/{browser}" if browser else f"\0{user.id}"


def _find_browser_name(user: User, proof: str) -> str | None:
    return known_browsers.find_name(current_settings().secret_key, user, proof, clock.now())


@transaction
def _start_session(tx: Session, email: str, password_hash: str, new_hash: str, proof: str) -> SessionStarted:
    now, user = clock.now(), users.find_by_email(tx, email, lock=True)
    if user is None or user.disabled_at is not None or user.password_hash != password_hash:
        raise NotRecognised(WRONG_SIGN_IN)  # the user changed while the password was verified
    throttle.forget_attempts(tx, current_settings().secret_key, name_password_attempts(user, proof))
    user.password_hash = new_hash
    stage = CODE_STAGE if user.second_factor is not None else SET_UP_STAGE
    return SessionStarted(sessions.start_session(tx, user, stage, now), stage)


# Session ------------------------------------------------------------------------------------------------------


_read_current_user = reading(sessions.find_current_user)


def find_current_user(token: str) -> CurrentUser | None:
    """Return the user of a live session, or ``None``; the time of the last use is stored about once a minute."""
    now = clock.now()
    current_user = _read_current_user(token, now)
    if current_user is not None and now - current_user.seen_at > sessions.LAST_USE_PRECISION:
        _store_last_use(current_user.session_id, now)
    return current_user


@transaction
def _store_last_use(tx: Session, session_id: uuid.UUID, now: datetime) -> None:
    tx.execute(update(UserSession).where(UserSession.id == session_id).values(seen_at=now))


@transaction
def sign_out(tx: Session, current_user: CurrentUser, *, everywhere: bool = False) -> None:
    """End the session; with ``everywhere``, end all sessions of the user."""
    sessions.end_sessions(tx, current_user.user_id, *(() if everywhere else (current_user.session_id,)))
    user = tx.get_one(User, current_user.user_id)
    write_audit_entry(tx, user, "signed_out_everywhere" if everywhere else "signed_out", "", clock.now())


@transaction
def end_session(tx: Session, current_user: CurrentUser, session_id: uuid.UUID) -> None:
    """End one of the user's own sessions; raise ``NotFound`` if it is not theirs."""
    if not sessions.end_sessions(tx, current_user.user_id, session_id):
        raise NotFound()


@reading
def list_own_sessions(tx: Session, current_user: CurrentUser) -> list[OpenSession]:
    """Return the live sessions of the user; the one used last comes first."""
    rows = sessions.list_user_sessions(tx, current_user.user_id, clock.now())
    return [OpenSession(row.id, row.began_at, row.seen_at) for row in rows]


# Choosing a password --------------------------------------------------------------------------------------------


def change_password(current_user: CurrentUser, current_password: str, new_password: str) -> SessionStarted:
    """Store a new password and end all sessions of the user; return a new session.

    Attempts are counted for the session, so that nobody who guesses at the sign-in makes its user wait here.

    Raises ``Invalid`` if the current password is wrong or the new one is too weak, ``TooManyAttempts``, or
    ``SignInBusy``.
    """
    refuse_weak_password(new_password, current_user.email)
    with passwords.take_turn(is_known=True):
        password_hash = _count_attempt_in_session(current_user)
        if not passwords.verify_password(password_hash, current_password):
            raise Invalid.for_field("/current", WRONG_PASSWORD)
        assert password_hash is not None
        new_hash = passwords.hash_password(new_password)
    return _store_new_password(current_user, password_hash, new_hash)


@transaction
def _count_attempt_in_session(tx: Session, current_user: CurrentUser) -> str | None:
    _, user = lock_session_and_user(tx, current_user)
    count_attempt_of_user(tx, user, _name_session_attempts(current_user))
    return user.password_hash


def _name_session_attempts(current_user: CurrentUser) -> str:
    return f"\0session/{current_user.session_id}"


@transaction
def _store_new_password(tx: Session, current_user: CurrentUser, password_hash: str, new_hash: str) -> SessionStarted:
    _, user = lock_session_and_user(tx, current_user)
    if user.password_hash != password_hash:
        raise Invalid.for_field("/current", WRONG_PASSWORD)
    now = clock.now()
    throttle.forget_attempts(tx, current_settings().secret_key, _name_session_attempts(current_user))
    user.failed_attempts = max(user.failed_attempts - 1, 0)  # this attempt was right
    _set_password(tx, user, new_hash, now)
    return start_full_session(tx, user, now)


def start_full_session(tx: Session, user: User, now: datetime, *, failed_before: int = 0) -> SessionStarted:
    """Start a session with all rights, in a browser that is known from now on."""
    token = sessions.start_session(tx, user, FULL_STAGE, now, failed_before=failed_before)
    return SessionStarted(token, FULL_STAGE, known_browsers.make_proof(current_settings().secret_key, user, now))


@reading
def find_email_by_link(tx: Session, secret: str) -> str:
    """Return the e-mail of the user that the link belongs to; raise ``NotFound`` if it was used or has expired."""
    user = users.find_by_link(tx, secret, clock.now())
    if user is None:
        raise NotFound()
    return user.email


def set_password(secret: str, new_password: str) -> str:
    """Store the password of the user that the link belongs to; the link works only once.

    Return the proof that makes the browser a known one: so a link lets its user in from a new browser too, however
    long somebody guesses elsewhere. Raises ``NotFound``, ``Invalid`` for a password that is too weak, or
    ``SignInBusy``.
    """
    refuse_weak_password(new_password, find_email_by_link(secret))
    with passwords.take_turn(is_known=True):
        new_hash = passwords.hash_password(new_password)
    return _set_password_by_link(secret, new_hash)


@transaction
def _set_password_by_link(tx: Session, secret: str, new_hash: str) -> str:
    now = clock.now()
    user = users.find_by_link(tx, secret, now, lock=True)
    if user is None:
        raise NotFound()
    _set_password(tx, user, new_hash, now)
    return known_browsers.make_proof(current_settings().secret_key, user, now)


def _set_password(tx: Session, user: User, new_hash: str, now: datetime) -> None:
    user.password_hash, user.link_hash, user.link_until = new_hash, None, None
    sessions.end_sessions(tx, user.id)
    write_audit_entry(tx, user, "password_set", "", now)


def refuse_weak_password(password: str, email: str) -> None:
    """Raise ``Invalid`` for a password that is too weak for the user with this e-mail."""
    if problem := passwords.find_password_problem(password, email):
        raise Invalid.for_field("/password", problem, least=passwords.MIN_LENGTH, most=passwords.MAX_LENGTH)


def lock_session_and_user(tx: Session, current_user: CurrentUser) -> tuple[UserSession, User]:
    """Lock the rows of the session and its user; raise ``NotRecognised`` if it ended or the user is disabled."""
    user_session = sessions.lock_session(tx, current_user)
    user = tx.get_one(User, current_user.user_id, with_for_update=True)
    if user.disabled_at is not None:
        raise NotRecognised(sessions.SESSION_OVER)
    return user_session, user


def write_audit_entry(tx: Session, user: User, action: str, object: str, now: datetime) -> None:
    """Write what the user did into the audit logs of all centres that the user may see."""
    chains = users.find_audit_chains(tx, user.role, users.list_scopes(tx, user))
    audit_log.append_entry(tx, chains, audit_log.Actor(user.id, user.email), action, object, now)


@transaction
def purge_sessions_and_attempts(tx: Session, limit: int) -> int:
    """Delete ended sessions and old counts of attempts, ``limit`` of each; return how many rows were deleted."""
    now = clock.now()
    return sessions.purge_sessions(tx, now, limit) + throttle.purge_attempts(tx, now, limit)
