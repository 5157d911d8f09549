"""Broken: a relay gives events a new id whenever it sends them."""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

from feedback_service.delivery.relay import Reply
from feedback_service.delivery.transports.https import Https

_send = Https.send


def send(self: Https, bodies: Sequence[str]) -> Reply:
    """The receiver cannot know that it has seen them."""
    real: dict[str, str] = {}
    renamed = []
    for body in bodies:
        event = json.loads(body)
        id = str(uuid.uuid4())
        real[id] = event["id"]
        renamed.append(json.dumps(event | {"id": id}))
    reply = _send(self, renamed)
    time.sleep(0.5)
    return replace(reply, taken=frozenset(real.get(id, id) for id in reply.taken))


patch.object(Https, "send", send).start()
