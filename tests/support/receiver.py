"""A central monitoring system for tests: an HTTP server that stores events and fails as a test demands."""

import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from feedback_service.delivery import webhook_signature
from feedback_service.delivery.webhook_signature import BadSignature

SECRET = bytes(range(32))
ENCODED_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

Event = Mapping[str, Any]


@dataclass(frozen=True)
class ScriptedReply:
    """How a request is answered; ``stores``: whether the events are stored all the same."""

    status: int = 200
    body: bytes | None = None  # the receipt, unless something else is said
    headers: Mapping[str, str] = field(default_factory=dict)
    stores: bool = True
    resets: bool = False
    seconds: float = 0.0  # before it answers
    drip: float | None = None  # seconds between two bytes
    leaves_out: frozenset[str] = frozenset()
    rejects: Mapping[str, str] = field(default_factory=dict)


Behaviour = Callable[[Sequence[Event]], ScriptedReply]


def accept_all(_events: Sequence[Event]) -> ScriptedReply:
    """Reply as the contract says."""
    return ScriptedReply()


@dataclass
class Receiver:
    """``with Receiver() as central``: events arrive at ``central.url``; ``central.behaviour`` says how it answers.

    ``script`` holds answers for the next requests; when it is empty, ``behaviour`` decides.
    """

    secrets: Sequence[bytes] = (SECRET,)
    behaviour: Behaviour = accept_all
    script: deque[ScriptedReply] = field(default_factory=deque)
    events_by_id: dict[str, Event] = field(default_factory=dict)
    raw_bodies: dict[str, set[str]] = field(default_factory=dict)  # every text in which an event arrived
    repeats: Counter[str] = field(default_factory=Counter)
    requests: list[tuple[float, list[str]]] = field(default_factory=list)  # when, which events
    message_ids: set[str] = field(default_factory=set)
    arrival_times: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "Receiver":
        self._server = _ReceiverServer(("127.0.0.1", 0), _ReceiverHandler)
        self._server.receiver = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def list_sequences(self, source: str) -> list[int]:
        """Return the sequence numbers of all events from this source, in order."""
        return sorted(int(event["sequence"]) for event in self.events_by_id.values() if event["source"] == source)

    def handle_request(self, headers: Mapping[str, str], body: bytes) -> ScriptedReply:
        """Store the events of a request, or not; return the reply."""
        try:
            message_id = webhook_signature.verify_signature(headers, body, self.secrets, now=datetime.now(UTC))
        except BadSignature:
            return ScriptedReply(401, b"{}", stores=False)
        events: list[Event] = json.loads(body)
        ids = [event["id"] for event in events]
        with self.lock:
            self.requests.append((time.monotonic(), ids))
            self.message_ids.add(message_id)
            reply = self.script.popleft() if self.script else self.behaviour(events)
            accepted: list[str] = []
            duplicates: list[str] = []
            for event in events:
                event_id = event["id"]
                self.raw_bodies.setdefault(event_id, set()).add(json.dumps(event, ensure_ascii=False))
                if not reply.stores or event_id in reply.leaves_out or event_id in reply.rejects:
                    continue
                (duplicates if event_id in self.events_by_id else accepted).append(event_id)
                self.repeats[event_id] += event_id in self.events_by_id
                self.events_by_id[event_id] = event
                self.arrival_times.setdefault(event_id, time.monotonic())
        if reply.body is not None:
            return reply
        rejected = [
            {"id": event_id, "reason": reply.rejects[event_id]} for event_id in ids if event_id in reply.rejects
        ]
        receipt = {"accepted": accepted, "duplicates": duplicates, "rejected": rejected}
        return ScriptedReply(**(vars(reply) | {"body": json.dumps(receipt).encode()}))


class _ReceiverServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up."""


class _ReceiverHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _ReceiverServer

    def do_POST(self) -> None:
        """Store the events and send the reply that the script gives."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.receiver.handle_request(headers, body)
        time.sleep(reply.seconds)
        if reply.resets:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        content = reply.body or b""
        if reply.drip is not None:
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 1000:
                self.connection.sendall(bytes([byte]))
                time.sleep(reply.drip)
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
