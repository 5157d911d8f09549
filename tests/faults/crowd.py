"""A steady load through the public doors: case systems report, people answer, some take it back.

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

WORDS = ("great", "good", "acceptable", "awful")
WORDED = ("off.premises", "off.services", "off.staff", "off.quality", "off.process")
REASONS = ("seats", "cramped", "queue", "rudeness", "late", "other")
BREACHES = ("bribe", "insult", "late", "language")
FINE = frozenset({200, 201, 303})
GIVES_UP = 0.1  # of those whose request failed
PATIENCE = 60.0  # seconds that anybody goes on asking
REQUEST = 25.0  # seconds that a reply may take
AGAIN = 0.1  # seconds until one asks again
AGE = timedelta(days=3)  # of what is told, so that no clock that is a day behind takes it for the future

Thing = tuple[str, str, str]


class Crowd:
    """``with Crowd(...)``: so many clients are busy until the end of the block, and finish what they began."""

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
            _Client(f"c{number}", url, key, centres, journal, random.Random(f"{seed}/{number}"), pace)
            for number in range(clients)
        ]
        self._threads = [
            threading.Thread(target=client.run, args=(self._stop,), name=client.name)
            for client in self._clients
        ]

    def __enter__(self) -> "Crowd":
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


class _Client:
    def __init__(
        self,
        name: str,
        url: str,
        key: str,
        centres: Sequence[str],
        journal: Journal,
        dice: random.Random,
        pace: float,
    ) -> None:
        self.name = name
        self.failure: Exception | None = None
        self._centres, self._journal, self._dice, self._pace = centres, journal, dice, pace
        self._numbers = itertools.count(1)
        self._system = _http(url, {"Authorization": f"Bearer {key}"})
        self._phone = _http(url, {})

    def run(self, stop: threading.Event) -> None:
        try:
            with self._system, self._phone:
                while not stop.is_set():
                    self._story()
                    stop.wait(self._dice.uniform(0, 2 * self._pace))
        except Exception as error:  # told by whoever waits for us
            self.failure = error

    def _story(self) -> None:
        """Some cases end and some of their applicants answer, or somebody types in what was said on the phone."""
        if self._dice.random() < 0.15:
            self._assisted()
            return
        cases = [self._case() for _ in range(self._dice.choice((1, 1, 1, 2, 4)))]
        for case in cases:
            if self._dice.random() < 0.15:
                earlier = datetime.fromisoformat(case["status_at"]) - timedelta(days=1)
                self._report([case | {"status": "in_progress", "status_at": earlier.isoformat()}])
        for case, path in zip(cases, self._report(cases), strict=True):
            if path is not None and self._dice.random() < 0.8:
                self._answer(case, path)

    def _case(self) -> dict[str, Any]:
        key = f"{self.name}-{next(self._numbers)}"
        return {
            "centre": self._dice.choice(self._centres),
            "case_number": f"faults/{key}",
            "service": {"local_code": key, "title": f"Послуга {key}"},
            "front_office": "offline",
            "status": self._dice.choice(("completed", "completed", "completed", "refused")),
            "status_at": (datetime.now(UTC) - AGE).isoformat(timespec="seconds"),
        }

    def _report(self, cases: Sequence[dict[str, Any]]) -> list[str | None]:
        """Tell the cases, one or in a batch; the paths of their surveys, where they are known."""
        things = [_of(case, f"status {case['status']}") for case in cases]
        contents = [{"status_at": case["status_at"], "office": case["front_office"]} for case in cases]
        if len(cases) == 1:
            reply = self._insist(things, contents, lambda: self._system.post("/api/v1/cases", json=cases[0]))
            results = [reply.json()] if reply else [None]
        else:
            reply = self._insist(
                things, contents, lambda: self._system.post("/api/v1/cases/batch", json={"cases": cases})
            )
            results = [each.get("case") for each in reply.json()["results"]] if reply else [None] * len(cases)
        return [
            str(httpx.URL(case["invitation"]["url"]).path) if case and case["invitation"] else None
            for case in results
        ]

    def _answer(self, case: dict[str, Any], path: str) -> None:
        answers, content = self._opinion()
        thing, client_id = _of(case, "answer"), str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        content["source"] = "qr_case"
        way = self._dice.choice(("form", "tap", "json"))
        if way == "json":
            body = {"client_id": client_id, "language": "uk", "answers": answers}
            address = f"/api/v1/surveys/{path.rpartition('/')[2]}/responses"
            reply = self._insist([thing], [content], lambda: self._phone.post(address, json=body))
            receipt = f"/R/{reply.json()['receipt']}" if reply else None
        else:
            form = {name: value if isinstance(value, list) else str(value) for name, value in answers.items()}
            form["client_id"] = client_id
            if way == "tap":
                first = {name: form[name] for name in ("client_id", "off.nps")}
                self._journal.sent(thing, self.name, content | _tapped(content))
                self._asked(lambda: self._phone.post(path, data=first))
            finished = form | {"finish": "1"}
            reply = self._insist([thing], [content], lambda: self._phone.post(path, data=finished))
            receipt = str(reply.headers["location"]).partition("?")[0] if reply else None
        if receipt is not None and self._dice.random() < 0.12:
            address = receipt
            self._insist([_of(case, "withdrawal")], [{}], lambda: self._phone.post(address))

    def _assisted(self) -> None:
        case = self._case()
        answers, content = self._opinion()
        body = {
            "client_id": str(uuid.UUID(int=self._dice.getrandbits(128), version=4)),
            "centre": case["centre"],
            "service": case["service"],
            "front_office": "offline",
            "source": "phone_interview",
            "answered_on": (datetime.now(UTC) - AGE).date().isoformat(),
            "language": "uk",
            "answers": answers,
        }
        content["source"] = body["source"]
        self._insist(
            [_of(case, "answer")], [content], lambda: self._system.post("/api/v1/responses", json=body)
        )

    def _opinion(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Somebody's answers, and how an event tells them."""
        dice = self._dice
        told: dict[str, Any] = {"off.nps": dice.randrange(11)}
        told |= {question: dice.choice(WORDS) for question in WORDED if dice.random() < 0.6}
        reasons = dice.sample(REASONS, dice.randrange(3))
        breach = dice.sample(BREACHES, 1) if dice.random() < 0.1 else []
        more = {name: values for name, values in (("any.reasons", reasons), ("any.breach", breach)) if values}
        return told | more, {"answers": told, "reasons": reasons, "breach": breach}

    def _insist(
        self,
        things: Sequence[Thing],
        contents: Sequence[dict[str, Any]],
        ask: Callable[[], httpx.Response],
    ) -> httpx.Response | None:
        """Ask until the service says yes; ``None`` when it says never, or somebody gives up."""
        for thing, content in zip(things, contents, strict=True):
            self._journal.sent(thing, self.name, content)
        ends = time.monotonic() + PATIENCE
        while True:
            reply = self._asked(ask)
            if reply is not None and reply.status_code in FINE:
                self._note(things, contents, reply)
                return reply
            if reply is not None and reply.status_code < 500:
                for thing in things:
                    self._journal.refused(thing, reply.status_code)
                return None
            if self._dice.random() < GIVES_UP or time.monotonic() > ends:
                return None
            time.sleep(AGAIN)

    def _note(
        self, things: Sequence[Thing], contents: Sequence[dict[str, Any]], reply: httpx.Response
    ) -> None:
        if reply.status_code == 303:
            if "late=" in reply.headers["location"]:  # the first tap had been made final, and it is said
                self._journal.acknowledged(things[0], 303, content=_tapped(contents[0]))
            else:
                self._journal.acknowledged(things[0], 303)
            return
        told = reply.json()
        for thing, each in zip(things, told.get("results", [{"status": reply.status_code}]), strict=True):
            if each["status"] in FINE:
                id = told.get("id") if thing[2] == "answer" else None
                self._journal.acknowledged(thing, each["status"], id=id)
            else:
                self._journal.refused(thing, each["status"])

    def _asked(self, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
        try:
            return ask()
        except httpx.TransportError:
            return None


def _http(url: str, headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=url, headers=headers, timeout=REQUEST, trust_env=False)


def _tapped(content: dict[str, Any]) -> dict[str, Any]:
    """What becomes final, half an hour later, of an answer that was begun with a tap and left."""
    return {"answers": {"off.nps": content["answers"]["off.nps"]}, "reasons": [], "breach": []}


def _of(case: dict[str, Any], kind: str) -> Thing:
    return (case["centre"], case["service"]["local_code"], kind)
