"""Secrets that people hold: link tokens, short codes, receipts; kept only as keyed hashes, derivable again.

Everything comes from one of the TOKEN_KEYS by HMAC-SHA256 under a label, so a link can be printed again
without being stored, and nothing in the database opens a survey. The first key signs; the others still
recognise what they signed, so a key is rotated by putting a new one in front.
"""

import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from feedback_service.config import current_settings

TOKEN_LENGTH = 26  # characters of base32: 130 bits
RECEIPT_LENGTH = 20  # characters of Crockford's base32: 100 bits
CODE_LENGTH = 8  # characters of Crockford's base32 after the centre's prefix: 40 bits
PREFIX_LENGTH = 4

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: nobody mistakes one for another
# What is read or typed instead: letters that look like digits, and the Ukrainian keyboard's look-alikes.
_LOOKALIKES = str.maketrans("ILO" + "ІОАВЕКМНРСТУХ", "110" + "10ABEKMHPCTYX")


def _compute_mac(key: bytes, label: str, *parts: bytes) -> bytes:
    mac = _start_hmac(key).copy()
    mac.update(label.encode() + b"".join(len(part).to_bytes(4, "big") + part for part in parts))
    return mac.digest()


@lru_cache(maxsize=16)
def _start_hmac(key: bytes) -> hmac.HMAC:
    """Begun with the key: an answer asks for half a dozen, and to begin takes longer than all the rest."""
    return hmac.new(key, digestmod="sha256")


def _encode_letters(digest: bytes, length: int, alphabet: str = _BASE32) -> str:
    """So many characters of five bits each, from the front; of 32 bytes at most 51."""
    bits, end = int.from_bytes(digest, "big"), 8 * len(digest)
    return "".join([alphabet[bits >> end - 5 * position & 31] for position in range(1, length + 1)])


@dataclass(frozen=True)
class TokenKey:
    """One of the TOKEN_KEYS, and all that is derived from it."""

    secret: bytes

    @property
    def id(self) -> str:
        """Eight hex digits that name the key without telling it."""
        return _compute_mac(self.secret, "vidhuk/key-id").hex()[:8]

    def derive_token(self, invitation_id: uuid.UUID) -> str:
        """The secret in the survey's address: 26 capitals and digits, 130 bits."""
        return _encode_letters(_compute_mac(self.secret, "vidhuk/token", invitation_id.bytes), TOKEN_LENGTH)

    def derive_short_code(self, invitation_id: uuid.UUID) -> str:
        """What is typed after the centre's prefix: 8 characters, 40 bits."""
        return _encode_letters(
            _compute_mac(self.secret, "vidhuk/short-code", invitation_id.bytes), CODE_LENGTH, _CROCKFORD
        )

    def derive_receipt(self, scope: bytes, client_id: uuid.UUID) -> str:
        """What its author holds an answer by; the same again for the same client within the same scope."""
        return _encode_letters(
            _compute_mac(self.secret, "vidhuk/receipt", scope, client_id.bytes), RECEIPT_LENGTH, _CROCKFORD
        )

    def derive_response_id(self, scope: bytes, client_id: uuid.UUID) -> uuid.UUID:
        """A random-looking (v4) id, the same again for the same client within the same scope."""
        return uuid.UUID(
            bytes=_compute_mac(self.secret, "vidhuk/response", scope, client_id.bytes)[:16], version=4
        )

    def derive_queue_key(self, tablet_id: uuid.UUID) -> bytes:
        """What a tablet seals the answers with that it holds, and keeps nowhere in the open: 32 bytes."""
        return _compute_mac(self.secret, "vidhuk/queue", tablet_id.bytes)

    def hash_secret(self, purpose: str, secret: str) -> bytes:
        """What the database keeps instead of a secret: 32 bytes."""
        return _compute_mac(self.secret, f"vidhuk/hash/{purpose}", secret.encode())

    def hash_client_id(self, scope: bytes, client_id: uuid.UUID) -> bytes:
        """What the database keeps instead of a client id: 32 bytes."""
        return _compute_mac(self.secret, "vidhuk/hash/client", scope, client_id.bytes)


@dataclass(frozen=True)
class Keyring:
    """All TOKEN_KEYS; the first signs."""

    keys: tuple[TokenKey, ...]

    @classmethod
    def from_secrets(cls, key_secrets: Sequence[bytes]) -> "Keyring":
        """The ring of these secrets, in their order."""
        return cls(tuple(TokenKey(secret) for secret in key_secrets))

    @property
    def signing_key(self) -> TokenKey:
        """The key that makes what is new."""
        return self.keys[0]

    def get_key(self, key_id: str) -> TokenKey:
        """The key with that id; ``LookupError`` if it was taken off the ring."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise LookupError("this key is no longer among TOKEN_KEYS")

    def hash_secret_with_all(self, purpose: str, secret: str) -> list[bytes]:
        """What a secret may be kept as: one hash for every key that may have made it."""
        return [key.hash_secret(purpose, secret) for key in self.keys]


def normalise_token(text: str) -> str | None:
    """The token in capitals, or ``None`` if it cannot be one."""
    token = text.upper()
    return token if len(token) == TOKEN_LENGTH and set(token) <= set(_BASE32) else None


def normalise_code(text: str) -> str | None:
    """A typed code without what stands between its characters, look-alikes forgiven; ``None`` if it is none."""
    code = "".join(filter(str.isalnum, text.upper())).translate(_LOOKALIKES)
    return code if set(code) <= set(_CROCKFORD) else None


def format_code(code: str) -> str:
    """A code in groups of four, as it is printed: ``K7Q2-7K3M-9QXT``."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def new_prefix() -> str:
    """Four characters for a new centre's short codes."""
    return _random_characters(PREFIX_LENGTH)


def new_pairing_code() -> str:
    """Eight characters that pair a tablet once: 40 bits, for ten minutes."""
    return _random_characters(CODE_LENGTH)


def _random_characters(length: int) -> str:
    return "".join(secrets.choice(_CROCKFORD) for _ in range(length))


def derive_case_pseudonym(case_key: bytes, case_id: uuid.UUID) -> str:
    """What the central system calls the case: 26 characters that lead nowhere without CASE_KEY."""
    return _encode_letters(_compute_mac(case_key, "vidhuk/case-ref", case_id.bytes), 26)


def hash_case_number(case_key: bytes, centre_id: uuid.UUID, number: str) -> bytes:
    """What the database keeps instead of a case number: 32 bytes."""
    return _compute_mac(case_key, "vidhuk/case-number", centre_id.bytes, number.encode())


def current_keyring() -> Keyring:
    """The ring of the running application's TOKEN_KEYS."""
    return Keyring.from_secrets(current_settings().token_keys)
