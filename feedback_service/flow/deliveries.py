"""Operators and case systems read the state of deliveries, and have a refused event sent again."""

import base64
import binascii
import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log
from feedback_service.access.audit_log import Actor
from feedback_service.config import current_settings
from feedback_service.database import reading, transaction
from feedback_service.delivery import status
from feedback_service.delivery.status import DeliveryRow, DeliveryTotals, PageCursor
from feedback_service.errors import N_, Conflict, NotFound
from feedback_service.models import Centre, Event
from feedback_service.sealing import Seal, make_seal


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    """How many events are in which state, and the first refused ones; ``more`` says whether there are others.

    ``channel_failing``: the central system takes nothing just now, whether it answers or not.
    """

    totals: DeliveryTotals
    channel_failing: bool
    refused: list[DeliveryRow]
    more: bool


count_deliveries = reading(status.count_deliveries)
list_deliveries = reading(status.list_deliveries)


@reading
def read_overview(tx: Session, centres: Collection[str], limit: int) -> DeliveriesPage:
    """Return what the page of deliveries shows, with at most ``limit`` refused events."""
    refused, next_cursor = status.list_deliveries(tx, centres, ["dead"], None, limit)
    totals, channel_failing = status.count_deliveries(tx, centres), status.is_channel_failing(tx)
    return DeliveriesPage(totals, channel_failing, refused, next_cursor is not None)


def seal_cursor(page_cursor: PageCursor) -> str:
    """Return the cursor as callers get it: it tells them nothing, and they cannot make one that jumps to an hour."""
    members = [page_cursor.state, page_cursor.centre_id.hex, page_cursor.created_at.isoformat(), page_cursor.id.hex]
    sealed = _cursor_seal().seal(json.dumps(members).encode(), b"")
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def open_cursor(cursor: str) -> PageCursor | None:
    """Return the cursor that ``seal_cursor`` sealed; ``None`` for any other text."""
    try:
        sealed = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    members = _cursor_seal().open(sealed, b"")
    if members is None:
        return None
    state, centre_id, created_at, event_id = json.loads(members)
    return PageCursor(state, uuid.UUID(centre_id), datetime.fromisoformat(created_at), uuid.UUID(event_id))


def _cursor_seal() -> Seal:
    return make_seal(current_settings().event_keys, "deliveries-cursor")


@transaction
def replay_event(tx: Session, event_id: uuid.UUID, centres: Collection[str], actor: Actor | None = None) -> DeliveryRow:
    """Make an event due now, whether it was refused (a dead letter) or waits; its content does not change.

    If a person asks for it (``actor``), the audit log of the centre gets an entry. Raises ``NotFound``, or ``Conflict``
    if the event was delivered.
    """
    delivery = status.find_delivery(tx, event_id, centres)
    if delivery is None:
        raise NotFound()
    if delivery.state == "delivered":
        raise Conflict(N_("It was delivered; there is nothing to send again."))
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == delivery.centre)).one()
    release_event = update(Event).where(Event.centre_id == centre_id, Event.id == event_id)
    release_event = release_event.where(Event.state != "delivered", Event.claim.is_(None))
    now = clock.now()
    due_at = case((Event.due_at < now, Event.due_at), else_=now)  # an earlier date keeps the event in its order
    tx.execute(
        release_event.values(state="pending", due_at=due_at, setbacks=0, reason=None),
        execution_options={"synchronize_session": False},
    )
    if actor is not None:
        audit_log.append_entry(tx, [centre_id], actor, "sent_again", f"{delivery.type} {event_id}", clock.now())
    return status.find_delivery(tx, event_id, centres) or delivery
