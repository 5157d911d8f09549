"""Settings of the service, from the environment. Field ``x`` of ``Settings`` is the variable ``FEEDBACK_X``."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import URL

from feedback_service import mail, sealing
from feedback_service.setting_parsers import (
    make_number_parser,
    parse_database_url,
    parse_folder,
    parse_key,
    parse_keys,
    parse_languages,
    parse_origin,
    parse_second_factor,
    parse_smtp_url,
    parse_transport,
    parse_web_address,
    parse_webhook_secrets,
)
from feedback_service.vocabulary import LANGUAGES


class BadSettings(Exception):
    """The service cannot start; the message names every wrong setting."""


def setting(help: str, parse: Callable[[str], Any] = str, default: Any = MISSING) -> Any:
    """Define a field of ``Settings``: its meaning, its parser, and its value when the variable is not set."""
    return field(default=default, metadata={"help": help, "parse": parse})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; the program reads them once, when it starts."""

    database_url: str = setting(
        "SQLAlchemy URL of the database; SQLite under DATA_DIR when not given", parse_database_url
    )
    secret_key: bytes = setting("signs what pages hand out; 32 bytes or more, hex or base64", parse_key)
    case_key: bytes = setting("turns case numbers into pseudonyms; 32 bytes or more, hex or base64", parse_key)
    token_keys: tuple[bytes, ...] = setting("derive links, short codes and receipts; the first signs", parse_keys)
    event_keys: tuple[bytes, ...] = setting(
        "seal stored events; the first seals, all open; derived from SECRET_KEY when not given", parse_keys, ()
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
    packages_dir: str = setting("where packages are put; packages under DATA_DIR when not given", parse_folder)
    invitation_days: int = setting("days that a survey link stays open", make_number_parser(1, 3650), 30)
    partial_minutes: int = setting(
        "minutes after which an answer begun and left is final", make_number_parser(1, 1440), 30
    )
    min_group: int = setting(
        "figures of fewer people are not shown to staff and systems", make_number_parser(1, 1000), 5
    )
    min_published: int = setting("figures of fewer people are not shown to the public", make_number_parser(1, 1000), 10)
    retention_days: int = setting(
        "days after which comments and spent invitations are deleted", make_number_parser(1, 36500), 1095
    )
    second_factor: str = setting(
        "required, or optional where only a demonstration is run: one-time codes of staff",
        parse_second_factor,
        "required",
    )
    smtp_url: mail.MailServer | None = setting(  # noqa: RUF009  MailServer is frozen too
        "smtps://user:password@host:port of a mail server; none: alarms stay on their page",
        parse_smtp_url,
        None,
    )
    mail_from: str | None = setting("address that letters about alarms come from", mail.smtp_address, None)
    languages: tuple[str, ...] = setting("languages of the survey, comma-separated", parse_languages, LANGUAGES)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment; variables that it lacks come from ``run.env`` under DATA_DIR.

        Raises ``BadSettings``, which names all missing and weak settings at once, never their values.
        """
        data_dir, variables = _read_variables(environ)
        variables.setdefault("FEEDBACK_DATABASE_URL", sqlite_url(data_dir / "feedback.db"))
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
        if "secret_key" in values:
            # It also opens what was sealed before the operator set EVENT_KEYS.
            derived_key = sealing.derive_key(values["secret_key"], "event-keys")
            values["event_keys"] = (*values.get("event_keys", ()), derived_key)
        if values.get("central_url") and not values.get("central_secret"):
            faults.append("FEEDBACK_CENTRAL_SECRET is missing (FEEDBACK_CENTRAL_URL is set)")
        elif values.get("central_transport") == "file" and not values.get("central_secret"):
            faults.append("FEEDBACK_CENTRAL_SECRET is missing (packages are signed by it)")
        if values.get("smtp_url") and not values.get("mail_from"):
            faults.append("FEEDBACK_MAIL_FROM is missing (FEEDBACK_SMTP_URL is set)")
        if faults:
            raise BadSettings("; ".join(faults))
        return cls(**values)


def sqlite_url(file: Path) -> str:
    """Return the address of a SQLite file; signs such as ``#``, ``?`` and ``%`` in its path are escaped."""
    return URL.create("sqlite", database=str(file)).render_as_string()


def read_central_secret(environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the secret shared with the central system, without other settings. Raises ``BadSettings``."""
    try:
        return parse_webhook_secrets(_read_variables(environ)[1].get("FEEDBACK_CENTRAL_SECRET", ""))
    except ValueError as error:
        raise BadSettings(f"FEEDBACK_CENTRAL_SECRET {error}") from None


def _read_variables(environ: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    """Return DATA_DIR and the variables; the environment goes before ``run.env``. Raises ``BadSettings``."""
    data_dir = Path(environ.get("DATA_DIR") or "var").resolve()
    if not is_utf8(data_dir):
        raise BadSettings("the path of DATA_DIR is not UTF-8; give the folder another name")
    return data_dir, read_run_env(data_dir) | {name: value for name, value in environ.items() if value}


def is_utf8(path: Path) -> bool:
    """Whether the path can be written as UTF-8; Linux allows any bytes, addresses of databases and JSON do not."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def read_run_env(data_dir: Path) -> dict[str, str]:
    """Return the variables in ``run.env``, the file of a demonstration; production sets its environment instead."""
    try:
        lines = (data_dir / "run.env").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def current_settings() -> Settings:
    """Return the settings of the current application."""
    app_settings: Settings = current_app.config["SETTINGS"]
    return app_settings
