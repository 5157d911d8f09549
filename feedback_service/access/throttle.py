"""Waits that grow with wrong attempts for a name, whether anybody has that name or not.

An attempt is counted before it is checked, so that many at once gain nothing, and forgotten when it was right.
There is never a lock for good, and nobody is counted by network address: whole towns share one.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from feedback_service.backoff import doubled_wait
from feedback_service.errors import TooManyAttempts
from feedback_service.models import Attempts

FREE = 5  # attempts without a wait
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


def count(tx: Session, secret_key: bytes, name: str, now: datetime) -> int:
    """An attempt for this name begins; tells how many without success there are now.

    Raises ``TooManyAttempts`` while a wait lasts; such an attempt is not counted.
    """
    key = _hash(secret_key, name)
    counted = tx.get(Attempts, key, with_for_update=True)
    if counted is None:
        counted = Attempts(name_hash=key, wrong=0, last_at=now)
        tx.add(counted)
    elif counted.wait_until is not None and now < counted.wait_until:
        raise TooManyAttempts(retry_after=int((counted.wait_until - now).total_seconds()) + 1)
    elif now - counted.last_at > FORGOTTEN_AFTER:
        counted.wrong = 0
    counted.wrong, counted.last_at = counted.wrong + 1, now
    counted.wait_until = now + wait(counted.wrong) if counted.wrong >= FREE else None
    return counted.wrong


def wait(wrong: int) -> timedelta:
    """How long to wait after so many wrong attempts: 30 s after five, twice as long each time, 15 min at most."""
    return doubled_wait(FIRST_WAIT, LONGEST_WAIT, wrong - FREE + 1)


def forget(tx: Session, secret_key: bytes, name: str) -> None:
    """It was right: the count begins anew."""
    tx.execute(delete(Attempts).where(Attempts.name_hash == _hash(secret_key, name)))


def purge(tx: Session, now: datetime) -> int:
    """Counts that mean nothing any more are gone; tells how many."""
    old = delete(Attempts).where(Attempts.last_at < now - FORGOTTEN_AFTER)
    return len(tx.scalars(old.returning(Attempts.name_hash)).all())


def _hash(secret_key: bytes, name: str) -> bytes:
    return hmac.new(
        secret_key, b"vidhuk/attempts/" + name.encode("utf-8", "replace"), hashlib.sha256
    ).digest()
