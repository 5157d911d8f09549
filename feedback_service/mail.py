"""E-mail by SMTP: one letter to one address, in plain text, over TLS except on loopback."""

import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

SECONDS = 10.0  # that each word with the server may take
PORTS = {"smtp": 587, "smtps": 465}


class NotSent(Exception):
    """The server did not take the letter; the message names the trouble and quotes nobody."""


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server: ``smtps`` speaks TLS from the first byte; ``smtp`` changes to it, except on loopback."""

    scheme: str
    host: str
    port: int
    plain: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A letter; ``id`` names it for ever, so that a repeat is known as one."""

    id: str
    to: str
    subject: str
    body: str
    at: datetime


def server(value: str, *, loopback: bool) -> Server:
    """The server at ``smtp(s)://user:password@host:port``; ``ValueError`` that quotes nothing of it.

    ``loopback``: whether its host is this machine, where letters may travel in the clear.
    """
    parts = urlsplit(value)
    try:
        port = parts.port
    except ValueError:
        raise ValueError("names no port") from None
    if (
        parts.scheme not in PORTS
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise ValueError("is not like smtps://user:password@host:port")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("has a user or a password, but not both")
    return Server(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        loopback and parts.scheme == "smtp",
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def sender(value: str) -> str:
    """The address that letters come from; ``ValueError`` if it is none."""
    try:
        address = Address(addr_spec=value.strip())
    except (ValueError, MessageError, IndexError):
        raise ValueError("is not an e-mail address") from None
    if not address.domain or not value.isascii():
        raise ValueError("is not an e-mail address")
    return address.addr_spec


def message(letter: Outgoing, mail_from: str) -> EmailMessage:
    """The letter as it travels; ``ValueError`` where an address or a header could be read otherwise than meant."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = Address("Vidhuk", addr_spec=mail_from)
        mail["To"] = Address(addr_spec=letter.to)
        mail["Subject"] = letter.subject
        mail["Date"] = letter.at
        mail["Message-ID"] = f"<{letter.id}@{mail_from.rpartition('@')[2]}>"
    except (MessageError, IndexError, AttributeError) as error:  # the last: of a bracket that nobody closed
        raise ValueError("a header does not hold") from error
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.body)
    mail["Content-Language"] = "uk, en"
    return mail


def send(letter: Outgoing, by: Server, mail_from: str) -> None:
    """The server has taken the letter; else ``NotSent``."""
    try:
        with closing(_connected(by)) as link:
            link.send_message(message(letter, mail_from), mail_from, [letter.to])
            with suppress(smtplib.SMTPException, OSError):  # it is taken, whatever becomes of the farewell
                link.quit()
    except smtplib.SMTPServerDisconnected as error:
        raise NotSent("SMTPServerDisconnected") from error
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{type(error).__name__} {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotSent(type(error).__name__) from error


def _connected(by: Server) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    if by.scheme == "smtps":
        link: smtplib.SMTP = smtplib.SMTP_SSL(by.host, by.port, timeout=SECONDS, context=trusted)
    else:
        link = smtplib.SMTP(by.host, by.port, timeout=SECONDS)
    try:
        if by.scheme == "smtp" and not by.plain:
            link.starttls(context=trusted)
        if by.user is not None and by.password is not None:
            link.login(by.user, by.password)
    except BaseException:
        link.close()
        raise
    return link
