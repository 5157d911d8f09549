"""A mail server for tests: speaks SMTP on loopback, stores e-mails, and refuses or hangs up as a test demands."""

import email
import email.policy
import socketserver
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType


@dataclass(frozen=True)
class ReceivedEmail:
    """An e-mail as it arrived: the envelope and the message."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The parsed message."""
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        """The body of the message."""
        return str(self.message.get_content())


@dataclass
class Mailbox:
    """``with Mailbox() as box``: e-mails sent to ``box.url`` are stored in ``box.emails``.

    ``refused_addresses`` are answered with 550; ``replies`` replaces the reply to a command, such as
    ``{"DATA": b"421 later"}``; ``hangs_up_after_data`` hangs up after an e-mail was stored, without a reply.
    """

    emails: list[ReceivedEmail] = field(default_factory=list)
    refused_addresses: set[str] = field(default_factory=set)
    replies: dict[str, bytes] = field(default_factory=dict)
    hangs_up_after_data: bool = False
    commands: list[str] = field(default_factory=list)

    def __enter__(self) -> "Mailbox":
        self._server = _SmtpServer(("127.0.0.1", 0), _SmtpSession)
        self._server.mailbox = self
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _SmtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mailbox: Mailbox


class _SmtpSession(socketserver.StreamRequestHandler):
    server: _SmtpServer

    def handle(self) -> None:
        """Serve one connection."""
        mailbox = self.server.mailbox
        sender, recipients = "", list[str]()
        self._send_line(b"220 mailbox")
        while line := self.rfile.readline():
            command = line[:4].decode("ascii", "replace").upper().strip()
            command_line = line.decode("utf-8").strip()
            mailbox.commands.append(command_line)
            if command in mailbox.replies:
                self._send_line(mailbox.replies[command])
            elif command == "EHLO":
                self._send_line(b"250-mailbox\r\n250-8BITMIME\r\n250 AUTH PLAIN")
            elif command == "MAIL":
                sender, recipients = _parse_address(command_line), []
                self._send_line(b"250 ok")
            elif command == "RCPT":
                is_refused = _parse_address(command_line) in mailbox.refused_addresses
                recipients += [] if is_refused else [_parse_address(command_line)]
                self._send_line(b"550 nobody here" if is_refused else b"250 ok")
            elif command == "DATA":
                self._send_line(b"354 go on")
                mailbox.emails.append(ReceivedEmail(sender, tuple(recipients), self._read_message()))
                if mailbox.hangs_up_after_data:
                    return
                self._send_line(b"250 taken")
            elif command == "QUIT":
                self._send_line(b"221 bye")
                return
            else:
                self._send_line(b"235 ok" if command == "AUTH" else b"250 ok")

    def _read_message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _send_line(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


def _parse_address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
