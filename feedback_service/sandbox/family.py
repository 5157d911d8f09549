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


class Stopped(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


@dataclass
class Family:
    """The processes that make up the demonstration: they live and end together."""

    root: Path  # where they run
    logs: Path  # what each of them says goes to NAME.log there
    stop: threading.Event
    settings: Mapping[str, str] = field(default_factory=dict)  # that all of them know
    children: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, *command: str, **variables: str) -> None:
        """A process that is to live as long as we do; ``variables`` are its own settings."""
        with self._log(name) as log:
            self.children[name] = subprocess.Popen(
                command, cwd=self.root, env=self._environment(**variables), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def run(self, name: str, *command: str, enters: str = "") -> str:
        """What a command printed that was given this to read, once it has ended well; else ``CannotRun``."""
        with self._log(name) as log:
            child = subprocess.Popen(
                command, cwd=self.root, env=self._environment(), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        told: bytes | None = enters.encode()
        try:
            while True:
                try:
                    printed, _ = child.communicate(told, timeout=0.1)
                    break
                except subprocess.TimeoutExpired:
                    told = None  # it is on its way, and may be said only once
                    self._go_on()
        except BaseException:
            _end([child])
            raise
        if child.returncode:
            raise CannotRun(f"Could not {name}; the reason is at the end of {self._path(name)}.")
        return printed.decode()

    def wait(self, until: Callable[[], bool], *, seconds: float = float("inf")) -> None:
        """Come back when it is so; raises ``Stopped``, or ``CannotRun`` when a process ends or time is up."""
        deadline = time.monotonic() + seconds
        while not until():
            self._go_on()
            for name, child in self.children.items():
                if child.poll() is not None:
                    path = self._path(name)
                    raise CannotRun(f"The process {name} has ended; the reason is at the end of {path}.")
            if time.monotonic() > deadline:
                raise CannotRun(
                    f"The service did not answer within {seconds:.0f} seconds; see {self._path('web')}."
                )
            self.stop.wait(0.02 if seconds < float("inf") else 0.25)

    def end(self) -> None:
        """Every process has ended, in order if it can within a few seconds."""
        _end(list(self.children.values()))

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise Stopped()

    def _environment(self, **variables: str) -> dict[str, str]:
        return {**os.environ, **self.settings, "PYTHONUNBUFFERED": "1", **variables}

    def _path(self, name: str) -> Path:
        return self.logs / f"{name.replace(' ', '-')}.log"

    def _log(self, name: str) -> IO[bytes]:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")


def _end(children: list["subprocess.Popen[bytes]"]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):  # nothing of it is left, as it should be
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
