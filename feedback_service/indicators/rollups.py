"""Daily roll-ups: a closed day is recounted whole from the answers; an open one is counted live."""

import uuid
from datetime import date

from sqlalchemy.orm import Session

from feedback_service.models import CountedDay


def reopen(tx: Session, centre_id: uuid.UUID, day: date, *, today: date) -> None:
    """Count this day live again until it is recounted: an answer came late, or was taken back.

    The row is touched even while another worker closes the day: who comes second waits and has the last word.
    """
    if day < today:
        tx.merge(CountedDay(centre_id=centre_id, day=day, closed=False))
        tx.flush()
