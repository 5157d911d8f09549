"""A case system, applicants and staff outside the service, who use its public doors only."""

import os
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

from tests.support.environment import ROOT, build_process_environment
from tests.support.server import RunningService

CENTRE = "SN05000042"
T = TypeVar("T")
R = TypeVar("R")


def run_command(service: RunningService, *arguments: str) -> str:
    """Run a command of the service and return what it prints. Raises its error message when it fails."""
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=build_process_environment(os.environ, service.environment),
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"flask {' '.join(arguments[:2])}: {result.stderr}")
    return result.stdout


def add_centre(service: RunningService, code: str = CENTRE) -> None:
    """Add a centre with real codes."""
    run_command(
        service,
        *("centre", "add", code, "--name", "ЦНАП міста Вінниці", "--edrpou", "00032112"),
        *("--katottg", "UA05020030010063857", "--controller", "Вінницька міська рада"),
    )


def add_key(service: RunningService, *scopes: str, centre: str = CENTRE) -> str:
    """Create a key with these scopes and return it."""
    scope_arguments = [argument for scope in scopes for argument in ("--scope", scope)]
    return run_command(service, "key", "add", "--centre", centre, *scope_arguments).splitlines()[-1]


def open_client(service: RunningService, key: str | None = None, **options: Any) -> httpx.Client:
    """Open a client of the service, with a key if one is given."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=service.url, headers=headers, timeout=60, trust_env=False, **options)


class ClientPool:
    """Many people at once; each thread has a client of its own, because a shared one loses connections."""

    def __init__(self, service: RunningService, size: int) -> None:
        self._thread_local = threading.local()
        self._clients: list[httpx.Client] = []
        self._service = service
        self._executor = ThreadPoolExecutor(size, initializer=self._open_thread_client)

    def __enter__(self) -> "ClientPool":
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        for client in self._clients:
            client.close()

    def run_all(self, action: Callable[[httpx.Client, T], R], items: Iterable[T]) -> list[R]:
        """Run the action for each item at once; return the results in their order."""
        return list(self._executor.map(lambda item: action(self._thread_local.client, item), items))

    def _open_thread_client(self) -> None:
        self._thread_local.client = open_client(self._service)
        self._clients.append(self._thread_local.client)


def make_case(number: str, **facts: Any) -> dict[str, Any]:
    """Make a completed case as a case system reports it, with these facts."""
    defaults = {
        "centre": CENTRE,
        "case_number": number,
        "service": {"code": "00034", "local_code": "14-13", "title": "Реєстрація місця проживання"},
        "front_office": "offline",
        "status": "completed",
        "status_at": "2026-11-20T10:15:00+02:00",
    }
    return defaults | facts


def register_case(client: httpx.Client, case: Mapping[str, Any]) -> dict[str, Any]:
    """Report the case; return it as the service answers."""
    reply = client.post("/api/v1/cases", json=case)
    assert reply.status_code in (200, 201), reply.text
    registered_case: dict[str, Any] = reply.json()
    return registered_case


def survey_path(registered_case: Mapping[str, Any]) -> str:
    """Return the path of the case's survey."""
    return str(httpx.URL(registered_case["invitation"]["url"]).path)


Form = Mapping[str, str | Sequence[str]]


def give_first_answer(client: httpx.Client, path: str, form: Form) -> str:
    """Open the survey and give the first answer; return the client id of the page."""
    match = re.search(r'name="client_id" value="([0-9a-f-]{36})"', client.get(path).text)
    assert match, "the page hands out a client id"
    reply = client.post(path, data={**form, "client_id": match[1]})
    assert reply.status_code == 200, reply.text
    return match[1]


def submit_form(client: httpx.Client, path: str, form: Form, client_id: str | None = None) -> httpx.Response:
    """Press "send"; return the reply without following it."""
    return client.post(path, data={**form, "client_id": client_id or str(uuid.uuid4()), "finish": "1"})
