"""The book of alarms: raised once for each subject, kept up to date while they stand, acknowledged, over."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select
from sqlalchemy.orm import Session

from feedback_service.database import table
from feedback_service.models import Alarm, Centre, Concern, Service

BAD_ANSWERS, BREACH = "bad_answers", "breach"
WHOLE = ""  # the subject that is the centre itself
_CONCERN = insert(table(Concern))
REMEMBERED = timedelta(days=91)  # how long an alarm that is over is still shown


@dataclass(frozen=True, slots=True)
class Evidence:
    """Since which day, noticed on which, how many answers, and how many of them the alarm is about."""

    since: date
    noticed: date
    n: int
    bad: int


@dataclass(frozen=True, slots=True)
class AlarmCard:
    """An alarm as people read it; ``service`` and its ``service_key``: none when it is about the whole centre."""

    id: uuid.UUID
    centre: str
    centre_name: str
    kind: str
    service: str | None
    service_key: str | None
    since: date
    noticed: date
    n: int
    bad: int
    over_on: date | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None

    @property
    def is_open(self) -> bool:
        """Whether it waits for somebody."""
        return self.over_on is None and self.acknowledged_at is None


def worry(
    connection: Connection, centre_id: uuid.UUID, kinds: Collection[str], service_id: uuid.UUID | None
) -> None:
    """An answer may matter at once: the worker will look. Nothing here leads to the answer."""
    for kind in kinds:
        concern = {"centre_id": centre_id, "id": uuid.uuid4(), "kind": kind, "service_id": service_id}
        connection.execute(_CONCERN, concern)


def concerns(tx: Session, limit: int) -> Sequence[Concern]:
    """What waits to be looked at, centre by centre."""
    return tx.scalars(select(Concern).order_by(Concern.centre_id, Concern.id).limit(limit)).all()


def take(tx: Session, centre_id: uuid.UUID, ids: Collection[uuid.UUID]) -> int:
    """These concerns are dealt with; how many of them told of a breach and were still there."""
    gone = delete(Concern).where(Concern.centre_id == centre_id, Concern.id.in_(ids)).returning(Concern.kind)
    return sum(kind == BREACH for kind in tx.scalars(gone))


def watch(tx: Session, centre_id: uuid.UUID, subject: str, seen: Evidence | None, today: date) -> bool:
    """What the watch on bad answers sees now is what the book says; whether that is a new alarm."""
    standing = _standing(tx, centre_id, BAD_ANSWERS, subject)
    if seen is None:
        if standing is not None:
            standing.over_on = today
        return False
    if standing is not None:
        standing.since, standing.n, standing.bad = seen.since, seen.n, seen.bad
        return False
    of_subject = (Alarm.centre_id == centre_id, Alarm.kind == BAD_ANSWERS, Alarm.subject == subject)
    if tx.scalars(select(Alarm.id).where(*of_subject, Alarm.noticed >= seen.noticed).limit(1)).first():
        return False  # known, and declared over
    tx.add(_alarm(centre_id, BAD_ANSWERS, subject, seen))
    tx.flush()
    return True


def breach(tx: Session, centre_id: uuid.UUID, number: int, today: date) -> None:
    """So many more answers tell of something serious."""
    standing = _standing(tx, centre_id, BREACH, WHOLE)
    if standing is None:
        tx.add(_alarm(centre_id, BREACH, WHOLE, Evidence(today, today, number, number)))
        tx.flush()
    else:
        standing.n, standing.bad, standing.noticed = standing.n + number, standing.bad + number, today
        standing.told = False


def standing_subjects(tx: Session) -> Sequence[tuple[uuid.UUID, str]]:
    """Centres and subjects of which the share of bad answers is watched because an alarm stands."""
    query = select(Alarm.centre_id, Alarm.subject).where(Alarm.kind == BAD_ANSWERS, Alarm.over_on.is_(None))
    return [(centre_id, subject) for centre_id, subject in tx.execute(query)]


def listed(
    tx: Session, centres: Collection[uuid.UUID], kinds: Collection[str], *, since: date | None = None
) -> list[AlarmCard]:
    """Alarms that stand, those nobody has acknowledged first; with ``since`` also those over since then."""
    shown = Alarm.over_on.is_(None) if since is None else or_(Alarm.over_on.is_(None), Alarm.over_on >= since)
    query = (
        select(Alarm, Centre)
        .join(Centre, Centre.id == Alarm.centre_id)
        .where(Alarm.centre_id.in_(centres), Alarm.kind.in_(kinds), shown)
    )
    rows: list[tuple[Alarm, Centre]] = [(alarm, centre) for alarm, centre in tx.execute(query)]
    subjects = {uuid.UUID(alarm.subject) for alarm, _ in rows if alarm.subject}
    titles = {
        service.id: service
        for service in tx.scalars(
            select(Service).where(Service.centre_id.in_(centres), Service.id.in_(subjects))
        )
    }
    cards = [_card(alarm, centre, titles) for alarm, centre in rows]
    return sorted(cards, key=_order)


def held(tx: Session, centre_id: uuid.UUID, alarm_id: uuid.UUID, kinds: Collection[str]) -> Alarm | None:
    """The alarm, held until the transaction ends."""
    query = select(Alarm).where(Alarm.centre_id == centre_id, Alarm.id == alarm_id, Alarm.kind.in_(kinds))
    return tx.scalar(query.with_for_update())


def acknowledge(alarm: Alarm, by: str, note: str, now: datetime, today: date) -> None:
    """Somebody deals with it. A rise stands until it is over; what was told of a breach is then done with."""
    alarm.acknowledged_at, alarm.acknowledged_by, alarm.note = now, by, note or None
    if alarm.kind == BREACH:
        alarm.over_on = today


def _standing(tx: Session, centre_id: uuid.UUID, kind: str, subject: str) -> Alarm | None:
    query = select(Alarm).where(
        Alarm.centre_id == centre_id, Alarm.kind == kind, Alarm.subject == subject, Alarm.over_on.is_(None)
    )
    return tx.scalar(query.with_for_update())


def _alarm(centre_id: uuid.UUID, kind: str, subject: str, seen: Evidence) -> Alarm:
    return Alarm(
        centre_id=centre_id,
        id=uuid.uuid4(),
        kind=kind,
        subject=subject,
        since=seen.since,
        noticed=seen.noticed,
        n=seen.n,
        bad=seen.bad,
        told=False,
    )


def _card(alarm: Alarm, centre: Centre, services: dict[uuid.UUID, Service]) -> AlarmCard:
    service = services.get(uuid.UUID(alarm.subject)) if alarm.subject else None
    return AlarmCard(
        id=alarm.id,
        centre=centre.code,
        centre_name=centre.name,
        kind=alarm.kind,
        service=service.title if service else None,
        service_key=(service.code or service.local_code) if service else None,
        since=alarm.since,
        noticed=alarm.noticed,
        n=alarm.n,
        bad=alarm.bad,
        over_on=alarm.over_on,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        note=alarm.note,
    )


def _order(card: AlarmCard) -> tuple[object, ...]:
    """Open before acknowledged before over; breaches first, then what was noticed last, the centre first."""
    return (
        card.over_on is not None,
        card.acknowledged_at is not None,
        card.kind != BREACH,
        -card.noticed.toordinal(),
        card.service is not None,
        card.service or "",
        str(card.id),
    )
