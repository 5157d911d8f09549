"""How soon answers reach the central system, and what a wrong secret changes.

The whole installation runs: web, worker, demo central system. People answer at a steady pace, first for a while
when all is well, then while the central system knows another secret than ours, then while we sign with another.
An answer's way is from its request to ``received_at`` in the receiver's book; both are of this machine's clock. What
the service stores of an event tells no more than the hour.
"""

import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.serving import pss_mib
from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db, reading
from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.models import Event
from tests.faults.installation import CENTRES, Installation

PEOPLE = 10  # people who answer at the same time
BATCH = 500  # cases in one request
SECOND_SECRET = "whsec_" + "QUFB" * 11  # only one side knows it
IN_TIME = 10.0  # seconds


def measure(dialect: str, folder: Path, *, answers_a_second: int, seconds: int) -> dict[str, Any]:
    """Measure delays when all is well, and what happens to events after a wrong secret on either side."""
    with Installation(folder, dialect, relay_count=1) as ours:
        links = iter(_invitations(ours, answers_a_second * seconds * 3))
        ours.wait_until_drained(300)
        sent, pace = _send_answers(ours, links, answers_a_second, seconds)
        ours.wait_until_drained()
        delays = _measure_delays(ours, sent)
        [worker] = ours.relays
        web, work = pss_mib(ours.web.pid), pss_mib(worker.pid)
        wrong: dict[str, float] = {}
        for name, program in (("receiver", ours.central), ("sender", worker)):
            program.restart(FEEDBACK_CENTRAL_SECRET=SECOND_SECRET)
            _send_answers(ours, links, answers_a_second, seconds)
            wrong[f"{name}_wrong_waited"] = ours.read_delivery_totals()["pending"]
            program.restart()
            wrong[f"{name}_right_all_there_s"] = round(ours.wait_until_drained(), 1)
        book, states = ours.read_received_events()["events"], _read_event_states(ours)
    missing = states.keys() - {event["id"] for event in book}
    return {
        "database": dialect,
        "answers_a_second": round(pace, 1),
        "seconds": seconds,
        "events": len(delays),
        "p50_s": round(statistics.median(delays), 2),
        "p95_s": round(statistics.quantiles(delays, n=20)[-1], 2),
        "max_s": round(max(delays), 2),
        "in_time_percent": round(100 * sum(delay <= IN_TIME for delay in delays) / len(delays), 2),
        **wrong,
        "events_in_all": len(states),
        "dead": sum(state == "dead" for state in states.values()),
        "missing": len(missing),
        "web_mib": round(web, 1),
        "worker_mib": round(work, 1),
        "both_mib": round(web + work, 1),
    }


def _invitations(ours: Installation, number: int) -> list[str]:
    """Create so many surveys and return their paths."""
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
    paths = []
    with httpx.Client(base_url=ours.url, headers={"Authorization": f"Bearer {ours.api_key}"}, timeout=60) as system:
        for first in range(0, number, BATCH):
            cases = [
                {
                    "centre": CENTRES[place % len(CENTRES)],
                    "case_number": f"bench/{place}",
                    "service": {"code": "00034", "title": "Реєстрація місця проживання"},
                    "front_office": "offline",
                    "status": "completed",
                    "status_at": at,
                }
                for place in range(first, min(first + BATCH, number))
            ]
            told = system.post("/api/v1/cases/batch", json={"cases": cases}).raise_for_status().json()
            paths += [httpx.URL(each["case"]["invitation"]["url"]).path for each in told["results"]]
    return paths


def _send_answers(ours: Installation, links: Any, a_second: int, seconds: int) -> tuple[dict[str, datetime], float]:
    """Let people answer at that pace for so long; return when each answer was sent, and the pace that was reached."""
    began, sent = time.monotonic(), dict[str, datetime]()
    paths = [next(links) for _ in range(a_second * seconds)]

    def send_share(person: int) -> None:
        with httpx.Client(base_url=ours.url, timeout=60, trust_env=False) as phone:
            for place in range(person, len(paths), PEOPLE):
                time.sleep(max(0.0, began + place / a_second - time.monotonic()))
                answers = {"off.nps": 9, "off.staff": "great"}
                members = {"client_id": str(uuid.uuid4()), "language": "uk", "answers": answers}
                address = f"/api/v1/surveys/{paths[place].removeprefix('/S/')}/responses"
                at, reply = datetime.now(UTC), phone.post(address, json=members)
                if reply.status_code != 201:
                    raise RuntimeError(f"an answer was refused with {reply.status_code}")
                sent[reply.json()["id"]] = at

    with ThreadPoolExecutor(PEOPLE) as people:
        list(people.map(send_share, range(PEOPLE)))
    return sent, len(paths) / (time.monotonic() - began)


def _measure_delays(ours: Installation, sent: dict[str, datetime]) -> list[float]:
    """Return the seconds from the request to the receiver's store, for each of these answers that has arrived."""
    return [
        (datetime.fromisoformat(event["received_at"]) - sent[event["data"]["response_id"]]).total_seconds()
        for event in ours.read_received_events()["events"]
        if event["type"] == RESPONSE_RECORDED and event["data"]["response_id"] in sent
    ]


def _read_event_states(ours: Installation) -> dict[str, str]:
    """Return the state of every event in the outbox."""

    @reading
    def read_states(tx: Session) -> dict[str, str]:
        return {str(event_id): state for event_id, state in tx.execute(select(Event.id, Event.state))}

    with create_app(Settings.from_env(ours.settings)).app_context():
        try:
            return read_states()
        finally:
            db.engine.dispose()
