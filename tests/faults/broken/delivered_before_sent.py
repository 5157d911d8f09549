"""Broken: a relay stores that events were delivered, then sends them."""

import time
from unittest.mock import patch

from feedback_service.delivery import relay
from feedback_service.delivery.relay import ClaimedBatch, Relay
from feedback_service.delivery.retry_policy import ReceiverReply


def settle_then_send(self: Relay, batch: ClaimedBatch) -> None:
    """Settle the events before they are sent."""
    ids = tuple(batch.bodies)
    relay.settle_batch(batch, ids, ReceiverReply(200, accepted=frozenset(ids), is_readable=True), [])
    time.sleep(0.5)
    self._transport.send([*batch.bodies.values()])


patch.object(Relay, "_send_batch", settle_then_send).start()
