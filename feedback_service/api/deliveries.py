"""Endpoints for case systems: how deliveries to the central system go, and sending a refused event again."""

import uuid
from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response
from marshmallow import Schema, ValidationError, fields

from feedback_service.api.endpoint import Call, Operation
from feedback_service.api.fields import Choice, Instant, StrictSchema, TextLine, TranslatableMessage, Uuid
from feedback_service.api.json_reply import respond
from feedback_service.api.schemas import centre_code_field, describe
from feedback_service.config import current_settings
from feedback_service.delivery import status
from feedback_service.delivery.status import PageCursor
from feedback_service.errors import N_, Conflict, Invalid, NotFound
from feedback_service.flow import deliveries
from feedback_service.vocabulary import EVENT_STATES

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 200  # items of a page
NOT_A_NUMBER = N_("Write this as a whole number from %(least)d to %(most)d.")
BAD_CURSOR = N_("Take the cursor from the header “Link” of the page before.")

bp = Blueprint("deliveries", __name__)


class PageSize(fields.Integer):
    """How many items a page may have."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"minimum": 1, "maximum": MAX_PAGE_SIZE}, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        is_number = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6
        if not is_number or not 1 <= int(value) <= MAX_PAGE_SIZE:
            raise ValidationError(TranslatableMessage(NOT_A_NUMBER, least=1, most=MAX_PAGE_SIZE))
        return int(value)


class DeliveriesQuery(StrictSchema):
    """Which deliveries are listed."""

    state = Choice(EVENT_STATES, metadata=describe("Pending and dead ones when left out."))
    limit = PageSize(load_default=DEFAULT_PAGE_SIZE)
    cursor = TextLine(300, metadata=describe("As the header “Link” of the page before has it."))


class DeliveryReply(Schema):
    """The state of the delivery of one event; never its content."""

    id = Uuid(required=True, metadata=describe("The event's id."))
    type = fields.String(required=True)
    centre = centre_code_field(required=True)
    state = Choice(EVENT_STATES, required=True)
    attempts = fields.Integer(required=True)
    created_at = Instant(required=True, metadata=describe("To the hour."))
    last_attempt_at = Instant(required=True, allow_none=True, metadata=describe("To the hour."))
    reason = fields.String(required=True, allow_none=True, metadata=describe("Why it is dead, or why it still waits."))


class DeliveriesReply(Schema):
    """A page of deliveries; the header ``Link`` leads to the next."""

    items = fields.List(fields.Nested(DeliveryReply), required=True)


class DeliverySumsReply(Schema):
    """How many events are in which state."""

    pending = fields.Integer(required=True)
    oldest_pending_seconds = fields.Integer(
        required=True,
        allow_none=True,
        metadata=describe("Null when none waits. An answer waits from the end of its hour."),
    )
    dead = fields.Integer(required=True)
    delivered = fields.Integer(required=True)


@bp.get("/deliveries")
@Operation(
    needs="deliveries:manage",
    summary=N_("List deliveries"),
    note=N_(
        "Those that wait for the central monitoring system or were refused by it. The header “Link” with "
        'rel="next" leads to the next page.'
    ),
    query=DeliveriesQuery,
    gives={200: (N_("A page of deliveries."), DeliveriesReply)},
)
def list_deliveries(call: Call) -> Response:
    """A page of deliveries of the caller's centres."""
    parameters = call.query
    states = [parameters["state"]] if "state" in parameters else status.UNFINISHED_STATES
    after = _decode_cursor(parameters["cursor"], states) if "cursor" in parameters else None
    items, end_cursor = deliveries.list_deliveries(call.centres, states, after, parameters["limit"])
    response = respond(DeliveriesReply, {"items": items})
    if end_cursor is not None:
        same_parameters = {name: parameters[name] for name in ("state", "limit") if name in parameters}
        next_parameters = urlencode(same_parameters | {"cursor": deliveries.seal_cursor(end_cursor)})
        response.headers["Link"] = f'<{current_settings().public_url}/api/v1/deliveries?{next_parameters}>; rel="next"'
    return response


@bp.get("/deliveries/summary")
@Operation(
    needs="deliveries:manage",
    summary=N_("Count deliveries"),
    gives={200: (N_("How many events are in which state."), DeliverySumsReply)},
)
def sum_deliveries(call: Call) -> Response:
    """How many events of the caller's centres are in which state."""
    return respond(DeliverySumsReply, deliveries.count_deliveries(call.centres))


@bp.post("/deliveries/<uuid:event_id>/replay")
@Operation(
    needs="deliveries:manage",
    summary=N_("Send an event again"),
    note=N_("A dead letter waits again, as it was; one that waits is tried at once. What was delivered stays so."),
    gives={202: (N_("It will be sent."), DeliveryReply)},
    refuses=(NotFound, Conflict),
    path={"event_id": N_("The event's id.")},
)
def replay_delivery(call: Call, event_id: uuid.UUID) -> Response:
    """Send the event again."""
    return respond(DeliveryReply, deliveries.replay_event(event_id, call.centres), 202)


def _decode_cursor(cursor: str, states: Collection[str]) -> PageCursor:
    """Return where the page before ended; a cursor of a list of other states would skip events, so it is refused."""
    page_cursor = deliveries.open_cursor(cursor)
    if page_cursor is None or page_cursor.state not in states:
        raise Invalid.for_field("/cursor", BAD_CURSOR)
    return page_cursor
