"""Waits between attempts grow and have a limit."""

from datetime import timedelta

from feedback_service.backoff import doubled_wait

FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=1)


def test_each_failure_doubles_the_wait_up_to_the_limit() -> None:
    minutes = [doubled_wait(FIRST, LONGEST, failures) / FIRST for failures in range(1, 9)]

    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]


def test_failures_without_end_wait_no_longer_and_none_waits_as_after_the_first() -> None:
    assert doubled_wait(FIRST, LONGEST, 10**9) == LONGEST
    assert doubled_wait(FIRST, LONGEST, -3) == FIRST
