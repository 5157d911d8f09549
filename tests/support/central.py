"""The demo central system as it really runs, and a sender that is told nothing but the contract."""

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


class Central(Gunicorn):
    """A running demo central system; ``with Central(folder) as central`` listens at ``central.url``."""

    probe = "faults"
    options = ("--workers", "1", "--threads", "16")

    def __init__(self, data_dir: Path) -> None:
        super().__init__("feedback_service.sandbox.central.app:from_env()", data_dir, "central")
        self.environment = {"DATA_DIR": str(data_dir), "FEEDBACK_CENTRAL_SECRET": ",".join(SECRETS)}

    def stop(self) -> None:
        """It is dead at once: it may owe answers for a long time."""
        self.kill()

    def misbehave(self, mode: str, **how: object) -> None:
        """The next requests meet this."""
        with self.http() as http:
            reply = http.post("/faults", json={"mode": mode, **how})
        assert reply.status_code == 200, reply.text

    def received(self, centre: str) -> list[Event]:
        """The centre's events, as it lists them."""
        with self.http() as http:
            listed: list[Event] = http.get("/received").json()
        return [event for event in listed if event["source"] == f"/centres/{centre}"]

    def summary(self) -> dict[str, Any]:
        """What it counts."""
        with self.http() as http:
            counted: dict[str, Any] = http.get("/received/summary").json()
        return counted

    def of_centre(self, centre: str) -> dict[str, Any]:
        """What it counts of that centre."""
        [found] = [each for each in self.summary()["centres"] if each["source"] == f"/centres/{centre}"]
        return dict(found)

    def refusals(self) -> dict[str, int]:
        """How often it refused for which reason."""
        return {each["reason"]: each["times"] for each in self.summary()["refused"]}

    def http(self) -> httpx.Client:
        """Somebody who talks to it."""
        return httpx.Client(base_url=self.url, timeout=20, trust_env=False)


def a_status(centre: str, sequence: int, **members: Any) -> Event:
    """An event about a completed case; say only what matters."""
    data = _served(centre) | {
        "status": "completed",
        "status_at": "2026-11-20T10:15:00+02:00",
        "registered_at": None,
    }
    return _event("ua.vidhuk.case.status.v1", centre, sequence, "2026-11-20T10:15:00+02:00", data) | members


def an_answer(centre: str, sequence: int, **said: Any) -> Event:
    """An event about a recorded answer; say what of its data matters."""
    data = _served(centre) | {
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
    return _event(
        "ua.vidhuk.response.recorded.v1", centre, sequence, "2026-11-20T10:00:00+02:00", data | said
    )


def signed(body: bytes, *secrets: str, at: float | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature by each secret; the first of ours when none is named."""
    name, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time() if at is None else at))
    signatures = [
        "v1," + base64.b64encode(
            hmac.new(
                base64.b64decode(secret.removeprefix("whsec_")), f"{name}.{timestamp}.".encode() + body, hashlib.sha256
            ).digest()
        ).decode()
        for secret in secrets or SECRETS[:1]
    ]  # fmt: skip
    return {
        "webhook-id": name,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
        "content-type": MEDIA_TYPE,
    }


def send(
    central: Central,
    events: Sequence[Event] | bytes,
    headers: Mapping[str, str] | None = None,
    timeout: float = 20,
) -> httpx.Response:
    """A signed request with these events, or with this body; ``headers`` take the place of signed ones."""
    body = events if isinstance(events, bytes) else json.dumps(list(events)).encode()
    with central.http() as http:
        return http.post("/events", content=body, headers=signed(body) | dict(headers or {}), timeout=timeout)


def _served(centre: str) -> dict[str, Any]:
    return {
        "centre": centre,
        "centre_edrpou": "00032112",
        "centre_katottg": "UA05020030010063857",
        "service": {"code": "00034", "local_code": None, "title": "Реєстрація місця проживання"},
        "provider_edrpou": None,
        "front_office": "offline",
        "workplace_kind": "centre",
    }


def _event(type: str, centre: str, sequence: int, time: str, data: dict[str, Any]) -> Event:
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"/centres/{centre}",
        "type": type,
        "subject": str(uuid.uuid4()),
        "time": time,
        "sequence": str(sequence),
        "datacontenttype": "application/json",
        "dataschema": f"https://vidhuk.example/schemas/{type}.json",
        "data": data,
    }
