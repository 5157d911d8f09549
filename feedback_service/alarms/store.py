"""Alarms of bad answers: raised once for each subject, kept up to date while they stand, acknowledged, over."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from feedback_service.database import table_of
from feedback_service.models import Alarm, AlarmCheck, Centre, Service

BAD_ANSWERS = "bad_answers"
WHOLE = ""  # the subject that is the centre itself
_CONCERN = insert(table_of(AlarmCheck))
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
    kind: str = BAD_ANSWERS

    @property
    def is_open(self) -> bool:
        """Whether it waits for somebody."""
        return self.over_on is None and self.acknowledged_at is None


def worry(connection: Connection, centre_id: uuid.UUID, service_id: uuid.UUID | None) -> None:
    """An answer is bad: the worker will look. Nothing here leads to the answer."""
    concern = {"centre_id": centre_id, "id": uuid.uuid4(), "kind": BAD_ANSWERS, "service_id": service_id}
    connection.execute(_CONCERN, concern)


def concerns(tx: Session, limit: int) -> Sequence[AlarmCheck]:
    """What waits to be looked at, centre by centre."""
    waiting = (
        select(AlarmCheck).where(AlarmCheck.kind == BAD_ANSWERS).order_by(AlarmCheck.centre_id, AlarmCheck.id)
    )
    return tx.scalars(waiting.limit(limit)).all()


def take(tx: Session, centre_id: uuid.UUID, ids: Collection[uuid.UUID]) -> None:
    """These concerns are dealt with."""
    tx.execute(delete(AlarmCheck).where(AlarmCheck.centre_id == centre_id, AlarmCheck.id.in_(ids)))


def watch(tx: Session, centre_id: uuid.UUID, subject: str, seen: Evidence | None, today: date) -> bool:
    """What the watch on bad answers sees now is what the book says; whether that is a new alarm."""
    standing = _standing(tx, centre_id, subject)
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
    tx.add(_alarm(centre_id, subject, seen))
    tx.flush()
    return True


def standing_subjects(tx: Session) -> Sequence[tuple[uuid.UUID, str]]:
    """Centres and subjects of which the share of bad answers is watched because an alarm stands."""
    query = select(Alarm.centre_id, Alarm.subject).where(Alarm.kind == BAD_ANSWERS, Alarm.over_on.is_(None))
    return [(centre_id, subject) for centre_id, subject in tx.execute(query)]


def listed(tx: Session, centres: Collection[uuid.UUID], *, since: date | None = None) -> list[AlarmCard]:
    """Alarms that stand, those nobody has acknowledged first; with ``since`` also those over since then."""
    shown = Alarm.over_on.is_(None) if since is None else or_(Alarm.over_on.is_(None), Alarm.over_on >= since)
    query = (
        select(Alarm, Centre)
        .join(Centre, Centre.id == Alarm.centre_id)
        .where(Alarm.centre_id.in_(centres), Alarm.kind == BAD_ANSWERS, shown)
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


def take_untold(tx: Session, centre_id: uuid.UUID) -> list[AlarmCard]:
    """Alarms that no letter has told of and that wait for somebody; from now on they count as told."""
    untold = select(Alarm.id).where(Alarm.centre_id == centre_id, Alarm.kind == BAD_ANSWERS, ~Alarm.told)
    new = set(tx.scalars(untold))
    cards = [card for card in listed(tx, [centre_id]) if card.id in new and card.is_open]
    tx.execute(update(Alarm).where(Alarm.centre_id == centre_id, Alarm.id.in_(new)).values(told=True))
    return cards


def hold(tx: Session, centre_id: uuid.UUID, alarm_id: uuid.UUID) -> Alarm | None:
    """The alarm, held until the transaction ends."""
    query = select(Alarm).where(Alarm.centre_id == centre_id, Alarm.id == alarm_id, Alarm.kind == BAD_ANSWERS)
    return tx.scalar(query.with_for_update())


def acknowledge(alarm: Alarm, by: str, note: str, now: datetime) -> None:
    """Somebody deals with it; it stands until it is over."""
    alarm.acknowledged_at, alarm.acknowledged_by, alarm.note = now, by, note or None


def _standing(tx: Session, centre_id: uuid.UUID, subject: str) -> Alarm | None:
    query = select(Alarm).where(
        Alarm.centre_id == centre_id,
        Alarm.kind == BAD_ANSWERS,
        Alarm.subject == subject,
        Alarm.over_on.is_(None),
    )
    return tx.scalar(query.with_for_update())


def _alarm(centre_id: uuid.UUID, subject: str, seen: Evidence) -> Alarm:
    return Alarm(
        centre_id=centre_id,
        id=uuid.uuid4(),
        kind=BAD_ANSWERS,
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
    """Open before acknowledged before over; then what was noticed last, the centre first."""
    return (
        card.over_on is not None,
        card.acknowledged_at is not None,
        -card.noticed.toordinal(),
        card.service is not None,
        card.service or "",
        str(card.id),
    )
