"""How quickly a backlog drains once the central system answers again, and whether anybody delays anybody.

``python -m benchmarks.relay`` fills an empty database (SQLite in a folder of its own, or ``--database``) with
``--events`` events that wait: 80 % of them of one centre, the rest of 19 others, one that the receiver refuses
with 422 and one whose id it rejects. A receiver in another process takes them. Prints the result as JSON and
leaves it as ``$DATA_DIR/bench/relay.json``.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import threading
import time
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from feedback_service import clock, logs
from feedback_service.app import create_app
from feedback_service.config import Settings, keep_for_demonstration, settings
from feedback_service.db import transaction
from feedback_service.delivery import courier, events, outbox, overview
from feedback_service.models import Centre

OTHERS, LARGE = 19, 0.8
AT_ONCE = 1000
POISON, REFUSED = "poison", "refused"  # subjects that the receiver does not like


class Receiver(BaseHTTPRequestHandler):
    """Takes whatever comes, but for two; notes when each centre's events came."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    came: list[tuple[float, str, int]]

    def do_POST(self) -> None:
        """Answer as the contract says."""
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        taken = [event["id"] for event in told if event["subject"] not in (POISON, REFUSED)]
        rejected = [{"id": event["id"], "reason": "unknown"} for event in told if event["subject"] == REFUSED]
        spoiled = any(event["subject"] == POISON for event in told)
        if not spoiled:
            self.came.append((time.monotonic(), told[0]["source"], len(told)))
        body = json.dumps({"accepted": taken, "duplicates": [], "rejected": rejected}).encode()
        self.send_response(422 if spoiled else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quietly."""


def receive(parent: Connection) -> None:
    """Tell the port, receive until told to end, tell what came."""
    Receiver.came = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parent.send(server.server_address[1])
    parent.recv()
    parent.send(Receiver.came)


@transaction
def make_centres(tx: Session) -> list[uuid.UUID]:
    """Twenty centres; the first is the large one."""
    facts = {"name": "Центр", "edrpou": "00032112", "katottg": "UA80000000000093317"}
    rows = [{"id": uuid.uuid4(), "code": f"SN120000{n:02}", "prefix": f"K7{n:02}"} for n in range(OTHERS + 1)]
    tx.execute(insert(Centre), [row | facts for row in rows])
    return [row["id"] for row in rows]  # type: ignore[misc]  # ids they are


@transaction
def promise(tx: Session, centre_id: uuid.UUID, subjects: tuple[str, ...]) -> None:
    """So many answers wait to be told."""
    code, now = tx.scalars(select(Centre.code).where(Centre.id == centre_id)).one(), clock.now()
    served = events.ServedFacts(
        *(code, "00032112", "UA80000000000093317", "00034", "14-13", "Реєстрація місця проживання"),
        *("00032112", "offline", "centre"),
    )
    usual: dict[str, Any] = {
        **{
            "case_status": "completed",
            "served": served,
            "source": "qr_case",
            "answered_on": date(2026, 11, 20),
        },
        **{"hour": clock.whole_hour(now), "questionnaire": "offline-2026.1", "methodology": "864-2021"},
        **{"language": "uk", "single": {"off.nps": "9", "off.staff": "great"}, "reasons": (), "breach": ()},
    }
    told = [
        events.response_recorded(
            case_ref=subject, response_id=str(uuid.uuid4()), comment_present=False, **usual
        )
        for subject in subjects
    ]
    outbox.put(tx, centre_id, told, at=now)


def fill(events_waiting: int) -> None:
    """The backlog, as the module says."""
    large, *others = make_centres()
    n = int(events_waiting * LARGE)
    lines = {large: [f"case{i}" for i in range(n)]}
    lines |= {other: [f"case{i}" for i in range((events_waiting - n) // OTHERS)] for other in others}
    lines[others[0]][0], lines[others[1]][0] = POISON, REFUSED
    for centre_id, subjects in lines.items():
        for start in range(0, len(subjects), AT_ONCE):
            promise(centre_id, tuple(subjects[start : start + AT_ONCE]))


def drain(app: Flask, relays: int, url: str) -> float:
    """Seconds until so many relays had nothing left to do."""

    def carry() -> None:
        with app.app_context():
            made = courier.courier(replace(settings(), central_url=url, central_secret=(bytes(32),)))
            assert made is not None
            with closing(made):
                made.deliver_all()

    threads = [threading.Thread(target=carry) for _ in range(relays)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


def measure(app: Flask, events_waiting: int, relays: int) -> dict[str, object]:
    """The rate overall, at the beginning and at the end, and when the small centres were done."""
    here, there = multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=receive, args=(there,), daemon=True)
    receiver.start()
    fill(events_waiting)
    url = f"http://127.0.0.1:{here.recv()}"
    began = time.monotonic()
    took = drain(app, relays, url)
    here.send("enough")
    came: list[tuple[float, str, int]] = here.recv()
    receiver.join()
    sums, per_centre = overview.sums(), Counter[str]()
    last = {source: at - began for at, source, _ in came}
    for _, source, n in came:
        per_centre[source] += n
    large, _ = per_centre.most_common(1)[0]
    tenth = max(2, len(came) // 10)
    return {
        "events": events_waiting,
        "relays": relays,
        "seconds": round(took, 1),
        "events_a_second": round(sums.delivered / took),
        "first_tenth": _rate(came[:tenth]),
        "last_tenth": _rate(came[-tenth:]),
        "small_centres_done_after": round(max(at for source, at in last.items() if source != large), 1),
        "delivered": sums.delivered,
        "dead": sums.dead,
        "pending": sums.pending,
    }


def _rate(came: list[tuple[float, str, int]]) -> int:
    return round(sum(n for *_, n in came[1:]) / (came[-1][0] - came[0][0]))


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--relays", type=int, default=1)
    parser.add_argument("--database", help="address of an empty database; a new SQLite file when not given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        keep_for_demonstration(Path(folder), "http://127.0.0.1:8000")
        environment = {"DATA_DIR": folder, "FEEDBACK_DATABASE_URL": asked.database or ""}
        logs.configure(nowhere)
        app = create_app(Settings.from_env(environment))
        with app.app_context():
            upgrade(Path(__file__).parents[1] / "migrations")
            result = measure(app, asked.events, asked.relays)
    report = json.dumps(result, indent=2)
    kept = Path(os.environ.get("DATA_DIR") or "var") / "bench" / "relay.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(report + "\n")
    print(report)


if __name__ == "__main__":
    main()
