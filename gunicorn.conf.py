"""Settings of gunicorn; GUNICORN_CMD_ARGS may add others."""

import gc
import multiprocessing
import os
import shutil
import tempfile
from typing import Any

from gunicorn.glogging import Logger

from feedback_service import logs


class logger_class(Logger):
    """Gunicorn's logger without an access log; with a ``logconfig_dict`` it would build each line and drop it."""

    access_log_enabled = False


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
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
# Addresses of surveys are secrets, so only the service's own log, which has routes, may mention requests.
accesslog = None
_no_handlers = {
    "level": "INFO",
    "handlers": [],
    "propagate": True,
}  # gunicorn's handlers would quote addresses
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": []},
    "loggers": {
        "gunicorn.error": _no_handlers,
        "gunicorn.access": _no_handlers | {"level": "CRITICAL"},
    },
}


def when_ready(server: object) -> None:
    """Exclude what is loaded from garbage collection, so that workers go on sharing its memory pages."""
    gc.collect()
    gc.freeze()


def post_fork(server: object, worker: object) -> None:
    """Configure the service's log in every worker."""
    logs.configure_logging()


def child_exit(server: object, worker: Any) -> None:
    """Keep the counts of a worker that ended and drop its gauges."""
    from prometheus_client import multiprocess  # imported late: it reads the variable at import

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: object) -> None:
    """Delete the folder of counters if this process made it."""
    if _own_counters_folder:
        shutil.rmtree(_own_counters_folder, ignore_errors=True)
