"""A steady load through the public doors: case systems report, people answer, some withdraw their answers.

Whoever gets no answer, or a 5xx, asks again for the same thing, as real clients do; now and then somebody
gives up instead, and what they asked for stays in doubt. Every case and every assisted answer has a service
of its own, so that whatever arrives at the receiver can be told apart without any secret.
"""

import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import httpx

from tests.faults.journal import Journal

RATING_WORDS = ("great", "good", "acceptable", "awful")
WORD_QUESTIONS = ("off.premises", "off.services", "off.staff", "off.quality", "off.process")
REASONS = ("seats", "cramped", "queue", "rudeness", "late", "other")
BREACHES = ("bribe", "insult", "late", "language")
SUCCESS_STATUSES = frozenset({200, 201, 303})
GIVE_UP_SHARE = 0.1  # share of clients that give up after a failed request
PATIENCE_SECONDS = 60.0  # how long a client repeats a request
REQUEST_SECONDS = 25.0  # how long a reply may take
RETRY_SECONDS = 0.1  # pause before a repeated request
EVENT_AGE = timedelta(days=3)  # reports are so old that a clock one day behind does not find them in the future

RecordKey = tuple[str, str, str]


class ClientLoad:
    """``with ClientLoad(...)``: so many clients work until the end of the block, and finish what they began."""

    def __init__(
        self,
        url: str,
        key: str,
        centres: Sequence[str],
        journal: Journal,
        *,
        seed: int,
        clients: int = 3,
        pace: float = 0.06,
    ) -> None:
        self._stop = threading.Event()
        self._clients = [
            _LoadClient(f"c{number}", url, key, centres, journal, random.Random(f"{seed}/{number}"), pace)
            for number in range(clients)
        ]
        self._threads = [
            threading.Thread(target=client.run, args=(self._stop,), name=client.name) for client in self._clients
        ]

    def __enter__(self) -> "ClientLoad":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        failures = [client.failure for client in self._clients if client.failure]
        if failures and error is None:
            raise failures[0]


