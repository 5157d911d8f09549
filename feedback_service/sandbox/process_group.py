"""Starts processes that run and end together."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 5


class CannotRun(Exception):
    """The demonstration cannot start or go on; the message is one sentence."""


class StopRequested(Exception):
    """The user pressed Ctrl-C, or SIGTERM was sent."""


@dataclass
class ProcessGroup:
    """The processes of the demonstration; they run and end together."""

    working_dir: Path
    log_dir: Path  # each process writes to NAME.log there
    stop_event: threading.Event
    settings: Mapping[str, str] = field(default_factory=dict)  # environment variables of all processes
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start_process(self, name: str, *command: str, **variables: str) -> None:
        """Start a process that runs as long as the group; ``variables`` are its own settings."""
        self.processes[name] = self._open_process(name, command, variables, stdin=subprocess.DEVNULL)

    def run_command(self, name: str, *command: str, stdin_text: str = "") -> str:
        """Run a command with this input and return what it printed. Raises ``CannotRun`` if it fails."""
        process = self._open_process(name, command, {}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        unsent_input: bytes | None = stdin_text.encode()
        try:
            while True:
                try:
                    output, _ = process.communicate(unsent_input, timeout=0.1)
                    break
                except subprocess.TimeoutExpired:
                    unsent_input = None  # sent already; it must not be sent twice
                    self._check_stop_requested()
        except BaseException:
            _stop_processes([process])
            raise
        if process.returncode:
            raise CannotRun(f"Could not {name}; the reason is at the end of {self._log_path(name)}.")
        return output.decode()

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = float("inf")) -> None:
        """Wait for the condition. Raises ``StopRequested``, or ``CannotRun`` when a process ends or time is up."""
        deadline = time.monotonic() + seconds
        while not condition():
            self._check_stop_requested()
            for name, process in self.processes.items():
                if process.poll() is not None:
                    log_path = self._log_path(name)
                    raise CannotRun(f"The process {name} has ended; the reason is at the end of {log_path}.")
            if time.monotonic() > deadline:
                raise CannotRun(
                    f"The service did not answer within {seconds:.0f} seconds; see {self._log_path('web')}."
                )
            self.stop_event.wait(0.02 if seconds < float("inf") else 0.25)

    def stop_all(self) -> None:
        """End every process, in order if it can within a few seconds."""
        _stop_processes(list(self.processes.values()))

    def _check_stop_requested(self) -> None:
        if self.stop_event.is_set():
            raise StopRequested()

    def _open_process(
        self, name: str, command: Sequence[str], variables: Mapping[str, str], *, stdin: int, stdout: int | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a process whose errors, and output unless ``stdout`` says otherwise, go to its log."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        with self._log_path(name).open("ab") as log_file:
            return subprocess.Popen(
                command,
                cwd=self.working_dir,
                env={**os.environ, **self.settings, "PYTHONUNBUFFERED": "1", **variables},
                stdin=stdin,
                stdout=log_file if stdout is None else stdout,
                stderr=log_file,
                start_new_session=True,
            )

    def _log_path(self, name: str) -> Path:
        return self.log_dir / f"{name.replace(' ', '-')}.log"


def _stop_processes(processes: list["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):  # all its processes have ended already
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
