"""A receiver of events, to copy and to change: Python 3.11 or newer, standard library only.

    CENTRAL_SECRET=whsec_… python receiver.py PORT FILE

FILE is a SQLite database. The program prints its address. receiver.md explains each rule.
"""

import base64
import hmac
import json
import os
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

SECRET = base64.b64decode(os.environ["CENTRAL_SECRET"].removeprefix("whsec_"))
LONGEST_BODY = 2 * 1024 * 1024  # bytes
TOLERANCE = 300  # seconds between two clocks


def is_signed(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether somebody who has the secret signed this body in the last five minutes."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(SECRET, signed, "sha256"))
    signatures = headers.get("webhook-signature", "").split()  # two while the secret is replaced
    return any(hmac.compare_digest(expected, signature.encode()) for signature in signatures)


def store_events(file: str, events: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Store the events, each once by its id, and say what became of each. They are on the disk when it returns."""
    received: dict[str, list[Any]] = {"accepted": [], "duplicates": [], "rejected": []}
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, event TEXT NOT NULL)")
        for event in events:
            row = (event["id"], json.dumps(event, ensure_ascii=False))
            is_new = database.execute("INSERT INTO events VALUES (?, ?) ON CONFLICT DO NOTHING", row).rowcount
            received["accepted" if is_new else "duplicates"].append(event["id"])
    return received


class Receiver(BaseHTTPRequestHandler):
    """Answers ``POST /events``."""

    def do_POST(self) -> None:
        """Check the signature before anything else is read; store; answer when all is stored."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/events":
            return self.send_reply(404)
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            return self.send_reply(413)
        body = self.rfile.read(int(length))
        if not is_signed({name.lower(): value for name, value in self.headers.items()}, body):
            return self.send_reply(401)
        try:
            events = json.loads(body)
            assert isinstance(events, list) and all(isinstance(event["id"], str) for event in events)
        except (ValueError, AssertionError, TypeError, KeyError):
            return self.send_reply(400)
        return self.send_reply(200, store_events(sys.argv[2], events))

    def send_reply(self, status: int, document: object = None) -> None:
        """Answer with a status and a JSON document."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
