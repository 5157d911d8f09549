"""How many cases a second a case system can register, one by one and in batches, and images a second.

Also how long a thousand statuses of one case take, and how long writers kept all others of SQLite waiting meanwhile.
"""

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from benchmarks.serving import Served
from benchmarks.survey import PROFILE, rivals
from benchmarks.visits import send_request
from feedback_service.app import create_app
from feedback_service.flow import api_keys, registers
from feedback_service.printing import qr, slip

SURVEY_URL = "https://VIDHUK.EXAMPLE/S/ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BATCH_SIZE = 1000  # cases in one request, the most that it takes
SECONDS_PER_IMAGE = 1.0  # for each image


def measure_registration(dialect: str, folder: Path, *, cases: int, clients: int) -> dict[str, Any]:
    """Measure cases a second over HTTP with a key: ``clients`` send them singly, then one sends batches."""
    with rivals(dialect, folder) as programs:
        with create_app(programs.settings).app_context():
            registers.add_centre(PROFILE)
            key = api_keys.add_key(["cases:write"], [PROFILE["code"]])
        _register_batch(programs.ours, key, "warm", 10)
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as executor:
            cases_per_client = cases // clients
            list(
                executor.map(
                    lambda client: _register_singly(programs.ours, key, f"one-{client}", cases_per_client),
                    range(clients),
                )
            )
        singly_rate = cases_per_client * clients / (time.perf_counter() - began)
        began = time.perf_counter()
        batches = max(1, cases // BATCH_SIZE)
        for number in range(batches):
            _register_batch(programs.ours, key, f"many-{number}", BATCH_SIZE)
        batch_rate = batches * BATCH_SIZE / (time.perf_counter() - began)
        began = time.perf_counter()
        _register_statuses(programs.ours, key, BATCH_SIZE)
        statuses_ms = (time.perf_counter() - began) * 1000
        turns = read_write_turns(programs.ours.port)
    return {
        "database": dialect,
        "clients": clients,
        "singly": round(singly_rate),
        "in_batches": round(batch_rate),
        "statuses_ms": round(statuses_ms),
        **turns,
    }


def read_write_turns(port: int) -> dict[str, Any]:
    """Return how many turns writers to a SQLite file had, and how many kept the others waiting over 100 ms."""
    reply = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    values = dict(line.rsplit(" ", 1) for line in reply.splitlines() if line.startswith("vidhuk_write_turn_seconds"))
    number = float(values.get("vidhuk_write_turn_seconds_count", 0))
    if not number:
        return {}
    quick = float(values['vidhuk_write_turn_seconds_bucket{le="0.1"}'])
    mean_ms = float(values["vidhuk_write_turn_seconds_sum"]) / number * 1000
    return {"write_turns": round(number), "over_100_ms": round(number - quick), "mean_turn_ms": round(mean_ms, 1)}


def measure_images() -> dict[str, int]:
    """Measure how many images one process draws in a second."""
    facts = {"centre": PROFILE["name"], "domain": "vidhuk.example", "short_code": "K7Q2-7K3M-9QXT"}
    return {
        "qr_svg": _count_per_second(lambda: qr.render_svg(SURVEY_URL)),
        "qr_png": _count_per_second(lambda: qr.render_png(SURVEY_URL)),
        "slip_80": _count_per_second(
            lambda: slip.render_slip(address=SURVEY_URL, width=576, last_day=date(2026, 12, 20), **facts)
        ),
    }


def _count_per_second(draw: Callable[[], bytes]) -> int:
    draw()
    count, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < SECONDS_PER_IMAGE:
        draw()
        count += 1
    return round(count / elapsed)


def _make_case(number: str) -> dict[str, Any]:
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


def _register_singly(program: Served, key: str, prefix: str, count: int) -> None:
    with socket.create_connection(("127.0.0.1", program.port)) as connection:
        for position in range(count):
            _send_request(connection, "/api/v1/cases", key, _make_case(f"{prefix}-{position}"), 201)


def _register_batch(program: Served, key: str, prefix: str, count: int) -> None:
    with socket.create_connection(("127.0.0.1", program.port)) as connection:
        cases = [_make_case(f"{prefix}-{position}") for position in range(count)]
        _send_request(connection, "/api/v1/cases/batch", key, {"cases": cases}, 200)


def _register_statuses(program: Served, key: str, count: int) -> None:
    """Send that many statuses of one case, as a case system does that repeats a status with new times."""
    case = _make_case("statuses") | {"status": "in_progress"}
    instants = [f"2026-01-{1 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}:00+02:00" for n in range(count)]
    with socket.create_connection(("127.0.0.1", program.port)) as connection:
        body = {"cases": [case | {"status_at": instant} for instant in instants]}
        _send_request(connection, "/api/v1/cases/batch", key, body, 200)


def _send_request(connection: socket.socket, path: str, key: str, body: dict[str, Any], expected: int) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    send_request(connection, "POST", path, headers, json.dumps(body).encode(), expected)
