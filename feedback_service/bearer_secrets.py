"""Secrets that let in whoever brings them: 256 random bits, shown once, kept as SHA-256.

Nobody guesses so many bits, so a slower hash would protect nothing. Short secrets, which people type, are kept as
keyed hashes instead.
"""

import hashlib
import secrets


def new_secret(prefix: str = "") -> str:
    """Return a new secret: ``prefix`` and 43 characters that an address can carry."""
    return prefix + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return the 32 bytes that the database keeps instead of the secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
