"""Operators see how deliveries go, and have a refused event sent again."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import journal
from feedback_service.access.journal import Actor
from feedback_service.database import reading, transaction
from feedback_service.delivery import overview
from feedback_service.delivery.overview import Delivery, Place, Sums
from feedback_service.errors import N_, Conflict, NotFound
from feedback_service.models import Centre, Event


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """How many events are in which state, and whether the central system cannot be reached just now."""

    sums: Sums
    paused: bool


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    """The status and the first refused events; ``more`` says that there are others."""

    status: DeliveryStatus
    refused: list[Delivery]
    more: bool


@reading
def read_status(tx: Session, centres: Collection[str] | None = None) -> DeliveryStatus:
    """The status of these centres' events, or of all."""
    return _status(tx, centres)


@reading
def read_deliveries(
    tx: Session, centres: Collection[str], states: Collection[str], after: Place | None, limit: int
) -> tuple[list[Delivery], Place | None]:
    """The next deliveries of these centres in these states, and where the list goes on; see ``overview.page``."""
    return overview.page(tx, centres, states, after, limit)


@reading
def read_page(tx: Session, centres: Collection[str], limit: int) -> DeliveriesPage:
    """The page of deliveries with at most ``limit`` refused events."""
    refused, end = overview.page(tx, centres, ["dead"], None, limit)
    return DeliveriesPage(_status(tx, centres), refused, end is not None)


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


def _status(tx: Session, centres: Collection[str] | None) -> DeliveryStatus:
    return DeliveryStatus(overview.sums(tx, centres), overview.channel_paused(tx))
