"""The second factor: one-time codes by time (TOTP, RFC 6238), six digits every 30 seconds.

The secret is encrypted with AES-256-GCM under a key derived from SECRET_KEY, and bound to its user: a copy of the
database does not reveal it, and it cannot be used in another user's row.
"""

import uuid
from datetime import datetime

import pyotp

from feedback_service.sealing import Seal, make_seal

ISSUER = "Vidhuk"
STEP_SECONDS = 30
DRIFT_STEPS = 1  # how many steps the clock of a telephone may be wrong
DIGITS = 6


def new_secret() -> str:
    """Make a secret of 160 random bits, in base32."""
    return pyotp.random_base32(32)


def build_provisioning_uri(secret: str, email: str) -> str:
    """Build the address that an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(name=email, issuer_name=ISSUER)


def find_time_step(secret: str, text: str, at: datetime, *, after: int | None) -> int | None:
    """Return the time step of a valid code, if it is later than step ``after``; ``None`` for any other text."""
    code = "".join(text.split())
    if len(code) != DIGITS or not code.isascii() or not code.isdecimal():
        return None
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    current_step = int(at.timestamp()) // STEP_SECONDS
    matched_step = None
    for step in range(current_step - DRIFT_STEPS, current_step + DRIFT_STEPS + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code) and (after is None or step > after):
            matched_step = step
    return matched_step


def seal_secret(secret_key: bytes, user: uuid.UUID, secret: str) -> bytes:
    """Encrypt a secret for storing."""
    return _make_seal(secret_key).seal(secret.encode(), user.bytes)


def open_secret(secret_key: bytes, user: uuid.UUID, sealed_secret: bytes) -> str | None:
    """Decrypt a stored secret; ``None`` if SECRET_KEY was changed: then the second factor must be reset."""
    secret = _make_seal(secret_key).open(sealed_secret, user.bytes)
    return secret.decode() if secret is not None else None


def _make_seal(secret_key: bytes) -> Seal:
    return make_seal((secret_key,), "second-factor")
