"""Duties of the worker that depend only on time. Any number of workers may do them at once.

    complete_abandoned_drafts     drafts that nobody continued become final responses
    close_days                    past days are recounted and their sums are stored
    purge_expired_data            comments and cases older than the retention period are deleted
    purge_refused_answers         what is known of answers that a tablet sent in vain is deleted
    purge_sessions_and_attempts   ended sessions and old counts of sign-in attempts are deleted
    blank_delivered_events        the content of events delivered long ago is deleted, their digest stays
    warn_of_overdue_events        the log names events whose content stays because nobody took them
    empty_write_log               deleted data leaves SQLite's log too

For an operator, ``recount_days`` counts all past days anew, and ``find_count_mismatches`` compares what is stored.
Nothing is deleted while the clock may be wrong, see ``purge_permission``.

``duties`` says how each of them works.
"""

import uuid
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import current_settings
from feedback_service.counts import closing, counted_days, verification
from feedback_service.database import reading, transaction, truncate_write_log
from feedback_service.delivery import outbox, status
from feedback_service.flow import purge_permission, sign_in
from feedback_service.flow.answers import submit_abandoned_drafts
from feedback_service.flow.duties import Stop, for_each_centre, never_stop, repeat_until_partial
from feedback_service.logs import log
from feedback_service.models import Case, Centre, Comment, DraftAnswer, Event, Invitation
from feedback_service.tablets import devices

ROWS_AT_ONCE = 100  # that one transaction deletes; on SQLite other writers wait meanwhile
DRAFTS_AT_ONCE = 50  # that one transaction completes
DAYS_AT_ONCE = 31  # that one transaction recounts
REFUSED_KEPT_FOR = timedelta(days=90)  # what is known of answers of tablets that were refused
LONGEST_RECORDING = timedelta(minutes=10)  # no transaction that records a response lasts so long


_close_days = transaction(closing.close_days)
_close_invitation_days = transaction(closing.close_invitation_days)
_count_overdue = reading(status.count_overdue)
_purge_refused_answers = transaction(devices.purge_refused_answers)
_reopen_all_days = transaction(counted_days.reopen_all_days)
find_count_mismatches = reading(verification.find_mismatches)


class PurgeCounts(NamedTuple):
    """How many comments and cases were deleted."""

    comments: int
    cases: int


def complete_abandoned_drafts(stop: Stop = never_stop) -> int:
    """Complete every draft that did not change for PARTIAL_MINUTES; return how many these are."""
    return repeat_until_partial(DRAFTS_AT_ONCE, stop, submit_abandoned_drafts, DRAFTS_AT_ONCE)


def close_days(stop: Stop = never_stop) -> int:
    """Recount and close every past day, and the invitations of days when all have expired; return how many days."""
    before = _earliest_unfinished_day()

    def close_days_of_centre(centre_id: uuid.UUID) -> int:
        days = repeat_until_partial(DAYS_AT_ONCE, stop, _close_days, centre_id, before=before, limit=DAYS_AT_ONCE)
        _close_days_of_invitations(stop, centre_id, before)
        return days

    return sum(for_each_centre(stop, _list_centres(), close_days_of_centre))


def recount_days(stop: Stop = never_stop) -> int:
    """Recount every past day from the responses, whatever was stored; return how many days.

    Sums of invitations stay if the invitations themselves may have been purged.
    """
    for_each_centre(stop, _list_centres(), _reopen_all_days)
    return close_days(stop)


def purge_expired_data(stop: Stop = never_stop) -> PurgeCounts:
    """Delete comments, invitations and their cases that are older than RETENTION_DAYS.

    The age of a comment counts from the day of its response. The age of an invitation counts from the day it was
    answered, or else from its last day; it stays until the sums of its day are stored, which happens when all
    invitations of that day have expired. Responses are never deleted. A case without an invitation stays, because
    it may still be completed.

    Nothing is deleted if the clock may be wrong.
    """
    if not purge_permission.may_purge():
        return PurgeCounts(0, 0)
    before = clock.kyiv_day(clock.now()) - timedelta(days=current_settings().retention_days)

    def purge_centre(centre_id: uuid.UUID) -> PurgeCounts:
        # Comments come first: they are deleted even if the sums fail.
        comments = repeat_until_partial(ROWS_AT_ONCE, stop, _purge_comments, centre_id, before)
        _close_days_of_invitations(stop, centre_id, _earliest_unfinished_day())
        cases = repeat_until_partial(ROWS_AT_ONCE, stop, _purge_cases, centre_id, before)
        return PurgeCounts(comments, cases)

    counts = for_each_centre(stop, _list_centres(), purge_centre)
    return PurgeCounts(sum(count.comments for count in counts), sum(count.cases for count in counts))


