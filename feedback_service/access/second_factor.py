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
STEP = 30  # seconds
DRIFT = 1  # steps that a telephone's clock may be off
DIGITS = 6
_NONCE = 12  # bytes


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32(32)


def address(secret: str, email: str) -> str:
    """What an authenticator reads from the QR code."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP).provisioning_uri(name=email, issuer_name=ISSUER)


def step_of(secret: str, typed: str, at: datetime, *, after: int | None) -> int | None:
    """The time step of a code that is right now and later than step ``after``; ``None`` for any other text."""
    code = "".join(typed.split())
    if len(code) != DIGITS or not code.isascii() or not code.isdecimal():
        return None
    totp, now = pyotp.TOTP(secret, digits=DIGITS, interval=STEP), int(at.timestamp()) // STEP
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code) and (after is None or step > after):
            found = step
    return found


def sealed(secret_key: bytes, user: uuid.UUID, secret: str) -> bytes:
    """The secret as it is kept."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_key(secret_key)).encrypt(nonce, secret.encode(), user.bytes)


def opened(secret_key: bytes, user: uuid.UUID, kept: bytes) -> str | None:
    """The secret; ``None`` if SECRET_KEY is another one now, so that the factor must be reset."""
    try:
        return AESGCM(_key(secret_key)).decrypt(kept[:_NONCE], kept[_NONCE:], user.bytes).decode()
    except InvalidTag:
        return None


def _key(secret_key: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"vidhuk/second-factor").derive(secret_key)
