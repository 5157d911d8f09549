"""The service as production starts it: gunicorn, several processes, settings from the environment."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.models import DraftAnswer, NotedRead, Response
from tests.support import staff, stored, story
from tests.support.database import FreshDatabase
from tests.support.environment import ROOT, build_environment, build_process_environment
from tests.support.server import RunningService

A_TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_visited_survey_address_is_in_no_log(tmp_path: Path, fresh_database: FreshDatabase, dialect: str) -> None:
    with RunningService(tmp_path, fresh_database(dialect)) as service:
        for _ in range(8):
            assert httpx.get(f"{service.url}/S/{A_TOKEN}?lang=en", trust_env=False).status_code == 404
    written = service.log.read_text()
    assert '"status": 404' in written
    assert A_TOKEN not in written.upper()


def test_the_service_is_healthy_again_after_all_its_processes_were_killed(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    with RunningService(tmp_path, fresh_database("sqlite")) as service:
        service.kill()
        service.start()
        assert httpx.get(f"{service.url}/readyz", trust_env=False).is_success


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_read_of_figures_just_before_an_orderly_stop_is_noted(
    tmp_path: Path, fresh_database: FreshDatabase, dialect: str
) -> None:
    url = fresh_database(dialect)
    app = create_app(Settings.from_env(build_environment(tmp_path, url)))
    with app.app_context():
        story.create_centre()
        cookie = staff.create_session(staff.create_user("head"))
        with RunningService(tmp_path, url) as service:
            page = httpx.get(f"{service.url}/admin/?source=qr_case", cookies={"vidhuk": cookie}, trust_env=False)
            assert page.status_code == 200
        [read] = stored.read_rows(NotedRead)
        db.engine.dispose()
    assert (read.page, json.loads(read.details)["source"]) == ("home", "qr_case")


def test_an_address_may_name_several_hundred_centres(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    query = "&".join(f"centre=SN12{number:06}" for number in range(300))
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service:
        reply = httpx.get(f"{service.url}/api/v1/summaries?{query}", trust_env=False)

    assert (reply.status_code, reply.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"FEEDBACK_SECRET_KEY": "", "FEEDBACK_CASE_KEY": "0123456789"}, ("SECRET_KEY", "CASE_KEY")),
        ({"FEEDBACK_PUBLIC_URL": "http://vidhuk.example"}, ("PUBLIC_URL",)),
        ({"FEEDBACK_TOKEN_KEYS": "", "FEEDBACK_MIN_GROUP": "few"}, ("TOKEN_KEYS", "MIN_GROUP")),
    ],
)
def test_a_start_with_bad_settings_is_refused_and_names_all_of_them(
    tmp_path: Path, changed: dict[str, str], named: tuple[str, ...]
) -> None:
    told = build_environment(tmp_path, f"sqlite:///{tmp_path}/feedback.db") | changed
    refused = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", "127.0.0.1:0", "wsgi:app"],
        cwd=ROOT,
        env=build_process_environment(os.environ, told),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode != 0
    for name in named:
        assert f"FEEDBACK_{name}" in refused.stderr
    assert "0123456789" not in refused.stderr


@pytest.mark.parametrize(
    "request_line",
    [
        f"GET /S/{A_TOKEN} HTTP/9.9",
        f"GET /S/{A_TOKEN} AND MORE HTTP/1.1",
        f"GET /S/{A_TOKEN} HTTP/1.1\r\nbroken {A_TOKEN}",
        f"GET /S/{A_TOKEN} HTTP/1.1\r\nContent-Length: -{A_TOKEN}",
    ],
)
def test_a_request_too_broken_to_reach_us_is_in_no_log_either(
    tmp_path: Path, fresh_database: FreshDatabase, request_line: str
) -> None:
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service:
        url = httpx.URL(service.url)
        with socket.create_connection((url.host, url.port or 80), timeout=10) as line:
            line.sendall(f"{request_line}\r\nHost: x\r\n\r\n".encode())
            assert line.recv(100).startswith(b"HTTP/1.1 400")
    written = service.log.read_text()
    assert "Invalid request" in written
    assert A_TOKEN not in written
    assert "127.0.0.1" not in written


def send(service: RunningService, text: str, *, breaks_off: bool = False) -> str:
    """Send the text over a connection of its own, perhaps as its end; return all that comes back."""
    url = httpx.URL(service.url)
    with socket.create_connection((url.host, url.port or 80), timeout=30) as line:
        line.sendall(text.encode())
        if breaks_off:
            line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b"")).decode()


def test_requests_are_answered_while_nothing_can_be_logged(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service:
        service.kill()
        service.log = Path("/dev/full")
        service.start()
        assert httpx.get(f"{service.url}/readyz", trust_env=False).status_code == 200
        told = httpx.get(f"{service.url}/metrics", trust_env=False).text
    [lost] = re.findall(r"^vidhuk_log_lines_lost_total (\S+)$", told, re.MULTILINE)
    assert float(lost) >= 2


def test_the_service_starts_and_serves_with_its_standard_streams_closed(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    service = RunningService(tmp_path, fresh_database("sqlite"), workers=1)
    service.started_by = ("sh", "-c", 'exec "$@" >&- 2>&-', "sh")
    with service:
        assert httpx.get(f"{service.url}/readyz", trust_env=False).status_code == 200


def test_what_happens_to_workers_is_told_in_json_also_after_a_reload(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service:
        [first] = service.worker_pids()
        service.reload()
        wait_until(lambda: len(service.worker_pids()) == 1 and first not in service.worker_pids())
        [second] = service.worker_pids()
        os.kill(second, signal.SIGKILL)
        wait_until(lambda: "SIGKILL" in service.log.read_text())
    events = [json.loads(line)["event"] for line in service.log.read_text().splitlines()]
    assert f"Worker exiting (pid: {first})" in events
    assert f"Worker (pid:{second}) was sent SIGKILL! Perhaps out of memory?" in events


def test_a_connection_says_what_becomes_of_it(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service:
        without_host = send(service, "GET /healthz HTTP/1.1\r\n\r\n")
        old_program = send(service, "GET /healthz HTTP/1.0\r\n\r\n")
        too_long = "POST /S/AAAA HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        too_large = send(service, f"{too_long}Content-Length: 9000000\r\n\r\n")

    assert without_host.startswith("HTTP/1.1 400")
    assert old_program.startswith("HTTP/1.0 200")
    assert too_large.startswith("HTTP/1.1 413")
    assert "Connection: close" in too_large
    assert "gunicorn" not in old_program + too_large


CLIENT = "6f1c1f0e-5a57-4e0c-9d0b-0d9d2f9f2a11"
FORM, JSON, PARTS = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b"
IN_PARTS = "".join(
    f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
    for name, value in (("client_id", CLIENT), ("finish", "1"), ("off.nps", "1"))
)


@pytest.mark.parametrize(
    ("address", "content_type", "arrived", "missing", "said"),
    [
        ("/S/{token}", FORM, f"client_id={CLIENT}&finish=1&off.nps=1", "0", "<h1"),
        ("/S/{token}", PARTS, f"{IN_PARTS}--b\r\nContent-", "Disposition: form-data", "<h1"),
        (
            "/api/v1/surveys/{token}/responses",
            JSON,
            f'{{"client_id": "{CLIENT}", "language": "uk", "answers": {{"off.nps": 1}}}}',
            " ",
            "{",
        ),
    ],
)
def test_a_body_that_broke_off_is_refused_and_nothing_of_it_is_kept(
    tmp_path: Path,
    fresh_database: FreshDatabase,
    *,
    address: str,
    content_type: str,
    arrived: str,
    missing: str,
    said: str,
) -> None:
    url = fresh_database("sqlite")
    app = create_app(Settings.from_env(build_environment(tmp_path, url)))
    with app.app_context():
        story.create_centre()
        path = address.format(token=story.create_invitation().token)
        with RunningService(tmp_path, url, workers=1) as service:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nConnection: close\r\n"
            reply = send(service, f"{head}Content-Length: {len(arrived + missing)}\r\n\r\n{arrived}", breaks_off=True)
        answers, begun = stored.read_rows(Response), stored.read_rows(DraftAnswer)
        db.engine.dispose()

    assert reply.startswith("HTTP/1.1 400")
    assert said in reply and CLIENT not in reply
    assert (answers, begun) == ([], [])


BROKEN_CHUNKS = {
    "no number": "zz\r\n{}\r\n0\r\n\r\n",
    "negative": "-5\r\n{}\r\n0\r\n\r\n",
    "prefixed": "0x2\r\n{}\r\n0\r\n\r\n",
    "with a plus": "+2\r\n{}\r\n0\r\n\r\n",
    "with an underscore": "1_0\r\n{}\r\n0\r\n\r\n",
    "without a size": "\r\n{}\r\n0\r\n\r\n",
    "short": "5\r\n{}\r\n0\r\n\r\n",
    "not ended": "2\r\n{}0\r\n\r\n",
    "with a huge extension": f"2;{'a' * 20_000}\r\n{{}}\r\n0\r\n\r\n",
    "with a broken extension": "2;=\r\n{}\r\n0\r\n\r\n",
    "with huge trailers": f"2\r\n{{}}\r\n0\r\nx: {'a' * 500_000}\r\n\r\n",
    "with a broken trailer": "2\r\n{}\r\n0\r\nno colon\r\n\r\n",
    "cut off": "2\r\n{}\r\n",
}


def test_a_body_in_broken_chunks_is_refused_as_every_other_broken_body(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    head = (
        f"POST /api/v1/surveys/{A_TOKEN}/responses HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: {JSON}\r\nAccept-Language: en\r\nConnection: close\r\n"
    )
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service:
        replies = {
            what: send(service, f"{head}Transfer-Encoding: chunked\r\n\r\n{body}", breaks_off=True)
            for what, body in BROKEN_CHUNKS.items()
        }
        compressed = [
            send(service, f"{head}Transfer-Encoding: {codings}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n")
            for codings in ("gzip, chunked", "gzip\r\nTransfer-Encoding: chunked", "identity, chunked")
        ]

    statuses = {what: reply.partition("\r\n")[0] for what, reply in replies.items()}
    assert statuses == dict.fromkeys(BROKEN_CHUNKS, "HTTP/1.1 400 BAD REQUEST")
    assert all("application/problem+json" in reply for reply in replies.values())
    assert "not divided into chunks" in replies["no number"]
    assert all(reply.startswith("HTTP/1.1 501") for reply in compressed)
    assert "Traceback" not in service.log.read_text()


def test_what_the_service_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    environment = build_environment(tmp_path, f"sqlite:///{tmp_path}/new.db")

    assert flask("db upgrade", environment).returncode == 0

    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("new.db*")} == {0o600}


@pytest.mark.parametrize(("host", "bind"), [("::1", "[::1]:8000"), ("[::1]", "[::1]:8000"), ("", "127.0.0.1:8000")])
def test_a_host_may_be_an_ipv6_address_with_or_without_brackets(host: str, bind: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--print-config", "wsgi:app"],
        cwd=ROOT,
        env=os.environ | {"HOST": host, "PORT": "8000"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert re.search(rf"^bind +=.*{re.escape(bind)}", shown.stdout, re.MULTILINE), shown.stderr


def test_clients_that_stop_in_the_middle_of_a_request_keep_no_thread_for_ever(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    half_requests = ["GET /healthz HT", "POST /S/AAAA HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\noff"]
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service, ExitStack() as silent:
        url = httpx.URL(service.url)
        for number in range(8):  # twice the threads
            line = silent.enter_context(socket.create_connection((url.host, url.port or 80)))
            line.sendall(half_requests[number % 2].encode())
        assert send(service, "GET /healthz HTTP/1.0\r\n\r\n").startswith("HTTP/1.0 200")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("address", ["mysql://somewhere", "nonsense", "postgresql://without/driver"])
def test_a_database_we_cannot_keep_durable_is_named_with_the_rest(tmp_path: Path, address: str) -> None:
    told = build_environment(tmp_path, address) | {"FEEDBACK_CASE_KEY": ""}

    refused = flask("purge", told)

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "FEEDBACK_DATABASE_URL must begin with" in refused.stderr or "is not the address" in refused.stderr
    assert "FEEDBACK_CASE_KEY" in refused.stderr


def test_a_data_folder_whose_path_is_not_utf8_is_refused_in_one_sentence(tmp_path: Path) -> None:
    told = build_environment(tmp_path, "") | {"DATA_DIR": os.fsdecode(os.fsencode(tmp_path) + b"/\xff")}
    del told["FEEDBACK_DATABASE_URL"]

    refused = flask("db upgrade", told)

    assert refused.returncode == 1
    assert refused.stderr == "vidhuk does not start: the path of DATA_DIR is not UTF-8; give the folder another name\n"


def test_explaining_a_command_takes_no_settings(tmp_path: Path) -> None:
    explained = flask("centre add --help", {"DATA_DIR": str(tmp_path)})

    assert explained.returncode == 0
    assert "--edrpou" in explained.stdout


def flask(words: str, told: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the service in this environment."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words.split()],
        cwd=ROOT,
        env=build_process_environment(os.environ, told),
        capture_output=True,
        text=True,
        timeout=60,
    )
