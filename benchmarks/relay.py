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
from feedback_service.config import current_settings
from feedback_service.database import transaction
from feedback_service.delivery import events, outbox, relay
from feedback_service.facts import AnswerFacts, PublicCentre, ServiceContext, ServiceFacts
from feedback_service.flow.deliveries import count_deliveries
from feedback_service.models import Centre, ReceiverChannel

SMALL_CENTRES, LARGE_SHARE = 18, 0.8
OUTAGE = timedelta(days=30)
EVENTS_PER_TRANSACTION = 10_000
SECONDS_BETWEEN_EVENTS = 0.25
POISONED_SUBJECT, REJECTED_SUBJECT = "poison", "refused"  # events that the receiver refuses
NEW_SUBJECT_PREFIX = "new "


class Receiver(BaseHTTPRequestHandler):
    """Takes all events but those of two subjects; notes how many came when, and how old new events were."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    batches: list[tuple[float, str, int]]
    delays: list[float]

    def do_POST(self) -> None:
        """Reply as the contract says."""
        received_events = json.loads(self.rfile.read(int(self.headers["content-length"])))
        accepted = [
            event["id"] for event in received_events if event["subject"] not in (POISONED_SUBJECT, REJECTED_SUBJECT)
        ]
        rejected = [
            {"id": event["id"], "reason": "unknown"}
            for event in received_events
            if event["subject"] == REJECTED_SUBJECT
        ]
        is_poisoned = any(event["subject"] == POISONED_SUBJECT for event in received_events)
        if not is_poisoned:
            self.batches.append((time.monotonic(), received_events[0]["source"], len(received_events)))
            sent_times = [
                event["subject"][len(NEW_SUBJECT_PREFIX) :]
                for event in received_events
                if event["subject"].startswith(NEW_SUBJECT_PREFIX)
            ]
            self.delays.extend(time.time() - float(at) for at in sent_times)
        body = json.dumps({"accepted": accepted, "duplicates": [], "rejected": rejected}).encode()
        self.send_response(422 if is_poisoned else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def run_receiver(parent: Connection) -> None:
    """Print the port, receive events until the input ends, then print what was received."""
    Receiver.batches, Receiver.delays = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parent.send(server.server_address[1])
    parent.recv()
    parent.send((Receiver.batches, Receiver.delays))


@transaction
def make_centres(tx: Session) -> list[tuple[uuid.UUID, str]]:
    """Return the twenty centres by id and code: the large one, the one without a backlog, the small ones."""
    facts = {"name": "Центр", "edrpou": "00032112", "katottg": "UA80000000000093317"}
    centres = [(uuid.uuid4(), f"SN120000{number:02}") for number in range(SMALL_CENTRES + 2)]
    rows = [{"id": centre_id, "code": code, "prefix": f"K7{code[-2:]}"} for centre_id, code in centres]
    tx.execute(insert(Centre), [row | facts for row in rows])
    return centres


@transaction
def store_new_events(tx: Session, centre: tuple[uuid.UUID, str], subjects: list[str], at: datetime) -> None:
    """Store so many events that have waited since ``at``."""
    centre_id, code = centre
    public_centre = PublicCentre(
        *(centre_id, code, "", "", "00032112", "UA80000000000093317"),
        controller=None,
        contact=None,
        languages=None,
    )
    context = ServiceContext(
        centre=public_centre,
        front_office="offline",
        service=ServiceFacts(uuid.uuid4(), "00034", "14-13", "Реєстрація місця проживання"),
        provider_edrpou="00032112",
        workplace_kind="centre",
        case_status="completed",
    )
    facts = AnswerFacts(
        response_id=uuid.uuid4(),
        context=context,
        questionnaire="offline-2026.1",
        language="uk",
        source="qr_case",
        answered_on=date(2026, 11, 20),
        answered_at=at,
        receipt_hash=None,
    )
    new_events = [
        events.build_response_recorded(
            replace(facts, response_id=uuid.uuid4(), context=replace(context, case_ref=subject)),
            hour=clock.truncate_to_hour(at),
            methodology="864-2021",
            single={"off.nps": "9", "off.staff": "great"},
            reasons=(),
            breach=(),
            comment_present=False,
        )
        for subject in subjects
    ]
    outbox.enqueue_events(tx.connection(), centre_id, new_events, now=at)


@transaction
def mark_channel_failing(tx: Session, since: datetime) -> None:
    """Let the channel have failed since then, so that a request carries one event by now."""
    failure = {"batch": 1, "failing_since": since, "reason": "no answer in time"}
    tx.add(ReceiverChannel(name=relay.CENTRAL_RECEIVER, retry_at=clock.now(), **failure))


def fill_backlog(waiting: int) -> tuple[list[str], tuple[uuid.UUID, str]]:
    """Store the backlog; return the codes of the small centres and of the one without a backlog."""
    large_centre, quiet_centre, *small_centres = make_centres()
    outage_began = clock.now() - OUTAGE
    large_size = int(waiting * LARGE_SHARE)
    sizes = {large_centre: large_size} | dict.fromkeys(small_centres, (waiting - large_size) // SMALL_CENTRES)
    odd_subjects = {small_centres[0]: POISONED_SUBJECT, small_centres[1]: REJECTED_SUBJECT}
    for centre, size in sizes.items():
        for start in range(0, size, EVENTS_PER_TRANSACTION):
            subjects = [f"case{number}" for number in range(start, min(start + EVENTS_PER_TRANSACTION, size))]
            if start == 0 and centre in odd_subjects:
                subjects[0] = odd_subjects[centre]
            store_new_events(centre, subjects, outage_began + OUTAGE * (start / size))
    mark_channel_failing(outage_began)
    return [code for _, code in small_centres], quiet_centre


def run_relay(app: Flask, url: str) -> None:
    """Run a relay until nothing is left to do."""
    with app.app_context():
        event_relay = relay.make_relay(replace(current_settings(), central_url=url, central_secret=(bytes(32),)))
        assert event_relay is not None
        with closing(event_relay):
            event_relay.deliver_all()


def send_new_events(app: Flask, centre: tuple[uuid.UUID, str], stop: threading.Event) -> None:
    """Store new events of the centre."""
    with app.app_context():
        while not stop.wait(SECONDS_BETWEEN_EVENTS):
            store_new_events(centre, [f"{NEW_SUBJECT_PREFIX}{time.time()}"], clock.now())


def measure_drain(dialect: str, folder: Path, *, waiting: int, relays: int) -> dict[str, Any]:
    """The rate overall, at the beginning and at the end; when the small centres were done, how late new events."""
    parent_end, child_end = multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=run_receiver, args=(child_end,), daemon=True)
    receiver.start()
    url = f"http://127.0.0.1:{parent_end.recv()}"
    with open(os.devnull, "w") as null_file, service(dialect, folder) as app:
        logs.configure_logging(null_file)
        began = time.monotonic()
        small_codes, quiet_centre = fill_backlog(waiting)
        fill_seconds, began = time.monotonic() - began, time.monotonic()
        pending = count_deliveries().pending
        count_seconds, stop = time.monotonic() - began, threading.Event()
        threads = [threading.Thread(target=run_relay, args=(app, url)) for _ in range(relays)]
        new_events_thread = threading.Thread(target=send_new_events, args=(app, quiet_centre, stop))
        began = time.monotonic()
        for thread in (*threads, new_events_thread):
            thread.start()
        for thread in threads:
            thread.join()
        drain_seconds = time.monotonic() - began
        stop.set()
        new_events_thread.join()
        run_relay(app, url)
        totals = count_deliveries()
    parent_end.send("enough")
    batches, delays = parent_end.recv()
    receiver.join()
    last_arrivals = {source: at for at, source, _ in batches}
    tenth = max(2, len(batches) // 10)
    return {
        "database": dialect,
        "waiting": pending,
        "relays": relays,
        "fill_s": round(fill_seconds, 1),
        "count_ms": round(count_seconds * 1000),
        "drain_s": round(drain_seconds, 1),
        "a_second": round((totals.delivered + totals.dead) / drain_seconds),
        "first_tenth": _events_per_second(batches[:tenth]),
        "last_tenth": _events_per_second(batches[-tenth:]),
        "small_done_s": round(max(last_arrivals[f"/centres/{code}"] for code in small_codes) - began, 1),
        "new": len(delays),
        "new_p50_ms": round(statistics.median(delays) * 1000),
        "new_p95_ms": round(statistics.quantiles(delays, n=20)[-1] * 1000),
        "new_max_ms": round(max(delays) * 1000),
        "delivered": totals.delivered,
        "dead": totals.dead,
        "pending": totals.pending,
    }


def _events_per_second(batches: list[tuple[float, str, int]]) -> int:
    return round(sum(count for *_, count in batches[1:]) / (batches[-1][0] - batches[0][0]))
