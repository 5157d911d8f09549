"""How gunicorn serves Vidhuk; everything else it may be told with GUNICORN_CMD_ARGS."""

import gc
import multiprocessing
import os
import shutil
import tempfile
from typing import Any

from gunicorn.glogging import Logger

from feedback_service import logs


class logger_class(Logger):
    """Gunicorn's own, without its access log: given a ``logconfig_dict``, it would draw up each line and drop it."""

    access_log_enabled = False


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", max(2, multiprocessing.cpu_count())))
worker_class = "gthread"
threads = 4
preload_app = True  # the program, its documents, templates and translations are read once and shared
timeout = 60
graceful_timeout = 15
keepalive = 5
control_socket_disable = True  # it would be one file in the home folder for every instance
limit_request_line = 4094
limit_request_fields = 50
# Every worker counts its requests into files here, so that /metrics tells of all of them.
_counters = None if "PROMETHEUS_MULTIPROC_DIR" in os.environ else tempfile.mkdtemp(prefix="vidhuk-counters-")
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", _counters or "")
# Survey addresses are secrets, so nothing but our own request log (by route) may write about requests.
accesslog = None
_ours = {"level": "INFO", "handlers": [], "propagate": True}  # gunicorn's own handlers would quote addresses
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": []},
    "loggers": {"gunicorn.error": _ours, "gunicorn.access": _ours | {"level": "CRITICAL"}},
}


def when_ready(server: object) -> None:
    """What was loaded stays for good: no worker looks through it for garbage, so its pages stay shared."""
    gc.collect()
    gc.freeze()


def post_fork(server: object, worker: object) -> None:
    """Log in our own voice in every worker."""
    logs.configure_logging()


def child_exit(server: object, worker: Any) -> None:
    """What a worker counted stays counted; what only the living have is forgotten."""
    from prometheus_client import multiprocess  # not before the folder is named: it looks once, when imported

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: object) -> None:
    """The counters' folder is gone, if it was ours."""
    if _counters:
        shutil.rmtree(_counters, ignore_errors=True)
