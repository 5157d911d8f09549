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
DEMO_PASSWORD_VARIABLE = "DEMO_PASSWORD"  # in run.env: of whom a demonstration lets in
SUPPORTED_LANGUAGES = (
    "uk",
    "en",
)  # what catalogues, slips and questionnaires have; a person can read all or none


class BadSettings(Exception):
    """The service refuses to start; the message names every setting at fault."""


def parse_key(value: str) -> bytes:
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


def parse_keys(value: str) -> tuple[bytes, ...]:
    """One or more secrets, separated by commas."""
    return tuple(parse_key(part) for part in value.split(","))


def is_loopback(host: str) -> bool:
    """Whether the host is this very machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_web_address(value: str) -> str:
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


def parse_origin(value: str) -> str:
    """A web address without a path."""
    address = parse_web_address(value)
    if urlsplit(address).path:
        raise ValueError("must be an origin without a path")
    return address


def parse_webhook_secrets(value: str) -> tuple[bytes, ...]:
    """One or more Standard Webhooks secrets, separated by spaces or commas; while one is rotated, two are live."""
    secrets = []
    for text in value.replace(",", " ").split():
        if not text.startswith("whsec_"):
            raise ValueError("does not start with whsec_")
        try:
            secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ValueError("is not base64 after whsec_") from None
        if len(secret) < 24:
            raise ValueError("is shorter than 24 bytes")
        secrets.append(secret)
    if not secrets:
        raise ValueError("names no secret")
    return tuple(secrets)


def parse_database_url(value: str) -> str:
    """The address of a database that the service knows how to keep durable."""
    try:
        driver = make_url(value).drivername
    except ArgumentError:
        raise ValueError("is not the address of a database") from None
    if driver not in ("sqlite", "postgresql+psycopg"):
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
    return value


def make_number_parser(minimum: int, maximum: int) -> Callable[[str], int]:
    """A whole number from ``minimum`` to ``maximum``."""

    def parse_number(value: str) -> int:
        digits = value.strip()
        if not digits.isdecimal() or len(digits) > len(str(maximum)) or not minimum <= int(digits) <= maximum:
            raise ValueError(f"is not a whole number from {minimum} to {maximum}")
        return int(digits)

    return parse_number


def parse_transport(value: str) -> str:
    """The name of a way to the central system that this release has."""
    if value not in ("https", "file"):
        raise ValueError("names no transport of this release: use https or file")
    return value


def parse_second_factor(value: str) -> str:
    """Whether staff may sign in without one-time codes."""
    if value not in ("required", "optional"):
        raise ValueError("is neither required nor optional")
    return value


def parse_smtp_url(value: str) -> mail.MailServer:
    """A mail server: smtps://, or smtp:// where TLS begins with STARTTLS; without TLS only on loopback."""
    return mail.parse_server(value, loopback=is_loopback(urlsplit(value).hostname or ""))


def parse_folder(value: str) -> str:
    """The absolute path of a folder; it need not exist yet."""
    return str(Path(value).resolve())


def parse_languages(value: str) -> tuple[str, ...]:
    """Codes of languages that this release speaks, separated by commas, Ukrainian among them."""
    codes = tuple(dict.fromkeys(code.strip() for code in value.split(",") if code.strip()))
    if "uk" not in codes:
        raise ValueError("leaves out uk")
    if not set(codes) <= set(SUPPORTED_LANGUAGES):
        raise ValueError(
            f"names a language that this release does not speak: it speaks {', '.join(SUPPORTED_LANGUAGES)}"
        )
    return codes


