"""Broken: a relay writes down that events were delivered, then sends them."""

import time
from unittest.mock import patch

from feedback_service.delivery import courier
from feedback_service.delivery.courier import Courier, Errand
from feedback_service.delivery.relay import Reply


def carry(self: Courier, errand: Errand) -> None:
    """Hope for the best."""
    ids = tuple(errand.bodies)
    courier.settle(errand, ids, Reply(200, taken=frozenset(ids), readable=True), [])
    time.sleep(0.5)
    self._transport.send([*errand.bodies.values()])


patch.object(Courier, "_carry", carry).start()
