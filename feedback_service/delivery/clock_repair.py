"""Repairs what a wrong clock has done: events and the channel would wait for dates in the far future."""

import uuid
from datetime import timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import reading, transaction
from feedback_service.delivery.retry_policy import FAR_AHEAD
from feedback_service.logs import log
from feedback_service.models import Centre, Event, ReceiverChannel


def correct_future_times() -> None:
    """Make events due at once that wait for longer than any wait lasts: a wrong clock has set their dates."""
    if _was_tried_in_future():
        _end_wait_of_channel()
    for centre_id in _list_centres_with_far_events():
        _correct_event_times(centre_id)


@reading
def _was_tried_in_future(tx: Session) -> bool:
    query = select(ReceiverChannel.name).where(ReceiverChannel.tried_at > clock.now() + FAR_AHEAD)
    return tx.scalar(query.limit(1)) is not None


@transaction
def _end_wait_of_channel(tx: Session) -> None:
    """Let the receiver be tried at once: a wrong clock has set the date."""
    now = clock.now()
    future = ReceiverChannel.tried_at > now + FAR_AHEAD
    for statement in (
        update(ReceiverChannel).where(future, ReceiverChannel.retry_at > now).values(retry_at=now),
        update(ReceiverChannel).where(future).values(tried_at=now),
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
    """Make the centre's events due now, in their order: only their dates keep it until they are numbered."""
    now = clock.now()
    far = select(Event.id).where(Event.centre_id == centre_id, Event.due_at > now + FAR_AHEAD)
    ids = tx.scalars(far.order_by(Event.due_at, Event.type, Event.id).with_for_update()).all()
    if not ids:
        return
    statement = update(Event).where(Event.centre_id == centre_id, Event.id == bindparam("event"))
    dates = [
        {"event": event_id, "due": now - timedelta(microseconds=later)} for later, event_id in enumerate(reversed(ids))
    ]
    tx.connection().execute(statement.values(due_at=bindparam("due")), dates)
    log.warning("events were put off by a clock that was wrong", centre_id=str(centre_id))
