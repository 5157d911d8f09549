"""Rows of alarms and of the checks that lead to them, whatever their kind: bad answers or a serious breach.

The rooms ``alarms`` and ``breaches`` decide when an alarm is raised and when it ends. Nothing here leads to an answer.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from feedback_service.database import table_of
from feedback_service.models import Alarm, AlarmCheck, Centre, Service
from feedback_service.vocabulary import BREACH

WHOLE_CENTRE = ""  # the subject of an alarm about the centre itself
SHOWN_AFTER_END = timedelta(days=91)  # how long an alarm is shown after its end
_INSERT_CHECK = insert(table_of(AlarmCheck))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why there is an alarm: of ``n`` answers since the day ``since``, ``bad`` are bad; it was ``noticed`` on a day.

    ``without_case``: answers beside these that belong to no case, so that anybody could send any number of them.
    """

    since: date
    noticed: date
    n: int
    bad: int
    without_case: int = 0


@dataclass(frozen=True, slots=True)
class AlarmSummary:
    """An alarm as pages show it; without ``service`` and ``service_key`` when it is about the whole centre."""

    id: uuid.UUID
    kind: str
    centre: str
    centre_name: str
    service: str | None
    service_key: str | None
    since: date
    noticed: date
    n: int
    bad: int
    without_case: int
    over_on: date | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None

    @property
    def needs_attention(self) -> bool:
        """Whether nobody has acknowledged the alarm and it has not ended."""
        return self.over_on is None and self.acknowledged_at is None


def queue_check(
    connection: Connection, centre_id: uuid.UUID, kind: str, service_id: uuid.UUID | None, *, without_case: bool = False
) -> None:
    """Ask the worker to look at the centre and the service, because of an answer."""
    check = {"centre_id": centre_id, "id": uuid.uuid4(), "kind": kind, "service_id": service_id}
    connection.execute(_INSERT_CHECK, check | {"without_case": without_case})


def list_centres_to_check(tx: Session) -> list[tuple[uuid.UUID]]:
    """List the centres for which checks wait."""
    centres = select(AlarmCheck.centre_id).distinct().order_by(AlarmCheck.centre_id)
    return [(centre_id,) for centre_id in tx.scalars(centres)]


def list_waiting_checks(tx: Session, centre_id: uuid.UUID, limit: int) -> Sequence[AlarmCheck]:
    """List checks of the centre that wait for the worker."""
    query = select(AlarmCheck).where(AlarmCheck.centre_id == centre_id).order_by(AlarmCheck.id)
    return tx.scalars(query.limit(limit)).all()


def claim_checks(tx: Session, centre_id: uuid.UUID, ids: Collection[uuid.UUID]) -> int:
    """Remove the checks from the queue; return how many were still in it: another worker may have taken them."""
    statement = delete(AlarmCheck).where(AlarmCheck.centre_id == centre_id, AlarmCheck.id.in_(ids))
    return len(tx.scalars(statement.returning(AlarmCheck.id)).all())


def add_alarm(tx: Session, centre_id: uuid.UUID, kind: str, subject: str, evidence: Evidence) -> None:
    """Raise an alarm that no e-mail has reported."""
    tx.add(Alarm(centre_id=centre_id, id=uuid.uuid4(), kind=kind, subject=subject, **asdict(evidence)))
    tx.flush()


def lock_open_alarm(tx: Session, centre_id: uuid.UUID, kind: str, subject: str) -> Alarm | None:
    """Find the open alarm about a subject and lock it until the transaction ends."""
    query = select(Alarm).filter_by(centre_id=centre_id, kind=kind, subject=subject, over_on=None)
    return tx.scalar(query.with_for_update())


def lock_alarm(tx: Session, centre_id: uuid.UUID, alarm_id: uuid.UUID, kinds: Collection[str]) -> Alarm | None:
    """Find an alarm of one of the kinds and lock it until the transaction ends."""
    query = select(Alarm).where(Alarm.centre_id == centre_id, Alarm.id == alarm_id, Alarm.kind.in_(kinds))
    return tx.scalar(query.with_for_update())


def list_alarms(
    tx: Session, centres: Collection[uuid.UUID], kinds: Collection[str], *, since: date | None = None
) -> list[AlarmSummary]:
    """List the open alarms of the centres; with ``since`` also those that ended on that day or later.

    Open ones come first, then acknowledged, then ended ones; within each of these breaches before others, the latest
    first, and the whole centre before its services.
    """
    is_open = Alarm.over_on.is_(None)
    is_shown = is_open if since is None else or_(is_open, Alarm.over_on >= since)
    return _find_alarms(tx, and_(Alarm.centre_id.in_(centres), Alarm.kind.in_(kinds), is_shown))


def claim_for_email(tx: Session, centre_id: uuid.UUID, kind: str) -> list[AlarmSummary]:
    """Return the alarms that nobody has acknowledged and no e-mail has reported, and mark them as reported."""
    summaries = _find_alarms(tx, and_(Alarm.centre_id == centre_id, Alarm.kind == kind, ~Alarm.told))
    reported = update(Alarm).where(Alarm.centre_id == centre_id, Alarm.id.in_([alarm.id for alarm in summaries]))
    tx.execute(reported.values(told=True))
    return [alarm for alarm in summaries if alarm.needs_attention]


def _find_alarms(tx: Session, condition: ColumnElement[bool]) -> list[AlarmSummary]:
    query = select(Alarm, Centre).join(Centre, Centre.id == Alarm.centre_id).where(condition)
    rows = [(alarm, centre) for alarm, centre in tx.execute(query)]
    service_query = select(Service).where(
        Service.centre_id.in_({centre.id for _, centre in rows}),
        Service.id.in_({uuid.UUID(alarm.subject) for alarm, _ in rows if alarm.subject}),
    )
    services = {str(service.id): service for service in tx.scalars(service_query)}
    summaries = (_summarise_alarm(alarm, centre, services.get(alarm.subject)) for alarm, centre in rows)
    return sorted(summaries, key=_sort_key)


def _summarise_alarm(alarm: Alarm, centre: Centre, service: Service | None) -> AlarmSummary:
    return AlarmSummary(
        id=alarm.id,
        kind=alarm.kind,
        centre=centre.code,
        centre_name=centre.name,
        service=service.title if service else None,
        service_key=(service.code or service.local_code) if service else None,
        since=alarm.since,
        noticed=alarm.noticed,
        n=alarm.n,
        bad=alarm.bad,
        without_case=alarm.without_case,
        over_on=alarm.over_on,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        note=alarm.note,
    )


def _sort_key(alarm: AlarmSummary) -> tuple[object, ...]:
    return (
        alarm.over_on is not None,
        alarm.acknowledged_at is not None,
        alarm.kind != BREACH,
        -alarm.noticed.toordinal(),
        alarm.service is not None,
        alarm.service or "",
        str(alarm.id),
    )
