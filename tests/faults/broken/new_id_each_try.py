"""Broken: a relay gives events a new id whenever it sends them."""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

from feedback_service.delivery.retry_policy import ReceiverReply
from feedback_service.delivery.transports.https import HttpsTransport

_original_send = HttpsTransport.send


def send_with_new_ids(self: HttpsTransport, bodies: Sequence[str]) -> ReceiverReply:
    """Give the events new ids, so that the receiver cannot recognise them."""
    original_ids: dict[str, str] = {}
    changed_bodies = []
    for body in bodies:
        event = json.loads(body)
        event_id = str(uuid.uuid4())
        original_ids[event_id] = event["id"]
        changed_bodies.append(json.dumps(event | {"id": event_id}))
    reply = _original_send(self, changed_bodies)
    time.sleep(0.5)
    return replace(reply, accepted=frozenset(original_ids.get(event_id, event_id) for event_id in reply.accepted))


patch.object(HttpsTransport, "send", send_with_new_ids).start()
