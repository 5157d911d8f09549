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
from urllib.parse import quote

from feedback_service.config import is_utf8
from feedback_service.sandbox import demo_data
from feedback_service.sandbox.process_group import CannotRun, ProcessGroup, StopRequested
from feedback_service.vocabulary import SCOPES

ROOT = Path(__file__).resolve().parents[2]
DEMO_CASES = 1000  # in the town of a first start
START_SECONDS = 60
CENTRAL_THREADS = "32"  # it may delay many replies at once and must still answer
HOST = "127.0.0.1"
PAIRING_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ADMIN_EMAIL = "admin@vidhuk.example"

FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
GUNICORN = (sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py")


@dataclass(frozen=True, slots=True)
class DemoLocation:
    """The ports and the folder of the demonstration, and on which address of this machine it listens."""

    port: int
    central_port: int
    data_dir: Path
    host: str = HOST

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "DemoLocation":
        """Read PORT, CENTRAL_PORT, DATA_DIR and HOST. Raises ``CannotRun`` for an invalid port or path."""
        ports = {name: environ.get(name) or default for name, default in (("PORT", "8000"), ("CENTRAL_PORT", "8001"))}
        for name, port in ports.items():
            if not port.isdecimal() or not 0 < int(port) < 65536:
                raise CannotRun(f"{name}={port} is no port; ports are 1 to 65535.")
        if len(set(map(int, ports.values()))) < 2:
            raise CannotRun("PORT and CENTRAL_PORT are the same.")
        data_dir = Path(environ.get("DATA_DIR") or "var").resolve()
        if not is_utf8(data_dir):
            raise CannotRun("The path of DATA_DIR is not UTF-8; give the folder another name.")
        host = (environ.get("HOST") or HOST).strip("[]")
        return cls(int(ports["PORT"]), int(ports["CENTRAL_PORT"]), data_dir, host)

    @property
    def service_url(self) -> str:
        """The address of the service on this machine."""
        host = {"0.0.0.0": HOST, "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def central_url(self) -> str:
        """The address of the demo central system."""
        return f"http://{HOST}:{self.central_port}"

    @property
    def database_file(self) -> Path:
        """The file of the database."""
        return self.data_dir / "feedback.db"


def main() -> int:
    """Run until a signal stops it, then return 0; return 1 when it cannot run."""
    os.umask(0o077)  # the database, the logs and the keys are for their owner alone
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, lambda *_: stop.set())
    process_group: ProcessGroup | None = None
    try:
        location = DemoLocation.from_env(os.environ)
        _require_free_ports(location)
        process_group = ProcessGroup(ROOT, location.data_dir / "logs", stop)
        _start_everything(location, process_group)
        process_group.wait_until(lambda: False)
    except StopRequested:
        print("\nЗупиняємо · Stopping", flush=True)
    except CannotRun as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    finally:
        if process_group is not None:
            process_group.stop_all()
    return 0


def _start_everything(location: DemoLocation, process_group: ProcessGroup) -> None:
    """Start everything; write the addresses to run.json and to the terminal."""
    public_url = os.environ.get("FEEDBACK_PUBLIC_URL") or location.service_url
    location.data_dir.mkdir(parents=True, exist_ok=True)
    settings = _ensure_settings(location, public_url)
    # It has its own database and central system: made-up data sent elsewhere would be a disaster.
    process_group.settings = {
        "DATA_DIR": str(location.data_dir),
        "FEEDBACK_DATABASE_URL": f"sqlite:///{quote(str(location.database_file))}",
        "FEEDBACK_CENTRAL_URL": location.central_url,
        "FEEDBACK_CENTRAL_SECRET": settings["FEEDBACK_CENTRAL_SECRET"],
    }
    if not _is_migrated(location):
        _print_now("Готуємо базу даних · Preparing the database")
        process_group.run_command("migrate", *FLASK, "db", "upgrade")
    centre = _find_centre(location)
    if centre is None:
        _print_now("Заселяємо вигадане місто · Settling a made-up town")
        process_group.run_command("seed", *FLASK, "demo", "seed", "--cases", str(DEMO_CASES), "--seed", "1")
        centre = _find_centre(location) or demo_data.CENTRE
    metrics_dir = location.data_dir / "metrics"
    _prepare_metrics_dir(metrics_dir)
    web_variables = {"HOST": location.host, "WEB_CONCURRENCY": "2"}
    process_group.start_process(
        "web",
        *GUNICORN,
        "wsgi:app",
        PORT=str(location.port),
        PROMETHEUS_MULTIPROC_DIR=str(metrics_dir),
        **web_variables,
    )
    central_variables = {"HOST": HOST, "WEB_CONCURRENCY": "1", "VIDHUK": location.service_url}
    central_arguments = ("--threads", CENTRAL_THREADS, "feedback_service.sandbox.demo_services:from_env()")
    process_group.start_process(
        "central", *GUNICORN, *central_arguments, PORT=str(location.central_port), **central_variables
    )
    process_group.wait_until(lambda: _is_reachable(f"{location.service_url}/healthz"), seconds=START_SECONDS)

    process_group.start_process("worker", *FLASK, "worker")
    api_key, survey_url = _create_demo_survey(location, process_group, centre)
    admin = {"url": f"{public_url}/admin/", "email": ADMIN_EMAIL, "password": settings["DEMO_PASSWORD"]}
    _ensure_admin(location, process_group, centre, admin["password"])
    pairing_code = "".join(secrets.choice(PAIRING_ALPHABET) for _ in range(8))
    addresses = {
        "survey": survey_url,
        "kiosk": f"{public_url}/kiosk#pair={pairing_code}",
        "public": f"{public_url}/centres/{centre}",
        "docs": f"{public_url}/api/v1/docs",
        "portal": f"{location.central_url}/portal",
        "central": location.central_url,
    }
    _write_private_json(
        location.data_dir / "run.json", addresses | {"admin": admin, "api_key": api_key, "centre": centre}
    )
    process_group.wait_until(lambda: _is_reachable(addresses["portal"]), seconds=START_SECONDS)
    window_arguments = ("-m", "feedback_service.sandbox.demo_window")
    process_group.start_process("window", sys.executable, *window_arguments, CENTRE=centre, PAIRING=pairing_code)
    _print_addresses(addresses, admin)


def _require_free_ports(location: DemoLocation) -> None:
    ports = (("PORT", location.host, location.port), ("CENTRAL_PORT", HOST, location.central_port))
    for name, host, port in ports:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CannotRun(
                    f"Port {port} cannot be used ({error.strerror}); choose another with {name}=…."
                ) from error


def _ensure_settings(location: DemoLocation, public_url: str) -> dict[str, str]:
    """Write the settings to run.env if it does not exist; return its settings."""
    settings, needed = _read_settings(location), ("FEEDBACK_CENTRAL_SECRET", "DEMO_PASSWORD")
    if settings.get("FEEDBACK_PUBLIC_URL") != public_url or not all(map(settings.get, needed)):
        # Imported here: it takes long, and most starts need no new settings.
        from feedback_service.sandbox.demo_settings import save_demo_settings

        save_demo_settings(location.data_dir, public_url)
        settings = _read_settings(location)
    return settings


def _read_settings(location: DemoLocation) -> dict[str, str]:
    try:
        lines = (location.data_dir / "run.env").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _ensure_admin(location: DemoLocation, process_group: ProcessGroup, centre: str, password: str) -> None:
    """Add a user who sees all that the staff of the centre see."""
    if _query_first_value(location, "SELECT email FROM users WHERE email = ?", ADMIN_EMAIL) is None:
        options = ("--role", "head", "--scope", centre, "--password-stdin")
        command = (*FLASK, "user", "add", ADMIN_EMAIL, *options)
        process_group.run_command("let somebody in", *command, stdin_text=password + "\n")


def _is_migrated(location: DemoLocation) -> bool:
    """Return whether the database has the newest revision of the migrations."""
    revisions: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for file in (ROOT / "migrations" / "versions").glob("*.py"):
        for name, revision in re.findall(r'^(revision|down_revision) = "(\w+)"', file.read_text(), re.MULTILINE):
            revisions[name].add(revision)
    newest = revisions["revision"] - revisions["down_revision"]
    return _query_first_value(location, "SELECT version_num FROM alembic_version") in newest


def _find_centre(location: DemoLocation) -> str | None:
    """Return the made-up centre, else any other, else ``None``."""
    return _query_first_value(location, "SELECT code FROM centres ORDER BY code <> ?, code", demo_data.CENTRE)


def _query_first_value(location: DemoLocation, query: str, *values: str) -> str | None:
    """Return the first value that the query finds; ``None`` if there is none, or no such table."""
    if not location.database_file.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(location.database_file))}?mode=ro", uri=True)) as database:
            row = database.execute(query, values).fetchone()
    except sqlite3.OperationalError:
        return None
    return str(row[0]) if row else None


