"""Whether data may be deleted because it is old: not while this machine's clock may be years ahead.

Nobody notices such a clock before everything is gone. So the clock is compared with the newest instant that people
and their programs left in the database. What the worker itself writes does not count, because it has the same clock.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log
from feedback_service.access.audit_log import COMMAND_LINE, INSTALLATION_CHAIN
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Conflict
from feedback_service.logs import log
from feedback_service.models import ApiKey, Centre, Device, DraftAnswer, Invitation, JournalEntry, Response, UserSession

MAX_LEAD = timedelta(days=60)  # of the clock, ahead of the newest instant in the database
REFUSED, RESUMED = "purge_refused", "purge_resumed"  # actions of the audit log


class PurgeRefused(Conflict):
    """The clock is too far ahead."""

    slug = "purge-refused"
    title = N_("Nothing is deleted, because the clock of this machine may be wrong")

    def __init__(self, newest: datetime, now: datetime) -> None:
        sentence = N_(
            "Nothing was deleted: the clock of this machine says %(now)s, and the newest entry in the database is of "
            "%(newest)s."
        )
        super().__init__(sentence, now=f"{now:%Y-%m-%d}", newest=f"{newest:%Y-%m-%d}")


def may_purge() -> bool:
    """Whether old data may be deleted. If not, say so in the log, and once in the audit log."""
    try:
        require_permission()
    except PurgeRefused:
        return False
    return True


def require_permission() -> None:
    """Raise ``PurgeRefused`` if the clock is too far ahead; say so in the log, and once in the audit log."""
    now, newest = clock.now(), _find_newest_instant()
    is_refused = newest is not None and now - newest > MAX_LEAD
    if is_refused != is_purge_refused():
        _note_change(f"{now:%Y-%m-%d} {newest or now:%Y-%m-%d}", is_refused=is_refused)
    if is_refused and newest is not None:
        log.critical("nothing is deleted: the clock may be wrong", clock=now.isoformat(), newest=newest.isoformat())
        raise PurgeRefused(newest, now)


def is_refused_in(tx: Session) -> bool:
    """Whether the worker refused to delete when it last looked."""
    query = select(JournalEntry.action).where(
        JournalEntry.chain == INSTALLATION_CHAIN, JournalEntry.action.in_((REFUSED, RESUMED))
    )
    return tx.scalar(query.order_by(JournalEntry.number.desc()).limit(1)) == REFUSED


is_purge_refused = reading(is_refused_in)


@transaction
def _note_change(tx: Session, days: str, *, is_refused: bool) -> None:
    if is_refused != is_refused_in(tx):  # another duty may have been first
        action = REFUSED if is_refused else RESUMED
        audit_log.append_entry(tx, [INSTALLATION_CHAIN], COMMAND_LINE, action, days, clock.now())


@reading
def _find_newest_instant(tx: Session) -> datetime | None:
    """Return the newest instant that somebody else than the worker left, or ``None`` if there is none."""
    # For each centre an index gives the newest day; a maximum over all rows would read all of them.
    newest_issue = select(func.max(Invitation.issued_on)).where(Invitation.centre_id == Centre.id)
    newest_answer = select(func.max(Response.answered_on)).where(Response.centre_id == Centre.id)
    days: list[date | None] = [
        tx.scalar(select(func.max(newest_issue.correlate(Centre).scalar_subquery())).select_from(Centre)),
        tx.scalar(select(func.max(newest_answer.correlate(Centre).scalar_subquery())).select_from(Centre)),
        tx.scalar(select(func.max(ApiKey.last_used_on))),
    ]
    instants: list[datetime | None] = [
        tx.scalar(select(func.max(column)))
        for column in (Device.seen_at, UserSession.seen_at, DraftAnswer.touched_at, ApiKey.created_at)
    ]
    known = [clock.end_of_kyiv_day(day) for day in days if day] + [instant for instant in instants if instant]
    return max(known, default=None)
