"""Short codes of invitations, which people type from a slip.

Wrong codes are counted for the centre, and from the thirtieth on their sender is told to wait. A right code is found
all the same: otherwise anybody could keep all people of a centre out. Decision 30 has the odds of a guesser.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.keyring import Keyring
from feedback_service.models import Centre, Invitation, ShortCodeGuesses

GUESS_WINDOW = timedelta(minutes=10)
MAX_WRONG_GUESSES = 30  # of one centre in a window


def lock_wrong_guesses(tx: Session, centre: Centre, now: datetime) -> ShortCodeGuesses:
    """Return the count of wrong codes for this centre in the current window, locked.

    The lock is held until the transaction ends, so of simultaneous guesses each sees the one before.
    """
    guesses = tx.get(ShortCodeGuesses, centre.id, with_for_update=True, populate_existing=True)
    if guesses is None:
        guesses = ShortCodeGuesses(centre_id=centre.id, window_began_at=now, wrong=0)
        tx.add(guesses)
        tx.flush()  # of two simultaneous first guesses, the second fails here, and its story runs again
    elif guesses.window_began_at + GUESS_WINDOW <= now:
        guesses.window_began_at, guesses.wrong = now, 0
    return guesses


def seconds_to_wait(guesses: ShortCodeGuesses, now: datetime) -> int:
    """Return the seconds until a wrong short code counts again; 0 if it counts now."""
    if guesses.wrong < MAX_WRONG_GUESSES:
        return 0
    return int((guesses.window_began_at + GUESS_WINDOW - now).total_seconds()) + 1


def find_token_by_short_code(tx: Session, keyring: Keyring, centre: Centre, code: str) -> str | None:
    """Return the token of the centre's invitation with this short code without prefix, or ``None``."""
    hashes = keyring.hash_secret_with_all("short-code", code)
    query = select(Invitation).where(Invitation.centre_id == centre.id, Invitation.short_code_hash.in_(hashes))
    invitation = tx.scalar(query)
    return keyring.get_key(invitation.key_id).derive_token(invitation.id) if invitation else None
