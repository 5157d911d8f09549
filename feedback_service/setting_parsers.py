"""Parsers of settings. Each takes the text of a variable and raises ``ValueError`` with a reason.

The reason completes a sentence that begins with the name of the variable, and never quotes its value.
"""

import base64
import binascii
import ipaddress
import string
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from feedback_service import mail
from feedback_service.vocabulary import LANGUAGES

KEY_BYTES = 32
WEBHOOK_SECRET_BYTES = 24


def parse_key(value: str) -> bytes:
    """Return a secret of at least 32 bytes, written as hex or base64."""
    value = value.strip()
    try:
        if set(value) <= set(string.hexdigits):
            secret = bytes.fromhex(value)
        else:
            secret = base64.b64decode(
                value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4), validate=True
            )
    except (ValueError, binascii.Error):
        raise ValueError("is neither hex nor base64") from None
    if len(secret) < KEY_BYTES:
        raise ValueError(f"is shorter than {KEY_BYTES} bytes")
    return secret


def parse_keys(value: str) -> tuple[bytes, ...]:
    """Return one or more secrets, separated by commas."""
    return tuple(parse_key(part) for part in value.split(","))


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_web_address(value: str) -> str:
    """Return an http(s) address without a slash at its end; plain http is allowed on loopback only."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("is not a web address")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("uses plain http outside loopback")
    return value.rstrip("/")


def parse_origin(value: str) -> str:
    """Return a web address that has no path."""
    address = parse_web_address(value)
    if urlsplit(address).path:
        raise ValueError("must be an origin without a path")
    return address


def parse_webhook_secrets(value: str) -> tuple[bytes, ...]:
    """Return one or more secrets of Standard Webhooks, separated by spaces or commas; a rotation needs two."""
    secrets = []
    for text in value.replace(",", " ").split():
        if not text.startswith("whsec_"):
            raise ValueError("does not start with whsec_")
        try:
            secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ValueError("is not base64 after whsec_") from None
        if len(secret) < WEBHOOK_SECRET_BYTES:
            raise ValueError(f"is shorter than {WEBHOOK_SECRET_BYTES} bytes")
        secrets.append(secret)
    if not secrets:
        raise ValueError("names no secret")
    return tuple(secrets)


def parse_database_url(value: str) -> str:
    """Return the address of a database of a kind whose durability the service can check."""
    try:
        driver = make_url(value).drivername
    except ArgumentError:
        raise ValueError("is not the address of a database") from None
    if driver not in ("sqlite", "postgresql+psycopg"):
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
    return value


def make_number_parser(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from ``minimum`` to ``maximum``."""

    def parse_number(value: str) -> int:
        digits = value.strip()
        if not digits.isdecimal() or len(digits) > len(str(maximum)) or not minimum <= int(digits) <= maximum:
            raise ValueError(f"is not a whole number from {minimum} to {maximum}")
        return int(digits)

    return parse_number


def parse_transport(value: str) -> str:
    """Return the name of a transport of events."""
    if value not in ("https", "file"):
        raise ValueError("names no transport of this release: use https or file")
    return value


def parse_second_factor(value: str) -> str:
    """Return whether staff need one-time codes: ``required`` or ``optional``."""
    if value not in ("required", "optional"):
        raise ValueError("is neither required nor optional")
    return value


def parse_smtp_url(value: str) -> mail.MailServer:
    """Return a mail server: smtps://, or smtp:// with STARTTLS; TLS is left out on loopback only."""
    return mail.parse_server(value, loopback=is_loopback(urlsplit(value).hostname or ""))


def parse_folder(value: str) -> str:
    """Return the absolute path of a folder, which need not exist yet."""
    return str(Path(value).resolve())


def parse_languages(value: str) -> tuple[str, ...]:
    """Return the codes of supported languages, separated by commas; Ukrainian must be among them."""
    codes = tuple(dict.fromkeys(code.strip() for code in value.split(",") if code.strip()))
    if "uk" not in codes:
        raise ValueError("leaves out uk")
    if not set(codes) <= set(LANGUAGES):
        raise ValueError(f"names a language that this release does not speak: it speaks {', '.join(LANGUAGES)}")
    return codes
