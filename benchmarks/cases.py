"""How many cases a second a case system can register, one by one and in batches, and images a second."""

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.serving import Served
from benchmarks.survey import PROFILE, rivals
from benchmarks.visits import ask
from feedback_service.app import create_app
from feedback_service.cases import qr, slip
from feedback_service.flow import integrations, registers

ADDRESS = "https://VIDHUK.EXAMPLE/S/ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BATCH = 1000  # cases in one request, the most that it takes
SECONDS = 1.0  # for each image


def register(dialect: str, folder: Path, *, cases: int, clients: int) -> dict[str, Any]:
    """Cases a second over HTTP with a key: ``clients`` sending them singly, then one sending batches."""
    with rivals(dialect, folder) as both:
        with create_app(both.settings).app_context():
            registers.add_centre(PROFILE)
            key = integrations.add_key(["cases:write"], [PROFILE["code"]])
        _batch(both.ours, key, "warm", 10)
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as systems:
            share = cases // clients
            list(systems.map(lambda client: _singly(both.ours, key, f"one-{client}", share), range(clients)))
        singly = share * clients / (time.perf_counter() - began)
        began = time.perf_counter()
        batches = max(1, cases // BATCH)
        for number in range(batches):
            _batch(both.ours, key, f"many-{number}", BATCH)
        in_batches = batches * BATCH / (time.perf_counter() - began)
    return {"database": dialect, "clients": clients, "singly": round(singly), "in_batches": round(in_batches)}


def images() -> dict[str, int]:
    """Drawn a second by one process."""
    facts = {"centre": PROFILE["name"], "domain": "vidhuk.example", "short_code": "K7Q2-7K3M-9QXT"}
    return {
        "qr_svg": _per_second(lambda: qr.svg(ADDRESS)),
        "qr_png": _per_second(lambda: qr.png(ADDRESS)),
        "slip_80": _per_second(
            lambda: slip.slip(address=ADDRESS, width=576, last_day=date(2026, 12, 20), **facts)
        ),
    }


def _per_second(draw: Callable[[], bytes]) -> int:
    draw()
    drawn, began = 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < SECONDS:
        draw()
        drawn += 1
    return round(drawn / taken)


def _case(number: str) -> dict[str, Any]:
    return {
        "centre": PROFILE["code"],
        "case_number": number,
        "service": {"code": "00034", "local_code": "14-13", "title": "Реєстрація місця проживання"},
        "front_office": "offline",
        "workplace": "window-3",
        "workplace_kind": "centre",
        "status": "completed",
        "status_at": "2026-01-20T10:15:00+02:00",
    }


def _singly(program: Served, key: str, name: str, number: int) -> None:
    with socket.create_connection(("127.0.0.1", program.port)) as link:
        for place in range(number):
            _send(link, "/api/v1/cases", key, _case(f"{name}-{place}"), 201)


def _batch(program: Served, key: str, name: str, number: int) -> None:
    with socket.create_connection(("127.0.0.1", program.port)) as link:
        cases = [_case(f"{name}-{place}") for place in range(number)]
        _send(link, "/api/v1/cases/batch", key, {"cases": cases}, 200)


def _send(link: socket.socket, path: str, key: str, body: dict[str, Any], expected: int) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    ask(link, "POST", path, headers, json.dumps(body).encode(), expected)
