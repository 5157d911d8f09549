"""Starts, kills and restarts processes, as a service manager does."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.environment import ROOT, build_process_environment

FOLDER_VARIABLE = "FAULTS_FOLDER"  # in the environment of everything that we start


class Program:
    """A program that may die at any moment; its workers, if any, are its children."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        listener: socket.socket | None = None,
        ready_text: bytes | None = None,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.started_at = 0.0
        self._command = command
        self._environment = build_process_environment(os.environ, {**environment, FOLDER_VARIABLE: str(folder)})
        self._ready_text, self._log_offset = ready_text, 0
        self._inherited_fds = [listener.fileno()] if listener else []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of its first process; none when it does not run."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_at_work(self) -> bool:
        """Return whether the program is ready: it reported so, or it has workers."""
        if self._ready_text is None:
            return bool(self.worker_pids())
        with self.log.open("rb") as log:
            log.seek(self._log_offset)
            return self.is_running and self._ready_text in log.read()

    def restart(self, **variables: str) -> None:
        """Restart the program with other values of these environment variables."""
        self.stop()
        self.start(variables)

    def start(self, variables: Mapping[str, str] | None = None) -> None:
        """Start the program; it may take a while until it is ready."""
        with self.log.open("ab") as log:
            self._log_offset = log.tell()
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**self._environment, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self._inherited_fds,
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def worker_pids(self) -> list[int]:
        """Return the ids of its children."""
        if not self.is_running or self._process is None:
            return []
        try:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        except OSError:
            return []
        return [int(pid) for pid in children.split()]

    def kill(self, *, with_workers: bool = False) -> None:
        """Kill the program at once; its children too, if asked, else they end by themselves."""
        if self._process is None:
            return
        for pid in self.worker_pids() if with_workers else ():
            kill_process(pid)
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the program, in order if it can within a few seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(4)
        except subprocess.TimeoutExpired:
            self.kill(with_workers=True)


def kill_process(pid: int) -> None:
    """Kill the process at once, if it exists."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def kill_leftovers(folder: Path) -> None:
    """Kill all processes that were started for that folder, whoever their parent is by now."""
    marker = f"{FOLDER_VARIABLE}={folder}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = marker in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if is_ours:
            kill_process(int(entry.name))
