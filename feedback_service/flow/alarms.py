"""Staff read the alarms and breaches of their centres, acknowledge them, and choose whether to get e-mails."""

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


def read_open_alarms(tx: Session, current_user: CurrentUser, centre: str | None = None) -> list[Card]:
    """Return the standing alarms and breaches that the user may read, of all the user's centres or of one.

    Unacknowledged ones come first, breaches before alarms. Raises ``NotFound`` for a centre of others.
    """
    return _list_cards(tx, current_user, centre)


list_open_alarms = reading(read_open_alarms)


@reading
def list_all_alarms(tx: Session, current_user: CurrentUser, centre: str | None = None) -> list[Card]:
    """Return the standing ones and after them those that ended within the last 91 days."""
    since = clock.kyiv_day(clock.now()) - store.SHOWN_AFTER_END
    return _list_cards(tx, current_user, centre, since=since)


@transaction
def acknowledge_alarm(
    tx: Session, current_user: CurrentUser, centre: str, alarm_id: uuid.UUID, note: str
) -> None:
    """Acknowledge an alarm or a breach with a note on what is done about it, and write that into the audit log.

    Raises ``NotFound``, ``Invalid`` for the note, or ``ChangedMeanwhile`` if somebody else acknowledged it first.
    """
    now = clock.now()
    centre_summary = visibility.visible_centres(tx, current_user.role, current_user.scopes).get_centre(centre)
    alarm = (
        store.lock_alarm(tx, centre_summary.id, alarm_id) if current_user.has_right(roles.ALARMS) else None
    )
    breach = (
        breaches.lock_breach(tx, centre_summary.id, alarm_id)
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
        breaches.acknowledge_breach(breach, current_user.email, clean_note, now, clock.kyiv_day(now))
    else:
        store.acknowledge_alarm(alarm_or_breach, current_user.email, clean_note, now)
    # The entry names only the id: the audit log has readers who may not know of breaches.
    audit_log.append_entry(
        tx, [centre_summary.id], current_user.actor, "alarm_acknowledged", str(alarm_id), now
    )


@reading
def wants_alarm_emails(tx: Session, current_user: CurrentUser) -> bool:
    """Whether the user gets e-mails about alarms."""
    return email_outbox.wants_emails(tx, current_user.user_id)


@transaction
def set_alarm_emails(tx: Session, current_user: CurrentUser, wanted: bool) -> None:
    """Store whether the user gets e-mails about alarms."""
    email_outbox.set_email_preference(tx, current_user.user_id, wanted)


def _list_cards(
    tx: Session, current_user: CurrentUser, centre: str | None, *, since: date | None = None
) -> list[Card]:
    centre_ids, cards = _list_centre_ids(tx, current_user, centre), list[Card]()
    if current_user.has_right(roles.BREACHES):
        cards += breaches.list_for_centres(tx, centre_ids, since=since)
    if current_user.has_right(roles.ALARMS):
        cards += store.list_for_centres(tx, centre_ids, since=since)
    return sorted(cards, key=_sort_key)


def _sort_key(card: Card) -> tuple[object, ...]:
    """Open, then acknowledged, then ended; breaches first; the latest first; the whole centre before its services."""
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
    except UnusableText as error:
        raise Invalid.for_field("/note", error.message, **error.params) from None
