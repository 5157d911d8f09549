"""Serious breaches, in the database: reported in an answer, open for a centre, acknowledged.

They are rows of the tables ``concerns`` and ``alarms`` with the kind ``breach``. A centre has at most one open
breach, which counts the answers. Nothing here leads to an answer.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select
from sqlalchemy.orm import Session

from feedback_service.database import table_of
from feedback_service.models import Alarm, AlarmCheck, Centre

BREACH = "breach"
_WHOLE_CENTRE = ""  # the subject of every breach
_INSERT_CHECK = insert(table_of(AlarmCheck))


@dataclass(frozen=True, slots=True)
class BreachSummary:
    """A breach as pages show it beside alarms: ``bad`` answers report it since a day. It names no service."""

    id: uuid.UUID
    centre: str
    centre_name: str
    since: date
    noticed: date
    n: int
    bad: int
    over_on: date | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None
    kind: str = BREACH
    service: None = None
    service_key: None = None

    @property
    def needs_attention(self) -> bool:
        """Whether nobody has acknowledged the breach."""
        return self.over_on is None and self.acknowledged_at is None


def queue_breach_check(connection: Connection, centre_id: uuid.UUID, service_id: uuid.UUID | None) -> None:
    """Ask the worker to record a breach, because an answer reports one."""
    check = {"centre_id": centre_id, "id": uuid.uuid4(), "kind": BREACH, "service_id": service_id}
    connection.execute(_INSERT_CHECK, check)


def list_waiting_checks(tx: Session, limit: int) -> Sequence[AlarmCheck]:
    """List the reports that wait for the worker, grouped by centre."""
    query = select(AlarmCheck).where(AlarmCheck.kind == BREACH).order_by(AlarmCheck.centre_id, AlarmCheck.id)
    return tx.scalars(query.limit(limit)).all()


def record_breach(tx: Session, centre_id: uuid.UUID, ids: Collection[uuid.UUID], today: date) -> bool:
    """Take the reports from the queue and count them for the centre's open breach, or for a new one.

    Returns whether any report was still in the queue: another worker may have taken them.
    """
    statement = delete(AlarmCheck).where(AlarmCheck.centre_id == centre_id, AlarmCheck.id.in_(ids))
    number = len(tx.scalars(statement.returning(AlarmCheck.id)).all())
    if not number:
        return False
    query = select(Alarm).where(*_breaches_of([centre_id]), Alarm.over_on.is_(None))
    breach = tx.scalar(query.with_for_update())
    if breach is None:
        tx.add(
            Alarm(
                centre_id=centre_id,
                id=uuid.uuid4(),
                kind=BREACH,
                subject=_WHOLE_CENTRE,
                since=today,
                noticed=today,
                n=number,
                bad=number,
                told=False,
            )
        )
        tx.flush()
    else:
        breach.n, breach.bad, breach.noticed = breach.n + number, breach.bad + number, today
        breach.told = False
    return True


def list_for_centres(
    tx: Session, centres: Collection[uuid.UUID], *, since: date | None = None
) -> list[BreachSummary]:
    """List the open breaches of the centres; with ``since`` also those that ended on that day or later."""
    condition = Alarm.over_on.is_(None)
    query = select(Alarm, Centre).join(Centre, Centre.id == Alarm.centre_id).where(*_breaches_of(centres))
    query = query.where(condition if since is None else or_(condition, Alarm.over_on >= since))
    return [_summarise_breach(breach, centre) for breach, centre in tx.execute(query)]


def claim_for_email(tx: Session, centre_id: uuid.UUID) -> list[BreachSummary]:
    """Return the breaches that nobody has acknowledged and no e-mail has reported, and mark them as reported."""
    query = select(Alarm, Centre).join(Centre, Centre.id == Alarm.centre_id)
    rows = tx.execute(query.where(*_breaches_of([centre_id]), ~Alarm.told)).all()
    for breach, _ in rows:
        breach.told = True
    summaries = [_summarise_breach(breach, centre) for breach, centre in rows]
    return [summary for summary in summaries if summary.needs_attention]


def lock_breach(tx: Session, centre_id: uuid.UUID, breach_id: uuid.UUID) -> Alarm | None:
    """Find the breach and lock it until the transaction ends."""
    query = select(Alarm).where(*_breaches_of([centre_id]), Alarm.id == breach_id)
    return tx.scalar(query.with_for_update())


def acknowledge_breach(breach: Alarm, by: str, note: str, now: datetime, today: date) -> None:
    """Record who acknowledged the breach and what they wrote; this ends the breach."""
    breach.acknowledged_at, breach.acknowledged_by, breach.note = now, by, note or None
    breach.over_on = today


def _breaches_of(centres: Collection[uuid.UUID]) -> tuple[ColumnElement[bool], ...]:
    return Alarm.centre_id.in_(centres), Alarm.kind == BREACH


def _summarise_breach(breach: Alarm, centre: Centre) -> BreachSummary:
    return BreachSummary(
        id=breach.id,
        centre=centre.code,
        centre_name=centre.name,
        since=breach.since,
        noticed=breach.noticed,
        n=breach.n,
        bad=breach.bad,
        over_on=breach.over_on,
        acknowledged_at=breach.acknowledged_at,
        acknowledged_by=breach.acknowledged_by,
        note=breach.note,
    )
