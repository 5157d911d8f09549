"""Waits before another attempt, each twice as long as the one before, up to a limit."""

from datetime import timedelta

_MOST_DOUBLINGS = 20  # no limit needs more, and a larger power would overflow


def doubled_wait(first: timedelta, longest: timedelta, failures: int) -> timedelta:
    """Return ``first`` after one failure and twice as much after each further failure, at most ``longest``."""
    factor: int = 2 ** min(max(0, failures - 1), _MOST_DOUBLINGS)
    return min(first * factor, longest)
