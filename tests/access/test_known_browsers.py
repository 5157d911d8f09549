"""Proofs of browsers in which a user has signed in."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from feedback_service.access import known_browsers
from feedback_service.models import User

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = b"k" * 32


def make_user(password_hash: str | None = "$argon2id$one") -> User:
    return User(id=uuid.uuid4(), email="olena@rada.example", password_hash=password_hash)


def test_a_browser_is_known_by_its_proof_for_half_a_year() -> None:
    user = make_user()
    proof = known_browsers.make_proof(KEY, user, NOON)

    name = known_browsers.find_name(KEY, user, proof, NOON + timedelta(days=179))

    assert name and known_browsers.find_name(KEY, user, proof, NOON) == name
    assert known_browsers.find_name(KEY, user, proof, NOON + timedelta(days=180)) is None


def test_each_proof_names_another_browser_and_nobody() -> None:
    user = make_user()
    proofs = [known_browsers.make_proof(KEY, user, NOON) for _ in range(3)]

    assert len({known_browsers.find_name(KEY, user, proof, NOON) for proof in proofs}) == 3
    assert not [proof for proof in proofs if user.id.hex in proof or user.email in proof]


def test_a_proof_is_worth_nothing_for_another_user_password_or_key() -> None:
    user = make_user()
    proof = known_browsers.make_proof(KEY, user, NOON)

    assert known_browsers.find_name(KEY, make_user(), proof, NOON) is None
    assert known_browsers.find_name(b"x" * 32, user, proof, NOON) is None
    user.password_hash = "$argon2id$two"
    assert known_browsers.find_name(KEY, user, proof, NOON) is None


@pytest.mark.parametrize("made_up", ["", ".", "..", "a.b.c", "й.1.\ud800", "x" * 10_000, "a.99999999999.", "a.b.c.d"])
def test_a_proof_that_somebody_made_up_is_none(made_up: str) -> None:
    assert known_browsers.find_name(KEY, make_user(), made_up, NOON) is None


def test_a_proof_cannot_be_prolonged() -> None:
    user = make_user()
    name, until, signature = known_browsers.make_proof(KEY, user, NOON).split(".")

    later = f"{name}.{int(until) + 1}.{signature}"

    assert known_browsers.find_name(KEY, user, later, NOON) is None
