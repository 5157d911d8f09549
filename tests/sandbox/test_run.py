"""`make run`, started for real: what a newcomer sees."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from feedback_service.config import Settings
from feedback_service.printing import qr
from tests.support import story
from tests.support.application import build_application, release_application
from tests.support.database import SqliteDatabases
from tests.support.environment import ROOT, build_environment, build_process_environment

ADDRESSES = ("survey", "kiosk", "public", "docs", "portal", "central")


class Demo:
    """A running demonstration."""

    def __init__(self, data_dir: Path, process: "subprocess.Popen[str]") -> None:
        self.data_dir = data_dir
        self.process = process
        self.printed = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What run.json says."""
        found: dict[str, Any] = json.loads((self.data_dir / "run.json").read_text())
        return found

    def wait_until_ready(self) -> None:
        """All its addresses are printed."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if "Ctrl-C" in line:
                return
        raise AssertionError(f"it ended: {self.printed}")

    def processes(self) -> set[int]:
        """Every process that belongs to it, by its data folder."""
        mark = f"DATA_DIR={self.data_dir}".encode()
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
            except OSError:
                continue  # it ended meanwhile
        return found

    def stopped(self, number: signal.Signals = signal.SIGINT) -> int:
        """Tell it to stop; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on, below those that the system gives to whoever asks for any."""
    found: set[int] = set()
    while len(found) < 2:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.add(port)
    one, other = found
    return one, other


@contextmanager
def started(data_dir: Path, ports: tuple[int, int], host: str = "") -> Iterator[Demo]:
    """The demonstration, started; gone at the end whatever happens."""
    own = {"DATA_DIR": str(data_dir), "PORT": str(ports[0]), "CENTRAL_PORT": str(ports[1]), "HOST": host}
    process = subprocess.Popen(
        [sys.executable, "-m", "feedback_service.sandbox.run"],
        cwd=ROOT,
        env=build_process_environment(os.environ, own),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    demo = Demo(data_dir, process)
    with process:
        try:
            yield demo
        finally:
            if process.poll() is None:
                process.terminate()


def seconds_to_start(demo: Demo) -> float:
    """How long it takes until the addresses are printed."""
    began = time.monotonic()
    demo.wait_until_ready()
    return time.monotonic() - began


def test_a_newcomer_starts_it_uses_it_and_starts_it_again(tmp_path: Path, record_property: Any) -> None:
    data_dir, ports = tmp_path / "Дані #1, 50%41?x=1", free_ports()
    with started(data_dir, ports) as demo:
        record_property("first start, seconds", seconds_to_start(demo))
        facts = demo.facts
        assert facts.keys() == {*ADDRESSES, "admin", "api_key", "centre"}
        assert all(facts["admin"][name] in demo.printed for name in ("url", "email", "password"))
        assert all(demo.facts[name] in demo.printed for name in ADDRESSES)
        assert qr.render_terminal(facts["survey"]) in demo.printed
        assert facts["api_key"] not in demo.printed
        assert_nobody_else_may_look(data_dir)
        assert_the_demonstration_works(facts)
        family = demo.processes()
        assert len(family) >= 4
        assert demo.stopped(signal.SIGINT) == 0
        assert not demo.processes()

    with started(data_dir, ports) as demo:
        seconds = seconds_to_start(demo)
        record_property("second start, seconds", seconds)
        assert demo.facts["api_key"] == facts["api_key"]
        assert demo.facts["admin"] == facts["admin"]
        assert demo.facts["survey"] != facts["survey"]
        assert httpx.get(demo.facts["survey"], trust_env=False).status_code == 200
        assert demo.stopped(signal.SIGTERM) == 0
        assert not demo.processes()
    assert seconds < 20  # 3 on an idle machine


def assert_nobody_else_may_look(data_dir: Path) -> None:
    """No file and no folder of the demonstration is open to other users of the machine."""
    paths = [data_dir, *data_dir.rglob("*")]
    assert {"feedback.db", "central.db", "run.json", "run.env", "logs", "web.log"} <= {path.name for path in paths}
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


def assert_the_demonstration_works(facts: dict[str, Any]) -> None:
    """Every address answers; a survey is answered; the key opens the figures."""
    with httpx.Client(trust_env=False, timeout=30) as http:
        for name in ADDRESSES:
            assert http.get(facts[name]).status_code == 200, name
        answer = {"off.nps": "9", "finish": "1", "client_id": str(uuid.uuid4())}
        sent = http.post(facts["survey"], data=answer)
        assert sent.status_code == 303
        assert "/R/" in sent.headers["Location"]
        key = {"Authorization": f"Bearer {facts['api_key']}"}
        api = facts["docs"].removesuffix("/docs")
        summary = http.get(f"{api}/summaries", params={"centre": facts["centre"]}, headers=key).json()
        assert summary["funnel"]["answered"] > 50
        given = http.post(facts["portal"], data={"then": "survey"})
        assert given.status_code == 303
        assert "on.nps" in http.get(given.headers["Location"]).text
        assert_somebody_is_let_in(http, facts["admin"])
        assert_an_answer_arrives_at_the_central_system(http, facts)


def assert_somebody_is_let_in(http: httpx.Client, admin: dict[str, str]) -> None:
    """The e-mail and the password open the administration, and the second factor may wait here."""
    here = {"Sec-Fetch-Site": "same-origin"}
    entered = http.post(f"{admin['url']}sign-in", data=admin, headers=here, follow_redirects=True)
    [token] = re.findall(r'name="csrf" value="(\w+)"', entered.text)
    later = {"later": "1", "csrf": token}
    inside = http.post(str(entered.url), data=later, headers=here, follow_redirects=True)
    assert inside.status_code == 200
    assert admin["email"] in inside.text


def assert_an_answer_arrives_at_the_central_system(http: httpx.Client, facts: dict[str, Any]) -> None:
    """A case registered now and answered on a phone is soon listed there, and its centre has no gap."""
    title = f"Послуга {uuid.uuid4()}"
    case = {
        "centre": facts["centre"],
        "case_number": title,
        "service": {"local_code": "99-99", "title": title},
        "front_office": "offline",
        "status": "completed",
        "status_at": datetime.now(UTC).isoformat(),
    }
    key = {"Authorization": f"Bearer {facts['api_key']}"}
    survey = http.post(facts["docs"].replace("docs", "cases"), json=case, headers=key).json()["invitation"]["url"]
    http.post(survey, data={"off.nps": "10", "finish": "1", "client_id": str(uuid.uuid4())})

    deadline = time.monotonic() + 30  # 10 s after the commit on an idle machine
    told: list[str] = []
    while len(told) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
        listed = http.get(f"{facts['central']}/received").json()
        told = [each["type"] for each in listed if (each["data"].get("service") or {}).get("title") == title]
    assert sorted(told) == ["ua.vidhuk.case.status.v1", "ua.vidhuk.response.recorded.v1"]
    counted = http.get(f"{facts['central']}/received/summary").json()
    assert (counted["missing"], counted["doubled"], counted["changed"], counted["refused"]) == (0, 0, 0, [])
    assert title in http.get(facts["central"]).text


def test_it_listens_where_host_says(tmp_path: Path) -> None:
    ports = free_ports()
    with started(tmp_path / "var", ports, host="::1") as demo:
        demo.wait_until_ready()
        assert demo.facts["survey"].startswith(f"http://[::1]:{ports[0]}/S/")
        assert httpx.get(demo.facts["survey"], trust_env=False).status_code == 200


def test_when_one_process_ends_all_do_and_it_is_said(tmp_path: Path, sqlite_databases: SqliteDatabases) -> None:
    data_dir = tmp_path / "var"
    prepare_small_town(data_dir, sqlite_databases)
    with started(data_dir, free_ports()) as demo:
        demo.wait_until_ready()
        [worker] = [
            pid for pid in demo.processes() if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ]
        os.kill(worker, signal.SIGKILL)

        assert demo.process.wait(30) == 1
        assert demo.process.stdout is not None
        assert "The process worker has ended" in demo.process.stdout.read()
        assert not demo.processes()


def prepare_small_town(data_dir: Path, databases: SqliteDatabases) -> None:
    """Make the database of a demonstration with a centre and nothing else, so that it settles no town of its own."""
    data_dir.mkdir()
    database = Path(databases.create_database().removeprefix("sqlite:///")).rename(data_dir / "feedback.db")
    app = build_application(Settings.from_env(build_environment(data_dir, f"sqlite:///{database}")))
    with app.app_context():
        story.create_centre()
    release_application(app)


def test_it_can_be_stopped_while_it_is_still_preparing(tmp_path: Path) -> None:
    with started(tmp_path / "var", free_ports()) as demo:
        assert demo.process.stdout is not None
        demo.process.stdout.readline()

        assert demo.stopped(signal.SIGINT) == 0
        assert not demo.processes()


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PORT": "web"}, "PORT=web is no port"),
        ({"CENTRAL_PORT": "70000"}, "CENTRAL_PORT=70000 is no port"),
        ({"PORT": "8001", "CENTRAL_PORT": "8001"}, "PORT and CENTRAL_PORT are the same."),
        ({"DATA_DIR": "/tmp/\udcff"}, "The path of DATA_DIR is not UTF-8"),
    ],
)
def test_what_stands_in_the_way_is_said_in_one_sentence(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    assert refused(tmp_path, variables).startswith(sentence)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    free, _ = free_ports()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(tmp_path, {"PORT": str(free), "CENTRAL_PORT": str(port)})

    assert said.startswith(f"Port {port} cannot be used")
    assert "CENTRAL_PORT=" in said


def refused(data_dir: Path, variables: dict[str, str]) -> str:
    """What it says before it gives up."""
    done = subprocess.run(
        [sys.executable, "-m", "feedback_service.sandbox.run"],
        cwd=ROOT,
        env=build_process_environment(
            os.environ, {"DATA_DIR": str(data_dir), "PORT": "", "CENTRAL_PORT": ""} | variables
        ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert list(data_dir.iterdir()) == []
    return done.stderr
