"""Passwords: Argon2id, and rules about what cannot be guessed instead of rules about composition (NIST SP 800-63B).

An unknown user costs as much time as a known one: then a password nobody has is checked.
"""

import gzip
from functools import cache
from itertools import chain
from pathlib import Path
from string import digits, punctuation, whitespace
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from feedback_service.errors import N_
from feedback_service.plain_text import clean

LEAST, MOST = 12, 200  # characters
TOO_SHORT = N_("A password has at least %(least)s characters.")
TOO_LONG = N_("A password has at most %(most)s characters.")
IS_EMAIL = N_("Your e-mail is no password.")
IS_COMMON = N_("This password is among the first that anybody tries.")
UNREADABLE = N_("The password holds a character that cannot be typed again.")

# RFC 9106, second recommended choice: 64 MiB, three passes, four lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_turns = BoundedSemaphore(2)  # at once in a process, or a crowd at the door would take the memory of the rest

# Source and licence of the published list stand in common_passwords.md.
_PUBLISHED = Path(__file__).with_name("common_passwords.txt.gz")
_LOCAL = Path(__file__).with_name("common_passwords_local.txt")
_LEAST_WORD = 4  # letters of a common word that make a longer password common; shorter ones are part of many


def hashed(password: str) -> str:
    """What is kept instead of the password."""
    with _turns:
        return _hasher.hash(_same(password))


def fits(kept: str | None, password: str) -> bool:
    """Whether it is the password that was kept; takes as long when there is none."""
    try:
        with _turns:
            fitting = _hasher.verify(kept or _nobody(), _same(password))
    except (VerificationError, InvalidHashError, ValueError):
        return False
    return fitting and kept is not None


def outdated(kept: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def complaint(password: str, email: str) -> str | None:
    """Why it cannot be a password, as a message with ``least`` and ``most``; ``None`` if it can."""
    try:
        text = clean(password)
    except ValueError:
        return UNREADABLE
    if len(text) < LEAST:
        return TOO_SHORT
    if len(text) > MOST:
        return TOO_LONG
    bare = "".join(filter(str.isalnum, text.casefold()))
    name, _, host = email.casefold().partition("@")
    if bare in {"".join(filter(str.isalnum, each)) for each in (email.casefold(), name, name + name, host)}:
        return IS_EMAIL
    if bare.isdecimal() or len(set(bare)) < 4 or is_common(text):
        return IS_COMMON
    return None


def is_common(password: str) -> bool:
    """Whether it is among the passwords that people choose most often, or one of them dressed up.

    Case does not count, nor do digits and signs at the ends, signs in between, and saying it twice.
    """
    folded = password.casefold().strip()
    bare = "".join(filter(str.isalnum, folded))
    words = {folded.strip(digits + punctuation + whitespace), bare.strip(digits)}
    words |= {word[: len(word) // 2] for word in words if word[: len(word) // 2] * 2 == word}
    wanted = {folded, bare} | {word for word in words if len(word) >= _LEAST_WORD}
    # Read anew every time: that takes milliseconds, while the set would stay in memory for years.
    with gzip.open(_PUBLISHED, "rt", encoding="utf-8") as published, _LOCAL.open(encoding="utf-8") as local:
        return any(line.rstrip("\n") in wanted for line in chain(local, published))


def _same(password: str) -> str:
    """The text in the form that another keyboard may have typed it in."""
    try:
        return clean(password)
    except ValueError:
        return password.encode("utf-8", "replace").decode()


@cache
def _nobody() -> str:
    return _hasher.hash("a password that nobody has")
