"""How much quicker a year's summary is from roll-ups than in one raw pass over the same answers, in one run.

``python -m benchmarks.summaries`` fills an empty database (SQLite in a folder of its own, or ``--database``)
with about ``--rows`` answers of one centre and a year, prints the result as JSON and leaves it as
``$DATA_DIR/bench/summaries.json``. Ratios are what to compare; seconds belong to the machine.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from flask_migrate import upgrade
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from feedback_service.app import create_app
from feedback_service.config import Settings, keep_for_demonstration
from feedback_service.db import transaction
from feedback_service.indicators import rollups, summaries
from feedback_service.models import Answer, Centre, Response, Service

CENTRE = "SN12000007"
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
WORDS = ("great", "good", "acceptable", "awful")
ROWS_EACH = 6  # answers of one respondent
AT_ONCE = 2000


@transaction
def fill(tx: Session, rows: int, seed: int) -> uuid.UUID:
    """One centre with 40 services, and a working year of answers; all of it follows from the seed."""
    chance = random.Random(seed)

    def new_id() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128), version=4)

    centre = new_id()
    facts = {"name": "Центр", "edrpou": "00032112", "katottg": "UA80000000000093317"}
    tx.execute(insert(Centre).values(id=centre, code=CENTRE, prefix="K7Q2", **facts))
    services = [new_id() for _ in range(40)]
    coded = [
        {"centre_id": centre, "id": service, "code": f"{place:05}", "local_code": "", "title": "Послуга"}
        for place, service in enumerate(services)
    ]
    tx.execute(insert(Service), coded)
    year = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
    days = [day for day in year if day.weekday() < 6]
    for _ in range(max(1, rows // ROWS_EACH // AT_ONCE)):
        responses, answers = [], []
        for _ in range(AT_ONCE):
            response = new_id()
            responses.append(
                {
                    "centre_id": centre,
                    "id": response,
                    "questionnaire": "offline-2026.1",
                    "front_office": "offline",
                    "source": chance.choices(
                        ("qr_case", "tablet_hall", "sms_viber", "qr_hall"), (6, 3, 2, 1)
                    )[0],
                    "service_id": chance.choice(services),
                    "workplace": f"window-{chance.randint(1, 12)}",
                    "answered_on": chance.choice(days),
                    "part_of_day": "midday",
                    "language": "uk",
                }
            )
            said = {"off.nps": str(chance.choices(range(11), range(1, 12))[0])}
            for question in ("premises", "services", "staff", "quality", "process"):
                said[f"off.{question}"] = chance.choices(WORDS, (90, 8, 1, 1))[0]
            key = {"centre_id": centre, "response_id": response}
            answers += [key | {"question": question, "value": value} for question, value in said.items()]
        tx.execute(insert(Response), responses)
        tx.execute(insert(Answer), answers)
    return centre


def close(centre: uuid.UUID) -> int:
    """Close the whole year, as the worker does; tells how many days."""
    close_days, closed = transaction(rollups.close_days), 0
    while done := close_days(centre, before=LAST + timedelta(days=1)):
        closed += done
    return closed


def summary(by: str | None = None) -> dict[str, object]:
    """The year's summary."""
    return summaries.summary(centres=[CENTRE], first=FIRST, last=LAST, by=by, min_group=5)


@transaction
def know_sizes(tx: Session) -> None:
    """PostgreSQL knows how much it holds, as it does by itself some time after rows came."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text("ANALYZE"))


def seconds(work: Callable[[], object], times: int = 5) -> float:
    """The median time of some repetitions, after one that does not count."""
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def measure(rows: int, seed: int) -> dict[str, object]:
    """Seconds of the year's summary, counted raw and from roll-ups, and how many times quicker it became."""
    centre = fill(rows, seed)
    know_sizes()
    views: list[str | None] = [None, "month", "source", "service"]
    raw = {str(by): seconds(partial(summary, by), 3) for by in views}
    before = summary("month")
    began = time.perf_counter()
    days = close(centre)
    closing = time.perf_counter() - began
    if summary("month") != before:
        raise AssertionError("the stored counts tell something else than the answers")
    know_sizes()
    rolled = {str(by): seconds(partial(summary, by)) for by in views}
    return {
        "answers": rows,
        "days_closed": days,
        "closing_ms_a_day": round(closing / days * 1000, 2),
        "raw_seconds": {by: round(taken, 4) for by, taken in raw.items()},
        "rolled_up_seconds": {by: round(taken, 4) for by, taken in rolled.items()},
        "times_quicker": {by: round(raw[by] / rolled[by], 1) for by in raw},
    }


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=300_000, help="answers, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="address of an empty database; a new SQLite file when not given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        keep_for_demonstration(Path(folder), "http://127.0.0.1:8000")
        environment = {"DATA_DIR": folder, "FEEDBACK_DATABASE_URL": asked.database or ""}
        app = create_app(Settings.from_env(environment))
        with app.app_context():
            upgrade(Path(__file__).parents[1] / "migrations")
            result = {"seed": asked.seed} | measure(asked.rows, asked.seed)
    report = json.dumps(result, indent=2)
    kept = Path(os.environ.get("DATA_DIR") or "var") / "bench" / "summaries.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(report + "\n")
    print(report)


if __name__ == "__main__":
    main()
