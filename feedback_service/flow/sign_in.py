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
from feedback_service.access import journal, passwords, second_factor, sessions, throttle, users
from feedback_service.access.sessions import CODE, FULL, SET_UP, Visitor
from feedback_service.config import settings
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Conflict, Invalid, NotAllowed, NotFound, NotRecognised
from feedback_service.models import SignIn, User

WRONG = N_("The e-mail or the password is not right.")
WRONG_CODE = N_("This code is not right, or it has been used. Wait for the next one.")
WRONG_PASSWORD = N_("This is not your password.")


@dataclass(frozen=True, slots=True)
class Entered:
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


def sign_in(email: str, password: str) -> Entered:
    """Who has this e-mail and this password gets a session, which most often still asks for a code.

    Raises ``NotRecognised``, with the same words after the same time whether there is such a user or not, or
    ``TooManyAttempts``.
    """
    name = users.normal_email(email)
    kept = _attempt(name)
    if not passwords.fits(kept, password):
        raise NotRecognised(WRONG)
    assert kept is not None
    renewed = passwords.hashed(password) if passwords.outdated(kept) else kept
    return _let_in(name, kept, renewed)


@transaction
def _attempt(tx: Session, name: str) -> str | None:
    """Count an attempt for the name; the hash to check the password against, if anybody could come in."""
    now, user = clock.now(), users.by_email(tx, name)
    wrong = throttle.count(tx, settings().secret_key, name, now)
    if user is None or user.disabled_at is not None:
        return None
    if wrong >= throttle.FREE:
        _note(tx, user, "attempts", str(wrong), now)
    return user.password_hash


@transaction
def _let_in(tx: Session, name: str, kept: str, renewed: str) -> Entered:
    now, user = clock.now(), users.by_email(tx, name, lock=True)
    if user is None or user.disabled_at is not None or user.password_hash != kept:
        raise NotRecognised(WRONG)  # it changed while the password was looked at
    user.password_hash = renewed
    throttle.forget(tx, settings().secret_key, name)
    stage = CODE if user.second_factor is not None else SET_UP
    return Entered(sessions.begin(tx, user, stage, now), stage)


# Second factor ------------------------------------------------------------------------------------------------


def enter_code(visitor: Visitor, code: str) -> Entered:
    """The code is right: the session is replaced by one that opens the door.

    Raises ``NotRecognised`` or ``TooManyAttempts``.
    """
    return _checked(visitor, _enter_code, code)


@transaction
def offer_second_factor(tx: Session, visitor: Visitor) -> str:
    """The secret that an authenticator shall keep; the same until it is confirmed.

    Raises ``Conflict`` when there is a second factor already.
    """
    held, user = _held(tx, visitor)
    if user.second_factor is not None:
        raise Conflict(N_("A second factor is set up already."))
    key = settings().secret_key
    secret = second_factor.opened(key, user.id, held.offered) if held.offered else None
    if secret is None:
        secret = second_factor.new_secret()
        held.offered = second_factor.sealed(key, user.id, secret)
    return secret


def confirm_second_factor(visitor: Visitor, code: str) -> Entered:
    """The authenticator shows the right code: from now on one is asked for, and this session opens the door."""
    return _checked(visitor, _confirm, code)


@transaction
def postpone_second_factor(tx: Session, visitor: Visitor) -> Entered:
    """The door opens without a second factor, where the installation allows that; else ``NotAllowed``."""
    held, user = _held(tx, visitor)
    if settings().second_factor != "optional" or held.stage != SET_UP or user.second_factor is not None:
        raise NotAllowed(N_("Here nobody works without a second factor."))
    return _replace(tx, held, user, clock.now())


def _checked(visitor: Visitor, check: Callable[[Visitor, str], Entered | None], code: str) -> Entered:
    """Count an attempt, then check; a wrong code stays counted."""
    _count_code(visitor)
    entered = check(visitor, code)
    if entered is None:
        raise NotRecognised(WRONG_CODE)
    return entered


@transaction
def _count_code(tx: Session, visitor: Visitor) -> None:
    now = clock.now()
    wrong = throttle.count(tx, settings().secret_key, _code_name(visitor.user_id), now)
    if wrong >= throttle.FREE:
        _note(tx, tx.get_one(User, visitor.user_id), "attempts", str(wrong), now)


@transaction
def _enter_code(tx: Session, visitor: Visitor, code: str) -> Entered | None:
    held, user = _held(tx, visitor)
    kept = user.second_factor
    secret = second_factor.opened(settings().secret_key, user.id, kept) if kept else None
    return _use(tx, held, user, secret, code)


@transaction
def _confirm(tx: Session, visitor: Visitor, code: str) -> Entered | None:
    held, user = _held(tx, visitor)
    if user.second_factor is not None or held.offered is None:
        raise Conflict(N_("A second factor is set up already."))
    secret = second_factor.opened(settings().secret_key, user.id, held.offered)
    user.second_factor, user.last_step = held.offered, None
    entered = _use(tx, held, user, secret, code)
    if entered is None:
        user.second_factor = None
    else:
        _note(tx, user, "second_factor_set", "", clock.now())
    return entered


def _use(tx: Session, held: SignIn, user: User, secret: str | None, code: str) -> Entered | None:
    now = clock.now()
    step = second_factor.step_of(secret, code, now, after=user.last_step) if secret else None
    if step is None:
        return None
    # The condition sits in the statement: of two with the same code one is let in.
    unused = or_(User.last_step.is_(None), User.last_step < step)
    used = update(User).where(User.id == user.id, unused).values(last_step=step).returning(User.id)
    if tx.scalar(used) is None:
        return None
    throttle.forget(tx, settings().secret_key, _code_name(user.id))
    return _replace(tx, held, user, now)


