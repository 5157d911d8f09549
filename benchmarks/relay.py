"""How quickly a backlog of thirty days drains once the central system answers again, and who delays whom.

The backlog: 80 % of the events are of one centre, the rest of 18 others, one of which has an event that the
receiver refuses with 422, another one whose id it rejects. The channel has failed for thirty days, by time-outs.
While all that drains, a centre without a backlog promises new events: how late these arrive is what the others
cost it. The receiver is another process.
"""

import json
import multiprocessing
import os
import statistics
import threading
import time
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert
from sqlalchemy.orm import Session

from benchmarks.serving import service
from feedback_service import clock, logs
from feedback_service.config import settings
from feedback_service.database import transaction
from feedback_service.delivery import courier, events, outbox
from feedback_service.flow.deliveries import read_status
from feedback_service.models import Centre, Channel

OTHERS, LARGE = 18, 0.8
OUTAGE = timedelta(days=30)
AT_ONCE = 10_000  # events that are promised in one transaction
EVERY = 0.25  # seconds between two new events
POISON, REFUSED, NEW = (
    "poison",
    "refused",
    "new ",
)  # subjects: two that the receiver does not like, new events


class Receiver(BaseHTTPRequestHandler):
    """Takes whatever comes, but for two; notes how many came when, and how old the new ones were."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    came: list[tuple[float, str, int]]
    delays: list[float]

    def do_POST(self) -> None:
        """Answer as the contract says."""
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        taken = [event["id"] for event in told if event["subject"] not in (POISON, REFUSED)]
        rejected = [{"id": event["id"], "reason": "unknown"} for event in told if event["subject"] == REFUSED]
        spoiled = any(event["subject"] == POISON for event in told)
        if not spoiled:
            self.came.append((time.monotonic(), told[0]["source"], len(told)))
            promised = [event["subject"][len(NEW) :] for event in told if event["subject"].startswith(NEW)]
            self.delays.extend(time.time() - float(at) for at in promised)
        body = json.dumps({"accepted": taken, "duplicates": [], "rejected": rejected}).encode()
        self.send_response(422 if spoiled else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quietly."""


def receive(parent: Connection) -> None:
    """Tell the port, receive until told to end, tell what came."""
    Receiver.came, Receiver.delays = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parent.send(server.server_address[1])
    parent.recv()
    parent.send((Receiver.came, Receiver.delays))


@transaction
def make_centres(tx: Session) -> list[tuple[uuid.UUID, str]]:
    """Twenty centres, by id and code: the large one, the one without a backlog, the small ones."""
    facts = {"name": "Центр", "edrpou": "00032112", "katottg": "UA80000000000093317"}
    centres = [(uuid.uuid4(), f"SN120000{number:02}") for number in range(OTHERS + 2)]
    rows = [{"id": id, "code": code, "prefix": f"K7{code[-2:]}"} for id, code in centres]
    tx.execute(insert(Centre), [row | facts for row in rows])
    return centres


@transaction
def promise(tx: Session, centre: tuple[uuid.UUID, str], subjects: list[str], at: datetime) -> None:
    """So many answers wait to be told since ``at``."""
    centre_id, code = centre
    served = events.ServedFacts(
        *(code, "00032112", "UA80000000000093317", "00034", "14-13", "Реєстрація місця проживання"),
        *("00032112", "offline", "centre"),
    )
    told = [
        events.response_recorded(
            case_ref=subject,
            case_status="completed",
            served=served,
            response_id=str(uuid.uuid4()),
            source="qr_case",
            answered_on=date(2026, 11, 20),
            hour=clock.whole_hour(at),
            questionnaire="offline-2026.1",
            methodology="864-2021",
            language="uk",
            single={"off.nps": "9", "off.staff": "great"},
            reasons=(),
            breach=(),
            comment_present=False,
        )
        for subject in subjects
    ]
    outbox.put(tx.connection(), centre_id, told, at=at)


@transaction
def fail(tx: Session, since: datetime) -> None:
    """The channel has failed since then, so that by now a request carries one event."""
    failing = {"batch": 1, "failing_since": since, "reason": "no answer in time"}
    tx.add(Channel(name=courier.CENTRAL, retry_at=clock.now(), **failing))


def fill(waiting: int) -> tuple[list[str], tuple[uuid.UUID, str]]:
    """The backlog, as the module says; the codes of the small centres, and the one without a backlog."""
    large, quiet, *others = make_centres()
    began = clock.now() - OUTAGE
    of_large = int(waiting * LARGE)
    sizes = {large: of_large} | dict.fromkeys(others, (waiting - of_large) // OTHERS)
    odd = {others[0]: POISON, others[1]: REFUSED}
    for centre, size in sizes.items():
        for first in range(0, size, AT_ONCE):
            subjects = [f"case{number}" for number in range(first, min(first + AT_ONCE, size))]
            if first == 0 and centre in odd:
                subjects[0] = odd[centre]
            promise(centre, subjects, began + OUTAGE * (first / size))
    fail(began)
    return [code for _, code in others], quiet


def carry(app: Flask, url: str) -> None:
    """A relay goes until nothing is left to do."""
    with app.app_context():
        made = courier.courier(replace(settings(), central_url=url, central_secret=(bytes(32),)))
        assert made is not None
        with closing(made):
            made.deliver_all()


def go_on(app: Flask, centre: tuple[uuid.UUID, str], enough: threading.Event) -> None:
    """The centre promises new events."""
    with app.app_context():
        while not enough.wait(EVERY):
            promise(centre, [f"{NEW}{time.time()}"], clock.now())


def drain(dialect: str, folder: Path, *, waiting: int, relays: int) -> dict[str, Any]:
    """The rate overall, at the beginning and at the end; when the small centres were done, how late new events."""
    here, there = multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=receive, args=(there,), daemon=True)
    receiver.start()
    url = f"http://127.0.0.1:{here.recv()}"
    with open(os.devnull, "w") as nowhere, service(dialect, folder) as app:
        logs.configure(nowhere)
        began = time.monotonic()
        small, quiet = fill(waiting)
        filled, began = time.monotonic() - began, time.monotonic()
        pending = read_status().sums.pending
        counted, enough = time.monotonic() - began, threading.Event()
        threads = [threading.Thread(target=carry, args=(app, url)) for _ in range(relays)]
        others = threading.Thread(target=go_on, args=(app, quiet, enough))
        began = time.monotonic()
        for thread in (*threads, others):
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
        enough.set()
        others.join()
        carry(app, url)
        sums = read_status().sums
    here.send("enough")
    came, delays = here.recv()
    receiver.join()
    last = {source: at for at, source, _ in came}
    tenth = max(2, len(came) // 10)
    return {
        "database": dialect,
        "waiting": pending,
        "relays": relays,
        "fill_s": round(filled, 1),
        "count_ms": round(counted * 1000),
        "drain_s": round(took, 1),
        "a_second": round((sums.delivered + sums.dead) / took),
        "first_tenth": _rate(came[:tenth]),
        "last_tenth": _rate(came[-tenth:]),
        "small_done_s": round(max(last[f"/centres/{code}"] for code in small) - began, 1),
        "new": len(delays),
        "new_p50_ms": round(statistics.median(delays) * 1000),
        "new_p95_ms": round(statistics.quantiles(delays, n=20)[-1] * 1000),
        "new_max_ms": round(max(delays) * 1000),
        "delivered": sums.delivered,
        "dead": sums.dead,
        "pending": sums.pending,
    }


def _rate(came: list[tuple[float, str, int]]) -> int:
    return round(sum(n for *_, n in came[1:]) / (came[-1][0] - came[0][0]))
