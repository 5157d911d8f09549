"""Starts everything at once, for people who want to see it: `make run`.

A second start serves within three seconds, so whatever is not needed then (migrating, sowing a town, making
a key) runs as a command of its own, only when it is needed, and nothing heavy is imported here before the
service is up.
"""

import json
import os
import re
import secrets
import signal
import socket
import sqlite3
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feedback_service.sandbox import town
from feedback_service.sandbox.family import CannotRun, Family, Stopped
from feedback_service.words import SCOPES

ROOT = Path(__file__).resolve().parents[2]
CASES = 1000  # in the town of a first start
START_SECONDS = 60
SLOW_ANSWERS = "32"  # that the demo central system can owe at once, and still answer
HOST = "127.0.0.1"
PAIRING_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ADMIN = "admin@vidhuk.example"

FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
GUNICORN = (sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demonstration lives: its ports and its folder."""

    port: int
    central_port: int
    data_dir: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Place":
        """PORT, CENTRAL_PORT, DATA_DIR; raises ``CannotRun`` for what is no port."""
        ports = {
            name: environ.get(name) or usual for name, usual in (("PORT", "8000"), ("CENTRAL_PORT", "8001"))
        }
        for name, port in ports.items():
            if not port.isdecimal() or not 0 < int(port) < 65536:
                raise CannotRun(f"{name}={port} is no port; ports are 1 to 65535.")
        if len(set(map(int, ports.values()))) < 2:
            raise CannotRun("PORT and CENTRAL_PORT are the same.")
        return cls(
            int(ports["PORT"]), int(ports["CENTRAL_PORT"]), Path(environ.get("DATA_DIR") or "var").resolve()
        )

    @property
    def here(self) -> str:
        """The address of the service on this machine."""
        return f"http://{HOST}:{self.port}"

    @property
    def central(self) -> str:
        """The address of the demo central system."""
        return f"http://{HOST}:{self.central_port}"

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.data_dir / "feedback.db"


def main() -> int:
    """Run until told to stop; 0 then, 1 when something stands in the way."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    family: Family | None = None
    try:
        place = Place.from_env(os.environ)
        _refuse_taken(place)
        family = Family(ROOT, place.data_dir / "logs", stop)
        _bring_up(place, family)
        family.wait(lambda: False)
    except Stopped:
        print("\nЗупиняємо · Stopping", flush=True)
    except CannotRun as why:
        print(why, file=sys.stderr, flush=True)
        return 1
    finally:
        if family is not None:
            family.end()
    return 0


def _bring_up(place: Place, family: Family) -> None:
    """Everything runs, run.json says where, and so does the terminal."""
    public_url = os.environ.get("FEEDBACK_PUBLIC_URL") or place.here
    place.data_dir.mkdir(parents=True, exist_ok=True)
    kept = _keep_settings(place, public_url)
    # A database and a central system of its own: a made-up town told elsewhere would be a disaster.
    family.settings = {
        "DATA_DIR": str(place.data_dir),
        "FEEDBACK_DATABASE_URL": f"sqlite:///{place.database}",
        "FEEDBACK_CENTRAL_URL": place.central,
        "FEEDBACK_CENTRAL_SECRET": kept["FEEDBACK_CENTRAL_SECRET"],
    }
    if not _migrated(place):
        _say("Готуємо базу даних · Preparing the database")
        family.run("migrate", *FLASK, "db", "upgrade")
    centre = _centre(place)
    if centre is None:
        _say("Заселяємо вигадане місто · Settling a made-up town")
        family.run("seed", *FLASK, "demo", "seed", "--cases", str(CASES), "--seed", "1")
        centre = _centre(place) or town.CENTRE
    metrics = place.data_dir / "metrics"
    _empty(metrics)
    two = {"HOST": os.environ.get("HOST") or HOST, "WEB_CONCURRENCY": "2"}
    family.start(
        "web", *GUNICORN, "wsgi:app", PORT=str(place.port), PROMETHEUS_MULTIPROC_DIR=str(metrics), **two
    )
    one = {"HOST": HOST, "WEB_CONCURRENCY": "1", "VIDHUK": place.here}
    made_up = ("--threads", SLOW_ANSWERS, "feedback_service.sandbox.surroundings:from_env()")
    family.start("central", *GUNICORN, *made_up, PORT=str(place.central_port), **one)
    family.wait(lambda: _answers(f"{place.here}/healthz"), seconds=START_SECONDS)

    family.start("worker", *FLASK, "worker")
    api_key, survey = _demo_survey(place, family, centre)
    admin = {"url": f"{public_url}/admin/", "email": ADMIN, "password": kept["DEMO_PASSWORD"]}
    _let_in(place, family, centre, admin["password"])
    pairing_code = "".join(secrets.choice(PAIRING_LETTERS) for _ in range(8))
    addresses = {
        "survey": survey,
        "kiosk": f"{public_url}/kiosk#pair={pairing_code}",
        "public": f"{public_url}/centres/{centre}",
        "docs": f"{public_url}/api/v1/docs",
        "portal": f"{place.central}/portal",
        "central": place.central,
    }
    _keep(place.data_dir / "run.json", addresses | {"admin": admin, "api_key": api_key, "centre": centre})
    family.wait(lambda: _answers(addresses["portal"]), seconds=START_SECONDS)
    window = ("-m", "feedback_service.sandbox.window")
    family.start("window", sys.executable, *window, CENTRE=centre, PAIRING=pairing_code)
    _show(addresses, admin)


def _refuse_taken(place: Place) -> None:
    for name, port in (("PORT", place.port), ("CENTRAL_PORT", place.central_port)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise CannotRun(
                    f"Port {port} cannot be used ({error.strerror}); choose another with {name}=…."
                ) from error


def _keep_settings(place: Place, public_url: str) -> dict[str, str]:
    """The settings are in run.env; what it says."""
    kept, needed = _settings(place), ("FEEDBACK_CENTRAL_SECRET", "DEMO_PASSWORD")
    if kept.get("FEEDBACK_PUBLIC_URL") != public_url or not all(map(kept.get, needed)):
        from feedback_service.config import keep_for_demonstration  # slow, so only when there is a need

        keep_for_demonstration(place.data_dir, public_url)
        kept = _settings(place)
    return kept


def _settings(place: Place) -> dict[str, str]:
    try:
        lines = (place.data_dir / "run.env").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _let_in(place: Place, family: Family, centre: str, password: str) -> None:
    """There is somebody who sees all that a centre's own people see."""
    if _first(place, "SELECT email FROM users WHERE email = ?", ADMIN) is None:
        add = (*FLASK, "user", "add", ADMIN, "--role", "head", "--scope", centre, "--password-stdin")
        family.run("let somebody in", *add, enters=password + "\n")


def _migrated(place: Place) -> bool:
    """Whether the database has the newest revision there is a file for."""
    found: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for file in (ROOT / "migrations" / "versions").glob("*.py"):
        for name, revision in re.findall(
            r'^(revision|down_revision) = "(\w+)"', file.read_text(), re.MULTILINE
        ):
            found[name].add(revision)
    return (
        _first(place, "SELECT version_num FROM alembic_version") in found["revision"] - found["down_revision"]
    )


def _centre(place: Place) -> str | None:
    """The made-up centre, else any other that is there, else ``None``."""
    return _first(place, "SELECT code FROM centres ORDER BY code <> ?, code", town.CENTRE)


def _first(place: Place, query: str, *values: str) -> str | None:
    """The first value that the database holds; ``None`` if there is no such table either."""
    if not place.database.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{place.database}?mode=ro", uri=True)) as database:
            row = database.execute(query, values).fetchone()
    except sqlite3.OperationalError:
        return None
    return str(row[0]) if row else None


def _demo_survey(place: Place, family: Family, centre: str) -> tuple[str, str]:
    """A key for the centre, and the address of a survey that nobody has answered yet."""
    kept = _kept(place.data_dir / "run.json")
    if kept.get("centre") == centre and (survey := _invite(place, centre, str(kept.get("api_key")))):
        return str(kept["api_key"]), survey
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    api_key = family.run("make a key", *FLASK, "key", "add", "--centre", centre, *scopes).splitlines()[-1]
    survey = _invite(place, centre, api_key)
    if survey is None:
        raise CannotRun(f"The service does not take its own key; see {place.data_dir / 'logs' / 'web.log'}.")
    return api_key, survey


def _invite(place: Place, centre: str, api_key: str) -> str | None:
    """Register a completed case; the address of its survey, or ``None`` when the key is not taken."""
    now, service = datetime.now(UTC), town.SERVICES[0]
    case = {
        "centre": centre,
        "case_number": f"DEMO-{secrets.token_hex(6)}",
        "service": {"code": service.code, "local_code": service.local_code, "title": service.title},
        "front_office": "offline",
        "status": "completed",
        "status_at": now.isoformat(timespec="seconds"),
        "registered_at": (now - timedelta(days=2)).isoformat(timespec="seconds"),
        "provider_edrpou": service.provider,
        "workplace": town.WORKPLACES[0],
        "workplace_kind": "centre",
    }
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    post = urllib.request.Request(f"{place.here}/api/v1/cases", json.dumps(case).encode(), headers)
    try:
        with _direct(post) as reply:
            registered = json.load(reply)
    except urllib.error.HTTPError as refusal:
        with refusal:
            if refusal.code in (401, 403, 404):
                return None
            raise CannotRun(f"The service refused a case of its own with {refusal.code}.") from refusal
    except OSError as error:
        raise CannotRun("The service stopped answering.") from error
    return str(registered["invitation"]["url"])


def _answers(address: str) -> bool:
    try:
        with _direct(address):
            return True
    except OSError:
        return False


def _direct(request: str | urllib.request.Request) -> Any:
    """Ask this very machine, whatever proxies the environment names."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)


def _kept(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(path: Path, facts: Mapping[str, Any]) -> None:
    """Write the file whole or not at all, for its owner only: it holds a key."""
    fresh = path.with_suffix(".new")
    with open(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        json.dump(facts, file, indent=1)
        file.write("\n")
    fresh.replace(path)


def _empty(folder: Path) -> None:
    """The folder is there and holds no counts of processes that are gone."""
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()


def _show(addresses: Mapping[str, str], admin: Mapping[str, str]) -> None:
    from feedback_service.cases import qr

    print(qr.terminal(addresses["survey"]))
    for name, words in (
        ("survey", "Опитування · survey"),
        ("kiosk", "Планшет · tablet"),
        ("public", "Показники · figures"),
        ("docs", "Для розробників · API"),
        ("portal", "Портал · portal"),
        ("central", "Центральна · central"),
    ):
        print(f"  {words:<24}{addresses[name]}")
    print(f"  {'Адміністрування · admin':<24}{admin['url']}")
    print(f"  {'':<24}{admin['email']}  {admin['password']}")
    _say("\n  Ctrl-C зупиняє все · stops everything")


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
