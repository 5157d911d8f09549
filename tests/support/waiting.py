"""Waiting for what other threads and processes do: as long as a busy machine needs, no longer than it takes."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as the condition is true. Raises ``AssertionError`` when it does not become true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come true within {seconds:.0f} seconds"
        time.sleep(0.02)
