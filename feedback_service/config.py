"""Everything the service can be told. Field ``x`` of ``Settings`` is the variable ``FEEDBACK_X``."""

import base64
import binascii
import ipaddress
import os
import string
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from feedback_service import mail

KEY_BYTES = 32
DEMO_PASSWORD = "DEMO_PASSWORD"  # in run.env: of whom a demonstration lets in
SPOKEN = ("uk", "en")  # what catalogues, slips and questionnaires have; a person can read all or none


class BadSettings(Exception):
    """The service refuses to start; the message names every setting at fault."""


def key(value: str) -> bytes:
    """A secret of at least 32 bytes, written as hex or base64."""
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


def keys(value: str) -> tuple[bytes, ...]:
    """One or more secrets, separated by commas."""
    return tuple(key(part) for part in value.split(","))


def is_loopback(host: str) -> bool:
    """Whether the host is this very machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def web_address(value: str) -> str:
    """An http(s) address; plain http only on loopback."""
    parts = urlsplit(value)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username
        or parts.query
        or parts.fragment
    ):
        raise ValueError("is not a web address")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("uses plain http outside loopback")
    return value.rstrip("/")


def origin(value: str) -> str:
    """A web address without a path."""
    address = web_address(value)
    if urlsplit(address).path:
        raise ValueError("must be an origin without a path")
    return address


def webhook_secrets(value: str) -> tuple[bytes, ...]:
    """One or more Standard Webhooks secrets, separated by spaces or commas; while one is rotated, two are live."""
    secrets = []
    for written in value.replace(",", " ").split():
        if not written.startswith("whsec_"):
            raise ValueError("does not start with whsec_")
        try:
            secret = base64.b64decode(written.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ValueError("is not base64 after whsec_") from None
        if len(secret) < 24:
            raise ValueError("is shorter than 24 bytes")
        secrets.append(secret)
    if not secrets:
        raise ValueError("names no secret")
    return tuple(secrets)


def database(value: str) -> str:
    """The address of a database that the service knows how to keep durable."""
    try:
        driver = make_url(value).drivername
    except ArgumentError:
        raise ValueError("is not the address of a database") from None
    if driver not in ("sqlite", "postgresql+psycopg"):
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
    return value


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number from ``least`` to ``most``."""

    def parse(value: str) -> int:
        digits = value.strip()
        if not digits.isdecimal() or len(digits) > len(str(most)) or not least <= int(digits) <= most:
            raise ValueError(f"is not a whole number from {least} to {most}")
        return int(digits)

    return parse


def transport(value: str) -> str:
    """The name of a way to the central system that this release has."""
    if value not in ("https", "file"):
        raise ValueError("names no transport of this release: use https or file")
    return value


def second_factor(value: str) -> str:
    """Whether staff may sign in without one-time codes."""
    if value not in ("required", "optional"):
        raise ValueError("is neither required nor optional")
    return value


def smtp(value: str) -> mail.Server:
    """A mail server: smtps://, or smtp:// where TLS begins with STARTTLS; without TLS only on loopback."""
    return mail.server(value, loopback=is_loopback(urlsplit(value).hostname or ""))


def folder(value: str) -> str:
    """The absolute path of a folder; it need not exist yet."""
    return str(Path(value).resolve())


def languages(value: str) -> tuple[str, ...]:
    """Codes of languages that this release speaks, separated by commas, Ukrainian among them."""
    codes = tuple(dict.fromkeys(code.strip() for code in value.split(",") if code.strip()))
    if "uk" not in codes:
        raise ValueError("leaves out uk")
    if not set(codes) <= set(SPOKEN):
        raise ValueError(f"names a language that this release does not speak: it speaks {', '.join(SPOKEN)}")
    return codes


