"""E-mail by SMTP: plain text to one address, over TLS except on loopback."""

import re
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

TIMEOUT_SECONDS = 10.0  # for each exchange with the server
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}

# Without comments and quotes, which mail programs read in different ways; at most 64 characters (RFC 5321).
_NAME = re.compile(r"(?=.{1,64}\Z)[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)


class EmailNotSent(Exception):
    """The server did not accept the e-mail. The message names the error and quotes nothing of the e-mail."""


class UnsendableAddress(ValueError):
    """No mail server delivers to this address. ``wrong_name``: because of the letters before the ``@``."""

    def __init__(self, *, wrong_name: bool = False) -> None:
        super().__init__("is not an e-mail address")
        self.wrong_name = wrong_name


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server: ``smtps`` begins with TLS, ``smtp`` changes to it by STARTTLS; ``plain`` leaves TLS out."""

    scheme: str
    host: str
    port: int
    plain: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OutgoingEmail:
    """An e-mail; ``id`` becomes its Message-ID, so that mail programs recognise a repeat."""

    id: str
    to: str
    subject: str
    body: str
    at: datetime


def parse_server(value: str, *, loopback: bool) -> MailServer:
    """Return the server at ``smtp(s)://user:password@host:port``.

    ``loopback``: whether the host is this machine, so that ``smtp`` needs no TLS. Raises ``ValueError``, which does
    not quote the value.
    """
    parts = urlsplit(value)
    try:
        port = parts.port
    except ValueError:
        raise ValueError("names no port") from None
    if (
        parts.scheme not in DEFAULT_PORTS
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise ValueError("is not like smtps://user:password@host:port")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("has a user or a password, but not both")
    return MailServer(
        parts.scheme,
        parts.hostname,
        port or DEFAULT_PORTS[parts.scheme],
        loopback and parts.scheme == "smtp",
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def smtp_address(address: str) -> str:
    """Return the e-mail address as every server takes it: the domain in punycode (RFC 3492).

    Raises ``UnsendableAddress``. Letters outside ASCII before the ``@`` need SMTPUTF8 at every server on the way, and
    few have it.
    """
    name, _, domain = address.strip().rpartition("@")
    try:
        parsed = Address(addr_spec=f"{name}@{domain.encode('idna').decode()}")
    except (ValueError, MessageError, IndexError, AttributeError):  # AttributeError: a bracket that is not closed
        raise UnsendableAddress(wrong_name=not name.isascii()) from None
    if not parsed.domain or "(" in domain or not _NAME.fullmatch(name):
        raise UnsendableAddress(wrong_name=not name.isascii())
    return parsed.addr_spec


def build_message(email: OutgoingEmail, mail_from: str) -> EmailMessage:
    """Build the message for SMTP. Raises ``ValueError`` for an address or a header that is not valid."""
    email_message = EmailMessage(policy=SMTP)
    try:
        email_message["From"] = Address("Vidhuk", addr_spec=mail_from)
        email_message["To"] = Address(addr_spec=smtp_address(email.to))
        email_message["Subject"] = email.subject
        email_message["Date"] = email.at
        email_message["Message-ID"] = f"<{email.id}@{mail_from.rpartition('@')[2]}>"
    except (MessageError, IndexError, AttributeError) as error:  # AttributeError: a bracket that is not closed
        raise ValueError("a header does not hold") from error
    email_message["Auto-Submitted"] = "auto-generated"
    email_message.set_content(email.body)
    email_message["Content-Language"] = "uk, en"
    return email_message


def send_email(email: OutgoingEmail, server: MailServer, mail_from: str) -> None:
    """Send the e-mail. Raises ``EmailNotSent`` unless the server accepts it."""
    try:
        with closing(_open_connection(server)) as connection:
            connection.send_message(build_message(email, mail_from), mail_from, [smtp_address(email.to)])
            with suppress(smtplib.SMTPException, OSError):  # the server has accepted it already
                connection.quit()
    except smtplib.SMTPServerDisconnected as error:
        raise EmailNotSent("SMTPServerDisconnected") from error
    except smtplib.SMTPResponseException as error:
        raise EmailNotSent(f"{type(error).__name__} {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise EmailNotSent(type(error).__name__) from error


def _open_connection(server: MailServer) -> smtplib.SMTP:
    tls_context = ssl.create_default_context()
    if server.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT_SECONDS, context=tls_context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        if server.scheme == "smtp" and not server.plain:
            connection.starttls(context=tls_context)
        if server.user is not None and server.password is not None:
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection
