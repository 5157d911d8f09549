"""Serious breaches, in the database: reported in an answer, open for a centre, acknowledged.

They are alarms of the kind ``breach``. A centre has at most one open breach, which counts the answers.
"""

import uuid
from datetime import date

from sqlalchemy.orm import Session

from feedback_service import alarm_rows
from feedback_service.alarm_rows import Evidence
from feedback_service.vocabulary import BREACH


def record_breach(tx: Session, centre_id: uuid.UUID, number: int, without_case: int, today: date) -> bool:
    """Count new reports for the centre's open breach, or for a new one; return whether an e-mail should tell of it.

    ``number`` of them belong to a case. Those that do not raise a breach too, but do not have it told again: anybody
    can send any number of them.
    """
    breach = alarm_rows.lock_open_alarm(tx, centre_id, BREACH, alarm_rows.WHOLE_CENTRE)
    if breach is None:
        evidence = Evidence(since=today, noticed=today, n=number, bad=number, without_case=without_case)
        alarm_rows.add_alarm(tx, centre_id, BREACH, alarm_rows.WHOLE_CENTRE, evidence)
        return True
    breach.n, breach.bad, breach.noticed = breach.n + number, breach.bad + number, today
    breach.without_case += without_case
    if number:
        breach.told = False
    return number > 0
