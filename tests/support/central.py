"""Runs the demo central system as a program, and sends it events by the published contract alone."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.support.server import Gunicorn

SECRETS = tuple("whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
MEDIA_TYPE = "application/cloudevents-batch+json"

Event = dict[str, Any]


class CentralSystem(Gunicorn):
    """A running demo central system; ``with Central(folder) as central`` listens at ``central.url``."""

    probe = "faults"
    options = ("--workers", "1", "--threads", "16")

    def __init__(self, data_dir: Path) -> None:
        super().__init__("feedback_service.sandbox.central.app:from_env()", data_dir, "central")
        self.environment = {"DATA_DIR": str(data_dir), "FEEDBACK_CENTRAL_SECRET": ",".join(SECRETS)}

    def stop(self) -> None:
        """Kill it at once: it may owe replies for a long time."""
        self.kill()

    def set_fault(self, mode: str, **settings: object) -> None:
        """Set the fault that the next requests meet."""
        with self.open_client() as http:
            reply = http.post("/faults", json={"mode": mode, **settings})
        assert reply.status_code == 200, reply.text

    def list_received(self, centre: str) -> list[Event]:
        """Return the centre's events as the central system lists them."""
        with self.open_client() as http:
            events: list[Event] = http.get("/received").json()
        return [event for event in events if event["source"] == f"/centres/{centre}"]

    def read_summary(self) -> dict[str, Any]:
        """Return what the central system counts."""
        with self.open_client() as http:
            totals: dict[str, Any] = http.get("/received/summary").json()
        return totals

    def read_centre_summary(self, centre: str) -> dict[str, Any]:
        """Return what the central system counts for that centre."""
        [centre_summary] = [
            candidate for candidate in self.read_summary()["centres"] if candidate["source"] == f"/centres/{centre}"
        ]
        return dict(centre_summary)

    def count_refusals(self) -> dict[str, int]:
        """Return how often it refused requests, by reason."""
        return {refusal["reason"]: refusal["times"] for refusal in self.read_summary()["refused"]}

    def open_client(self) -> httpx.Client:
        """Open a client of the central system."""
        return httpx.Client(base_url=self.url, timeout=20, trust_env=False)


def make_status_event(centre: str, sequence: int, **members: Any) -> Event:
    """Make an event about a completed case."""
    data = _answer_facts(centre) | {
        "status": "completed",
        "status_at": "2026-11-20T10:15:00+02:00",
        "registered_at": None,
    }
    return _make_event("ua.vidhuk.case.status.v1", centre, sequence, "2026-11-20T10:15:00+02:00", data) | members


def make_answer_event(centre: str, sequence: int, **overrides: Any) -> Event:
    """Make an event about a recorded answer with these data."""
    data = _answer_facts(centre) | {
        "case_status": "completed",
        "response_id": str(uuid.uuid4()),
        "source": "qr_case",
        "answered_on": "2026-11-20",
        "questionnaire": "offline-2026.1",
        "methodology": "864-2021",
        "language": "uk",
        "answers": [{"question": "off.nps", "value": 9}, {"question": "off.staff", "value": "great"}],
        "reasons": ["seats"],
        "breach": [],
        "comment_present": True,
    }
    return _make_event(
        "ua.vidhuk.response.recorded.v1", centre, sequence, "2026-11-20T10:00:00+02:00", data | overrides
    )


def sign_headers(body: bytes, *secrets: str, at: float | None = None) -> dict[str, str]:
    """Return headers of Standard Webhooks with a signature by each secret; by our first one when none is named."""
    message_id, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time() if at is None else at))
    signatures = [
        "v1," + base64.b64encode(
            hmac.new(
                base64.b64decode(secret.removeprefix("whsec_")), f"{message_id}.{timestamp}.".encode() + body,
                hashlib.sha256,
            ).digest()
        ).decode()
        for secret in secrets or SECRETS[:1]
    ]  # fmt: skip
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
        "content-type": MEDIA_TYPE,
    }


def send_events(
    central: CentralSystem,
    events: Sequence[Event] | bytes,
    headers: Mapping[str, str] | None = None,
    timeout: float | httpx.Timeout = 20,
) -> httpx.Response:
    """Send a signed request with these events or this body; ``headers`` replace signed ones."""
    body = events if isinstance(events, bytes) else json.dumps(list(events)).encode()
    with central.open_client() as http:
        return http.post("/events", content=body, headers=sign_headers(body) | dict(headers or {}), timeout=timeout)


def _answer_facts(centre: str) -> dict[str, Any]:
    return {
        "centre": centre,
        "centre_edrpou": "00032112",
        "centre_katottg": "UA05020030010063857",
        "service": {"code": "00034", "local_code": None, "title": "Реєстрація місця проживання"},
        "provider_edrpou": None,
        "front_office": "offline",
        "workplace_kind": "centre",
    }


def _make_event(event_type: str, centre: str, sequence: int, event_time: str, data: dict[str, Any]) -> Event:
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"/centres/{centre}",
        "type": event_type,
        "subject": str(uuid.uuid4()),
        "time": event_time,
        "sequence": str(sequence),
        "datacontenttype": "application/json",
        "dataschema": f"https://vidhuk.example/schemas/{event_type}.json",
        "data": data,
    }
