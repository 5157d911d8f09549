"""A city centre's work goes through the public doors, and its figures equal an independent recomputation.

``CITY_CASES=25000`` makes it a quarter of a year of a city; the usual dose is small.
"""

import csv
import os
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import httpx
import pytest

from feedback_service import clock
from tests.support.database import FreshDatabase
from tests.support.environment import ROOT
from tests.support.outside import (
    CENTRE,
    ClientPool,
    add_centre,
    add_key,
    give_first_answer,
    make_case,
    open_client,
    submit_form,
    survey_path,
)
from tests.support.server import RunningService

CASES = int(os.environ.get("CITY_CASES", "240"))
ANSWERED = 0.4
ASSISTED = 0.1
SHARES = ROOT / "feedback_service" / "sandbox" / "data" / "answers_h1_2025.csv"
NPS = [0.011, 0.003, 0.003, 0.004, 0.004, 0.018, 0.012, 0.025, 0.06, 0.14, 0.72]
OVERALL = {"excellent": 0.62, "good": 0.23, "ok": 0.08, "bad": 0.03, "awful": 0.04}
REASONS = {"offline": ["seats", "cramped", "temperature", "queue"], "online": ["retries", "payment", "other"]}
SERVICES = [(f"{number:05}", f"14-{number % 30:02}") for number in range(31, 61)]
PROVIDERS = ["00032112", "43220851", None]
Z = NormalDist().inv_cdf(0.975)


@dataclass
class Person:
    """One answer as it was sent."""

    front_office: str
    service: str
    provider: str | None
    workplace: str | None
    source: str
    day: date
    values: dict[str, str]
    reasons: list[str]


def shares() -> dict[str, dict[str, float]]:
    with SHARES.open() as file:
        words = ("great", "good", "acceptable", "awful")
        return {row["question"]: {word: float(row[word]) for word in words} for row in csv.DictReader(file)}


def somebody(chance: random.Random, front_office: str) -> tuple[dict[str, str], list[str]]:
    """Return what a person answers; some leave questions out, dissatisfied ones give reasons."""
    nps = str(chance.choices(range(11), NPS)[0])
    if front_office == "online":
        values = {"on.nps": nps, "on.overall": chance.choices(list(OVERALL), list(OVERALL.values()))[0]}
    else:
        values = {"off.nps": nps} | {
            question: chance.choices(list(weights), list(weights.values()))[0] for question, weights in shares().items()
        }
    kept = {question: value for question, value in values.items() if chance.random() < 0.9}
    values = kept or {next(iter(values)): nps}
    poor = int(nps) <= 6 or {"acceptable", "awful", "bad"} & set(values.values())
    reasons = chance.sample(REASONS[front_office], chance.randint(1, 2)) if poor else []
    return values, sorted(reasons)


def one_decimal(value: Fraction | float) -> float:
    exact = Decimal(value.numerator) / value.denominator if isinstance(value, Fraction) else Decimal(value)
    sign = -1 if exact < 0 else 1
    return float(sign * abs(exact).quantize(Decimal("0.1"), ROUND_HALF_UP))


def wilson(k: int, n: int) -> list[float]:
    p, zz = k / n, Z * Z
    middle, half = p + zz / (2 * n), Z * sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return [one_decimal(100 * (middle + sign * half) / (1 + zz / n)) for sign in (-1, 1)]


def wald(up: int, down: int, n: int) -> list[float]:
    p, d, m = (up + 0.75) / (n + 3), (down + 0.75) / (n + 3), n + 3
    half = Z * sqrt((p + d - (p - d) ** 2) / m)
    return [one_decimal(max(-100.0, min(100.0, 100 * (p - d + sign * half)))) for sign in (-1, 1)]


