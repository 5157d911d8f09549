"""People read alarms and breaches of their centres, say what they do about them, and whether they want letters."""

import uuid
from datetime import date

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, roles, visibility
from feedback_service.access.sessions import CurrentUser
from feedback_service.alarms import email_outbox, store
from feedback_service.alarms.store import AlarmCard
from feedback_service.breaches import store as breaches
from feedback_service.breaches.store import BREACH, BreachCard
from feedback_service.database import reading, transaction
from feedback_service.errors import ChangedMeanwhile, Invalid, NotFound
from feedback_service.models.alarms import LONGEST_NOTE
from feedback_service.plain_text import UnusableText, read_text

Card = AlarmCard | BreachCard


def read_open_alarms(tx: Session, current_user: CurrentUser, centre: str | None = None) -> list[Card]:
    """Alarms that stand in the visitor's centres, or in one of them, as far as the visitor may read them.

    Those nobody has acknowledged come first, breaches before all. ``NotFound`` for a foreign centre.
    """
    return _list_cards(tx, current_user, centre)


list_open_alarms = reading(read_open_alarms)


@reading
def list_all_alarms(tx: Session, current_user: CurrentUser, centre: str | None = None) -> list[Card]:
    """The same, and after them those that were over within the last 91 days."""
    since = clock.kyiv_day(clock.now()) - store.REMEMBERED
    return _list_cards(tx, current_user, centre, since=since)


@transaction
def acknowledge_alarm(
    tx: Session, current_user: CurrentUser, centre: str, alarm_id: uuid.UUID, note: str
) -> None:
    """The visitor deals with the alarm, and says what is done; the journal knows that too.

    Raises ``NotFound``, ``Invalid`` for the note, ``ChangedMeanwhile`` when somebody was first.
    """
    centre_summary, now = (
        visibility.visible_centres(tx, current_user.role, current_user.scopes).get_centre(centre),
        clock.now(),
    )
    alarm = store.hold(tx, centre_summary.id, alarm_id) if current_user.has_right(roles.ALARMS) else None
    breach = (
        breaches.hold(tx, centre_summary.id, alarm_id)
        if current_user.has_right(roles.BREACHES) and alarm is None
        else None
    )
    alarm_or_breach = alarm or breach
    if alarm_or_breach is None:
        raise NotFound()
    clean_note = _clean_note(note)
    if alarm_or_breach.acknowledged_at is not None:
        raise ChangedMeanwhile()
    if breach is not None:
        breaches.acknowledge(breach, current_user.email, clean_note, now, clock.kyiv_day(now))
    else:
        store.acknowledge(alarm_or_breach, current_user.email, clean_note, now)
    # By its id: the journal is read by those, too, to whom nothing tells of breaches.
    audit_log.append_entry(
        tx, [centre_summary.id], current_user.actor, "alarm_acknowledged", str(alarm_id), now
    )


@reading
def wants_alarm_emails(tx: Session, current_user: CurrentUser) -> bool:
    """Whether the visitor gets letters about alarms."""
    return email_outbox.wants_emails(tx, current_user.user_id)


@transaction
def set_alarm_emails(tx: Session, current_user: CurrentUser, wanted: bool) -> None:
    """The visitor gets letters about alarms from now on, or none."""
    email_outbox.set_email_preference(tx, current_user.user_id, wanted)


def _list_cards(
    tx: Session, current_user: CurrentUser, centre: str | None, *, since: date | None = None
) -> list[Card]:
    centre_ids, cards = _list_centre_ids(tx, current_user, centre), list[Card]()
    if current_user.has_right(roles.BREACHES):
        cards += breaches.listed(tx, centre_ids, since=since)
    if current_user.has_right(roles.ALARMS):
        cards += store.listed(tx, centre_ids, since=since)
    return sorted(cards, key=_sort_key)


def _sort_key(card: Card) -> tuple[object, ...]:
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


def _list_centre_ids(tx: Session, current_user: CurrentUser, centre: str | None) -> list[uuid.UUID]:
    visible = visibility.visible_centres(tx, current_user.role, current_user.scopes)
    return [
        centre_summary.id for centre_summary in ([visible.get_centre(centre)] if centre else visible.centres)
    ]


def _clean_note(note: str) -> str:
    try:
        return read_text(note, LONGEST_NOTE)
    except UnusableText as wrong:
        raise Invalid.for_field("/note", wrong.message, **wrong.params) from None
