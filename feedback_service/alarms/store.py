"""Alarms about bad answers, in the database.

An alarm is raised once for a subject (the whole centre or one service). It is *open* until its end: the worker
updates its numbers and ends it when bad answers are no longer too frequent. Somebody may acknowledge it meanwhile.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import alarm_rows
from feedback_service.models import Alarm
from feedback_service.vocabulary import BAD_ANSWERS


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a subject has an alarm: of ``n`` answers since the day ``since``, ``bad`` are bad.

    ``noticed`` is the day on which the limit was exceeded.
    """

    since: date
    noticed: date
    n: int
    bad: int


def raise_or_close(tx: Session, centre_id: uuid.UUID, subject: str, evidence: Evidence | None, today: date) -> bool:
    """Raise, update or end the alarm about a subject, and return whether a new alarm was raised.

    ``evidence`` of ``None`` ends an open alarm. Evidence that was noticed before the last alarm about the subject
    was raised belongs to that alarm, and raises no second one.
    """
    alarm = alarm_rows.lock_open_alarm(tx, centre_id, BAD_ANSWERS, subject)
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
    alarm_rows.add_alarm(tx, centre_id, BAD_ANSWERS, subject, **asdict(evidence))
    return True


def list_open_subjects(tx: Session) -> Sequence[tuple[uuid.UUID, str]]:
    """List the centres and subjects that have an open alarm."""
    query = select(Alarm.centre_id, Alarm.subject).where(Alarm.kind == BAD_ANSWERS, Alarm.over_on.is_(None))
    return [(centre_id, subject) for centre_id, subject in tx.execute(query)]