def _create_demo_survey(location: DemoLocation, process_group: ProcessGroup, centre: str) -> tuple[str, str]:
    """Return a key for the centre, and the address of a survey that nobody has answered yet."""
    last_run = _read_json_object(location.data_dir / "run.json")
    if last_run.get("centre") == centre and (
        survey_url := _register_demo_case(location, centre, str(last_run.get("api_key")))
    ):
        return str(last_run["api_key"]), survey_url
    scope_arguments = [argument for scope in SCOPES for argument in ("--scope", scope)]
    api_key = process_group.run_command(
        "make a key", *FLASK, "key", "add", "--centre", centre, *scope_arguments
    ).splitlines()[-1]
    survey_url = _register_demo_case(location, centre, api_key)
    if survey_url is None:
        raise CannotRun(f"The service does not take its own key; see {location.data_dir / 'logs' / 'web.log'}.")
    return api_key, survey_url


def _register_demo_case(location: DemoLocation, centre: str, api_key: str) -> str | None:
    """Register a completed case; return the address of its survey, or ``None`` when the key is refused."""
    now, service = datetime.now(UTC), demo_data.SERVICES[0]
    case = {
        "centre": centre,
        "case_number": f"DEMO-{secrets.token_hex(6)}",
        "service": service.names,
        "front_office": "offline",
        "status": "completed",
        "status_at": now.isoformat(timespec="seconds"),
        "registered_at": (now - timedelta(days=2)).isoformat(timespec="seconds"),
        "provider_edrpou": service.provider,
        "workplace": demo_data.WORKPLACES[0],
        "workplace_kind": "centre",
    }
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    http_request = urllib.request.Request(f"{location.service_url}/api/v1/cases", json.dumps(case).encode(), headers)
    try:
        with _open_without_proxy(http_request) as reply:
            registered_case = json.load(reply)
    except urllib.error.HTTPError as refusal:
        with refusal:
            if refusal.code in (401, 403, 404):
                return None
            raise CannotRun(f"The service refused a case of its own with {refusal.code}.") from refusal
    except OSError as error:
        raise CannotRun("The service stopped answering.") from error
    return str(registered_case["invitation"]["url"])


