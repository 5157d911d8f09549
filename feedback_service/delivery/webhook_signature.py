"""Signatures of Standard Webhooks 1.0, symmetric: they prove who sent a request, when, and that nobody changed it.

The text ``id.timestamp.body`` is signed by HMAC-SHA256. While a secret is replaced, two are in use: the sender signs
with each, the receiver accepts any.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = timedelta(minutes=5)  # for two clocks that differ, and for the transport


class BadSignature(Exception):
    """The signature does not prove who sent the request, and when; the message says why and quotes nothing."""


def sign_request(message_id: str, sent_at: datetime, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """Return the headers that sign a request with the id ``message_id``, sent at ``sent_at``, with every secret."""
    timestamp = str(int(sent_at.timestamp()))
    signatures = " ".join(_make_signature(message_id, timestamp, body, secret) for secret in secrets)
    return {ID_HEADER: message_id, TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signatures}


def verify_signature(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], *, now: datetime) -> str:
    """Return the id of the request, if one of the secrets signed it at most five minutes before or after ``now``.

    ``headers`` have names in lower case. Raises ``BadSignature``.
    """
    message_id, timestamp, signatures = (
        headers.get(header) or "" for header in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
    )
    if not message_id or not signatures:
        raise BadSignature("it is not signed")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise BadSignature("its time cannot be read")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise BadSignature("it is too old, or from the future")
    expected = [_make_signature(message_id, timestamp, body, secret).encode() for secret in secrets]
    for signature in signatures.split():
        received = signature.encode(errors="replace")
        if any(hmac.compare_digest(received, candidate) for candidate in expected):
            return message_id
    raise BadSignature("no secret of ours signed it")


def _make_signature(message_id: str, timestamp: str, body: bytes, secret: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
