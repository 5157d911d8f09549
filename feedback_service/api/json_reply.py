"""How the JSON door writes: compact, letters as they are, instants as the clock on the wall in Kyiv."""

import json
from datetime import datetime
from typing import Any

from flask import Response

from feedback_service.clock import KYIV


def json_response(members: Any, status: int = 200, content_type: str = "application/json") -> Response:
    """The members as a JSON response."""
    text = json.dumps(members, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half of a surrogate pair cannot be UTF-8; spelled out as \udxxx it is still the JSON that was meant.
    return Response(text.encode("utf-8", "backslashreplace"), status, content_type=content_type)


def format_instant(at: datetime) -> str:
    """RFC 3339 with Kyiv's offset."""
    return at.astimezone(KYIV).isoformat()
