"""Passwords: how they are stored, and which of them are refused."""

import gzip
import time
import unicodedata
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from feedback_service.access import passwords

EMAIL = "olena@rada.example"
GOOD = "три сосни біля ставка"


@pytest.mark.slow
def test_a_password_is_stored_as_argon2id_with_the_parameters_of_rfc_9106() -> None:
    password_hash = passwords.hash_password(GOOD)

    assert password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert len(password_hash) <= 200, "the length of the column"
    assert password_hash != passwords.hash_password(GOOD), "salted"
    assert passwords.verify_password(password_hash, GOOD)
    assert not passwords.verify_password(password_hash, GOOD + " ")


def test_the_same_password_in_another_unicode_form_is_accepted() -> None:
    password_hash = passwords.hash_password("їжак і ґедзь 12")
    assert passwords.verify_password(password_hash, unicodedata.normalize("NFD", "їжак і ґедзь 12"))


@pytest.mark.slow
@pytest.mark.parametrize("typed", ["", "\ud800", "a\x00b", "x" * 100_000])
def test_unusual_input_is_refused_without_an_error(typed: str) -> None:
    assert not passwords.verify_password(passwords.hash_password(GOOD), typed)
    assert not passwords.verify_password(None, typed)


def test_a_hash_made_with_other_parameters_is_outdated() -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)

    assert passwords.verify_password(older, GOOD)
    assert passwords.needs_rehash(older)
    assert not passwords.needs_rehash(passwords.hash_password(GOOD))


@pytest.mark.slow
def test_checking_the_password_of_an_unknown_user_takes_as_long() -> None:
    password_hash = passwords.hash_password(GOOD)
    passwords.verify_password(None, GOOD)  # the dummy hash is made once

    def measure_seconds(stored_hash: str | None) -> float:
        measured = []
        for _ in range(5):
            started_at = time.process_time()
            passwords.verify_password(stored_hash, "не той пароль")
            measured.append(time.process_time() - started_at)
        return min(measured)

    known_user, unknown_user = measure_seconds(password_hash), measure_seconds(None)
    assert 0.5 < unknown_user / known_user < 2


@pytest.mark.parametrize(
    "typed", [GOOD, "correct horse battery", "ґудзик-ґедзь-ґава", "J7$kd92!xPq0", "a" * 11 + "bcde"]
)
def test_a_long_password_is_accepted_whatever_its_characters(typed: str) -> None:
    assert passwords.find_password_problem(typed, EMAIL) is None


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("коротке", passwords.TOO_SHORT),
        ("елевен знак", passwords.TOO_SHORT),
        ("x" * 201, passwords.TOO_LONG),
        ("olena@rada.example", passwords.IS_EMAIL),
        ("Olena@Rada.Example", passwords.IS_EMAIL),
        ("password12345", passwords.IS_COMMON),
        ("Password!2026", passwords.IS_COMMON),
        ("qwertyuiop123", passwords.IS_COMMON),
        ("йцукенгшщзхї", passwords.IS_COMMON),
        ("123456789012", passwords.IS_COMMON),
        ("aaaaaaaaaaaa", passwords.IS_COMMON),
        ("1q2w3e4r5t6y", passwords.IS_COMMON),
        ("Dragon.Dragon", passwords.IS_COMMON),
        ("P@ssw0rd!2026", passwords.IS_COMMON),
        ("Слава Україні! 2026", passwords.IS_COMMON),
        ("ABCDEFG1234567", passwords.IS_COMMON),
        ("три сосни\u202e біля", passwords.HAS_BAD_CHARACTER),
    ],
)
def test_a_password_easy_to_guess_is_refused_with_the_reason(typed: str, reason: str) -> None:
    assert passwords.find_password_problem(typed, EMAIL) == reason


def test_the_published_list_has_ten_thousand_passwords_or_more() -> None:
    with gzip.open(Path(passwords.__file__).with_name("common_passwords.txt.gz"), "rt", encoding="utf-8") as file:
        published = file.read().splitlines()

    assert len(set(published)) >= 10_000
    assert all(passwords.is_common(password.upper()) for password in published[::400])


def test_a_short_word_makes_no_password_common() -> None:
    assert not passwords.is_common("на4815162342")
    assert not passwords.is_common("the4815162342")
