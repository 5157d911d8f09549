"""Ways to the central system. Each has one method: send these events, tell what came of it."""

from collections.abc import Sequence
from typing import Protocol

from feedback_service.delivery.relay import Reply


class Transport(Protocol):
    """A way to the central system."""

    def send(self, bodies: Sequence[str]) -> Reply:
        """What came of sending these events (as ``events.body`` made them); ends within ``relay.REQUEST``."""
        ...

    def close(self) -> None:
        """Nothing is held open any more."""
        ...
