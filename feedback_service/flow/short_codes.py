"""A person types the short code of an invitation to get to its survey."""

from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.cases import short_codes
from feedback_service.centres.register import find_by_prefix
from feedback_service.database import reading, transaction
from feedback_service.errors import NotFound, TooManyGuesses
from feedback_service.keyring import current_keyring
from feedback_service.logs import log


def find_token_by_short_code(code: str) -> str:
    """Return the token of the invitation with this short code, however it was typed.

    Raises ``NotFound``, or ``TooManyGuesses`` after too many wrong codes for the centre. Wrong codes are counted for
    the centre, not for who typed them; a right code works also while wrong ones wait.
    """
    normal_code = keyring.normalise_code(code)
    if normal_code is None or len(normal_code) != keyring.PREFIX_LENGTH + keyring.CODE_LENGTH:
        raise NotFound()
    prefix, code = normal_code[: keyring.PREFIX_LENGTH], normal_code[keyring.PREFIX_LENGTH :]
    token = _find_token(prefix, code)
    if token is None:
        _count_wrong_code(prefix)
        raise NotFound()  # only here: the transaction that counted the wrong code has been committed
    return token


@reading
def _find_token(tx: Session, prefix: str, code: str) -> str | None:
    centre = find_by_prefix(tx, prefix)
    return None if centre is None else short_codes.find_token_by_short_code(tx, current_keyring(), centre, code)


@transaction
def _count_wrong_code(tx: Session, prefix: str) -> None:
    centre, now = find_by_prefix(tx, prefix), clock.now()
    if centre is None:
        return
    guesses = short_codes.lock_wrong_guesses(tx, centre, now)
    if wait_seconds := short_codes.seconds_to_wait(guesses, now):
        raise TooManyGuesses(retry_after=wait_seconds)
    guesses.wrong += 1
    if guesses.wrong == short_codes.MAX_WRONG_GUESSES:
        log.warning("short codes are guessed", centre=centre.code)
