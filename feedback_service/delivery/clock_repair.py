"""Repairs what a wrong clock has done: events and centres would wait for dates in the far future."""

import uuid

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import reading, transaction
from feedback_service.delivery.retry_policy import FAR_AHEAD
from feedback_service.logs import log
from feedback_service.models import Centre, Event, EventSequence, ReceiverChannel


def correct_future_times() -> None:
    """Make events due at once that wait for longer than any wait lasts: a wrong clock has set their dates."""
    if _has_future_claim():
        _correct_claim_times()
    for centre_id in _list_centres_with_far_events():
        _correct_event_times(centre_id)


@reading
def _has_future_claim(tx: Session) -> bool:
    query = select(EventSequence.centre_id).where(EventSequence.claimed_at > clock.now() + FAR_AHEAD)
    return tx.scalar(query.limit(1)) is not None


@transaction
def _correct_claim_times(tx: Session) -> None:
    """Correct the dates at which centres were last served, and end a wait of the channel that such a clock set."""
    now = clock.now()
    for statement in (
        update(EventSequence).where(EventSequence.claimed_at > now + FAR_AHEAD).values(claimed_at=now),
        update(ReceiverChannel).where(ReceiverChannel.retry_at > now).values(retry_at=now),
    ):
        tx.execute(statement, execution_options={"synchronize_session": False})
    log.warning("the channel was paused by a clock that was wrong")


@reading
def _list_centres_with_far_events(tx: Session) -> list[uuid.UUID]:
    limit = clock.now() + FAR_AHEAD
    far_events = select(Event.id).where(Event.centre_id == Centre.id, Event.due_at > limit)
    return list(tx.scalars(select(Centre.id).where(far_events.correlate(Centre).exists())))


@transaction
def _correct_event_times(tx: Session, centre_id: uuid.UUID) -> None:
    now = clock.now()
    statement = update(Event).where(Event.centre_id == centre_id, Event.due_at > now + FAR_AHEAD)
    tx.execute(statement.values(due_at=now), execution_options={"synchronize_session": False})
    log.warning("events were put off by a clock that was wrong", centre_id=str(centre_id))
