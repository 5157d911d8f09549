"""Waits that grow with wrong attempts for a name."""

from datetime import UTC, datetime, timedelta

import pytest

from feedback_service.access import throttle
from feedback_service.database import transaction
from feedback_service.errors import TooManyAttempts
from feedback_service.models import SignInAttempts
from tests.support import stored

pytestmark = pytest.mark.usefixtures("context")

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = b"k" * 32

count_attempt = transaction(throttle.count_attempt)
forget_attempts = transaction(throttle.forget_attempts)
purge_attempts = transaction(throttle.purge_attempts)


def make_attempts(times: int, name: str = "olena@rada.example", at: datetime = NOON) -> datetime:
    """Make wrong attempts, each after the necessary wait, and return the time of the last one."""
    for _ in range(times):
        while True:
            try:
                count_attempt(KEY, name, at)
                break
            except TooManyAttempts as refused:
                at += timedelta(seconds=refused.retry_after)
    return at


def seconds_to_wait(at: datetime, name: str = "olena@rada.example") -> int:
    """Return how long the next attempt has to wait."""
    with pytest.raises(TooManyAttempts) as refused:
        count_attempt(KEY, name, at)
    return refused.value.retry_after


def test_five_attempts_are_free_then_each_wait_is_twice_the_last_up_to_a_quarter_of_an_hour() -> None:
    at, waits = make_attempts(5), []
    for _ in range(8):
        waits.append(seconds_to_wait(at) - 1)
        at = make_attempts(1, at=at + timedelta(seconds=waits[-1]))

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_an_attempt_while_the_wait_lasts_makes_it_no_longer() -> None:
    at = make_attempts(5)
    for second in (1, 10, 29):
        seconds_to_wait(at + timedelta(seconds=second))

    assert count_attempt(KEY, "olena@rada.example", at + timedelta(seconds=30)) == 6


def test_there_is_never_a_lock_for_good() -> None:
    at = make_attempts(60)
    assert seconds_to_wait(at) <= 901


def test_one_name_waits_and_another_does_not() -> None:
    make_attempts(5)
    assert count_attempt(KEY, "taras@rada.example", NOON) == 1


def test_a_right_password_or_a_quiet_day_forgets_the_count() -> None:
    at = make_attempts(6)
    forget_attempts(KEY, "olena@rada.example")
    assert count_attempt(KEY, "olena@rada.example", at) == 1

    at = make_attempts(5, "taras@rada.example") + timedelta(days=1, seconds=1)
    assert count_attempt(KEY, "taras@rada.example", at) == 1


def test_typed_names_are_stored_as_hashes_and_old_counts_are_deleted() -> None:
    make_attempts(1, "мій-пароль-замість-пошти")
    make_attempts(1, "olena@rada.example", NOON + timedelta(days=1))

    rows = stored.read_rows(SignInAttempts)
    assert all(len(row.name_hash) == 32 for row in rows)
    assert purge_attempts(NOON + timedelta(days=1, seconds=1), limit=100) == 1
    assert len(stored.read_rows(SignInAttempts)) == 1
