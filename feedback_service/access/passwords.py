"""Passwords: hashed with Argon2id, and refused if they are easy to guess (NIST SP 800-63B), whatever their characters.

Checking takes as long for an unknown user as for a known one: a dummy hash is checked instead. Whoever hashes for a web
request takes a turn (``take_turn``): without it, many sign-ins at once would use up the memory and keep every thread.
"""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from string import digits, punctuation, whitespace
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from feedback_service.errors import N_, SignInBusy
from feedback_service.plain_text import clean_text

MIN_LENGTH, MAX_LENGTH = 12, 200  # characters
TOO_SHORT = N_("A password has at least %(least)s characters.")
TOO_LONG = N_("A password has at most %(most)s characters.")
IS_EMAIL = N_("Your e-mail is no password.")
IS_COMMON = N_("This password is among the first that anybody tries.")
HAS_BAD_CHARACTER = N_("The password holds a character that cannot be typed again.")

# RFC 9106, second recommended choice: 64 MiB, three passes, four lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
MAX_TURN_WAIT = 1.0  # seconds
RETRY_AFTER = 5  # seconds
_turn, _turn_of_known_people = BoundedSemaphore(1), BoundedSemaphore(1)
# A web process has four threads. Strangers keep two of them, one with the turn and one that waits, so that other pages
# stay fast.
_places_of_strangers = BoundedSemaphore(2)

# The source and the licence of the published list are in common_passwords.md.
_PUBLISHED = Path(__file__).with_name("common_passwords.txt.gz")
_LOCAL = Path(__file__).with_name("common_passwords_local.txt")
_MIN_COMMON_WORD = 4  # characters; a shorter common word does not make a longer password common


@contextmanager
def take_turn(*, is_known: bool) -> Iterator[None]:
    """Hash passwords in this block, one request at a time in this process.

    ``is_known`` people, who have proved something already, have a turn of their own: strangers cannot keep it from
    them. Raises ``SignInBusy`` if the turn does not come within a second, and at once if another stranger waits.
    """
    if is_known:
        with _take_place(_turn_of_known_people, MAX_TURN_WAIT):
            yield
    else:
        with _take_place(_places_of_strangers, 0), _take_place(_turn, MAX_TURN_WAIT):
            yield


@contextmanager
def _take_place(places: BoundedSemaphore, max_wait: float) -> Iterator[None]:
    if not places.acquire(timeout=max_wait):
        raise SignInBusy(RETRY_AFTER)
    try:
        yield
    finally:
        places.release()


def hash_password(password: str) -> str:
    """Hash a password for storing."""
    return _hasher.hash(_normalise_password(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Check a password against its hash; takes as long without a hash (``None``), and is then ``False``."""
    try:
        is_match = _hasher.verify(password_hash or _dummy_hash(), _normalise_password(password))
    except (VerificationError, InvalidHashError, ValueError):
        return False
    return is_match and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def find_password_problem(password: str, email: str) -> str | None:
    """Return why the password is refused, or ``None``; the message has the parameters ``least`` and ``most``."""
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
    parts_of_email = (email.casefold(), name, name + name, host)
    if letters_and_digits in {"".join(filter(str.isalnum, part)) for part in parts_of_email}:
        return IS_EMAIL
    if letters_and_digits.isdecimal() or len(set(letters_and_digits)) < 4 or is_common(text):
        return IS_COMMON
    return None


def is_common(password: str) -> bool:
    """Whether the password is a common one, or a simple variation of it.

    Variations are: another case, digits and signs at the ends, signs in between, and the same word twice.
    """
    folded = password.casefold().strip()
    bare = "".join(filter(str.isalnum, folded))
    stems = {folded.strip(digits + punctuation + whitespace), bare.strip(digits)}
    stems |= {stem[: len(stem) // 2] for stem in stems if stem[: len(stem) // 2] * 2 == stem}
    variants = {folded, bare} | {stem for stem in stems if len(stem) >= _MIN_COMMON_WORD}
    # The lists are read each time: this takes milliseconds, and a set would stay in memory for ever.
    with gzip.open(_PUBLISHED, "rt", encoding="utf-8") as published, _LOCAL.open(encoding="utf-8") as local:
        return any(line.rstrip("\n") in variants for line in chain(local, published))


def _normalise_password(password: str) -> str:
    """Bring the text to one Unicode form: another keyboard may send other characters for the same password."""
    try:
        return clean_text(password)
    except ValueError:
        return password.encode("utf-8", "replace").decode()


@cache
def _dummy_hash() -> str:
    return _hasher.hash("a password that nobody has")
