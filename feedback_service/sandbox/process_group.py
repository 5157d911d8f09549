"""Processes that live and end together."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

STOP_SECONDS = 5


class CannotRun(Exception):
    """Something stands in the way, or has ended; the message is one sentence."""


class StopRequested(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


@dataclass
class ProcessGroup:
    """The processes that make up the demonstration: they live and end together."""

    working_dir: Path  # where they run
    log_dir: Path  # what each of them says goes to NAME.log there
    stop_event: threading.Event
    settings: Mapping[str, str] = field(default_factory=dict)  # that all of them know
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start_process(self, name: str, *command: str, **variables: str) -> None:
        """A process that is to live as long as we do; ``variables`` are its own settings."""
        with self._open_log(name) as log_file:
            self.processes[name] = subprocess.Popen(
                command, cwd=self.working_dir, env=self._build_environment(**variables), stdin=subprocess.DEVNULL,
                stdout=log_file, stderr=log_file, start_new_session=True,
            )  # fmt: skip

    def run_command(self, name: str, *command: str, stdin_text: str = "") -> str:
        """What a command printed that was given this to read, once it has ended well; else ``CannotRun``."""
        with self._open_log(name) as log_file:
            process = subprocess.Popen(
                command, cwd=self.working_dir, env=self._build_environment(), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log_file, start_new_session=True,
            )  # fmt: skip
        unsent_input: bytes | None = stdin_text.encode()
        try:
            while True:
                try:
                    output, _ = process.communicate(unsent_input, timeout=0.1)
                    break
                except subprocess.TimeoutExpired:
                    unsent_input = None  # it is on its way, and may be said only once
                    self._check_stop_requested()
        except BaseException:
            _stop_processes([process])
            raise
        if process.returncode:
            raise CannotRun(f"Could not {name}; the reason is at the end of {self._log_path(name)}.")
        return output.decode()

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = float("inf")) -> None:
        """Come back when it is so; raises ``Stopped``, or ``CannotRun`` when a process ends or time is up."""
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
        """Every process has ended, in order if it can within a few seconds."""
        _stop_processes(list(self.processes.values()))

    def _check_stop_requested(self) -> None:
        if self.stop_event.is_set():
            raise StopRequested()

    def _build_environment(self, **variables: str) -> dict[str, str]:
        return {**os.environ, **self.settings, "PYTHONUNBUFFERED": "1", **variables}

    def _log_path(self, name: str) -> Path:
        return self.log_dir / f"{name.replace(' ', '-')}.log"

    def _open_log(self, name: str) -> IO[bytes]:
        path = self._log_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")


def _stop_processes(processes: list["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):  # nothing of it is left, as it should be
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
