"""Replies that break off, never end or make no sense, and requests that wait for one."""

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterator

from flask import Response, request

from feedback_service.sandbox.central.faults import Fault

ENDLESS_READER_SECONDS = 30  # seconds after which a reader of an endless answer counts as gone


def wait_while_connected(seconds: float) -> None:
    """Wait, but no longer than the sender stays, so that no thread waits for nothing."""
    select.select([_client_connection()], [], [], seconds)


def build_nonsense_reply(fault: Fault) -> Response:
    """Return a reply of 200 that is empty, no JSON, or endless."""
    if fault.mode == "empty":
        return Response(b"", mimetype="application/json")
    if fault.mode == "garbage":
        return Response("<!doctype html><title>OK</title><p>Everything is fine, really.", mimetype="text/html")
    _client_connection().settimeout(ENDLESS_READER_SECONDS)
    return Response(_stream_endlessly(), mimetype="application/json")


def _stream_endlessly() -> Iterator[bytes]:
    yield b'{"accepted": ["'
    while True:
        yield b"0" * 65536


def build_drip_reply(body: bytes, seconds: float) -> Response:
    """Return a reply that comes byte by byte, so many seconds apart."""
    connection = _client_connection()

    def stream_bytes() -> Iterator[bytes]:
        for position in range(len(body)):
            yield body[position : position + 1]
            if select.select([connection], [], [], seconds)[0]:
                return  # the sender has hung up

    return Response(stream_bytes(), mimetype="application/json", headers={"Content-Length": str(len(body))})


def build_reset_reply(body: bytes = b"") -> Response:
    """Reset the connection, after half of the body if there is one."""
    connection = _client_connection()

    def stream_half_then_reset() -> Iterator[bytes]:
        if body:
            yield body[: len(body) // 2]
            time.sleep(0.05)  # a reset overtakes what is still on its way
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with socket.socket() as dummy_socket:  # takes its place, so that the server has something to close
            os.dup2(dummy_socket.fileno(), connection.fileno(), inheritable=False)
        raise ConnectionResetError(errno.ECONNRESET, "reset as asked")

    return Response(stream_half_then_reset(), mimetype="application/json", headers={"Content-Length": str(len(body))})


def _client_connection() -> socket.socket:
    connection: socket.socket = request.environ["gunicorn.socket"]
    return connection
