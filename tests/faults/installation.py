"""Runs all programs of production on this machine: database, web, relays; and the demo central system."""

import os
import random
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.flow import api_keys, registers
from tests.faults.journal import Journal
from tests.faults.programs import Program, kill_leftovers, kill_process
from tests.support.central import SECRETS
from tests.support.database import migrate_database
from tests.support.environment import ROOT, build_environment
from tests.support.postgres import PostgresServer

CENTRES = ("SN05000042", "SN12000007", "SN18000003")
PROFILE = {"name": "ЦНАП міста Вінниці", "edrpou": "00032112", "katottg": "UA05020030010063857"}
SCOPES = ("cases:write", "responses:write", "deliveries:manage")
VICTIMS = ("web worker", "web master", "relay", "receiver", "postmaster")
START_SECONDS = 60
GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py")
FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
BROKEN_MODULES_DIR = ROOT / "tests" / "faults" / "broken"


class Installation:
    """``with Installation(folder, "sqlite") as ours``: all of it runs; gone at the end.

    ``web``, ``relay``: names of modules in ``broken/`` that these processes start with. ``data``: the folder of
    the service's data, if another; ``database``: a migrated one, if there is.
    """

    def __init__(
        self,
        folder: Path,
        dialect: str,
        *,
        data_dir: Path | None = None,
        database: str | None = None,
        relay_count: int = 2,
        web_alterations: Sequence[str] = (),
        relay_alterations: Sequence[str] = (),
        **variables: str,
    ) -> None:
        self.folder, self.dialect = folder, dialect
        self.journal: Journal
        self.api_key = ""
        self.settings: dict[str, str] = {}
        self.postgres = PostgresServer() if dialect == "postgresql" else None
        self._data_dir = data_dir or folder
        self._database = database
        self._alterations = {"web": web_alterations, "relay": relay_alterations}
        self._variables = variables
        self._relay_count = relay_count
        self._stack = ExitStack()

    def __enter__(self) -> "Installation":
        with self._stack:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._start_all()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in self._programs:
            program.kill(with_workers=True)  # everything is on the disk, and ending in order takes seconds
        self._stack.close()

    def kill_victim(self, victim: str, rng: random.Random) -> bool:
        """Kill one that is at work, as by kill -9; return ``False`` when none was."""
        match victim:
            case "web worker":
                workers = self.web.worker_pids()
                if workers:
                    kill_process(rng.choice(workers))
                return bool(workers)
            case "web":
                return _kill_first_working([self.web], with_workers=True)
            case "web master":
                return _kill_first_working([self.web])
            case "relay":
                return _kill_first_working(sorted(self.relays, key=lambda program: program.started_at))
            case "receiver":
                return _kill_first_working([self.central], with_workers=True)
            case "postmaster" if self.postgres:
                self.postgres.kill()
                return True
        raise ValueError(f"there is no {victim}")

    def list_victims(self) -> list[str]:
        """Return the names of what can be killed here."""
        return [victim for victim in VICTIMS if victim != "postmaster" or self.postgres]

    def restart_stopped(self) -> None:
        """Start again what has ended; wait for the database, not for the others."""
        if self.postgres and not self.postgres.is_running:
            self._wait_until(self._try_start_postgres, "PostgreSQL")
        for program in self._programs:
            if not program.is_running:
                program.start()

    def set_receiver_fault(self, mode: str, **options: object) -> None:
        """Set the fault with which the receiver treats its next requests."""
        reply = self._request_receiver("POST", "/faults", json={"mode": mode, **options})
        assert reply.status_code == 200, reply.text

    def is_receiver_healthy(self) -> bool:
        """Return whether the receiver has no fault set."""
        return bool(self._request_receiver("GET", "/faults").json()["mode"] == "none")

    def count_arrived(self) -> int:
        """Return how many events the receiver has."""
        return int(self._request_receiver("GET", "/received/summary").json()["events"])

    def read_delivery_totals(self) -> dict[str, int]:
        """Return what the service reports about its outbox; refused events are sent again."""
        totals: dict[str, int] = self._request_deliveries("GET", "/summary").json()
        if totals["dead"]:
            for delivery in self._request_deliveries("GET", "?state=dead&limit=200").json()["items"]:
                self._request_deliveries("POST", f"/{delivery['id']}/replay").raise_for_status()
        return totals

    def wait_until_drained(self, seconds: float = 120) -> float:
        """Wait until all events have arrived; return the seconds that took."""
        began = time.monotonic()

        def is_drained() -> bool:
            self.restart_stopped()
            try:
                totals = self.read_delivery_totals()
            except (httpx.TransportError, httpx.HTTPStatusError, KeyError):
                return False  # it is still coming up
            return totals["pending"] == 0 and totals["dead"] == 0

        self._wait_until(is_drained, "an empty outbox", seconds)
        return time.monotonic() - began

    def read_received_events(self) -> dict[str, Any]:
        """Return what the receiver lists as its events."""
        events: list[dict[str, Any]] = []
        while True:
            after = events[-1]["arrival"] if events else 0
            page = self._request_receiver("GET", "/received", params={"after": after}).json()
            if not page:
                break
            events += page
        summary = self._request_receiver("GET", "/received/summary").json()
        return {"events": events, "changed": summary["changed"], "repeats": summary["repeats"]}

    @property
    def _programs(self) -> tuple[Program, ...]:
        return (self.central, self.web, *self.relays)

    def _start_all(self) -> None:
        self._http = self._stack.enter_context(httpx.Client(timeout=20, trust_env=False))
        listeners = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(2)]
        for listener in listeners:
            self._stack.callback(listener.close)
        self.url, self.central_url = (f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners)
        if self.postgres:
            self._stack.enter_context(self.postgres)
        database = self._database
        if database is None:
            sqlite_url = f"sqlite:///{self._data_dir}/feedback.db"
            database = self.postgres.create_database("faults") if self.postgres else sqlite_url
            migrate_database(database, self._data_dir)
        settings = build_environment(self._data_dir, database, self.url)
        settings |= {"FEEDBACK_CENTRAL_URL": self.central_url, "FEEDBACK_CENTRAL_SECRET": SECRETS[0]}
        metrics_dir = self.folder / "counters"
        metrics_dir.mkdir()
        settings |= {"PROMETHEUS_MULTIPROC_DIR": str(metrics_dir), **self._variables}
        self.settings = settings
        self.journal = Journal(self.folder / "journal.jsonl")
        self._stack.callback(self.journal.close)
        self._create_centres_and_key(settings)
        central_settings = {"DATA_DIR": str(self.folder), "FEEDBACK_CENTRAL_SECRET": ",".join(SECRETS)}
        central_settings["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_dir)
        bind_addresses = [f"fd://{listener.fileno()}" for listener in listeners]
        self.web = Program(
            "web",
            [*GUNICORN, "--bind", bind_addresses[0], "--workers", "2", "wsgi:app"],
            settings | self._alteration_variables("web"),
            self.folder,
            listeners[0],
        )
        central_app = "feedback_service.sandbox.central.app:from_env()"
        self.central = Program(
            "central",
            [*GUNICORN, "--bind", bind_addresses[1], "--workers", "1", "--threads", "16", central_app],
            central_settings,
            self.folder,
            listeners[1],
        )
        self.relays = [
            Program(
                f"relay{number}",
                [*FLASK, command],
                settings | self._alteration_variables("relay"),
                self.folder,
                ready_text=b" started",
            )
            for number, command in enumerate(("worker", "relay")[: self._relay_count])
        ]
        self._stack.callback(kill_leftovers, self.folder)
        self.restart_stopped()
        self._wait_until(self._is_ready, "the service")

    def _alteration_variables(self, part: str) -> dict[str, str]:
        names = self._alterations[part]
        return {"PYTHONPATH": f"{BROKEN_MODULES_DIR}{os.pathsep}{ROOT}", "ALTERED": " ".join(names)} if names else {}

    def _create_centres_and_key(self, settings: dict[str, str]) -> None:
        app = create_app(Settings.from_env(settings))
        with app.app_context():
            for code in CENTRES:
                record_key = (code, "", "profile")
                self.journal.record_sent(record_key, "operator", {})
                registers.add_centre(PROFILE | {"code": code})
                self.journal.record_acknowledged(record_key, 200)
            self.api_key = api_keys.add_key(SCOPES, CENTRES)
            db.engine.dispose()

    def _try_start_postgres(self) -> bool:
        assert self.postgres
        try:
            self.postgres.start()
        except RuntimeError:  # those it left behind still hold its memory; they will find out
            return False
        return True

    def _is_ready(self) -> bool:
        try:
            return self._http.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            self.restart_stopped()
            return False

    def _request_deliveries(self, method: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return self._http.request(method, f"{self.url}/api/v1/deliveries{path}", headers=headers)

    def _request_receiver(self, method: str, path: str, **options: Any) -> httpx.Response:
        replies: list[httpx.Response] = []

        def try_request() -> bool:
            self.restart_stopped()
            try:
                replies.append(self._http.request(method, self.central_url + path, **options))
            except httpx.TransportError:
                return False
            return True

        self._wait_until(try_request, "the receiver")
        return replies[-1]

    def _wait_until(self, condition: Callable[[], bool], awaited: str, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no sign of {awaited} after {seconds:.0f} seconds; see {self.folder}")
            time.sleep(0.05)


def _kill_first_working(programs: Sequence[Program], *, with_workers: bool = False) -> bool:
    for program in programs:
        if program.is_at_work:
            program.kill(with_workers=with_workers)
            return True
    return False
