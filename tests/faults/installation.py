"""Everything that runs in production, on this machine: database, web, relays; and the demo central system."""

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
from feedback_service.flow import integrations, registers
from tests.faults.journal import Journal
from tests.faults.programs import Program, kill, sweep
from tests.support.central import SECRETS
from tests.support.database import migrate
from tests.support.environment import ROOT, environment
from tests.support.postgres import Server

CENTRES = ("SN05000042", "SN12000007", "SN18000003")
PROFILE = {"name": "ЦНАП міста Вінниці", "edrpou": "00032112", "katottg": "UA05020030010063857"}
SCOPES = ("cases:write", "responses:write", "deliveries:manage")
VICTIMS = ("web worker", "web master", "relay", "receiver", "postmaster")
START_SECONDS = 60
GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py")
FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
BROKEN = ROOT / "tests" / "faults" / "broken"


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
        data: Path | None = None,
        database: str | None = None,
        relays: int = 2,
        web: Sequence[str] = (),
        relay: Sequence[str] = (),
        **variables: str,
    ) -> None:
        self.folder, self.dialect = folder, dialect
        self.journal: Journal
        self.key = ""
        self.settings: dict[str, str] = {}
        self.postgres = Server() if dialect == "postgresql" else None
        self._data = data or folder
        self._database = database
        self._alters = {"web": web, "relay": relay}
        self._variables = variables
        self._relays = relays
        self._stack = ExitStack()

    def __enter__(self) -> "Installation":
        with self._stack:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._bring_up()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in self._programs:
            program.kill(
                with_workers=True
            )  # whatever matters is on the disk; to end in order would take seconds
        self._stack.close()

    def kill(self, victim: str, dice: random.Random) -> bool:
        """One that is at work is dead, as by kill -9; ``False`` when none was."""
        match victim:
            case "web worker":
                workers = self.web.workers()
                if workers:
                    kill(dice.choice(workers))
                return bool(workers)
            case "web":
                return _killed([self.web], with_workers=True)
            case "web master":
                return _killed([self.web])
            case "relay":
                return _killed(sorted(self.relays, key=lambda each: each.started_at))
            case "receiver":
                return _killed([self.central], with_workers=True)
            case "postmaster" if self.postgres:
                self.postgres.kill()
                return True
        raise ValueError(f"there is no {victim}")

    def victims(self) -> list[str]:
        """Who can be killed here."""
        return [each for each in VICTIMS if each != "postmaster" or self.postgres]

    def restore(self) -> None:
        """Whatever has ended was started again; the database answers, the others will."""
        if self.postgres and not self.postgres.running:
            self._until(self._postgres_starts, "PostgreSQL")
        for program in self._programs:
            if not program.alive:
                program.start()

    def misbehave(self, mode: str, **how: object) -> None:
        """The receiver treats its next requests so."""
        reply = self._receiver("POST", "/faults", json={"mode": mode, **how})
        assert reply.status_code == 200, reply.text

    def behaves(self) -> bool:
        """Whether the receiver does everything right, as far as it can."""
        return bool(self._receiver("GET", "/faults").json()["mode"] == "none")

    def arrived(self) -> int:
        """How many events the receiver has."""
        return int(self._receiver("GET", "/received/summary").json()["events"])

    def deliveries(self) -> dict[str, int]:
        """What the service says of its outbox; dead letters are sent again."""
        found: dict[str, int] = self._service("GET", "/summary").json()
        if found["dead"]:
            for each in self._service("GET", "?state=dead&limit=200").json()["items"]:
                self._service("POST", f"/{each['id']}/replay").raise_for_status()
        return found

    def drain(self, seconds: float = 120) -> float:
        """Everything has arrived that the service knows of; how long that took."""
        began = time.monotonic()

        def drained() -> bool:
            self.restore()
            try:
                found = self.deliveries()
            except (httpx.TransportError, httpx.HTTPStatusError, KeyError):
                return False  # it is still coming up
            return found["pending"] == 0 and found["dead"] == 0

        self._until(drained, "an empty outbox", seconds)
        return time.monotonic() - began

    def book(self) -> dict[str, Any]:
        """What the receiver has, by its own words."""
        events: list[dict[str, Any]] = []
        while True:
            after = events[-1]["arrival"] if events else 0
            page = self._receiver("GET", "/received", params={"after": after}).json()
            if not page:
                break
            events += page
        summary = self._receiver("GET", "/received/summary").json()
        return {"events": events, "changed": summary["changed"], "repeats": summary["repeats"]}

    @property
    def _programs(self) -> tuple[Program, ...]:
        return (self.central, self.web, *self.relays)

    def _bring_up(self) -> None:
        self._http = self._stack.enter_context(httpx.Client(timeout=20, trust_env=False))
        sockets = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(2)]
        for each in sockets:
            self._stack.callback(each.close)
        self.url, self.central_url = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in sockets)
        if self.postgres:
            self._stack.enter_context(self.postgres)
        database = self._database
        if database is None:
            file = f"sqlite:///{self._data}/feedback.db"
            database = self.postgres.create("faults") if self.postgres else file
            migrate(database, self._data)
        own = environment(self._data, database, self.url)
        own |= {"FEEDBACK_CENTRAL_URL": self.central_url, "FEEDBACK_CENTRAL_SECRET": SECRETS[0]}
        counters = self.folder / "counters"
        counters.mkdir()
        own |= {"PROMETHEUS_MULTIPROC_DIR": str(counters), **self._variables}
        self.settings = own
        self.journal = Journal(self.folder / "journal.jsonl")
        self._stack.callback(self.journal.close)
        self._set_up(own)
        receives = {"DATA_DIR": str(self.folder), "FEEDBACK_CENTRAL_SECRET": ",".join(SECRETS)}
        receives["PROMETHEUS_MULTIPROC_DIR"] = str(counters)
        listens = [f"fd://{each.fileno()}" for each in sockets]
        self.web = Program(
            "web",
            [*GUNICORN, "--bind", listens[0], "--workers", "2", "wsgi:app"],
            own | self._altered("web"),
            self.folder,
            sockets[0],
        )
        made_up = "feedback_service.sandbox.central.app:from_env()"
        self.central = Program(
            "central",
            [*GUNICORN, "--bind", listens[1], "--workers", "1", "--threads", "16", made_up],
            receives,
            self.folder,
            sockets[1],
        )
        self.relays = [
            Program(
                f"relay{number}",
                [*FLASK, command],
                own | self._altered("relay"),
                self.folder,
                says=b" started",
            )
            for number, command in enumerate(("worker", "relay")[: self._relays])
        ]
        self._stack.callback(sweep, self.folder)
        self.restore()
        self._until(self._answers, "the service")

    def _altered(self, part: str) -> dict[str, str]:
        names = self._alters[part]
        return {"PYTHONPATH": f"{BROKEN}{os.pathsep}{ROOT}", "ALTERED": " ".join(names)} if names else {}

    def _set_up(self, own: dict[str, str]) -> None:
        app = create_app(Settings.from_env(own))
        with app.app_context():
            for code in CENTRES:
                thing = (code, "", "profile")
                self.journal.sent(thing, "operator", {})
                registers.add_centre(PROFILE | {"code": code})
                self.journal.acknowledged(thing, 200)
            self.key = integrations.add_key(SCOPES, CENTRES)
            db.engine.dispose()

    def _postgres_starts(self) -> bool:
        assert self.postgres
        try:
            self.postgres.start()
        except RuntimeError:  # those it left behind still hold its memory; they will find out
            return False
        return True

    def _answers(self) -> bool:
        try:
            return self._http.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            self.restore()
            return False

    def _service(self, method: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return self._http.request(method, f"{self.url}/api/v1/deliveries{path}", headers=headers)

    def _receiver(self, method: str, path: str, **how: Any) -> httpx.Response:
        reply: list[httpx.Response] = []

        def asked() -> bool:
            self.restore()
            try:
                reply.append(self._http.request(method, self.central_url + path, **how))
            except httpx.TransportError:
                return False
            return True

        self._until(asked, "the receiver")
        return reply[-1]

    def _until(self, so: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
        ends = time.monotonic() + seconds
        while not so():
            if time.monotonic() > ends:
                raise TimeoutError(f"no sign of {what} after {seconds:.0f} seconds; see {self.folder}")
            time.sleep(0.05)


def _killed(programs: Sequence[Program], *, with_workers: bool = False) -> bool:
    for program in programs:
        if program.at_work:
            program.kill(with_workers=with_workers)
            return True
    return False
