"""A mail server for tests: speaks SMTP on loopback, keeps what it takes, and refuses or hangs up as told."""

import email
import email.policy
import socketserver
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType


@dataclass(frozen=True)
class Taken:
    """A letter as it arrived: the envelope and the message."""

    sender: str
    to: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The message, read anew."""
        read = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        return read

    @property
    def text(self) -> str:
        """Its body."""
        return str(self.message.get_content())


@dataclass
class Mailbox:
    """``with Mailbox() as box``: letters arrive at ``box.url`` and are kept in ``box.taken``.

    ``refuses`` are addresses that are answered with 550; ``answers`` replaces what is said to a word, such as
    ``{"DATA": b"421 later"}``; ``forgets_to_say`` hangs up after a letter was taken, before saying so.
    """

    taken: list[Taken] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    answers: dict[str, bytes] = field(default_factory=dict)
    forgets_to_say: bool = False
    words: list[str] = field(default_factory=list)

    def __enter__(self) -> "Mailbox":
        self._server = _Server(("127.0.0.1", 0), _Talk)
        self._server.box = self
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


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    box: Mailbox


class _Talk(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """One conversation."""
        box = self.server.box
        sender, to = "", list[str]()
        self._say(b"220 mailbox")
        while line := self.rfile.readline():
            word, rest = line[:4].decode("ascii", "replace").upper().strip(), line.decode("utf-8").strip()
            box.words.append(rest)
            if word in box.answers:
                self._say(box.answers[word])
            elif word == "EHLO":
                self._say(b"250-mailbox\r\n250-8BITMIME\r\n250 AUTH PLAIN")
            elif word == "MAIL":
                sender, to = _address(rest), []
                self._say(b"250 ok")
            elif word == "RCPT":
                refused = _address(rest) in box.refuses
                to += [] if refused else [_address(rest)]
                self._say(b"550 nobody here" if refused else b"250 ok")
            elif word == "DATA":
                self._say(b"354 go on")
                box.taken.append(Taken(sender, tuple(to), self._letter()))
                if box.forgets_to_say:
                    return
                self._say(b"250 taken")
            elif word == "QUIT":
                self._say(b"221 bye")
                return
            else:
                self._say(b"235 ok" if word == "AUTH" else b"250 ok")

    def _letter(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
