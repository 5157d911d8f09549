"""Describes in OpenAPI the one request that we send: events for the central system (``webhooks``).

``docs/receiver.md`` says the same in words. The schemas of the events are those that the service serves.
"""

import json
from pathlib import Path
from typing import Any

from feedback_service.delivery.events import EVENT_TYPES
from feedback_service.delivery.retry_policy import MAX_BATCH, REFUSAL_STATUSES
from feedback_service.delivery.webhook_signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER

SCHEMAS = Path(__file__).parents[1] / "delivery" / "schemas"
BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"
_HEADERS = {
    ID_HEADER: "Names this request; a repeat has another.",
    TIMESTAMP_HEADER: "When it was sent, in seconds since 1970.",
    SIGNATURE_HEADER: "“v1,” and the HMAC-SHA256 of “id.timestamp.body” in Base64 (Standard Webhooks).",
}
_IDS = {"type": "array", "items": {"type": "string", "format": "uuid"}}


def describe_events_request() -> dict[str, Any]:
    """Return the operation by which events come to the receiver."""
    batch = {"type": "array", "minItems": 1, "maxItems": MAX_BATCH, "items": _refer_to("Event")}
    return {
        "operationId": "receive_events",
        "summary": "Receive events",
        "description": "POST {CENTRAL_URL}/events carries events of one centre. Drop repeats by the id of the event.",
        "parameters": [
            {"in": "header", "name": name, "required": True, "description": about, "schema": {"type": "string"}}
            for name, about in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {BATCH_MEDIA_TYPE: {"schema": batch}}},
        "responses": {
            "200": {
                "description": "What became of each event. An event that no list names counts as not delivered.",
                "content": {"application/json": {"schema": _refer_to("EventsReceived")}},
            },
            **{
                str(status): {"description": "Something in it is refused. We send it in halves to find the event."}
                for status in sorted(REFUSAL_STATUSES)
            },
            "default": {"description": "We wait, honour “Retry-After”, and send the same events again."},
        },
    }


def describe_schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of the request and its reply, by name."""
    event = _read_schema("envelope")
    del event["allOf"]  # it ties the data to the type by the names of files
    data_schemas = {_schema_name(event_type): _read_schema(event_type) for event_type in EVENT_TYPES}
    event["properties"]["data"] = {"anyOf": [_refer_to(name) for name in data_schemas]}
    rejection = {
        "type": "object",
        "properties": {"id": _IDS["items"], "reason": {"type": "string"}},
        "required": ["id", "reason"],
    }
    received = {
        "type": "object",
        "description": "Each event that came, in one of the lists. At least one list is needed.",
        "properties": {"accepted": _IDS, "duplicates": _IDS, "rejected": {"type": "array", "items": rejection}},
        "minProperties": 1,
    }
    return {"Event": event, **data_schemas, "EventsReceived": received}


def _read_schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    del schema["$schema"], schema["$id"]
    return schema


def _schema_name(event_type: str) -> str:
    """Return the name of the data's schema: ``CaseStatusData`` for ``ua.vidhuk.case.status.v1``."""
    return "".join(word.capitalize() for word in event_type.split(".")[2:-1]) + "Data"


def _refer_to(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