def expected(people: Iterable[Person]) -> dict[str, Any]:
    """Compute indicators, questions and reasons from the sent answers by the contract alone."""
    people = list(people)
    indicators: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    for office, nps in (("offline", "off.nps"), ("online", "on.nps")):
        scores = [int(p.values[nps]) for p in people if p.front_office == office and nps in p.values]
        n, up, down = len(scores), sum(s >= 9 for s in scores), sum(s <= 6 for s in scores)
        value = one_decimal(Fraction(100 * (up - down), n)) if n else None
        indicators.append(
            {
                "id": "loyalty_index",
                "front_office": office,
                "n": n,
                "promoters": up,
                "passives": n - up - down,
                "detractors": down,
                "value": value,
                "interval": wald(up, down, n) if n else None,
                "band": "negative" if n and up <= down else None,
                "status": "unconfirmed",
            }
        )
        words = list(OVERALL) if office == "online" else ["great", "good", "acceptable", "awful"]
        satisfied = {"excellent", "good"} if office == "online" else {"great", "good"}
        for question in ["on.overall"] if office == "online" else list(shares()):
            given = Counter(p.values[question] for p in people if p.front_office == office and question in p.values)
            n, fine = given.total(), sum(given[word] for word in satisfied)
            questions.append(
                {
                    "id": question,
                    "n": n,
                    "counts": {word: given[word] for word in words},
                    "share_satisfied": one_decimal(Fraction(100 * fine, n)) if n else None,
                    "interval": wilson(fine, n) if n else None,
                    "share_not_awful": one_decimal(Fraction(100 * (n - given["awful"]), n)) if n else None,
                }
            )
    reasons = Counter(reason for p in people for reason in p.reasons)
    return {"indicators": indicators, "questions": questions, "reasons": dict(reasons)}


def told(summary: dict[str, Any]) -> dict[str, Any]:
    return {
        "indicators": summary["indicators"],
        "questions": summary["questions"],
        "reasons": {reason["id"]: reason["n"] for reason in summary["reasons"]},
    }


KEYS: dict[str, Callable[[Person], str | None]] = {
    "day": lambda p: p.day.isoformat(),
    "week": lambda p: "{}-W{:02}".format(*p.day.isocalendar()[:2]),
    "month": lambda p: f"{p.day:%Y-%m}",
    "quarter": lambda p: f"{p.day.year}-Q{(p.day.month + 2) // 3}",
    "service": lambda p: p.service,
    "provider": lambda p: p.provider,
    "source": lambda p: p.source,
    "workplace": lambda p: p.workplace,
    "front_office": lambda p: p.front_office,
}


@dataclass
class Work:
    """A case, and how it is rated: by its link, with the help of staff, or not at all."""

    case: dict[str, Any]
    person: Person | None

    @property
    def by_link(self) -> bool:
        return self.person is not None and self.person.source in ("qr_case", "sms_viber")


def a_quarter(chance: random.Random, today: date) -> list[Work]:
    """What a city centre sends, and what it is answered."""
    return [some_work(chance, number, today) for number in range(CASES)]


def some_work(chance: random.Random, number: int, today: date) -> Work:
    code, local = chance.choice(SERVICES)
    case = make_case(
        f"12-2026/{number:06}",
        service={"code": code, "local_code": local, "title": f"Послуга {code}"},
        front_office="offline" if chance.random() < 0.85 else "online",
        status="completed" if chance.random() < 0.95 else "refused",
        workplace=f"window-{chance.randint(1, 8)}",
    )
    if (provider := chance.choice(PROVIDERS)) is not None:
        case["provider_edrpou"] = provider
    values, reasons = somebody(chance, case["front_office"])
    draw = chance.random()
    if draw < ANSWERED:
        source = "sms_viber" if chance.random() < 0.2 else "qr_case"
        where, day = (provider, case["workplace"], source), today
    elif draw < ANSWERED + ASSISTED:
        where = (None, None, chance.choice(["phone_interview", "paper_box", "diia_centers_map"]))
        day = max(date(today.year, 1, 1), today - timedelta(days=chance.randrange(200)))
    else:
        return Work(case, None)
    return Work(case, Person(case["front_office"], code, *where, day, values, reasons))


