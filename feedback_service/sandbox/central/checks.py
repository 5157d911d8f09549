"""What the demo central system takes: signed batches of well-formed events of one centre."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from werkzeug.datastructures import Headers

from feedback_service.sandbox.central.schema import Check, compiled

MEDIA_TYPE = "application/cloudevents-batch+json"
MOST_EVENTS = 100
MOST_BYTES = 2 * 1024 * 1024
TOLERANCE_SECONDS = 300  # how much the sender's clock may differ
SCHEMA_DIR = Path(__file__).parents[2] / "delivery" / "schemas"


class RefusedRequest(Exception):
    """A whole request is not taken; nothing of it is stored."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail = status, reason, detail


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request brought: events that fit, and why the others do not."""

    events: tuple[dict[str, Any], ...]
    rejected: tuple[tuple[str, str], ...]


def verify_signature(headers: Headers, body: bytes, secrets: Sequence[bytes], now: float) -> None:
    """Check that the request was signed by one of the secrets, not long ago. Raises ``RefusedRequest`` with 401.

    Standard Webhooks: HMAC-SHA256 of ``id.timestamp.body``; several signatures may stand side by side.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split()
    if not message_id or not timestamp or not signatures:
        raise RefusedRequest(401, "unsigned", "webhook-id, webhook-timestamp and webhook-signature are needed")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp[:15])) > TOLERANCE_SECONDS:
        raise RefusedRequest(401, "timestamp", f"webhook-timestamp is more than {TOLERANCE_SECONDS} seconds off")
    signed_content = f"{message_id}.{timestamp}.".encode() + body
    expected_signatures = [
        b"v1," + base64.b64encode(hmac.digest(secret, signed_content, hashlib.sha256)) for secret in secrets
    ]
    pairs = product(signatures, expected_signatures)
    if not any(hmac.compare_digest(signature.encode(), expected) for signature, expected in pairs):
        raise RefusedRequest(401, "signature", "no signature fits the body")


def decode_secret(encoded: str) -> bytes:
    """The bytes of ``whsec_…``; raises ``ValueError`` when it is none."""
    if not encoded.startswith("whsec_"):
        raise ValueError("a secret begins with whsec_")
    try:
        return base64.b64decode(encoded.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is base64 after whsec_") from error


class BatchReader:
    """Reads bodies by the published schemas."""

    def __init__(self) -> None:
        schemas = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(SCHEMA_DIR.glob("*.json"))]
        schemas_by_id = {schema["$id"]: schema for schema in schemas}
        self._check_schema: Check = compiled(schemas_by_id["urn:vidhuk:schema:envelope"], schemas_by_id)

    def read_batch(self, media_type: str, body: bytes) -> Batch:
        """Read the batch in a body. Raises ``RefusedRequest`` when the body cannot be divided into events."""
        if media_type != MEDIA_TYPE:
            raise RefusedRequest(415, "media_type", f"only {MEDIA_TYPE} is read here")
        events = _parse_json(body)
        if not isinstance(events, list) or not events:
            raise RefusedRequest(422, "shape", "the body is no list of events")
        if len(events) > MOST_EVENTS:
            raise RefusedRequest(413, "too_large", f"more than {MOST_EVENTS} events")
        if not all(isinstance(event, dict) and isinstance(event.get("id"), str) for event in events):
            raise RefusedRequest(422, "shape", "every event is an object with an id")
        if len({str(event.get("source")) for event in events}) > 1:
            raise RefusedRequest(422, "several_centres", "one request carries one centre's events")
        checked_events = [(event, self.find_problem(event)) for event in events]
        return Batch(
            tuple(event for event, problem in checked_events if problem is None),
            tuple((event["id"], problem) for event, problem in checked_events if problem is not None),
        )

    def find_problem(self, event: dict[str, Any]) -> str | None:
        """Return why the event is refused, beginning with a JSON pointer; ``None`` when it is accepted."""
        if problem := self._check_schema(event):
            return problem
        data, source = event["data"], event["source"]
        centre = data.get("code" if event["type"].startswith("ua.vidhuk.centre.") else "centre")
        if centre is not None and source != f"/centres/{centre}":
            return "/source is not the centre of the data"
        if len(event["sequence"]) > 18:
            return "/sequence is too large"
        at = datetime.fromisoformat(event["time"].upper())
        of_answer = event["type"].startswith("ua.vidhuk.response.")
        if of_answer and (at.minute or at.second or at.microsecond):
            return "/time of an answer is not truncated to the hour"
        return None


def _parse_json(body: bytes) -> Any:
    """Parse strict JSON. Raises ``RefusedRequest`` with 400."""
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_refuse_repeated_names, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise RefusedRequest(400, "malformed", "the body is not JSON") from error


def _refuse_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
