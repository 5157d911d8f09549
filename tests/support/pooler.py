"""Stands between the service and PostgreSQL like a pooler: the process id that it gives is not the server's."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import make_url

KEY_DATA = b"K\x00\x00\x00\x0c"  # begins the message with process id and secret (BackendKeyData, 4 + 4 bytes)


@contextmanager
def pooler(url: str) -> Iterator[str]:
    """Yield the address of a pooler in front of the server with this address, a Unix socket."""
    server_url = make_url(url)
    socket_file = f"{server_url.query['host']}/.s.PGSQL.{server_url.query.get('port', server_url.port or 5432)}"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, socket_file), daemon=True).start()
        address = server_url.difference_update_query(["host", "port"]).set(
            host="127.0.0.1", port=listener.getsockname()[1]
        )
        yield address.render_as_string(hide_password=False)
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, socket_file: str) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.socket(socket.AF_UNIX)
        server.connect(socket_file)
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_forward, args=(source, target), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # whichever direction ends first closes both ends
        while data := source.recv(65536):
            before, key_data, after = data.partition(KEY_DATA)
            target.sendall(before + key_data + (b"\x7f" * 4 + after[4:] if key_data else after))
    for connection in (source, target):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
