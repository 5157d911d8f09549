"""Browsers in which a user has signed in completely, as each proves by a cookie (OWASP, "Device cookies").

Attempts in a known browser have a count of their own, so that nobody who guesses elsewhere makes its owner wait. The
proof opens nothing: the password is asked for as before. It names nobody, and ends when the password is changed,
or when its hash is renewed because Argon2's parameters were raised.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from feedback_service.models import User

PROOF_PERIOD = timedelta(days=180)  # each complete sign-in begins it anew


def make_proof(secret_key: bytes, user: User, now: datetime) -> str:
    """Make the proof that this browser, under a random name, belongs to the user; nothing of it is stored."""
    statement = f"{secrets.token_urlsafe(12)}.{int((now + PROOF_PERIOD).timestamp())}"
    return f"{statement}.{_make_signature(secret_key, user, statement)}"


def find_name(secret_key: bytes, user: User, proof: str, now: datetime) -> str | None:
    """Return the browser's name; ``None`` if the proof is not of this user and password, or too old."""
    statement, _, signature = proof.rpartition(".")
    expected_signature = _make_signature(secret_key, user, statement)
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected_signature.encode()):
        return None
    name, _, until = statement.partition(".")
    return name if now.timestamp() < int(until) else None


def _make_signature(secret_key: bytes, user: User, statement: str) -> str:
    parts = (user.id.hex, user.password_hash or "", statement)
    message = b"vidhuk/browser/" + "\0".join(parts).encode("utf-8", "replace")
    return hmac.new(secret_key, message, hashlib.sha256).hexdigest()
