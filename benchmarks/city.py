"""A city centre of three years: cases, invitations and answers, put straight into the tables in bulk.

The same for the same seed. Nothing of it goes through the flow: figures do not care how answers came.
"""

import json
import random
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from feedback_service.database import Base, transaction
from feedback_service.models import Case, Centre, Invitation, Response, Service
from feedback_service.vocabulary import PARTS_OF_DAY

CENTRE = "SN12000007"
LAST_DAY = date(2026, 11, 20)
FIRST_DAY = LAST_DAY.replace(year=LAST_DAY.year - 3) + timedelta(days=1)
PROVIDERS = ("00032112", "43220851", "00015622", "26333503", "39292197", "37508596")
SERVICES = 40
WINDOWS = 12
ROWS_PER_WRITE = 20_000

RATING_WORDS = ("great", "good", "acceptable", "awful")
REASONS = ("queue", "seats", "cramped", "explanation", "repeat_visit", "registry_down", "late", "other")
SOURCES = ("qr_case", "sms_viber", "tablet_hall", "paper_box", "phone_interview", "qr_hall")
SOURCE_WEIGHTS = (55, 18, 14, 3, 3, 7)


@dataclass
class _BulkWriter:
    """Rows that will be written, table by table."""

    write: Callable[[type[Base], Sequence[str], Sequence[tuple[Any, ...]]], None]
    pending: dict[type[Base], list[dict[str, Any]]] = field(default_factory=dict)

    def add_row(self, model: type[Base], **row: Any) -> None:
        rows = self.pending.setdefault(model, [])
        rows.append(row)
        if len(rows) >= ROWS_PER_WRITE and model in (Response, Invitation):
            self.flush()

    def flush(self) -> None:
        # Parents come first: tables are written in the order in which they were first added.
        for model, rows in self.pending.items():
            if rows:
                self.write(model, list(rows[0]), [tuple(row.values()) for row in rows])
                rows.clear()


@transaction
def fill_centre(tx: Session, responses: int, cases: int, seed: int = 1) -> uuid.UUID:
    """One centre with 40 services and 12 windows; so many answers and cases over three years of six-day weeks."""
    rng = random.Random(seed)
    bulk = _BulkWriter(_choose_writer(tx))

    def new_id() -> uuid.UUID:
        return uuid.UUID(int=rng.getrandbits(128), version=4)

    centre = new_id()
    facts = {"name": "ЦНАП міста Підзвітне", "edrpou": "00032112", "katottg": "UA80000000000093317"}
    bulk.add_row(Centre, id=centre, code=CENTRE, prefix="K7Q2", **facts)
    services = [new_id() for _ in range(SERVICES)]
    for position, service in enumerate(services):
        title = f"Послуга № {position + 1}"
        bulk.add_row(Service, centre_id=centre, id=service, code=f"{position:05}", local_code="", title=title)
    bulk.flush()
    weights = [1 / (position + 2) for position in range(SERVICES)]
    days = [day for day in _days_between(FIRST_DAY, LAST_DAY) if day.weekday() < 6]

    def draw_visit_facts() -> dict[str, Any]:
        position = rng.choices(range(SERVICES), weights)[0]
        online = position % 4 == 0 and rng.random() < 0.5
        return {
            "service_id": services[position],
            "provider_edrpou": PROVIDERS[position % len(PROVIDERS)],
            "front_office": "online" if online else "offline",
            "workplace": None if online else f"window-{rng.randint(1, WINDOWS)}",
        }

    for number in range(cases):
        day, case = days[number * len(days) // cases], new_id()
        bulk.add_row(
            Case,
            centre_id=centre,
            id=case,
            number_hash=rng.randbytes(32),
            status="completed",
            status_at=f"{day} 10:00:00.000000",
            **(visit := draw_visit_facts()),
        )
        answered = rng.random() < responses / cases
        bulk.add_row(
            Invitation,
            centre_id=centre,
            id=new_id(),
            case_id=case,
            key_id="1",
            token_hash=rng.randbytes(32),
            short_code_hash=rng.randbytes(32),
            questionnaire=f"{visit['front_office']}-2026.1",
            issued_on=day,
            last_day=day + timedelta(days=30),
            cancelled=False,
            opened=answered or rng.random() < 0.1,
            started=answered,
            answered_on=day if answered else None,
            client_hash=rng.randbytes(32) if answered else None,
            left_begun=False,
        )
    bulk.flush()
    for number in range(responses):
        response = new_id()
        visit = draw_visit_facts()
        source = rng.choices(SOURCES, SOURCE_WEIGHTS)[0]
        bulk.add_row(
            Response,
            centre_id=centre,
            id=response,
            questionnaire=f"{visit['front_office']}-2026.1",
            source=source,
            answered_on=days[number * len(days) // responses],
            part_of_day=None if source in ("paper_box", "phone_interview") else rng.choice(PARTS_OF_DAY),
            language="en" if rng.random() < 0.03 else "uk",
            answers=json.dumps(_draw_answers(rng, visit["front_office"])),
            **visit,
        )
    bulk.flush()
    return centre


def _draw_answers(rng: random.Random, front_office: str) -> dict[str, list[str]]:
    """Return what one person answers: about as satisfied as people are; most answer every question."""
    prefix = "off" if front_office == "offline" else "on"
    answers = {f"{prefix}.nps": rng.choices([str(score) for score in range(11)], (1, 0, 0, 0, 0, 1, 1, 3, 10, 20, 64))}
    if rng.random() < 0.25:
        return answers
    is_poor = False
    if front_office == "offline":
        for question in ("premises", "services", "staff", "quality", "process"):
            [value] = answers[f"off.{question}"] = rng.choices(RATING_WORDS, (90, 8, 0.7, 1.3))
            is_poor |= value in RATING_WORDS[2:]
    else:
        [value] = answers["on.overall"] = rng.choices(("excellent", "good", "ok", "bad", "awful"), (62, 25, 8, 2, 3))
        is_poor = value in ("bad", "awful")
    if is_poor:
        answers["any.reasons"] = sorted(set(rng.choices(REASONS, k=2)))
    return answers


def _days_between(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))


def _choose_writer(tx: Session) -> Callable[[type[Base], Sequence[str], Sequence[tuple[Any, ...]]], None]:
    """Write rows by the driver itself, which is quickest."""
    connection: Any = tx.connection().connection.driver_connection

    def write_to_sqlite(model: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        placeholders = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {model.__tablename__} ({', '.join(columns)}) VALUES ({placeholders})"
        connection.executemany(statement, ([_sqlite_value(value) for value in row] for row in rows))

    def write_to_postgresql(model: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        with connection.cursor().copy(f"COPY {model.__tablename__} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    return write_to_sqlite if isinstance(connection, sqlite3.Connection) else write_to_postgresql


def _sqlite_value(value: Any) -> Any:
    """Return the value as SQLAlchemy stores it in SQLite."""
    if isinstance(value, uuid.UUID):
        return value.hex
    return value.isoformat() if isinstance(value, date) else value
