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
from feedback_service.words import PARTS_OF_DAY

CENTRE = "SN12000007"
LAST = date(2026, 11, 20)
FIRST = LAST.replace(year=LAST.year - 3) + timedelta(days=1)
PROVIDERS = ("00032112", "43220851", "00015622", "26333503", "39292197", "37508596")
SERVICES = 40
WINDOWS = 12
AT_ONCE = 20_000

WORDS = ("great", "good", "acceptable", "awful")
REASONS = ("queue", "seats", "cramped", "explanation", "repeat_visit", "registry_down", "late", "other")
SOURCES = ("qr_case", "sms_viber", "tablet_hall", "paper_box", "phone_interview", "qr_hall")
SOURCE_WEIGHTS = (55, 18, 14, 3, 3, 7)


@dataclass
class _Bulk:
    """Rows that wait to be written, table by table."""

    write: Callable[[type[Base], Sequence[str], Sequence[tuple[Any, ...]]], None]
    waiting: dict[type[Base], list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, kind: type[Base], **row: Any) -> None:
        rows = self.waiting.setdefault(kind, [])
        rows.append(row)
        if len(rows) >= AT_ONCE and kind in (Response, Invitation):
            self.flush()

    def flush(self) -> None:
        # Parents first: that is the order in which the kinds are first added.
        for kind, rows in self.waiting.items():
            if rows:
                self.write(kind, list(rows[0]), [tuple(row.values()) for row in rows])
                rows.clear()


@transaction
def fill(tx: Session, responses: int, cases: int, seed: int = 1) -> uuid.UUID:
    """One centre with 40 services and 12 windows; so many answers and cases over three years of six-day weeks."""
    chance = random.Random(seed)
    bulk = _Bulk(_writer(tx))

    def new_id() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128), version=4)

    centre = new_id()
    facts = {"name": "ЦНАП міста Підзвітне", "edrpou": "00032112", "katottg": "UA80000000000093317"}
    bulk.add(Centre, id=centre, code=CENTRE, prefix="K7Q2", **facts)
    services = [new_id() for _ in range(SERVICES)]
    for place, service in enumerate(services):
        title = f"Послуга № {place + 1}"
        bulk.add(Service, centre_id=centre, id=service, code=f"{place:05}", local_code="", title=title)
    bulk.flush()
    weights = [1 / (place + 2) for place in range(SERVICES)]
    days = [day for day in _days(FIRST, LAST) if day.weekday() < 6]

    def facts_of_visit() -> dict[str, Any]:
        place = chance.choices(range(SERVICES), weights)[0]
        online = place % 4 == 0 and chance.random() < 0.5
        return {
            "service_id": services[place],
            "provider_edrpou": PROVIDERS[place % len(PROVIDERS)],
            "front_office": "online" if online else "offline",
            "workplace": None if online else f"window-{chance.randint(1, WINDOWS)}",
        }

    for number in range(cases):
        day, case = days[number * len(days) // cases], new_id()
        bulk.add(
            Case,
            centre_id=centre,
            id=case,
            number_hash=chance.randbytes(32),
            status="completed",
            status_at=f"{day} 10:00:00.000000",
            **(visit := facts_of_visit()),
        )
        answered = chance.random() < responses / cases
        bulk.add(
            Invitation,
            centre_id=centre,
            id=new_id(),
            case_id=case,
            key_id="1",
            token_hash=chance.randbytes(32),
            short_code_hash=chance.randbytes(32),
            questionnaire=f"{visit['front_office']}-2026.1",
            issued_on=day,
            last_day=day + timedelta(days=30),
            cancelled=False,
            opened=answered or chance.random() < 0.1,
            started=answered,
            answered_on=day if answered else None,
            client_hash=chance.randbytes(32) if answered else None,
            left_begun=False,
        )
    bulk.flush()
    for number in range(responses):
        response = new_id()
        visit = facts_of_visit()
        source = chance.choices(SOURCES, SOURCE_WEIGHTS)[0]
        bulk.add(
            Response,
            centre_id=centre,
            id=response,
            questionnaire=f"{visit['front_office']}-2026.1",
            source=source,
            answered_on=days[number * len(days) // responses],
            part_of_day=None if source in ("paper_box", "phone_interview") else chance.choice(PARTS_OF_DAY),
            language="en" if chance.random() < 0.03 else "uk",
            answers=json.dumps(_said(chance, visit["front_office"])),
            **visit,
        )
    bulk.flush()
    return centre


def _said(chance: random.Random, front_office: str) -> dict[str, list[str]]:
    """What one person answers: about as pleased as people are, most of them to the end."""
    prefix = "off" if front_office == "offline" else "on"
    said = {
        f"{prefix}.nps": chance.choices([str(n) for n in range(11)], (1, 0, 0, 0, 0, 1, 1, 3, 10, 20, 64))
    }
    if chance.random() < 0.25:
        return said
    poor = False
    if front_office == "offline":
        for question in ("premises", "services", "staff", "quality", "process"):
            [value] = said[f"off.{question}"] = chance.choices(WORDS, (90, 8, 0.7, 1.3))
            poor |= value in WORDS[2:]
    else:
        [value] = said["on.overall"] = chance.choices(
            ("excellent", "good", "ok", "bad", "awful"), (62, 25, 8, 2, 3)
        )
        poor = value in ("bad", "awful")
    if poor:
        said["any.reasons"] = sorted(set(chance.choices(REASONS, k=2)))
    return said


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _writer(tx: Session) -> Callable[[type[Base], Sequence[str], Sequence[tuple[Any, ...]]], None]:
    """How rows go in quickest: by the driver itself."""
    link: Any = tx.connection().connection.driver_connection

    def to_sqlite(kind: type[Base], names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(names))
        said = f"INSERT INTO {kind.__tablename__} ({', '.join(names)}) VALUES ({marks})"
        link.executemany(said, ([_plain(value) for value in row] for row in rows))

    def to_postgresql(kind: type[Base], names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        with link.cursor().copy(f"COPY {kind.__tablename__} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    return to_sqlite if isinstance(link, sqlite3.Connection) else to_postgresql


def _plain(value: Any) -> Any:
    """The value as SQLAlchemy keeps it in SQLite."""
    if isinstance(value, uuid.UUID):
        return value.hex
    return value.isoformat() if isinstance(value, date) else value
