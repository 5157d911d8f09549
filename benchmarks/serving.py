"""Runs one gunicorn on a port of its own, and reads what its processes use."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from tests.support.database import migrate_database
from tests.support.environment import ROOT, build_environment, build_process_environment
from tests.support.postgres import PostgresServer

START_SECONDS = 30
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Served:
    """A gunicorn that answers on ``port``; ``roots`` are the processes whose children count as its own too."""

    port: int
    roots: tuple[int, ...]

    def cpu_seconds(self) -> float:
        """Return the CPU time of its processes and the database's, with that of processes that ended."""
        return sum(_cpu(pid) for pid in _family(self.roots))

    def pss_mib(self) -> float:
        """Return the memory of its processes without the database's; shared pages count in proportion."""
        return pss_mib(self.roots[0])


def pss_mib(root: int) -> float:
    """Return the memory of a process and its descendants; shared pages count in proportion."""
    return sum(_pss_kib(pid) for pid in _family((root,))) / 1024


@contextmanager
def service(dialect: str, folder: Path) -> Iterator[Flask]:
    """Give the block an application context on a new database of that kind."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'feedback.db'}"
        if dialect == "postgresql":
            url = stack.enter_context(PostgresServer()).create_database("feedback")
        migrate_database(url, folder)
        app = create_app(Settings.from_env(build_environment(folder, url)))
        with app.app_context():
            stack.callback(db.engine.dispose)
            yield app
            stack.close()


@contextmanager
def served(
    program: str,
    environment: Mapping[str, str],
    log: Path,
    roots: tuple[int, ...],
    options: Sequence[str] = (),
) -> Iterator[Served]:
    """Run ``program`` with the service's own gunicorn settings, changed by ``options``.

    ``RuntimeError`` with its log if it does not answer.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener, log.open("ab") as written:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "-c",
                "gunicorn.conf.py",
                "--bind",
                f"fd://{listener.fileno()}",
                *options,
                program,
            ],
            cwd=ROOT,
            env=build_process_environment(os.environ, environment),
            stdout=written,
            stderr=written,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        port = listener.getsockname()[1]
        try:
            _wait(process, port, log)
            yield Served(port, (process.pid, *roots))
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def postmaster(server: PostgresServer) -> int:
    """Return the id of the first process of a PostgreSQL."""
    return int((server.data_dir / "postmaster.pid").read_text().split()[0])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.settimeout(START_SECONDS)
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            if link.recv(100).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers:\n{log.read_text()}")


def _family(roots: tuple[int, ...]) -> list[int]:
    """Return these processes and all their descendants."""
    parents = {int(path.name): _stat(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found = list(roots)
    for pid in found:  # the list grows inside the loop
        found += [child for child, facts in parents.items() if facts and int(facts[1]) == pid]
    return found


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on; none if the process no longer exists."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _cpu(pid: int) -> float:
    """Return the CPU seconds of the process and of its children that ended."""
    return sum(map(int, _stat(pid)[11:15])) / TICKS


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
