"""Writes JSON responses: compact, with characters as they are instead of escapes."""

import json
from typing import Any

from flask import Response
from marshmallow import Schema

from feedback_service.api.fields import shared_schema


def respond(schema: type[Schema], value: Any, status: int = 200) -> Response:
    """Return the value as a JSON response in the shape of the reply schema."""
    return json_response(dump_reply(schema, value), status)


def dump_reply(schema: type[Schema], value: Any) -> Any:
    """Return the members of the reply schema, in its order; the value is an object or a mapping that has them."""
    return shared_schema(schema).dump(value)


def json_response(members: Any, status: int = 200, content_type: str = "application/json") -> Response:
    """Return the members as a JSON response."""
    text = json.dumps(members, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half of a surrogate pair cannot be UTF-8; spelled out as \udxxx it is still the JSON that was meant.
    return Response(text.encode("utf-8", "backslashreplace"), status, content_type=content_type)
