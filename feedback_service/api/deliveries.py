"""Operators of case systems see what reached the central monitoring system, and have dead letters sent again."""

import base64
import binascii
import json
import uuid
from collections.abc import Collection
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response
from marshmallow import Schema, ValidationError, fields

from feedback_service.api.fields import Choice, Instant, Line, Strict, Uuid
from feedback_service.api.fields import Said as said
from feedback_service.api.operations import Call, Operation, operation
from feedback_service.api.replies import instant, reply
from feedback_service.api.schemas import centre
from feedback_service.config import settings
from feedback_service.delivery import overview
from feedback_service.delivery.overview import Delivery, Place
from feedback_service.errors import N_, Conflict, Invalid, NotFound
from feedback_service.flow import deliveries
from feedback_service.words import EVENT_STATES

USUAL, MOST = 50, 200  # items of a page
NOT_A_NUMBER = N_("Write this as a whole number from %(least)d to %(most)d.")
BAD_CURSOR = N_("Take the cursor from the header “Link” of the page before.")

bp = Blueprint("deliveries", __name__)


class Limit(fields.Integer):
    """How many items a page may have."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"minimum": 1, "maximum": MOST}, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6):
            raise ValidationError(said(NOT_A_NUMBER, least=1, most=MOST))
        if not 1 <= int(value) <= MOST:
            raise ValidationError(said(NOT_A_NUMBER, least=1, most=MOST))
        return int(value)


class DeliveriesQuery(Strict):
    """Which deliveries are listed."""

    state = Choice(EVENT_STATES, metadata={"description": "Pending and dead ones when left out."})
    limit = Limit(load_default=USUAL)
    cursor = Line(300, metadata={"description": "As the header “Link” of the page before has it."})


class DeliveryReply(Schema):
    """How it goes with one event; never what it tells."""

    id = Uuid(required=True, metadata={"description": "The event's id."})
    type = fields.String(required=True)
    centre = centre(required=True)
    state = Choice(EVENT_STATES, required=True)
    attempts = fields.Integer(required=True)
    created_at = Instant(required=True)
    last_attempt_at = Instant(required=True, allow_none=True)
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "Why it is dead, or why it still waits."}
    )


class DeliveriesReply(Schema):
    """A page of deliveries; the header ``Link`` leads to the next."""

    items = fields.List(fields.Nested(DeliveryReply), required=True)


class DeliverySumsReply(Schema):
    """How many events are in which state."""

    pending = fields.Integer(required=True)
    oldest_pending_seconds = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null when none waits."}
    )
    dead = fields.Integer(required=True)
    delivered = fields.Integer(required=True)


@bp.get("/deliveries")
@operation(
    Operation(
        needs="deliveries:manage",
        summary=N_("List deliveries"),
        note=N_(
            "Those that wait for the central monitoring system or were refused by it. The header “Link” with "
            'rel="next" leads to the next page.'
        ),
        query=DeliveriesQuery,
        gives={200: (N_("A page of deliveries."), DeliveriesReply)},
    )
)
def list_deliveries(call: Call) -> Response:
    """A page of deliveries of the caller's centres."""
    asked = call.query
    states = [asked["state"]] if "state" in asked else overview.UNFINISHED
    after = _place(asked["cursor"], states) if "cursor" in asked else None
    items, end = deliveries.read_deliveries(call.centres, states, after, asked["limit"])
    response = reply({"items": [_delivery(item) for item in items]})
    if end is not None:
        kept = {name: asked[name] for name in ("state", "limit") if name in asked}
        following = urlencode(kept | {"cursor": _cursor(end)})
        response.headers["Link"] = f'<{settings().public_url}/api/v1/deliveries?{following}>; rel="next"'
    return response


@bp.get("/deliveries/summary")
@operation(
    Operation(
        needs="deliveries:manage",
        summary=N_("Count deliveries"),
        gives={200: (N_("How many events are in which state."), DeliverySumsReply)},
    )
)
def sum_deliveries(call: Call) -> Response:
    """How many events of the caller's centres are in which state."""
    return reply(asdict(deliveries.read_status(call.centres).sums))


@bp.post("/deliveries/<uuid:event_id>/replay")
@operation(
    Operation(
        needs="deliveries:manage",
        summary=N_("Send an event again"),
        note=N_(
            "A dead letter waits again, as it was; one that waits is tried at once. What was delivered stays so."
        ),
        gives={202: (N_("It will be sent."), DeliveryReply)},
        refuses=(NotFound, Conflict),
        path={"event_id": N_("The event's id.")},
    )
)
def replay_delivery(call: Call, event_id: uuid.UUID) -> Response:
    """Have the event sent again."""
    return reply(_delivery(deliveries.replay(event_id, call.centres)), 202)


def _delivery(item: Delivery) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "type": item.type,
        "centre": item.centre,
        "state": item.state,
        "attempts": item.attempts,
        "created_at": instant(item.created_at),
        "last_attempt_at": instant(item.last_attempt_at) if item.last_attempt_at else None,
        "reason": item.reason,
    }


def _cursor(place: Place) -> str:
    written = json.dumps([place.state, place.centre_id.hex, place.id.hex])
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _place(cursor: str, states: Collection[str]) -> Place:
    """Where the page before ended; one of another state's list would pass over some of these."""
    try:
        read = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        state, centre_id, event_id = read
        place = Place(str(state), uuid.UUID(centre_id), uuid.UUID(event_id))
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise Invalid.field("/cursor", BAD_CURSOR) from None
    if place.state not in states:
        raise Invalid.field("/cursor", BAD_CURSOR)
    return place
