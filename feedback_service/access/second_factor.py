"""The second factor: one-time codes by time (TOTP, RFC 6238), six digits every 30 seconds.

The secret is sealed with AES-256-GCM under a key derived from SECRET_KEY, bound to its user, so that neither a
copy of the database nor another user's row opens anything.
"""

import os
import uuid
from datetime import datetime

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ISSUER = "Vidhuk"
STEP_SECONDS = 30  # seconds
DRIFT_STEPS = 1  # steps that a telephone's clock may be off
DIGITS = 6
_NONCE_BYTES = 12  # bytes


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32(32)


def build_provisioning_uri(secret: str, email: str) -> str:
    """What an authenticator reads from the QR code."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(
        name=email, issuer_name=ISSUER
    )


def find_time_step(secret: str, text: str, at: datetime, *, after: int | None) -> int | None:
    """The time step of a code that is right now and later than step ``after``; ``None`` for any other text."""
    code = "".join(text.split())
    if len(code) != DIGITS or not code.isascii() or not code.isdecimal():
        return None
    totp, current_step = (
        pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS),
        int(at.timestamp()) // STEP_SECONDS,
    )
    matched_step = None
    for step in range(current_step - DRIFT_STEPS, current_step + DRIFT_STEPS + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code) and (after is None or step > after):
            matched_step = step
    return matched_step


def seal_secret(secret_key: bytes, user: uuid.UUID, secret: str) -> bytes:
    """The secret as it is kept."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_derive_key(secret_key)).encrypt(nonce, secret.encode(), user.bytes)


def open_secret(secret_key: bytes, user: uuid.UUID, sealed_secret: bytes) -> str | None:
    """The secret; ``None`` if SECRET_KEY is another one now, so that the factor must be reset."""
    try:
        return (
            AESGCM(_derive_key(secret_key))
            .decrypt(sealed_secret[:_NONCE_BYTES], sealed_secret[_NONCE_BYTES:], user.bytes)
            .decode()
        )
    except InvalidTag:
        return None


def _derive_key(secret_key: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"vidhuk/second-factor").derive(secret_key)