def blank_delivered_events(stop: Stop = never_stop) -> int:
    """Delete the content of events delivered more than 30 days ago; digest, number and type stay; return how many."""
    if not purge_permission.may_purge():
        return 0
    before = clock.truncate_to_hour(clock.now() - outbox.CONTENT_KEPT_FOR)  # ``delivered_at`` is a whole hour
    return repeat_until_partial(ROWS_AT_ONCE, stop, _blank_events, before)


def warn_of_overdue_events(stop: Stop = never_stop) -> int:
    """Warn of events that the central system has not taken for 30 days, because their content stays until it does."""
    overdue = 0 if stop() else _count_overdue()
    if overdue:
        days = outbox.CONTENT_KEPT_FOR.days
        log.warning(f"events are not acknowledged for {days} days, so their content is still stored", n=overdue)
    return 0


def empty_write_log(stop: Stop = never_stop) -> int:
    """Empty SQLite's write-ahead log, which still holds what was withdrawn, blanked or purged."""
    if not stop():
        truncate_write_log()
    return 0


def purge_sessions_and_attempts(stop: Stop = never_stop) -> int:
    """Delete ended sessions and old counts of wrong attempts; return how many rows."""
    if not purge_permission.may_purge():
        return 0
    return repeat_until_partial(1, stop, sign_in.purge_sessions_and_attempts, ROWS_AT_ONCE)


def purge_refused_answers(stop: Stop = never_stop) -> int:
    """Delete what is known of answers that were refused more than 90 days ago; return how many rows."""
    if not purge_permission.may_purge():
        return 0
    before = clock.kyiv_day(clock.now()) - min(REFUSED_KEPT_FOR, timedelta(days=current_settings().retention_days))
    return repeat_until_partial(ROWS_AT_ONCE, stop, _purge_refused_answers, before, ROWS_AT_ONCE)


@transaction
def _purge_comments(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    old = select(Comment.response_id).where(Comment.centre_id == centre_id, Comment.answered_on < before)
    ids = tx.scalars(old.limit(ROWS_AT_ONCE).with_for_update(of=Comment, skip_locked=True)).all()
    tx.execute(delete(Comment).where(Comment.centre_id == centre_id, Comment.response_id.in_(ids)))
    return len(ids)


@transaction
def _purge_cases(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    # Otherwise another worker could recount days whose invitations are deleted here.
    counted_days.lock_days(tx, centre_id)
    closed_until = counted_days.invitations_closed_until(tx, [centre_id]).get(centre_id, date.min)
    # A draft still becomes a response of its invitation, so such a case waits until that has happened.
    with_draft = select(DraftAnswer.invitation_id).where(DraftAnswer.centre_id == centre_id)
    old = select(Invitation.case_id, Invitation.issued_on).where(
        Invitation.centre_id == centre_id,
        Invitation.issued_on < before,  # implied by the answer's day; this column has an index
        Invitation.issued_on <= closed_until,
        func.coalesce(Invitation.answered_on, Invitation.last_day) < before,
        Invitation.id.not_in(with_draft),
    )
    rows = tx.execute(old.limit(ROWS_AT_ONCE).with_for_update(of=Invitation, skip_locked=True)).all()
    if rows:
        # Foreign keys delete the history and the invitations together with their case.
        cases = [case_id for case_id, _ in rows]
        tx.execute(delete(Case).where(Case.centre_id == centre_id, Case.id.in_(cases)))
        counted_days.record_purge(tx, centre_id, until=max(day for _, day in rows))
    return len(rows)


@transaction
def _blank_events(tx: Session, before: datetime) -> int:
    old = select(Event.centre_id, Event.id).where(Event.delivered_at < before, Event.body.is_not(None))
    rows = [tuple(row) for row in tx.execute(old.limit(ROWS_AT_ONCE).with_for_update(skip_locked=True))]
    blank = update(Event).where(tuple_(Event.centre_id, Event.id).in_(rows))
    tx.execute(blank.values(outbox.BLANK), execution_options={"synchronize_session": False})
    return len(rows)


def _close_days_of_invitations(stop: Stop, centre_id: uuid.UUID, before: date) -> None:
    limit = DAYS_AT_ONCE
    repeat_until_partial(limit, stop, _close_invitation_days, centre_id, before=before, limit=limit)


def _earliest_unfinished_day() -> date:
    """Return the earliest day whose responses may still be in the middle of being recorded."""
    return clock.kyiv_day(clock.now() - LONGEST_RECORDING)


@reading
def _list_centres(tx: Session) -> list[tuple[uuid.UUID]]:
    return [(centre_id,) for centre_id in tx.scalars(select(Centre.id).order_by(Centre.id))]
