"""Operators see how deliveries go, and have a refused event sent again."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log
from feedback_service.access.audit_log import Actor
from feedback_service.database import reading, transaction
from feedback_service.delivery import status
from feedback_service.delivery.status import DeliveryRow, DeliveryTotals, PageCursor
from feedback_service.errors import N_, Conflict, NotFound
from feedback_service.models import Centre, Event


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """How many events are in which state, and whether the central system cannot be reached just now."""

    totals: DeliveryTotals
    channel_paused: bool


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    """The status and the first refused events; ``more`` says that there are others."""

    status: DeliveryStatus
    refused: list[DeliveryRow]
    more: bool


@reading
def read_status(tx: Session, centres: Collection[str] | None = None) -> DeliveryStatus:
    """The status of these centres' events, or of all."""
    return _make_status(tx, centres)


@reading
def read_deliveries(
    tx: Session, centres: Collection[str], states: Collection[str], after: PageCursor | None, limit: int
) -> tuple[list[DeliveryRow], PageCursor | None]:
    """The next deliveries of these centres in these states, and where the list goes on; see ``overview.page``."""
    return status.read_page(tx, centres, states, after, limit)


@reading
def read_page(tx: Session, centres: Collection[str], limit: int) -> DeliveriesPage:
    """The page of deliveries with at most ``limit`` refused events."""
    refused, next_cursor = status.read_page(tx, centres, ["dead"], None, limit)
    return DeliveriesPage(_make_status(tx, centres), refused, next_cursor is not None)


@transaction
def replay_event(
    tx: Session, event_id: uuid.UUID, centres: Collection[str], actor: Actor | None = None
) -> DeliveryRow:
    """A dead letter waits for the relay again, as it was; one that waits already is due at once.

    A person who asks for it is in the centre's journal. Raises ``NotFound``, or ``Conflict`` for what was delivered.
    """
    delivery = status.find_delivery(tx, event_id, centres)
    if delivery is None:
        raise NotFound()
    if delivery.state == "delivered":
        raise Conflict(N_("It was delivered; there is nothing to send again."))
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == delivery.centre)).one()
    release_event = update(Event).where(Event.centre_id == centre_id, Event.id == event_id)
    release_event = release_event.where(Event.state != "delivered", Event.claim.is_(None))
    tx.execute(
        release_event.values(state="pending", due_at=clock.now(), setbacks=0, reason=None),
        execution_options={"synchronize_session": False},
    )
    if actor is not None:
        audit_log.append_entry(
            tx, [centre_id], actor, "sent_again", f"{delivery.type} {event_id}", clock.now()
        )
    return status.find_delivery(tx, event_id, centres) or delivery


def _make_status(tx: Session, centres: Collection[str] | None) -> DeliveryStatus:
    return DeliveryStatus(status.count_deliveries(tx, centres), status.is_channel_paused(tx))
