"""The world outside: a case system, applicants and staff, who know the service by its public doors only."""

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

from tests.support.environment import ROOT, process_environment
from tests.support.server import Service

CENTRE = "SN05000042"
T = TypeVar("T")
R = TypeVar("R")


def command(service: Service, *arguments: str) -> str:
    """What a command of the service prints; a failure is raised with its words."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=process_environment(os.environ, service.environment),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"flask {' '.join(arguments[:2])}: {done.stderr}")
    return done.stdout


def add_centre(service: Service, code: str = CENTRE) -> None:
    """An operator enters a centre with real codes."""
    command(
        service,
        *("centre", "add", code, "--name", "ЦНАП міста Вінниці", "--edrpou", "00032112"),
        *("--katottg", "UA05020030010063857", "--controller", "Вінницька міська рада"),
    )


def add_key(service: Service, *scopes: str, centre: str = CENTRE) -> str:
    """An operator hands out a key with these scopes; the key."""
    asked = [part for scope in scopes for part in ("--scope", scope)]
    return command(service, "key", "add", "--centre", centre, *asked).splitlines()[-1]


def http(service: Service, key: str | None = None, **options: Any) -> httpx.Client:
    """Somebody with a network connection, and perhaps a key."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=service.url, headers=headers, timeout=60, trust_env=False, **options)


class Crowd:
    """Many people at once, each hand with a connection of its own: a client shared by threads loses some."""

    def __init__(self, service: Service, hands: int) -> None:
        self._own = threading.local()
        self._clients: list[httpx.Client] = []
        self._service = service
        self._hands = ThreadPoolExecutor(hands, initializer=self._arrive)

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self._hands.shutdown()
        for client in self._clients:
            client.close()

    def do(self, act: Callable[[httpx.Client, T], R], things: Iterable[T]) -> list[R]:
        """What came of the act for each thing, in their order."""
        return list(self._hands.map(lambda thing: act(self._own.client, thing), things))

    def _arrive(self) -> None:
        self._own.client = http(self._service)
        self._clients.append(self._own.client)


def a_case(number: str, **facts: Any) -> dict[str, Any]:
    """A completed case as a case system writes it down; say only what matters."""
    usual = {
        "centre": CENTRE,
        "case_number": number,
        "service": {"code": "00034", "local_code": "14-13", "title": "Реєстрація місця проживання"},
        "front_office": "offline",
        "status": "completed",
        "status_at": "2026-11-20T10:15:00+02:00",
    }
    return usual | facts


def register(client: httpx.Client, case: Mapping[str, Any]) -> dict[str, Any]:
    """The case as the service answers it."""
    reply = client.post("/api/v1/cases", json=case)
    assert reply.status_code in (200, 201), reply.text
    registered: dict[str, Any] = reply.json()
    return registered


def path_of(registered: Mapping[str, Any]) -> str:
    """The path of the case's survey."""
    return str(httpx.URL(registered["invitation"]["url"]).path)


Form = Mapping[str, str | Sequence[str]]


def tap(client: httpx.Client, path: str, form: Form) -> str:
    """Open the survey, give the first answer; the client id that the page handed out."""
    found = re.search(r'name="client_id" value="([0-9a-f-]{36})"', client.get(path).text)
    assert found, "the page hands out a client id"
    reply = client.post(path, data={**form, "client_id": found[1]})
    assert reply.status_code == 200, reply.text
    return found[1]


def send(client: httpx.Client, path: str, form: Form, client_id: str | None = None) -> httpx.Response:
    """Press "send"; the reply, not followed."""
    return client.post(path, data={**form, "client_id": client_id or str(uuid.uuid4()), "finish": "1"})
