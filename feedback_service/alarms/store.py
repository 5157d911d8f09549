"""Alarms about bad answers, in the database.

An alarm is raised once for a subject (the whole centre or one service). It is *open* until its end: the worker
updates its numbers and ends it when bad answers are no longer too frequent. Somebody may acknowledge it meanwhile.
Nothing here leads to an answer.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from feedback_service.database import table_of
from feedback_service.models import Alarm, AlarmCheck, Centre, Service

BAD_ANSWERS = "bad_answers"
WHOLE_CENTRE = ""  # the subject of an alarm about the centre itself
SHOWN_AFTER_END = timedelta(days=91)  # how long an alarm is shown after its end
_INSERT_CHECK = insert(table_of(AlarmCheck))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a subject has an alarm: of ``n`` answers since the day ``since``, ``bad`` are bad.

    ``noticed`` is the day on which the limit was exceeded.
    """

    since: date
    noticed: date
    n: int
    bad: int


@dataclass(frozen=True, slots=True)
class AlarmSummary:
    """An alarm as pages show it; without ``service`` and ``service_key`` when it is about the whole centre."""

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
    def needs_attention(self) -> bool:
        """Whether nobody has acknowledged the alarm and it has not ended."""
        return self.over_on is None and self.acknowledged_at is None


def queue_alarm_check(connection: Connection, centre_id: uuid.UUID, service_id: uuid.UUID | None) -> None:
    """Ask the worker to check the centre and the service, because an answer is bad."""
    check = {"centre_id": centre_id, "id": uuid.uuid4(), "kind": BAD_ANSWERS, "service_id": service_id}
    connection.execute(_INSERT_CHECK, check)


def list_waiting_checks(tx: Session, limit: int) -> Sequence[AlarmCheck]:
    """List the checks that wait for the worker, grouped by centre."""
    query = (
        select(AlarmCheck).where(AlarmCheck.kind == BAD_ANSWERS).order_by(AlarmCheck.centre_id, AlarmCheck.id)
    )
    return tx.scalars(query.limit(limit)).all()


def claim_checks(tx: Session, centre_id: uuid.UUID, ids: Collection[uuid.UUID]) -> None:
    """Remove the checks from the queue."""
    tx.execute(delete(AlarmCheck).where(AlarmCheck.centre_id == centre_id, AlarmCheck.id.in_(ids)))


def raise_or_close(
    tx: Session, centre_id: uuid.UUID, subject: str, evidence: Evidence | None, today: date
) -> bool:
    """Raise, update or end the alarm about a subject, and return whether a new alarm was raised.

    ``evidence`` of ``None`` ends an open alarm. Evidence that was noticed before the last alarm about the subject
    was raised belongs to that alarm, and raises no second one.
    """
    alarm = _lock_open_alarm(tx, centre_id, subject)
    if evidence is None:
        if alarm is not None:
            alarm.over_on = today
        return False
    if alarm is not None:
        alarm.since, alarm.n, alarm.bad = evidence.since, evidence.n, evidence.bad
        return False
    same_subject = (Alarm.centre_id == centre_id, Alarm.kind == BAD_ANSWERS, Alarm.subject == subject)
    query = select(Alarm.id).where(*same_subject, Alarm.noticed >= evidence.noticed).limit(1)
    if tx.scalars(query).first():
        return False
    tx.add(_make_alarm(centre_id, subject, evidence))
    tx.flush()
    return True


def list_open_subjects(tx: Session) -> Sequence[tuple[uuid.UUID, str]]:
    """List the centres and subjects that have an open alarm."""
    query = select(Alarm.centre_id, Alarm.subject).where(Alarm.kind == BAD_ANSWERS, Alarm.over_on.is_(None))
    return [(centre_id, subject) for centre_id, subject in tx.execute(query)]


def list_for_centres(
    tx: Session, centres: Collection[uuid.UUID], *, since: date | None = None
) -> list[AlarmSummary]:
    """List the open alarms of the centres, alarms that nobody has acknowledged first.

    With ``since``, the list also has the alarms that ended on that day or later.
    """
    condition = Alarm.over_on.is_(None)
    query = (
        select(Alarm, Centre)
        .join(Centre, Centre.id == Alarm.centre_id)
        .where(
            Alarm.centre_id.in_(centres),
            Alarm.kind == BAD_ANSWERS,
            condition if since is None else or_(condition, Alarm.over_on >= since),
        )
    )
    rows: list[tuple[Alarm, Centre]] = [(alarm, centre) for alarm, centre in tx.execute(query)]
    subjects = {uuid.UUID(alarm.subject) for alarm, _ in rows if alarm.subject}
    services = {
        service.id: service
        for service in tx.scalars(
            select(Service).where(Service.centre_id.in_(centres), Service.id.in_(subjects))
        )
    }
    summaries = [_summarise_alarm(alarm, centre, services) for alarm, centre in rows]
    return sorted(summaries, key=_sort_key)


def claim_for_email(tx: Session, centre_id: uuid.UUID) -> list[AlarmSummary]:
    """Return the alarms that nobody has acknowledged and no e-mail has reported, and mark them as reported."""
    query = select(Alarm.id).where(Alarm.centre_id == centre_id, Alarm.kind == BAD_ANSWERS, ~Alarm.told)
    ids = set(tx.scalars(query))
    summaries = [
        summary
        for summary in list_for_centres(tx, [centre_id])
        if summary.id in ids and summary.needs_attention
    ]
    tx.execute(update(Alarm).where(Alarm.centre_id == centre_id, Alarm.id.in_(ids)).values(told=True))
    return summaries


def lock_alarm(tx: Session, centre_id: uuid.UUID, alarm_id: uuid.UUID) -> Alarm | None:
    """Find the alarm and lock it until the transaction ends."""
    query = select(Alarm).where(Alarm.centre_id == centre_id, Alarm.id == alarm_id, Alarm.kind == BAD_ANSWERS)
    return tx.scalar(query.with_for_update())


def acknowledge_alarm(alarm: Alarm, by: str, note: str, now: datetime) -> None:
    """Record who acknowledged the alarm and what they wrote; the alarm stays open until it ends."""
    alarm.acknowledged_at, alarm.acknowledged_by, alarm.note = now, by, note or None


def _lock_open_alarm(tx: Session, centre_id: uuid.UUID, subject: str) -> Alarm | None:
    query = select(Alarm).where(
        Alarm.centre_id == centre_id,
        Alarm.kind == BAD_ANSWERS,
        Alarm.subject == subject,
        Alarm.over_on.is_(None),
    )
    return tx.scalar(query.with_for_update())


def _make_alarm(centre_id: uuid.UUID, subject: str, evidence: Evidence) -> Alarm:
    return Alarm(
        centre_id=centre_id,
        id=uuid.uuid4(),
        kind=BAD_ANSWERS,
        subject=subject,
        since=evidence.since,
        noticed=evidence.noticed,
        n=evidence.n,
        bad=evidence.bad,
        told=False,
    )


def _summarise_alarm(alarm: Alarm, centre: Centre, services: dict[uuid.UUID, Service]) -> AlarmSummary:
    service = services.get(uuid.UUID(alarm.subject)) if alarm.subject else None
    return AlarmSummary(
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


def _sort_key(summary: AlarmSummary) -> tuple[object, ...]:
    """Sort by state (open, acknowledged, ended), then by day, latest first; the whole centre before services."""
    return (
        summary.over_on is not None,
        summary.acknowledged_at is not None,
        -summary.noticed.toordinal(),
        summary.service is not None,
        summary.service or "",
        str(summary.id),
    )