def _is_reachable(address: str) -> bool:
    try:
        with _open_without_proxy(address):
            return True
    except OSError:
        return False


def _open_without_proxy(request: str | urllib.request.Request) -> Any:
    """Send a request to this machine, whatever proxies the environment names."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)


def _read_json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_private_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write the whole file or nothing, readable for its owner only: it contains a key."""
    temporary_path = path.with_suffix(".new")
    with open(os.open(temporary_path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    temporary_path.replace(path)


def _prepare_metrics_dir(folder: Path) -> None:
    """Create the folder, and delete metrics of processes that no longer run."""
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()


def _print_addresses(addresses: Mapping[str, str], admin: Mapping[str, str]) -> None:
    from feedback_service.printing import qr

    print(qr.render_terminal(addresses["survey"]))
    for name, label in (
        ("survey", "Опитування · survey"),
        ("kiosk", "Планшет · tablet"),
        ("public", "Показники · figures"),
        ("docs", "Для розробників · API"),
        ("portal", "Портал · portal"),
        ("central", "Центральна · central"),
    ):
        print(f"  {label:<24}{addresses[name]}")
    print(f"  {'Адміністрування · admin':<24}{admin['url']}")
    print(f"  {'':<24}{admin['email']}  {admin['password']}")
    _print_now("\n  Ctrl-C зупиняє все · stops everything")


def _print_now(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