class _LoadClient:
    def __init__(
        self,
        name: str,
        url: str,
        key: str,
        centres: Sequence[str],
        journal: Journal,
        rng: random.Random,
        pace: float,
    ) -> None:
        self.name = name
        self.failure: Exception | None = None
        self._centres, self._journal, self._rng, self._pace = centres, journal, rng, pace
        self._numbers = itertools.count(1)
        self._case_system = _open_client(url, {"Authorization": f"Bearer {key}"})
        self._applicant = _open_client(url, {})

    def run(self, stop: threading.Event) -> None:
        try:
            with self._case_system, self._applicant:
                while not stop.is_set():
                    self._act_once()
                    stop.wait(self._rng.uniform(0, 2 * self._pace))
        except Exception as error:  # raised again where the load ends
            self.failure = error

    def _act_once(self) -> None:
        """Complete some cases and answer some of them, or enter what somebody said on the phone."""
        if self._rng.random() < 0.15:
            self._record_assisted_answer()
            return
        cases = [self._make_case() for _ in range(self._rng.choice((1, 1, 1, 2, 4)))]
        for case in cases:
            if self._rng.random() < 0.15:
                earlier = datetime.fromisoformat(case["status_at"]) - timedelta(days=1)
                self._report_cases([case | {"status": "in_progress", "status_at": earlier.isoformat()}])
        for case, path in zip(cases, self._report_cases(cases), strict=True):
            if path is not None and self._rng.random() < 0.8:
                self._submit_answer(case, path)

    def _make_case(self) -> dict[str, Any]:
        service_key = f"{self.name}-{next(self._numbers)}"
        return {
            "centre": self._rng.choice(self._centres),
            "case_number": f"faults/{service_key}",
            "service": {"local_code": service_key, "title": f"Послуга {service_key}"},
            "front_office": "offline",
            "status": self._rng.choice(("completed", "completed", "completed", "refused")),
            "status_at": (datetime.now(UTC) - EVENT_AGE).isoformat(timespec="seconds"),
        }

    def _report_cases(self, cases: Sequence[dict[str, Any]]) -> list[str | None]:
        """Report the cases, one or in a batch; return the paths of their surveys, where known."""
        record_keys = [_record_key(case, f"status {case['status']}") for case in cases]
        contents = [{"status_at": case["status_at"], "office": case["front_office"]} for case in cases]
        if len(cases) == 1:
            reply = self._retry_until_acknowledged(
                record_keys, contents, lambda: self._case_system.post("/api/v1/cases", json=cases[0])
            )
            results = [reply.json()] if reply else [None]
        else:
            reply = self._retry_until_acknowledged(
                record_keys,
                contents,
                lambda: self._case_system.post("/api/v1/cases/batch", json={"cases": cases}),
            )
            results = [result.get("case") for result in reply.json()["results"]] if reply else [None] * len(cases)
        return [
            str(httpx.URL(case["invitation"]["url"]).path) if case and case["invitation"] else None for case in results
        ]

    def _submit_answer(self, case: dict[str, Any], path: str) -> None:
        answers, content = self._draw_answers()
        record_key, client_id = (
            _record_key(case, "answer"),
            str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
        )
        content["source"] = "qr_case"
        method = self._rng.choice(("form", "tap", "json"))
        if method == "json":
            body = {"client_id": client_id, "language": "uk", "answers": answers}
            address = f"/api/v1/surveys/{path.rpartition('/')[2]}/responses"
            reply = self._retry_until_acknowledged(
                [record_key], [content], lambda: self._applicant.post(address, json=body)
            )
            receipt = f"/R/{reply.json()['receipt']}" if reply else None
        else:
            form = {name: value if isinstance(value, list) else str(value) for name, value in answers.items()}
            form["client_id"] = client_id
            if method == "tap":
                first_tap = {name: form[name] for name in ("client_id", "off.nps")}
                self._journal.record_sent(record_key, self.name, content | _first_tap_content(content))
                self._try_request(lambda: self._applicant.post(path, data=first_tap))
            finished_form = form | {"finish": "1"}
            reply = self._retry_until_acknowledged(
                [record_key], [content], lambda: self._applicant.post(path, data=finished_form)
            )
            receipt = str(reply.headers["location"]).partition("?")[0] if reply else None
        if receipt is not None and self._rng.random() < 0.12:
            address = receipt
            self._retry_until_acknowledged(
                [_record_key(case, "withdrawal")], [{}], lambda: self._applicant.post(address, data={"withdraw": "1"})
            )

    def _record_assisted_answer(self) -> None:
        case = self._make_case()
        answers, content = self._draw_answers()
        body = {
            "client_id": str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            "centre": case["centre"],
            "service": case["service"],
            "front_office": "offline",
            "source": "phone_interview",
            "answered_on": (datetime.now(UTC) - EVENT_AGE).date().isoformat(),
            "language": "uk",
            "answers": answers,
        }
        content["source"] = body["source"]
        self._retry_until_acknowledged(
            [_record_key(case, "answer")],
            [content],
            lambda: self._case_system.post("/api/v1/responses", json=body),
        )

    def _draw_answers(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a person's answers, and how an event carries them."""
        rng = self._rng
        answers: dict[str, Any] = {"off.nps": rng.randrange(11)}
        answers |= {question: rng.choice(RATING_WORDS) for question in WORD_QUESTIONS if rng.random() < 0.6}
        reasons = rng.sample(REASONS, rng.randrange(3))
        breach = rng.sample(BREACHES, 1) if rng.random() < 0.1 else []
        other_answers = {name: values for name, values in (("any.reasons", reasons), ("any.breach", breach)) if values}
        return answers | other_answers, {"answers": answers, "reasons": reasons, "breach": breach}

    def _retry_until_acknowledged(
        self,
        record_keys: Sequence[RecordKey],
        contents: Sequence[dict[str, Any]],
        send_request: Callable[[], httpx.Response],
    ) -> httpx.Response | None:
        """Repeat the request until it is acknowledged; return ``None`` when it is refused or the client gives up."""
        for record_key, content in zip(record_keys, contents, strict=True):
            self._journal.record_sent(record_key, self.name, content)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            reply = self._try_request(send_request)
            if reply is not None and reply.status_code in SUCCESS_STATUSES:
                self._log_reply(record_keys, contents, reply)
                return reply
            if reply is not None and reply.status_code < 500:
                for record_key in record_keys:
                    self._journal.record_refused(record_key, reply.status_code)
                return None
            if self._rng.random() < GIVE_UP_SHARE or time.monotonic() > deadline:
                return None
            time.sleep(RETRY_SECONDS)

    def _log_reply(
        self, record_keys: Sequence[RecordKey], contents: Sequence[dict[str, Any]], reply: httpx.Response
    ) -> None:
        if reply.status_code == 303:
            if "late=" in reply.headers["location"]:  # the draft had become final, and the page says so
                self._journal.record_acknowledged(record_keys[0], 303, content=_first_tap_content(contents[0]))
            else:
                self._journal.record_acknowledged(record_keys[0], 303)
            return
        body = reply.json()
        for record_key, result in zip(record_keys, body.get("results", [{"status": reply.status_code}]), strict=True):
            if result["status"] in SUCCESS_STATUSES:
                response_id = body.get("id") if record_key[2] == "answer" else None
                self._journal.record_acknowledged(record_key, result["status"], id=response_id)
            else:
                self._journal.record_refused(record_key, result["status"])

    def _try_request(self, send_request: Callable[[], httpx.Response]) -> httpx.Response | None:
        try:
            return send_request()
        except httpx.TransportError:
            return None


def _open_client(url: str, headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=url, headers=headers, timeout=REQUEST_SECONDS, trust_env=False)


def _first_tap_content(content: dict[str, Any]) -> dict[str, Any]:
    """Return what becomes final, half an hour later, of an answer that was begun and left."""
    return {"answers": {"off.nps": content["answers"]["off.nps"]}, "reasons": [], "breach": []}


def _record_key(case: dict[str, Any], kind: str) -> RecordKey:
    return (case["centre"], case["service"]["local_code"], kind)
