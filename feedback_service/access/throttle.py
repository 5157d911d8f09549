"""Waits that grow with wrong attempts for a name, whether a user has that name or not.

An attempt is counted before it is checked, so that many attempts at once bring no advantage; a right one resets the
count. No account is ever locked for good, and network addresses are not counted: a whole town may share one. Known
browsers and sessions have names of their own, which nobody else can use up.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from feedback_service.backoff import doubled_wait
from feedback_service.errors import TooManyAttempts
from feedback_service.models import SignInAttempts

FREE_ATTEMPTS = 5  # attempts without a wait
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


def count_attempt(tx: Session, secret_key: bytes, name: str, now: datetime) -> int:
    """Count an attempt for this name, and return how many there are since the last success.

    Raises ``TooManyAttempts`` while a wait lasts; such an attempt is not counted.
    """
    name_hash = _hash_name(secret_key, name)
    attempts = tx.get(SignInAttempts, name_hash, with_for_update=True)
    if attempts is None:
        attempts = SignInAttempts(name_hash=name_hash, wrong=0, last_at=now)
        tx.add(attempts)
    elif attempts.wait_until is not None and now < attempts.wait_until:
        raise TooManyAttempts(retry_after=int((attempts.wait_until - now).total_seconds()) + 1)
    elif now - attempts.last_at > FORGOTTEN_AFTER:
        attempts.wrong = 0
    attempts.wrong, attempts.last_at = attempts.wrong + 1, now
    attempts.wait_until = now + waiting_time(attempts.wrong) if attempts.wrong >= FREE_ATTEMPTS else None
    return attempts.wrong


def waiting_time(wrong_attempts: int) -> timedelta:
    """Return the wait after so many wrong attempts: 30 s after five, then twice as long each time, at most 15 min."""
    return doubled_wait(FIRST_WAIT, LONGEST_WAIT, wrong_attempts - FREE_ATTEMPTS + 1)


def forget_attempts(tx: Session, secret_key: bytes, name: str) -> None:
    """Reset the count of a name after a right attempt."""
    tx.execute(delete(SignInAttempts).where(SignInAttempts.name_hash == _hash_name(secret_key, name)))


def purge_attempts(tx: Session, now: datetime, limit: int) -> int:
    """Delete counts that are older than a day, at most ``limit``, and return how many."""
    old = select(SignInAttempts.name_hash).where(SignInAttempts.last_at < now - FORGOTTEN_AFTER).limit(limit)
    statement = delete(SignInAttempts).where(SignInAttempts.name_hash.in_(old))
    return len(tx.scalars(statement.returning(SignInAttempts.name_hash)).all())


def _hash_name(secret_key: bytes, name: str) -> bytes:
    return hmac.new(secret_key, b"vidhuk/attempts/" + name.encode("utf-8", "replace"), hashlib.sha256).digest()
