"""Alarms about bad answers, in the database.

An alarm is raised once for a subject (the whole centre or one service). It is *open* until its end: the worker
updates its numbers and ends it when bad answers are no longer too frequent. Somebody may acknowledge it meanwhile.
"""

import uuid
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import alarm_rows
from feedback_service.alarm_rows import Evidence
from feedback_service.models import Alarm
from feedback_service.vocabulary import BAD_ANSWERS


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
    query = select(Alarm.id).filter_by(centre_id=centre_id, kind=BAD_ANSWERS, subject=subject)
    if tx.scalars(query.where(Alarm.noticed >= evidence.noticed).limit(1)).first():
        return False
    alarm_rows.add_alarm(tx, centre_id, BAD_ANSWERS, subject, evidence)
    return True


def find_open_subjects(tx: Session) -> dict[uuid.UUID, set[uuid.UUID | None]]:
    """Return the services with an open alarm, by centre; ``None`` stands for the whole centre."""
    subjects: dict[uuid.UUID, set[uuid.UUID | None]] = {}
    for centre_id, subject in tx.execute(
        select(Alarm.centre_id, Alarm.subject).filter_by(kind=BAD_ANSWERS, over_on=None)
    ):
        subjects.setdefault(centre_id, set()).add(uuid.UUID(subject) if subject else None)
    return subjects
