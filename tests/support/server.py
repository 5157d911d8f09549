"""Runs programs as production does: gunicorn with several workers, on a port of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.environment import ROOT, build_environment, build_process_environment

START_SECONDS = 30


class Gunicorn:
    """A running gunicorn; ``with`` it, ``/{probe}`` has answered, and at the end it is gone.

    ``url`` is where it listens, at ``listener``; ``log`` is the file with everything that its processes wrote.
    """

    probe = "healthz"
    options: tuple[str, ...] = ()
    started_by: tuple[str, ...] = ()  # a command that becomes gunicorn

    def __init__(self, program: str, data_dir: Path, name: str) -> None:
        self.data_dir = data_dir
        self.log = data_dir / f"{name}.log"
        # gunicorn inherits the bound socket: nobody can take the port, and it stays the same after a restart.
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.environment: dict[str, str] = {}
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.listener.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.listener.close()

    def start(self) -> None:
        """Start the program. Raises ``RuntimeError`` with the log when it does not answer in time."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self.started_by,
                    *(sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"),
                    *("--bind", f"fd://{self.listener.fileno()}", *self.options, self._program),
                ],
                cwd=ROOT,
                env=build_process_environment(os.environ, self.environment),
                stdout=log,
                stderr=log,
                pass_fds=[self.listener.fileno()],
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                written = self.log.read_text() if self.log.is_file() else ""  # /dev/full never ends
                raise RuntimeError(f"{self._program} did not start:\n{written}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End every process, in order where possible."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def worker_pids(self) -> list[int]:
        """Return the ids of the worker processes."""
        assert self._process is not None
        master = self._process.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def reload(self) -> None:
        """Let new processes take over; the old ones end in order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """Kill every process at once, as a power cut does."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/{self.probe}", timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False


class RunningService(Gunicorn):
    """The running service; ``with RunningService(...) as service``."""

    def __init__(
        self,
        data_dir: Path,
        database_url: str,
        *,
        workers: int = 2,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("wsgi:app", data_dir, "gunicorn")
        self.environment = build_environment(data_dir, database_url, self.url) | dict(settings or {})
        self.options = ("--workers", str(workers))
