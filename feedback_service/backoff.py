"""How long to wait before another attempt: twice as long each time, up to a limit."""

from datetime import timedelta

_MOST_DOUBLINGS = 20  # more than any limit allows; a larger power would overflow


def doubled_wait(first: timedelta, longest: timedelta, failures: int) -> timedelta:
    """Return ``first`` after one failure, twice as much after each further one, ``longest`` at most."""
    factor: int = 2 ** min(max(0, failures - 1), _MOST_DOUBLINGS)
    return min(first * factor, longest)
