"""Whoever looks after deliveries has an event sent again."""

import uuid
from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import journal
from feedback_service.access.journal import Actor
from feedback_service.database import transaction
from feedback_service.delivery import overview
from feedback_service.delivery.overview import Delivery
from feedback_service.errors import N_, Conflict, NotFound
from feedback_service.models import Centre, Event


@transaction
def replay(tx: Session, event_id: uuid.UUID, centres: Collection[str], by: Actor | None = None) -> Delivery:
    """A dead letter waits for the relay again, as it was; one that waits already is due at once.

    A person who asks for it is in the centre's journal. Raises ``NotFound``, or ``Conflict`` for what was delivered.
    """
    found = overview.find(tx, event_id, centres)
    if found is None:
        raise NotFound()
    if found.state == "delivered":
        raise Conflict(N_("It was delivered; there is nothing to send again."))
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == found.centre)).one()
    again = update(Event).where(Event.centre_id == centre_id, Event.id == event_id)
    again = again.where(Event.state != "delivered", Event.claim.is_(None))
    tx.execute(
        again.values(state="pending", due_at=clock.now(), setbacks=0, reason=None),
        execution_options={"synchronize_session": False},
    )
    if by is not None:
        journal.note(tx, [centre_id], by, "sent_again", f"{found.type} {event_id}", clock.now())
    return overview.find(tx, event_id, centres) or found
