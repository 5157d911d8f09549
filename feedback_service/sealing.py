"""Sealing: what is stored is encrypted first, so that a copy of the database does not reveal it.

AES-256-GCM under keys that are derived for one purpose. Sealed bytes are bound to a row: they open in no other.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Seal:
    """Keys for one purpose: the first seals and hashes, all of them open."""

    ciphers: tuple[AESGCM, ...]
    hash_keys: tuple[bytes, ...]

    def seal(self, content: bytes, bound_to: bytes) -> bytes:
        """Encrypt content for the row that ``bound_to`` names."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self.ciphers[0].encrypt(nonce, content, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes | None:
        """Decrypt content; ``None`` if none of the keys sealed it for this row."""
        return open_sealed(self.ciphers, sealed, bound_to)

    def hash(self, content: bytes) -> bytes:
        """Return a hash of 32 bytes that nobody without the key can compute."""
        return hmac.digest(self.hash_keys[0], content, hashlib.sha256)

    def hash_with_all(self, content: bytes) -> list[bytes]:
        """Return the hashes that content may be stored as: one for each key."""
        return [hmac.digest(key, content, hashlib.sha256) for key in self.hash_keys]


def open_sealed(ciphers: Iterable[AESGCM], sealed: bytes, bound_to: bytes) -> bytes | None:
    """Decrypt what stands behind its nonce of 12 bytes; ``None`` if none of the ciphers encrypted it for this row."""
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    if len(nonce) < _NONCE_BYTES:
        return None
    for cipher in ciphers:
        try:
            return cipher.decrypt(nonce, ciphertext, bound_to)
        except InvalidTag:
            continue
    return None


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Return a key of 32 bytes for this purpose alone."""
    return HKDF(SHA256(), 32, salt=None, info=f"vidhuk/{purpose}".encode()).derive(secret)


@lru_cache(maxsize=16)
def make_seal(secrets: tuple[bytes, ...], purpose: str) -> Seal:
    """Make the seal of these secrets for one purpose; cached, because deriving takes longer than sealing."""
    return Seal(
        tuple(AESGCM(derive_key(secret, purpose)) for secret in secrets),
        tuple(derive_key(secret, f"{purpose}/hash") for secret in secrets),
    )
