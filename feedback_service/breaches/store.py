"""Breaches in the database: noticed in an answer, standing for a centre, acknowledged.

They are rows of the tables ``concerns`` and ``alarms`` with a kind of their own. Nothing here leads to an answer.
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
_CENTRE_ITSELF = ""  # the subject of every breach
_CONCERN = insert(table_of(AlarmCheck))


@dataclass(frozen=True, slots=True)
class BreachCard:
    """A breach as people read it beside alarms: ``bad`` answers tell of it since a day; it names no service."""

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
    def is_open(self) -> bool:
        """Whether it waits for somebody."""
        return self.over_on is None and self.acknowledged_at is None


def notice(connection: Connection, centre_id: uuid.UUID, service_id: uuid.UUID | None) -> None:
    """An answer tells of something serious: the worker will look."""
    concern = {"centre_id": centre_id, "id": uuid.uuid4(), "kind": BREACH, "service_id": service_id}
    connection.execute(_CONCERN, concern)


def noticed(tx: Session, limit: int) -> Sequence[AlarmCheck]:
    """What waits to be looked at, centre by centre."""
    waiting = (
        select(AlarmCheck).where(AlarmCheck.kind == BREACH).order_by(AlarmCheck.centre_id, AlarmCheck.id)
    )
    return tx.scalars(waiting.limit(limit)).all()


def record(tx: Session, centre_id: uuid.UUID, ids: Collection[uuid.UUID], today: date) -> bool:
    """What was noticed counts for the breach that stands, or for a new one; tells whether any was still there."""
    gone = (
        delete(AlarmCheck)
        .where(AlarmCheck.centre_id == centre_id, AlarmCheck.id.in_(ids))
        .returning(AlarmCheck.id)
    )
    number = len(tx.scalars(gone).all())
    if not number:
        return False
    query = select(Alarm).where(*_of_centres([centre_id]), Alarm.over_on.is_(None))
    standing = tx.scalar(query.with_for_update())
    if standing is None:
        tx.add(
            Alarm(
                centre_id=centre_id,
                id=uuid.uuid4(),
                kind=BREACH,
                subject=_CENTRE_ITSELF,
                since=today,
                noticed=today,
                n=number,
                bad=number,
                told=False,
            )
        )
        tx.flush()
    else:
        standing.n, standing.bad, standing.noticed = standing.n + number, standing.bad + number, today
        standing.told = False
    return True


def listed(tx: Session, centres: Collection[uuid.UUID], *, since: date | None = None) -> list[BreachCard]:
    """Breaches that stand; with ``since`` also those over since then."""
    shown = Alarm.over_on.is_(None) if since is None else or_(Alarm.over_on.is_(None), Alarm.over_on >= since)
    query = select(Alarm, Centre).join(Centre, Centre.id == Alarm.centre_id)
    rows = tx.execute(query.where(*_of_centres(centres), shown))
    return [_card(alarm, centre) for alarm, centre in rows]


def take_untold(tx: Session, centre_id: uuid.UUID) -> list[BreachCard]:
    """Breaches that no letter has told of and that wait for somebody; from now on they count as told."""
    query = select(Alarm, Centre).join(Centre, Centre.id == Alarm.centre_id)
    found = tx.execute(query.where(*_of_centres([centre_id]), ~Alarm.told)).all()
    for alarm, _ in found:
        alarm.told = True
    return [card for alarm, centre in found if (card := _card(alarm, centre)).is_open]


def hold(tx: Session, centre_id: uuid.UUID, breach_id: uuid.UUID) -> Alarm | None:
    """The breach, held until the transaction ends."""
    return tx.scalar(select(Alarm).where(*_of_centres([centre_id]), Alarm.id == breach_id).with_for_update())


def acknowledge(breach: Alarm, by: str, note: str, now: datetime, today: date) -> None:
    """Somebody deals with it; what was told of it is then done with."""
    breach.acknowledged_at, breach.acknowledged_by, breach.note = now, by, note or None
    breach.over_on = today


def _of_centres(centres: Collection[uuid.UUID]) -> tuple[ColumnElement[bool], ...]:
    return Alarm.centre_id.in_(centres), Alarm.kind == BREACH


def _card(alarm: Alarm, centre: Centre) -> BreachCard:
    return BreachCard(
        id=alarm.id,
        centre=centre.code,
        centre_name=centre.name,
        since=alarm.since,
        noticed=alarm.noticed,
        n=alarm.n,
        bad=alarm.bad,
        over_on=alarm.over_on,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        note=alarm.note,
    )
