"""Staff read the alarms and breaches of their centres, acknowledge them, and choose whether to get e-mails."""

import uuid
from datetime import date

from sqlalchemy.orm import Session

from feedback_service import alarm_rows, clock
from feedback_service.access import audit_log, roles, visibility
from feedback_service.access.sessions import CurrentUser
from feedback_service.alarm_rows import AlarmSummary
from feedback_service.alarms import email_outbox
from feedback_service.database import reading, transaction
from feedback_service.errors import ChangedMeanwhile, NotFound
from feedback_service.models.alarms import LONGEST_NOTE
from feedback_service.plain_text import read_text, refuse_unusable
from feedback_service.vocabulary import BAD_ANSWERS, BREACH

RIGHT_BY_KIND = {BAD_ANSWERS: roles.ALARMS, BREACH: roles.BREACHES}


def read_open_alarms(
    tx: Session, current_user: CurrentUser, centre: str | None = None, *, since: date | None = None
) -> list[AlarmSummary]:
    """Return the open alarms and breaches that the user may read, of all the user's centres or of one.

    With ``since`` also those that ended on that day or later. Unacknowledged ones come first, breaches before alarms.
    Raises ``NotFound`` for a centre of others.
    """
    visible = visibility.find_visibility(tx, current_user)
    centre_ids = [visible.get_centre(centre).id] if centre else list(visible.ids_by_code.values())
    return alarm_rows.list_alarms(tx, centre_ids, _readable_kinds(current_user), since=since)


@reading
def list_all_alarms(tx: Session, current_user: CurrentUser, centre: str | None = None) -> list[AlarmSummary]:
    """Return the open ones and after them those that ended within the last 91 days."""
    since = clock.kyiv_day(clock.now()) - alarm_rows.SHOWN_AFTER_END
    return read_open_alarms(tx, current_user, centre, since=since)


@transaction
def acknowledge_alarm(tx: Session, current_user: CurrentUser, centre: str, alarm_id: uuid.UUID, note: str) -> None:
    """Acknowledge an alarm or a breach with a note on what is done about it, and write that into the audit log.

    This ends a breach; an alarm stays open until bad answers are no longer too frequent.
    Raises ``NotFound``, ``Invalid`` for the note, or ``ChangedMeanwhile`` if somebody else acknowledged it first.
    """
    now = clock.now()
    centre_id = visibility.find_visibility(tx, current_user).get_centre(centre).id
    alarm = alarm_rows.lock_alarm(tx, centre_id, alarm_id, _readable_kinds(current_user))
    if alarm is None:
        raise NotFound()
    with refuse_unusable("/note"):
        clean_note = read_text(note, LONGEST_NOTE)
    if alarm.acknowledged_at is not None:
        raise ChangedMeanwhile()
    alarm.acknowledged_at, alarm.acknowledged_by, alarm.note = now, current_user.email, clean_note or None
    if alarm.kind == BREACH:
        alarm.over_on = clock.kyiv_day(now)
    # The entry names only the id: the audit log has readers who may not know of breaches.
    audit_log.append_entry(tx, [centre_id], current_user.actor, "alarm_acknowledged", str(alarm_id), now)


@reading
def wants_alarm_emails(tx: Session, current_user: CurrentUser) -> bool:
    """Whether the user gets e-mails about alarms."""
    return email_outbox.wants_emails(tx, current_user.user_id)


@transaction
def set_alarm_emails(tx: Session, current_user: CurrentUser, wanted: bool) -> None:
    """Store whether the user gets e-mails about alarms."""
    email_outbox.set_email_preference(tx, current_user.user_id, wanted)


def _readable_kinds(current_user: CurrentUser) -> list[str]:
    return [kind for kind, right in RIGHT_BY_KIND.items() if current_user.has_right(right)]