def setting(help: str, parse: Callable[[str], Any] = str, default: Any = MISSING) -> Any:
    """A field of ``Settings``: what it means, how it is read, what it is when nobody says."""
    return field(default=default, metadata={"help": help, "parse": parse})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the service can be told; read once, at start-up."""

    database_url: str = setting(
        "SQLAlchemy URL of the database; SQLite under DATA_DIR when not given", parse_database_url
    )
    secret_key: bytes = setting("signs what pages hand out; 32 bytes or more, hex or base64", parse_key)
    case_key: bytes = setting(
        "turns case numbers into pseudonyms; 32 bytes or more, hex or base64", parse_key
    )
    token_keys: tuple[bytes, ...] = setting(
        "derive links, short codes and receipts; the first signs", parse_keys
    )
    public_url: str = setting("origin that QR codes carry, such as https://vidhuk.example", parse_origin)
    central_url: str | None = setting(
        "address of the central monitoring system; none: events wait", parse_web_address, None
    )
    central_secret: tuple[bytes, ...] = setting(
        "whsec_… shared with the central monitoring system; two while it is rotated",
        parse_webhook_secrets,
        (),
    )
    central_transport: str = setting(
        "how events travel: https, or file for signed packages carried by hand", parse_transport, "https"
    )
    packages_dir: str = setting(
        "where packages are put; packages under DATA_DIR when not given", parse_folder
    )
    invitation_days: int = setting("days that a survey link stays open", make_number_parser(1, 3650), 30)
    partial_minutes: int = setting(
        "minutes after which an answer begun and left is final", make_number_parser(1, 1440), 30
    )
    min_group: int = setting(
        "figures of fewer people are not shown to staff and systems", make_number_parser(1, 1000), 5
    )
    min_published: int = setting(
        "figures of fewer people are not shown to the public", make_number_parser(1, 1000), 10
    )
    retention_days: int = setting(
        "days after which comments and spent invitations are deleted", make_number_parser(1, 36500), 1095
    )
    second_factor: str = setting(
        "required, or optional where only a demonstration is run: one-time codes of staff",
        parse_second_factor,
        "required",
    )
    smtp_url: mail.MailServer | None = setting(  # noqa: RUF009  a parsed address cannot change either
        "smtps://user:password@host:port of a mail server; none: alarms stay on their page",
        parse_smtp_url,
        None,
    )
    mail_from: str | None = setting("address that letters about alarms come from", mail.parse_sender, None)
    languages: tuple[str, ...] = setting(
        "languages of the survey, comma-separated", parse_languages, SUPPORTED_LANGUAGES
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment, then the keys that ``make run`` left under DATA_DIR.

        Raises ``BadSettings`` naming every missing or weak setting at once, never its value.
        """
        data_dir, variables = _read_variables(environ)
        variables.setdefault("FEEDBACK_DATABASE_URL", f"sqlite:///{data_dir / 'feedback.db'}")
        variables.setdefault("FEEDBACK_PACKAGES_DIR", str(data_dir / "packages"))
        values: dict[str, Any] = {}
        faults: list[str] = []
        for setting_field in fields(cls):
            name = f"FEEDBACK_{setting_field.name.upper()}"
            if name in variables:
                try:
                    values[setting_field.name] = setting_field.metadata["parse"](variables[name])
                except ValueError as error:
                    faults.append(f"{name} {error}")
            elif setting_field.default is MISSING:
                faults.append(f"{name} is missing ({setting_field.metadata['help']})")
        if values.get("central_url") and not values.get("central_secret"):
            faults.append("FEEDBACK_CENTRAL_SECRET is missing (FEEDBACK_CENTRAL_URL is set)")
        elif values.get("central_transport") == "file" and not values.get("central_secret"):
            faults.append("FEEDBACK_CENTRAL_SECRET is missing (packages are signed by it)")
        if values.get("smtp_url") and not values.get("mail_from"):
            faults.append("FEEDBACK_MAIL_FROM is missing (FEEDBACK_SMTP_URL is set)")
        if faults:
            raise BadSettings("; ".join(faults))
        return cls(**values)


def read_central_secret(environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """The secret shared with the central system, whatever else is set; ``BadSettings`` if there is none."""
    try:
        return parse_webhook_secrets(_read_variables(environ)[1].get("FEEDBACK_CENTRAL_SECRET", ""))
    except ValueError as error:
        raise BadSettings(f"FEEDBACK_CENTRAL_SECRET {error}") from None


def _read_variables(environ: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    """DATA_DIR, and what was said by the environment or under it."""
    data_dir = Path(environ.get("DATA_DIR") or "var").resolve()
    return data_dir, _read_run_env(data_dir) | {name: value for name, value in environ.items() if value}


def _read_run_env(data_dir: Path) -> dict[str, str]:
    """The lines NAME=value of ``run.env``, where a demonstration keeps what production sets itself."""
    try:
        lines = (data_dir / "run.env").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def save_demo_settings(data_dir: Path, public_url: str) -> None:
    """Leave keys (made once) and the address under ``data_dir``, readable by its owner only."""
    data_dir.mkdir(parents=True, exist_ok=True)
    variables = _read_run_env(data_dir)
    for name in ("FEEDBACK_SECRET_KEY", "FEEDBACK_CASE_KEY", "FEEDBACK_TOKEN_KEYS"):
        variables.setdefault(name, os.urandom(KEY_BYTES).hex())
    central_secret = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    variables.setdefault("FEEDBACK_CENTRAL_SECRET", f"whsec_{central_secret}")
    variables.setdefault(
        "FEEDBACK_SECOND_FACTOR", "optional"
    )  # nobody should need a telephone to have a look
    variables.setdefault(DEMO_PASSWORD_VARIABLE, "-".join(os.urandom(2).hex() for _ in range(5)))
    variables["FEEDBACK_PUBLIC_URL"] = public_url
    new_file = data_dir / "run.env.new"
    with open(os.open(new_file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in variables.items())
    new_file.replace(data_dir / "run.env")


def current_settings() -> Settings:
    """The settings of the running application."""
    app_settings: Settings = current_app.config["SETTINGS"]
    return app_settings