def register_all(case_system: httpx.Client, quarter: list[Work]) -> list[str]:
    """Report a thousand cases at a time; return the paths of their surveys."""
    paths: list[str] = []
    for start in range(0, len(quarter), 1000):
        cases = [work.case for work in quarter[start : start + 1000]]
        batch = case_system.post("/api/v1/cases/batch", json={"cases": cases})
        assert batch.status_code == 200, batch.text
        paths += [survey_path(result["case"]) for result in batch.json()["results"]]
    return paths


def answer(phones: httpx.Client, visit: tuple[str, Work]) -> int:
    """Save the first answer, if there is one, then send the rest."""
    path, person = visit[0], visit[1].person
    assert person is not None
    path += "?via=sms" if person.source == "sms_viber" else ""
    first = "off.nps" if person.front_office == "offline" else "on.nps"
    rest = {q: v for q, v in person.values.items() if q != first} | {
        "any.reasons": person.reasons,
        "rest": "1",
    }
    client = give_first_answer(phones, path, {first: person.values[first]}) if first in person.values else None
    return submit_form(phones, path, rest, client).status_code


def type_in(case_system: httpx.Client, work: Work) -> int:
    """Enter as staff what a person said or wrote."""
    assert work.person is not None
    said: dict[str, Any] = {q: int(v) if v.isdecimal() else v for q, v in work.person.values.items()}
    body = {
        "client_id": str(uuid.uuid4()),
        "centre": CENTRE,
        "service": work.case["service"],
        "front_office": work.person.front_office,
        "source": work.person.source,
        "answered_on": work.person.day.isoformat(),
        "language": "uk",
        "answers": said | ({"any.reasons": work.person.reasons} if work.person.reasons else {}),
    }
    return case_system.post("/api/v1/responses", json=body).status_code


def compare(case_system: httpx.Client, people: list[Person], today: date) -> None:
    """Assert that every figure of the service equals the recomputed one."""

    def summary(**query: str) -> dict[str, Any]:
        asked = {"centre": CENTRE, "from": f"{today.year}-01-01", "to": today.isoformat()} | query
        reply = case_system.get("/api/v1/summaries", params=asked)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    whole = summary()
    assert told(whole) == expected(people)
    funnel, by_link = whole["funnel"], sum(p.source in ("qr_case", "sms_viber") for p in people)
    assert (funnel["completed"], funnel["invited"], funnel["answered"]) == (CASES, CASES, by_link)
    assert funnel["response_rate"] == one_decimal(Fraction(100 * by_link, CASES))
    for by, key_of in KEYS.items():
        groups: dict[str | None, list[Person]] = defaultdict(list)
        for person in people:
            groups[key_of(person)].append(person)
        reported = {group["key"]: told(group) for group in summary(by=by)["groups"]}
        silent = {key: expected([]) for key in reported if key not in groups}
        assert reported == silent | {key: expected(members) for key, members in groups.items()}, by
    for source in {person.source for person in people}:
        assert told(summary(source=source)) == expected(p for p in people if p.source == source)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_figures_are_those_of_what_people_posted(
    tmp_path: Path, fresh_database: FreshDatabase, dialect: str
) -> None:
    today = clock.kyiv_day(clock.now())
    quarter = a_quarter(random.Random(864), today)
    with RunningService(tmp_path, fresh_database(dialect), settings={"FEEDBACK_MIN_GROUP": "1"}) as service:
        add_centre(service)
        key = add_key(service, "cases:write", "responses:write", "summaries:read")
        with open_client(service, key) as case_system, ClientPool(service, 8) as crowd:
            paths = register_all(case_system, quarter)
            visits = [(path, work) for path, work in zip(paths, quarter, strict=True) if work.by_link]
            assert set(crowd.run_all(answer, visits)) == {303}
            helped = [work for work in quarter if work.person is not None and not work.by_link]
            assert {type_in(case_system, work) for work in helped} == {201}

            compare(case_system, [work.person for work in quarter if work.person is not None], today)
