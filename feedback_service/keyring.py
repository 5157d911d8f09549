"""Tokens, short codes and receipts: derived from keys, stored only as keyed hashes.

Each is the HMAC-SHA256 of ids under a label, with one of TOKEN_KEYS. So a link can be printed again without being
stored, and nothing in the database opens a survey. New secrets come from the first key; the other keys still
recognise theirs. To rotate keys, an operator puts a new one first.

Here too: how codes are typed and printed, random codes that no key makes (pairing, prefixes of centres), and the names
and hashes of cases, which come from CASE_KEY.
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
RECEIPT_OF_FIRST_CLIENT = "receipt"  # purposes of the hashes of receipts
RECEIPT_OF_OTHER_CLIENT = "receipt-of-other-client"  # who finished what another client began
CODE_LENGTH = 8  # characters of Crockford's base32 after the centre's prefix: 40 bits
PREFIX_LENGTH = 4

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O, U, which look like others
# Characters that people type by mistake: letters that look like digits, and Ukrainian letters that look like Latin.
_LOOKALIKES = str.maketrans("ILO" + "ІОАВЕКМНРСТУХ", "110" + "10ABEKMHPCTYX")


def _compute_mac(key: bytes, label: str, *parts: bytes) -> bytes:
    mac = _start_hmac(key).copy()
    mac.update(label.encode() + b"".join(len(part).to_bytes(4, "big") + part for part in parts))
    return mac.digest()


@lru_cache(maxsize=16)
def _start_hmac(key: bytes) -> hmac.HMAC:
    """Return the HMAC after the key; cached, because an answer needs six and this is the slow part."""
    return hmac.new(key, digestmod="sha256")


def _encode_letters(digest: bytes, length: int, alphabet: str = _BASE32) -> str:
    """Return the first ``length`` characters of five bits each; 32 bytes give 51 at most."""
    bits, end = int.from_bytes(digest, "big"), 8 * len(digest)
    return "".join([alphabet[bits >> end - 5 * position & 31] for position in range(1, length + 1)])


@dataclass(frozen=True)
class TokenKey:
    """One of TOKEN_KEYS, with everything that is derived from it."""

    secret: bytes

    def _derive_bytes(self, label: str, *parts: bytes) -> bytes:
        return _compute_mac(self.secret, f"vidhuk/{label}", *parts)

    @property
    def id(self) -> str:
        """Eight hex digits that identify the key without revealing it."""
        return self._derive_bytes("key-id").hex()[:8]

    def derive_token(self, invitation_id: uuid.UUID) -> str:
        """Return the secret in the survey's address: 26 capitals and digits, 130 bits."""
        return _encode_letters(self._derive_bytes("token", invitation_id.bytes), TOKEN_LENGTH)

    def derive_short_code(self, invitation_id: uuid.UUID) -> str:
        """Return the part of a short code after the centre's prefix: 8 characters, 40 bits."""
        return _encode_letters(self._derive_bytes("short-code", invitation_id.bytes), CODE_LENGTH, _CROCKFORD)

    def derive_receipt(self, namespace: bytes, client_id: uuid.UUID) -> str:
        """Return the receipt of a response: 20 characters, the same for the same client id in the same namespace."""
        mac = self._derive_bytes("receipt", namespace, client_id.bytes)
        return _encode_letters(mac, RECEIPT_LENGTH, _CROCKFORD)

    def derive_response_id(self, namespace: bytes, client_id: uuid.UUID) -> uuid.UUID:
        """Return the id of a response (as a v4 UUID), the same for the same client id in the same namespace."""
        return uuid.UUID(bytes=self._derive_bytes("response", namespace, client_id.bytes)[:16], version=4)

    def derive_unnamed_client(self, namespace: bytes) -> uuid.UUID:
        """Return the client id of a form that names none. Nobody can send it, because it is a secret of ours."""
        return uuid.UUID(bytes=self._derive_bytes("unnamed-client", namespace)[:16], version=4)

    def derive_queue_key(self, tablet_id: uuid.UUID) -> bytes:
        """Return the key of 32 bytes with which a tablet encrypts waiting answers; it never stores the key openly."""
        return self._derive_bytes("queue", tablet_id.bytes)

    def hash_secret(self, purpose: str, secret: str) -> bytes:
        """Return the hash of 32 bytes that the database stores instead of a secret."""
        return self._derive_bytes(f"hash/{purpose}", secret.encode())

    def hash_client_id(self, namespace: bytes, client_id: uuid.UUID) -> bytes:
        """Return the hash of 32 bytes that the database stores instead of a client id."""
        return self._derive_bytes("hash/client", namespace, client_id.bytes)


@dataclass(frozen=True)
class Keyring:
    """All TOKEN_KEYS; new secrets come from the first."""

    keys: tuple[TokenKey, ...]

    @classmethod
    def from_secrets(cls, key_secrets: Sequence[bytes]) -> "Keyring":
        """Build the keyring of these secrets, in their order."""
        return cls(tuple(TokenKey(secret) for secret in key_secrets))

    @property
    def signing_key(self) -> TokenKey:
        """The key from which new secrets come."""
        return self.keys[0]

    def get_key(self, key_id: str) -> TokenKey:
        """Return the key with this id. Raises ``LookupError`` if it is no longer in TOKEN_KEYS."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise LookupError("this key is no longer among TOKEN_KEYS")

    def hash_secret_with_all(self, purpose: str, secret: str) -> list[bytes]:
        """Return the hashes that a secret may be stored as: one for each key."""
        return [key.hash_secret(purpose, secret) for key in self.keys]


def normalise_token(text: str) -> str | None:
    """Return the token in capitals; ``None`` for a text that cannot be a token.

    Messages glue full stops, brackets and invisible characters to a link, so these are left out.
    """
    token = "".join(filter(str.isalnum, text.upper()))
    return token if len(token) == TOKEN_LENGTH and set(token) <= set(_BASE32) else None


def normalise_code(text: str) -> str | None:
    """Return a typed code without separators, look-alikes replaced; ``None`` for a text that cannot be a code."""
    code = "".join(filter(str.isalnum, text.upper())).translate(_LOOKALIKES)
    return code if set(code) <= set(_CROCKFORD) else None


def format_code(code: str) -> str:
    """Return a code in groups of four, as it is printed: ``K7Q2-7K3M-9QXT``."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def new_prefix() -> str:
    """Return a random prefix of four characters for the short codes of a new centre."""
    return _random_characters(PREFIX_LENGTH)


def new_pairing_code() -> str:
    """Return a random code of eight characters (40 bits) that pairs a tablet."""
    return _random_characters(CODE_LENGTH)


def _random_characters(length: int) -> str:
    return "".join(secrets.choice(_CROCKFORD) for _ in range(length))


def derive_case_pseudonym(case_key: bytes, case_id: uuid.UUID) -> str:
    """Return the name of a case in the central system: 26 characters, meaningless without CASE_KEY."""
    return _encode_letters(_compute_mac(case_key, "vidhuk/case-ref", case_id.bytes), 26)


def hash_case_number(case_key: bytes, centre_id: uuid.UUID, number: str) -> bytes:
    """Return the hash of 32 bytes that the database stores instead of a case number."""
    return _compute_mac(case_key, "vidhuk/case-number", centre_id.bytes, number.encode())


def current_keyring() -> Keyring:
    """Return the keyring of the current application."""
    return Keyring.from_secrets(current_settings().token_keys)
