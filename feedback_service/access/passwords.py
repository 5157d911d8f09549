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
from feedback_service.plain_text import clean_text

MIN_LENGTH, MAX_LENGTH = 12, 200  # characters
TOO_SHORT = N_("A password has at least %(least)s characters.")
TOO_LONG = N_("A password has at most %(most)s characters.")
IS_EMAIL = N_("Your e-mail is no password.")
IS_COMMON = N_("This password is among the first that anybody tries.")
HAS_BAD_CHARACTER = N_("The password holds a character that cannot be typed again.")

# RFC 9106, second recommended choice: 64 MiB, three passes, four lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_hashing_slots = BoundedSemaphore(
    2
)  # at once in a process, or a crowd at the door would take the memory of the rest

# Source and licence of the published list stand in common_passwords.md.
_PUBLISHED = Path(__file__).with_name("common_passwords.txt.gz")
_LOCAL = Path(__file__).with_name("common_passwords_local.txt")
_LEAST_WORD = 4  # letters of a common word that make a longer password common; shorter ones are part of many


def hash_password(password: str) -> str:
    """What is kept instead of the password."""
    with _hashing_slots:
        return _hasher.hash(_normalise_password(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether it is the password that was kept; takes as long when there is none."""
    try:
        with _hashing_slots:
            is_match = _hasher.verify(password_hash or _dummy_hash(), _normalise_password(password))
    except (VerificationError, InvalidHashError, ValueError):
        return False
    return is_match and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def find_password_problem(password: str, email: str) -> str | None:
    """Why it cannot be a password, as a message with ``least`` and ``most``; ``None`` if it can."""
    try:
        text = clean_text(password)
    except ValueError:
        return HAS_BAD_CHARACTER
    if len(text) < MIN_LENGTH:
        return TOO_SHORT
    if len(text) > MAX_LENGTH:
        return TOO_LONG
    letters_and_digits = "".join(filter(str.isalnum, text.casefold()))
    name, _, host = email.casefold().partition("@")
    if letters_and_digits in {
        "".join(filter(str.isalnum, part)) for part in (email.casefold(), name, name + name, host)
    }:
        return IS_EMAIL
    if letters_and_digits.isdecimal() or len(set(letters_and_digits)) < 4 or is_common(text):
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


def _normalise_password(password: str) -> str:
    """The text in the form that another keyboard may have typed it in."""
    try:
        return clean_text(password)
    except ValueError:
        return password.encode("utf-8", "replace").decode()


@cache
def _dummy_hash() -> str:
    return _hasher.hash("a password that nobody has")
