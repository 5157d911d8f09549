"""Ways to the central system. Each has one method: send these events, tell what came of it."""

from collections.abc import Sequence
from typing import Protocol

from feedback_service.delivery.retry_policy import ReceiverReply


class Transport(Protocol):
    """A way to the central system."""

    def send(self, bodies: Sequence[str]) -> ReceiverReply:
        """What came of sending these events, as ``events.build_body`` made them.

        It ends within ``retry_policy.REQUEST_LIMIT``.
        """
        ...

    def close(self) -> None:
        """Nothing is held open any more."""
        ...
