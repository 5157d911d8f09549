"""People read alarms and breaches of their centres, say what they do about them, and whether they want letters."""

import uuid
from datetime import date

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, roles, visibility
from feedback_service.access.sessions import CurrentUser
from feedback_service.alarms import email_outbox, store
from feedback_service.alarms.store import AlarmSummary
from feedback_service.breaches import store as breaches
from feedback_service.breaches.store import BREACH, BreachSummary
from feedback_service.database import reading, transaction
from feedback_service.errors import ChangedMeanwhile, Invalid, NotFound
from feedback_service.models.alarms import LONGEST_NOTE
from feedback_service.plain_text import UnusableText, read_text

Card = AlarmSummary | BreachSummary


def list_open_alarms(tx: Session, by: CurrentUser, centre: str | None = None) -> list[Card]:
    """Alarms that stand in the visitor's centres, or in one of them, as far as the visitor may read them.

    Those nobody has acknowledged come first, breaches before all. ``NotFound`` for a foreign centre.
    """
    return _listed(tx, by, centre)


open_alarms = reading(list_open_alarms)


@reading
def all_alarms(tx: Session, by: CurrentUser, centre: str | None = None) -> list[Card]:
    """The same, and after them those that were over within the last 91 days."""
    since = clock.kyiv_day(clock.now()) - store.SHOWN_AFTER_END
    return _listed(tx, by, centre, since=since)


@transaction
def acknowledge(tx: Session, by: CurrentUser, centre: str, alarm_id: uuid.UUID, note: str) -> None:
    """The visitor deals with the alarm, and says what is done; the journal knows that too.

    Raises ``NotFound``, ``Invalid`` for the note, ``ChangedMeanwhile`` when somebody was first.
    """
    card, now = visibility.visible_centres(tx, by.role, by.scopes).get_centre(centre), clock.now()
    alarm = store.lock_alarm(tx, card.id, alarm_id) if by.has_right(roles.ALARMS) else None
    breach = (
        breaches.lock_breach(tx, card.id, alarm_id)
        if by.has_right(roles.BREACHES) and alarm is None
        else None
    )
    found = alarm or breach
    if found is None:
        raise NotFound()
    said = _checked(note)
    if found.acknowledged_at is not None:
        raise ChangedMeanwhile()
    if breach is not None:
        breaches.acknowledge_breach(breach, by.email, said, now, clock.kyiv_day(now))
    else:
        store.acknowledge_alarm(found, by.email, said, now)
    # By its id: the journal is read by those, too, to whom nothing tells of breaches.
    audit_log.append_entry(tx, [card.id], by.actor, "alarm_acknowledged", str(alarm_id), now)


@reading
def wants_letters(tx: Session, by: CurrentUser) -> bool:
    """Whether the visitor gets letters about alarms."""
    return email_outbox.wants_emails(tx, by.user_id)


@transaction
def want_letters(tx: Session, by: CurrentUser, wanted: bool) -> None:
    """The visitor gets letters about alarms from now on, or none."""
    email_outbox.set_email_preference(tx, by.user_id, wanted)


def _listed(tx: Session, by: CurrentUser, centre: str | None, *, since: date | None = None) -> list[Card]:
    centres, found = _centres(tx, by, centre), list[Card]()
    if by.has_right(roles.BREACHES):
        found += breaches.list_for_centres(tx, centres, since=since)
    if by.has_right(roles.ALARMS):
        found += store.list_for_centres(tx, centres, since=since)
    return sorted(found, key=_order)


def _order(card: Card) -> tuple[object, ...]:
    """Open before acknowledged before over; breaches first, then what was noticed last, the centre first."""
    return (
        card.over_on is not None,
        card.acknowledged_at is not None,
        card.kind != BREACH,
        -card.noticed.toordinal(),
        card.service is not None,
        card.service or "",
        str(card.id),
    )


def _centres(tx: Session, by: CurrentUser, centre: str | None) -> list[uuid.UUID]:
    seen = visibility.visible_centres(tx, by.role, by.scopes)
    return [card.id for card in ([seen.get_centre(centre)] if centre else seen.centres)]


def _checked(note: str) -> str:
    try:
        return read_text(note, LONGEST_NOTE)
    except UnusableText as wrong:
        raise Invalid.for_field("/note", wrong.message, **wrong.params) from None