def _replace(tx: Session, held: SignIn, user: User, now: datetime) -> Entered:
    """A new session that opens the door takes the place of this one: what was known before opens nothing."""
    sessions.end(tx, user.id, held.id)
    _note(tx, user, "signed_in", "", now)
    return Entered(sessions.begin(tx, user, FULL, now), FULL)


def _code_name(user_id: uuid.UUID) -> str:
    return f"\0{user_id}"  # nothing that could be typed as an e-mail


# Session ------------------------------------------------------------------------------------------------------


def visitor(token: str) -> Visitor | None:
    """Whose session this is, if it lives; its use is noted about once a minute."""
    now, found = clock.now(), _visitor(token)
    if found is not None and now - found.seen_at > sessions.NOTED_EVERY:
        _seen(found.session_id, now)
    return found


@reading
def _visitor(tx: Session, token: str) -> Visitor | None:
    return sessions.find(tx, token, clock.now())


@transaction
def _seen(tx: Session, session_id: uuid.UUID, now: datetime) -> None:
    tx.execute(update(SignIn).where(SignIn.id == session_id).values(seen_at=now))


@transaction
def sign_out(tx: Session, visitor: Visitor, *, everywhere: bool = False) -> None:
    """The session is over; ``everywhere``: all that this person has."""
    sessions.end(tx, visitor.user_id, *(() if everywhere else (visitor.session_id,)))
    user = tx.get_one(User, visitor.user_id)
    _note(tx, user, "signed_out_everywhere" if everywhere else "signed_out", "", clock.now())


@transaction
def end_session(tx: Session, visitor: Visitor, session_id: uuid.UUID) -> None:
    """One of the visitor's own sessions is over; ``NotFound`` if it is not theirs."""
    if not sessions.end(tx, visitor.user_id, session_id):
        raise NotFound()


@reading
def own_sessions(tx: Session, visitor: Visitor) -> list[OpenSession]:
    """The visitor's living sessions, the one used last first."""
    held = sessions.of_user(tx, visitor.user_id, clock.now())
    return [OpenSession(each.id, each.began_at, each.seen_at) for each in held]


# A password is set --------------------------------------------------------------------------------------------


def change_password(visitor: Visitor, current: str, new: str) -> Entered:
    """The visitor has a new password, and this session, renewed, is the only one left.

    Raises ``Invalid`` naming what is wrong with either, or ``TooManyAttempts``.
    """
    if why := passwords.complaint(new, visitor.email):
        raise _unfit("/password", why)
    kept = _attempt(visitor.email)
    if not passwords.fits(kept, current):
        raise Invalid.field("/current", WRONG_PASSWORD)
    assert kept is not None
    return _change_password(visitor, kept, passwords.hashed(new))


@transaction
def _change_password(tx: Session, visitor: Visitor, kept: str, new: str) -> Entered:
    _, user = _held(tx, visitor)
    if user.password_hash != kept:
        raise Invalid.field("/current", WRONG_PASSWORD)
    now = clock.now()
    throttle.forget(tx, settings().secret_key, user.email)
    _set_password(tx, user, new, now)
    return Entered(sessions.begin(tx, user, FULL, now), FULL)


@reading
def whose_link(tx: Session, secret: str) -> str:
    """The e-mail of who may set a password by this link; ``NotFound`` once it was used or has grown old."""
    user = users.by_link(tx, secret, clock.now())
    if user is None:
        raise NotFound()
    return user.email


def set_password(secret: str, new: str) -> None:
    """Who holds the link has this password, and the link works no more.

    Raises ``NotFound``, or ``Invalid`` for a password that could be guessed.
    """
    if why := passwords.complaint(new, whose_link(secret)):
        raise _unfit("/password", why)
    _set_by_link(secret, passwords.hashed(new))


@transaction
def _set_by_link(tx: Session, secret: str, new: str) -> None:
    now = clock.now()
    user = users.by_link(tx, secret, now, lock=True)
    if user is None:
        raise NotFound()
    _set_password(tx, user, new, now)


def _set_password(tx: Session, user: User, new: str, now: datetime) -> None:
    user.password_hash, user.link_hash, user.link_until = new, None, None
    sessions.end(tx, user.id)
    _note(tx, user, "password_set", "", now)


def _unfit(pointer: str, why: str) -> Invalid:
    return Invalid.field(pointer, why, least=passwords.LEAST, most=passwords.MOST)


def _held(tx: Session, visitor: Visitor) -> tuple[SignIn, User]:
    """The visitor's session and user, held until the end; ``NotRecognised`` if either is gone meanwhile."""
    held = sessions.held(tx, visitor)
    user = tx.get_one(User, visitor.user_id, with_for_update=True)
    if user.disabled_at is not None:
        raise NotRecognised(sessions.OVER)
    return held, user


def _note(tx: Session, user: User, action: str, object: str, now: datetime) -> None:
    chains = users.chains(tx, user.role, users.scopes_of(tx, user))
    journal.note(tx, chains, journal.Actor(user.id, user.email), action, object, now)


@transaction
def forget_what_is_over(tx: Session) -> int:
    """Sessions that are over and counts that mean nothing any more are gone; tells how many."""
    now = clock.now()
    return sessions.purge(tx, now) + throttle.purge(tx, now)
