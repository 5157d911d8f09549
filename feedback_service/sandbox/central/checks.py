"""What the demo central system takes: signed batches of well-formed events of one centre."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from werkzeug.datastructures import Headers

from feedback_service.sandbox.central.schema import Check, compiled

MEDIA_TYPE = "application/cloudevents-batch+json"
MOST_EVENTS = 100
MOST_BYTES = 2 * 1024 * 1024
TOLERANCE = 300  # seconds that the sender's clock may be off
PUBLISHED = Path(__file__).parents[2] / "delivery" / "schemas"


class Refused(Exception):
    """A whole request is not taken; nothing of it is stored."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail = status, reason, detail


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request brought: events that fit, and why the others do not."""

    events: tuple[dict[str, Any], ...]
    rejected: tuple[tuple[str, str], ...]


def verify(headers: Headers, body: bytes, secrets: Sequence[bytes], now: float) -> None:
    """The request was signed with one of the secrets, not long ago; raises ``Refused`` with 401.

    Standard Webhooks: HMAC-SHA256 of ``id.timestamp.body``; several signatures may stand side by side.
    """
    name, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()
    if not name or not timestamp or not given:
        raise Refused(401, "unsigned", "webhook-id, webhook-timestamp and webhook-signature are needed")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp[:15])) > TOLERANCE:
        raise Refused(401, "timestamp", f"webhook-timestamp is more than {TOLERANCE} seconds off")
    signed = f"{name}.{timestamp}.".encode() + body
    right = [b"v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)) for secret in secrets]
    if not any(hmac.compare_digest(one.encode(), each) for one in given for each in right):
        raise Refused(401, "signature", "no signature fits the body")


def secret(written: str) -> bytes:
    """The bytes of ``whsec_…``; raises ``ValueError`` when it is none."""
    if not written.startswith("whsec_"):
        raise ValueError("a secret begins with whsec_")
    try:
        return base64.b64decode(written.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is base64 after whsec_") from error


class Reader:
    """Reads bodies by the published schemas."""

    def __init__(self, folder: Path = PUBLISHED) -> None:
        schemas = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
        named = {schema["$id"]: schema for schema in schemas}
        self._fault: Check = compiled(named["urn:vidhuk:schema:envelope"], named)

    def read(self, media_type: str, body: bytes) -> Batch:
        """The batch in a body; raises ``Refused`` where single events cannot even be told apart."""
        if media_type != MEDIA_TYPE:
            raise Refused(415, "media_type", f"only {MEDIA_TYPE} is read here")
        if len(body) > MOST_BYTES:
            raise Refused(413, "too_large", f"more than {MOST_BYTES} bytes")
        events = _parsed(body)
        if not isinstance(events, list) or not events:
            raise Refused(422, "shape", "the body is no list of events")
        if len(events) > MOST_EVENTS:
            raise Refused(413, "too_large", f"more than {MOST_EVENTS} events")
        if not all(isinstance(event, dict) and isinstance(event.get("id"), str) for event in events):
            raise Refused(422, "shape", "every event is an object with an id")
        if len({str(event.get("source")) for event in events}) > 1:
            raise Refused(422, "several_centres", "one request carries one centre's events")
        faults = [(event, self.fault(event)) for event in events]
        return Batch(
            tuple(event for event, fault in faults if fault is None),
            tuple((event["id"], fault) for event, fault in faults if fault is not None),
        )

    def fault(self, event: dict[str, Any]) -> str | None:
        """Why the event is not taken, beginning with a JSON pointer; ``None`` when it is."""
        if fault := self._fault(event):
            return fault
        data, source = event["data"], event["source"]
        centre = data.get("code" if event["type"].startswith("ua.vidhuk.centre.") else "centre")
        if centre is not None and source != f"/centres/{centre}":
            return "/source is not the centre of the data"
        if len(event["sequence"]) > 18:
            return "/sequence is too large"
        at = datetime.fromisoformat(event["time"].upper())
        if event["type"].startswith("ua.vidhuk.response.") and (at.minute, at.second, at.microsecond) != (
            0,
            0,
            0,
        ):
            return "/time of an answer is not truncated to the hour"
        return None


def _parsed(body: bytes) -> Any:
    """Strict JSON; raises ``Refused`` with 400."""
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_no_such_number
        )
    except (ValueError, RecursionError) as error:
        raise Refused(400, "malformed", "the body is not JSON") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_such_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
