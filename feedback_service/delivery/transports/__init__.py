"""Ways to the central system.

https  a signed POST request
"""

from collections.abc import Sequence
from typing import Protocol

from feedback_service.delivery.retry_policy import ReceiverReply


class Transport(Protocol):
    """A way to send events to the central system."""

    def send(self, bodies: Sequence[str]) -> ReceiverReply:
        """Send events, whose bodies ``events.build_body`` made, and return the outcome.

        Ends within ``retry_policy.REQUEST_LIMIT``.
        """
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
