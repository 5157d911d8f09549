"""Secrets that identify the caller who presents them: 256 random bits, shown once, stored as SHA-256.

Nobody can guess 256 bits, so a slower hash would add no protection. Short secrets that people type are stored as
keyed hashes instead, see ``keyring``.
"""

import hashlib
import secrets


def new_secret(prefix: str = "") -> str:
    """Return a new secret: ``prefix`` and 43 characters that are safe in an address."""
    return prefix + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return the hash of 32 bytes that the database stores instead of the secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
