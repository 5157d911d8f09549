"""nginx in front of the programs that are measured, as it stands in front of the service in production."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 10

# Buffers whole requests and replies, so that a slow network keeps no thread of the program.
CONFIGURATION = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
worker_processes 1;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
{servers}
}}
"""
SERVER = "    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{behind}; }} }}"


@contextmanager
def in_front_of(ports: Sequence[int], folder: Path) -> Iterator[list[int]]:
    """One nginx passes on to each of these ports; yields its own ports, in the same order.

    ``RuntimeError`` if nginx is not installed or does not start.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise RuntimeError("no nginx found: install the Debian package nginx-light")
    fronts = _free_ports(len(ports))
    servers = "\n".join(SERVER.format(port=front, behind=behind) for front, behind in zip(fronts, ports, strict=True))
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, user=user, servers=servers))
    process = subprocess.Popen([program, "-c", str(configuration), "-p", str(folder)])
    try:
        for front in fronts:
            _wait(process, front)
        yield fronts
    finally:
        process.terminate()
        process.wait()


def _free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [int(listener.getsockname()[1]) for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError("nginx does not start")