def setting(help: str, parse: Callable[[str], Any] = str, default: Any = MISSING) -> Any:
    """A field of ``Settings``: what it means, how it is read, what it is when nobody says."""
    return field(default=default, metadata={"help": help, "parse": parse})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the service can be told; read once, at start-up."""

    database_url: str = setting(
        "SQLAlchemy URL of the database; SQLite under DATA_DIR when not given", database
    )
    secret_key: bytes = setting("signs what pages hand out; 32 bytes or more, hex or base64", key)
    case_key: bytes = setting("turns case numbers into pseudonyms; 32 bytes or more, hex or base64", key)
    token_keys: tuple[bytes, ...] = setting("derive links, short codes and receipts; the first signs", keys)
    public_url: str = setting("origin that QR codes carry, such as https://vidhuk.example", origin)
    central_url: str | None = setting(
        "address of the central monitoring system; none: events wait", web_address, None
    )
    central_secret: tuple[bytes, ...] = setting(
        "whsec_… shared with the central monitoring system; two while it is rotated", webhook_secrets, ()
    )
    central_transport: str = setting(
        "how events travel: https, or file for signed packages carried by hand", transport, "https"
    )
    packages_dir: str = setting("where packages are put; packages under DATA_DIR when not given", folder)
    invitation_days: int = setting("days that a survey link stays open", number(1, 3650), 30)
    partial_minutes: int = setting(
        "minutes after which an answer begun and left is final", number(1, 1440), 30
    )
    min_group: int = setting("figures of fewer people are not shown to staff and systems", number(1, 1000), 5)
    min_published: int = setting("figures of fewer people are not shown to the public", number(1, 1000), 10)
    retention_days: int = setting(
        "days after which comments and spent invitations are deleted", number(1, 36500), 1095
    )
    second_factor: str = setting(
        "required, or optional where only a demonstration is run: one-time codes of staff",
        second_factor,
        "required",
    )
    smtp_url: mail.Server | None = setting(  # noqa: RUF009  a parsed address cannot change either
        "smtps://user:password@host:port of a mail server; none: alarms stay on their page", smtp, None
    )
    mail_from: str | None = setting("address that letters about alarms come from", mail.sender, None)
    languages: tuple[str, ...] = setting("languages of the survey, comma-separated", languages, SPOKEN)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment, then the keys that ``make run`` left under DATA_DIR.

        Raises ``BadSettings`` naming every missing or weak setting at once, never its value.
        """
        data_dir, given = _given(environ)
        given.setdefault("FEEDBACK_DATABASE_URL", f"sqlite:///{data_dir / 'feedback.db'}")
        given.setdefault("FEEDBACK_PACKAGES_DIR", str(data_dir / "packages"))
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for each in fields(cls):
            name = f"FEEDBACK_{each.name.upper()}"
            if name in given:
                try:
                    values[each.name] = each.metadata["parse"](given[name])
                except ValueError as error:
                    wrong.append(f"{name} {error}")
            elif each.default is MISSING:
                wrong.append(f"{name} is missing ({each.metadata['help']})")
        if values.get("central_url") and not values.get("central_secret"):
            wrong.append("FEEDBACK_CENTRAL_SECRET is missing (FEEDBACK_CENTRAL_URL is set)")
        elif values.get("central_transport") == "file" and not values.get("central_secret"):
            wrong.append("FEEDBACK_CENTRAL_SECRET is missing (packages are signed by it)")
        if values.get("smtp_url") and not values.get("mail_from"):
            wrong.append("FEEDBACK_MAIL_FROM is missing (FEEDBACK_SMTP_URL is set)")
        if wrong:
            raise BadSettings("; ".join(wrong))
        return cls(**values)


def central_secret(environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """The secret shared with the central system, whatever else is set; ``BadSettings`` if there is none."""
    try:
        return webhook_secrets(_given(environ)[1].get("FEEDBACK_CENTRAL_SECRET", ""))
    except ValueError as error:
        raise BadSettings(f"FEEDBACK_CENTRAL_SECRET {error}") from None


def _given(environ: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    """DATA_DIR, and what was said by the environment or under it."""
    data_dir = Path(environ.get("DATA_DIR") or "var").resolve()
    return data_dir, _kept(data_dir) | {name: value for name, value in environ.items() if value}


def _kept(data_dir: Path) -> dict[str, str]:
    """The lines NAME=value of ``run.env``, where a demonstration keeps what production sets itself."""
    try:
        lines = (data_dir / "run.env").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def keep_for_demonstration(data_dir: Path, public_url: str) -> None:
    """Leave keys (made once) and the address under ``data_dir``, readable by its owner only."""
    data_dir.mkdir(parents=True, exist_ok=True)
    kept = _kept(data_dir)
    for name in ("FEEDBACK_SECRET_KEY", "FEEDBACK_CASE_KEY", "FEEDBACK_TOKEN_KEYS"):
        kept.setdefault(name, os.urandom(KEY_BYTES).hex())
    shared = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    kept.setdefault("FEEDBACK_CENTRAL_SECRET", f"whsec_{shared}")
    kept.setdefault("FEEDBACK_SECOND_FACTOR", "optional")  # nobody should need a telephone to have a look
    kept.setdefault(DEMO_PASSWORD, "-".join(os.urandom(2).hex() for _ in range(5)))
    kept["FEEDBACK_PUBLIC_URL"] = public_url
    fresh = data_dir / "run.env.new"
    with open(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in kept.items())
    fresh.replace(data_dir / "run.env")


def settings() -> Settings:
    """The settings of the running application."""
    given: Settings = current_app.config["SETTINGS"]
    return given
