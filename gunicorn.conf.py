"""Settings of gunicorn; GUNICORN_CMD_ARGS may add others."""

import gc
import multiprocessing
import os
import shutil
import socket
import struct
import tempfile
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import wsgi
from gunicorn.http.errors import InvalidHeader, UnsupportedTransferCoding

from feedback_service import logs

os.umask(0o077)  # databases, logs and packages hold what people said: their owner alone reads them
wsgi.SERVER = "vidhuk"  # in the header "Server"; gunicorn has no setting for it

STALLED_SECONDS = 10  # a client that neither sends nor takes a byte for so long loses its connection
DISCARDED_BYTES = 64 * 1024  # of an unread body; gunicorn drops the connection after so many


class logger_class(Logger):
    """Gunicorn's logger, which writes through our log and has no access log.

    Addresses of surveys are secrets, so only the service's own log, which has routes, may mention requests.
    """

    access_log_enabled = False

    def setup(self, cfg: Config) -> None:
        """Set up the log, also when gunicorn reads its settings again."""
        super().setup(cfg)
        self.error_log.handlers.clear()  # gunicorn's own handler would quote addresses
        self.error_log.propagate = True
        logs.configure_logging()


_host = os.environ.get("HOST") or "127.0.0.1"
_is_bare_ipv6 = ":" in _host and not _host.startswith(("[", "unix:", "fd:"))
bind = f"{f'[{_host}]' if _is_bare_ipv6 else _host}:{os.environ.get('PORT') or '8000'}"
workers = int(os.environ.get("WEB_CONCURRENCY", max(2, multiprocessing.cpu_count())))
worker_class = "gthread"
threads = 4
preload_app = True  # processes share the code, documents, templates and translations
timeout = 60
graceful_timeout = 15
keepalive = 5
control_socket_disable = True  # all instances of a user would share its one file
limit_request_line = 8190  # the most that it can be: several hundred centres in one address
limit_request_fields = 50
# Every worker counts its requests in files of this folder, so that /metrics shows the sum.
_own_counters_folder = None if "PROMETHEUS_MULTIPROC_DIR" in os.environ else tempfile.mkdtemp(prefix="vidhuk-counters-")
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", _own_counters_folder or "")
accesslog = None


def when_ready(server: Any) -> None:
    """Limit how long a thread waits for a silent client, and keep what is loaded out of garbage collection.

    Connections inherit both limits from the listening socket. The second thing lets workers share memory pages.
    """
    limit = struct.pack("ll", STALLED_SECONDS, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    gc.collect()
    gc.freeze()


def post_fork(server: object, worker: object) -> None:
    """Configure the service's log in every worker."""
    logs.configure_logging()


def pre_request(worker: object, req: Any) -> None:
    """Refuse a request that HTTP/1.1 forbids or whose body is compressed; announce the end of a connection.

    Gunicorn lets a compressed body through as it came, so it would be refused as broken JSON.
    Gunicorn drops a connection whose request has a long body that nobody reads, for example after 413; the response
    has to say so.
    """
    headers = dict(req.headers)
    if req.version == (1, 1) and [name for name, _ in req.headers].count("HOST") != 1:
        raise InvalidHeader("HOST", req=req)
    for name, value in req.headers:
        if name == "TRANSFER-ENCODING" and value.strip().lower() != "chunked":
            raise UnsupportedTransferCoding(name)
    if int(headers.get("CONTENT-LENGTH", 0)) >= DISCARDED_BYTES or "TRANSFER-ENCODING" in headers:
        req.force_close()


def child_exit(server: object, worker: Any) -> None:
    """Keep the counts of a worker that ended and drop its gauges."""
    from prometheus_client import multiprocess  # imported late: it reads the variable at import

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: object) -> None:
    """Delete the folder of counters if this process made it."""
    if _own_counters_folder:
        shutil.rmtree(_own_counters_folder, ignore_errors=True)
