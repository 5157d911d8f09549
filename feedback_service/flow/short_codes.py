"""A person types the short code of an invitation to get to its survey."""

from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.cases import short_codes
from feedback_service.centres.register import find_by_prefix
from feedback_service.database import transaction
from feedback_service.errors import NotFound, TooManyGuesses
from feedback_service.keyring import current_keyring


def find_token_by_short_code(code: str) -> str:
    """Return the token of the invitation with this short code, however it was typed.

    Raises ``NotFound``, or ``TooManyGuesses`` after too many wrong codes for the centre. Wrong codes are counted for
    the centre, not for who typed them.
    """
    normal_code = keyring.normalise_code(code)
    if normal_code is None or len(normal_code) != keyring.PREFIX_LENGTH + keyring.CODE_LENGTH:
        raise NotFound()
    token = _try_short_code(normal_code[: keyring.PREFIX_LENGTH], normal_code[keyring.PREFIX_LENGTH :])
    if token is None:
        raise NotFound()  # only here: the transaction that counted the wrong code has been committed
    return token


@transaction
def _try_short_code(tx: Session, prefix: str, code: str) -> str | None:
    centre, now = find_by_prefix(tx, prefix), clock.now()
    if centre is None:
        return None
    guesses = short_codes.lock_wrong_guesses(tx, centre, now)
    if wait_seconds := short_codes.seconds_to_wait(guesses, now):
        raise TooManyGuesses(retry_after=wait_seconds)
    token = short_codes.find_token_by_short_code(tx, current_keyring(), centre, code)
    if token is None:
        guesses.wrong += 1
    return token
