"""Passwords: what is kept of them, and which of them cannot be guessed."""

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
def test_a_password_is_kept_as_argon2id_with_the_parameters_of_rfc_9106() -> None:
    kept = passwords.hash_password(GOOD)

    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert len(kept) <= 200, "the column"
    assert kept != passwords.hash_password(GOOD), "salted"
    assert passwords.verify_password(kept, GOOD)
    assert not passwords.verify_password(kept, GOOD + " ")


def test_the_same_password_from_another_keyboard_fits() -> None:
    kept = passwords.hash_password("їжак і ґедзь 12")
    assert passwords.verify_password(kept, unicodedata.normalize("NFD", "їжак і ґедзь 12"))


@pytest.mark.slow
@pytest.mark.parametrize("typed", ["", "\ud800", "a\x00b", "x" * 100_000])
def test_nothing_that_can_be_typed_is_a_fault(typed: str) -> None:
    assert not passwords.verify_password(passwords.hash_password(GOOD), typed)
    assert not passwords.verify_password(None, typed)


def test_a_hash_made_with_other_parameters_is_outdated() -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)

    assert passwords.verify_password(older, GOOD)
    assert passwords.needs_rehash(older)
    assert not passwords.needs_rehash(passwords.hash_password(GOOD))


@pytest.mark.slow
def test_checking_nobodys_password_takes_as_long_as_checking_somebodys() -> None:
    kept = passwords.hash_password(GOOD)
    passwords.verify_password(None, GOOD)  # nobody's hash is made once

    def seconds(whose: str | None) -> float:
        taken = []
        for _ in range(5):
            began = time.process_time()
            passwords.verify_password(whose, "не той пароль")
            taken.append(time.process_time() - began)
        return min(taken)

    somebody, nobody = seconds(kept), seconds(None)
    assert 0.5 < nobody / somebody < 2


@pytest.mark.parametrize(
    "typed", [GOOD, "correct horse battery", "ґудзик-ґедзь-ґава", "J7$kd92!xPq0", "a" * 11 + "bcde"]
)
def test_long_enough_is_good_enough_whatever_it_is_made_of(typed: str) -> None:
    assert passwords.find_password_problem(typed, EMAIL) is None


@pytest.mark.parametrize(
    ("typed", "why"),
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
def test_what_is_tried_first_is_refused_with_its_reason(typed: str, why: str) -> None:
    assert passwords.find_password_problem(typed, EMAIL) == why


def test_the_published_list_holds_ten_thousand_passwords_and_more() -> None:
    with gzip.open(
        Path(passwords.__file__).with_name("common_passwords.txt.gz"), "rt", encoding="utf-8"
    ) as file:
        published = file.read().splitlines()

    assert len(set(published)) >= 10_000
    assert all(passwords.is_common(each.upper()) for each in published[::400])


def test_a_short_word_makes_no_password_common() -> None:
    assert not passwords.is_common("на4815162342")
    assert not passwords.is_common("the4815162342")
