"""Tables with many rows, for tests of what grows with the database."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log
from feedback_service.access.audit_log import COMMAND_LINE, INSTALLATION_CHAIN
from feedback_service.database import Base, transaction
from feedback_service.models import (
    Alarm,
    ApiKey,
    ApiKeyCentre,
    Centre,
    Comment,
    Device,
    Event,
    Explanation,
    RefusedTabletAnswer,
    Response,
    Service,
    User,
    UserScope,
    UserSession,
)

MakeRow = Callable[[int], dict[str, Any]]


@transaction
def fill_tables(tx: Session, centre_code: str, number: int, *, start: int = 0, today: date) -> None:
    """Add so many rows of a centre to every table that a list shows; a comment to each response that has none.

    Codes and names count from ``start``.
    """
    now = clock.now()
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == centre_code)).one()

    def add(table: type[Base], values: dict[str, Any], make_row: MakeRow, rows: int = number) -> None:
        tx.execute(insert(table), [values | make_row(position) for position in range(rows)])

    of_centre = {"centre_id": centre_id}
    place = {"name": "Центр " * 8, "edrpou": "00032112", "katottg": "UA12020010010037010"}
    add(Centre, place, lambda n: {"id": uuid.uuid4(), "code": f"SN77{start + n:06}", "prefix": f"{start + n:04}"})
    service = of_centre | {"local_code": "", "title": "Видача витягу з реєстру " * 8}
    add(Service, service, lambda n: {"id": uuid.uuid4(), "code": f"{start + n:05}"})
    user_ids, key_ids, tablet_ids = ([uuid.uuid4() for _ in range(number)] for _ in range(3))
    user = {"role": "head", "created_at": now, "version": 1}
    add(User, user, lambda n: {"id": user_ids[n], "email": f"head{start + n}@rada.example"})
    add(UserScope, {"scope": centre_code}, lambda n: {"user_id": user_ids[n]})
    key = {"name": "Система " * 8, "scopes": "cases:read", "created_at": now}
    add(ApiKey, key, lambda n: {"id": key_ids[n], "key_hash": key_ids[n].bytes * 2})
    add(ApiKeyCentre, of_centre, lambda n: {"api_key_id": key_ids[n]})
    add(Device, of_centre | {"name": "Планшет", "mode": "hall", "created_at": now}, lambda n: {"id": tablet_ids[n]})
    refused = of_centre | {"came_on": today, "reason": "Причина " * 30}
    add(
        RefusedTabletAnswer,
        refused,
        lambda n: {"device_id": tablet_ids[n // 20], "client_hash": uuid.uuid4().bytes * 2},
        rows=20 * number,
    )
    bad = {"kind": "bad_answers", "since": today, "noticed": today, "n": 9, "bad": 5}
    alarm = bad | {"told": True, "note": "Так. " * 90}
    add(
        Alarm,
        of_centre | alarm,
        lambda n: {"id": uuid.uuid4(), "subject": str(uuid.uuid4()), "over_on": today if n % 2 else None},
    )
    event = {"type": "ua.vidhuk.case.status.v1", "created_at": clock.truncate_to_hour(now)}
    refusal = {"state": "dead", "reason": "HTTP 422 " * 20, "attempts": 1, "setbacks": 0}
    add(Event, of_centre | event | refusal, lambda n: {"id": uuid.uuid4()})
    period = {"topic": "sources", "first": date(today.year, 1, 1), "last": today}
    text = {"text": "Пояснення " * 190, "author": "head@rada.example", "written_at": now}
    add(Explanation, of_centre | period | text, lambda n: {"version": start + n + 1})
    for n in range(100):
        chains = [centre_id, INSTALLATION_CHAIN]
        audit_log.append_entry(tx, chains, COMMAND_LINE, "signed_in", f"{n} " * 100, now)
    commented = select(Comment.response_id).where(Comment.centre_id == centre_id)
    without_comment = select(Response).where(Response.centre_id == centre_id, Response.id.not_in(commented))
    responses = tx.scalars(without_comment).all()
    words = {"text": "Дуже довга черга. " * 50, "folded": "черга", "reasons": " ", "poor": False, "breach": False}
    copied = ("answered_on", "front_office", "source", "language")
    add(
        Comment,
        of_centre | words,
        lambda n: {"response_id": responses[n].id} | {name: getattr(responses[n], name) for name in copied},
        rows=len(responses),
    )


@transaction
def add_sessions(tx: Session, email: str, number: int) -> None:
    """Add so many sessions of the user."""
    user_id, now = tx.scalars(select(User.id).where(User.email == email)).one(), clock.now()
    session = {"user_id": user_id, "stage": "full", "began_at": now, "seen_at": now, "noted": []}
    rows = [session | {"id": uuid.uuid4(), "token_hash": uuid.uuid4().bytes * 2} for _ in range(number)]
    tx.execute(insert(UserSession), rows)
