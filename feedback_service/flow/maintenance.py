"""What time does, each thing in short transactions of bounded size; any number of workers may do it at once.

    complete_left_answers   answers begun and left become final as they are
    close_days              past days are recounted, so that figures need not be
    purge                   what nobody needs any more is deleted
    forget_what_is_over     sessions that are over, counts of wrong passwords
    blank_delivered         what was delivered long ago is forgotten, its digest stays

Every function does what is due and tells how much that was; ``stop`` may say between two transactions that
the rest can wait. ``worker`` does all of them again and again.
"""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple, ParamSpec, TypeVar

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import current_settings
from feedback_service.counts import closing, rollups, verification
from feedback_service.counts.verification import CountMismatch
from feedback_service.database import reading, transaction
from feedback_service.errors import Unavailable
from feedback_service.flow import sign_in
from feedback_service.flow.answers import submit_abandoned_drafts
from feedback_service.logs import log
from feedback_service.models import Case, Centre, Comment, DraftAnswer, Event, Invitation

P = ParamSpec("P")
R = TypeVar("R")
Stop = Callable[[], bool]

ROWS_AT_ONCE = 200  # rows that one transaction deletes; writers of SQLite wait for it
DRAFTS_AT_ONCE = 50  # answers that one transaction completes
DAYS_AT_ONCE = 31  # days that one transaction recounts
BLANK_AFTER = timedelta(days=30)  # from acknowledgement; only an event's body pairs a case with an answer
LONGEST_RECORDING = timedelta(
    minutes=10
)  # longer than any transaction that records an answer of the day before


class PurgeCounts(NamedTuple):
    """How much was deleted."""

    comments: int
    cases: int


def never_stop() -> bool:
    """Nobody wants to stop."""
    return False


def complete_abandoned_drafts(stop: Stop = never_stop) -> int:
    """Every answer that was begun and left for PARTIAL_MINUTES is final; tells how many became so."""
    return _repeat_until_partial(DRAFTS_AT_ONCE, stop, submit_abandoned_drafts, DRAFTS_AT_ONCE)


def close_days(stop: Stop = never_stop) -> int:
    """Every past day is recounted and closed, and its invitations when all have expired; tells how many days were."""
    before = _earliest_unfinished_day()

    def close_days_of_centre(centre_id: uuid.UUID) -> int:
        days = _repeat_until_partial(DAYS_AT_ONCE, stop, _close_days, centre_id, before)
        _repeat_until_partial(DAYS_AT_ONCE, stop, _close_invitation_days, centre_id, before)
        return days

    return sum(_for_each_centre(close_days_of_centre))


def recount_days(stop: Stop = never_stop) -> int:
    """Every past day is recounted anew from the answers, whatever was stored; tells how many.

    Sums of invitations stay where the invitations themselves may have been purged.
    """
    _for_each_centre(_reopen_all_days)
    return close_days(stop)


@reading
def find_count_mismatches(tx: Session) -> list[CountMismatch]:
    """Where stored figures are not what the answers add up to."""
    return verification.find_mismatches(tx)


def purge_expired_data(stop: Stop = never_stop) -> PurgeCounts:
    """What is older than RETENTION_DAYS is gone: comments, invitations, and the cases these were about.

    A comment's age counts from the day it was left, an invitation's from the day it was answered; one that
    nobody answered serves no purpose either, and counts from its last day. It stays until it is in the sums of
    its day, which wait for all of that day to expire. Coded answers are never deleted, and a case without an
    invitation stays, because it may yet be completed.
    """
    before = clock.kyiv_day(clock.now()) - timedelta(days=current_settings().retention_days)

    def purge_centre(centre_id: uuid.UUID) -> PurgeCounts:
        comments = _repeat_until_partial(
            ROWS_AT_ONCE, stop, _purge_comments, centre_id, before
        )  # whatever ails the sums
        _repeat_until_partial(
            DAYS_AT_ONCE, stop, _close_invitation_days, centre_id, _earliest_unfinished_day()
        )
        return PurgeCounts(
            comments, _repeat_until_partial(ROWS_AT_ONCE, stop, _purge_cases, centre_id, before)
        )

    counts = _for_each_centre(purge_centre)
    return PurgeCounts(sum(count.comments for count in counts), sum(count.cases for count in counts))


def blank_delivered_events(stop: Stop = never_stop) -> int:
    """Nothing is left of events acknowledged 30 days ago but digest, number and type; tells how many these were."""
    return _repeat_until_partial(ROWS_AT_ONCE, stop, _blank_events, clock.now() - BLANK_AFTER)


def purge_sessions_and_attempts(stop: Stop = never_stop) -> int:
    """Sessions that are over and counts of wrong attempts that are old are gone; tells how many."""
    return 0 if stop() else sign_in.purge_sessions_and_attempts()


@transaction
def _close_days(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    return closing.close_days(tx, centre_id, before=before, limit=DAYS_AT_ONCE)


@transaction
def _close_invitation_days(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    return closing.close_invitation_days(tx, centre_id, before=before, limit=DAYS_AT_ONCE)


@transaction
def _reopen_all_days(tx: Session, centre_id: uuid.UUID) -> None:
    rollups.reopen_all_days(tx, centre_id)


@transaction
def _purge_comments(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    old = select(Comment.response_id).where(Comment.centre_id == centre_id, Comment.answered_on < before)
    ids = tx.scalars(old.limit(ROWS_AT_ONCE).with_for_update(of=Comment, skip_locked=True)).all()
    tx.execute(delete(Comment).where(Comment.centre_id == centre_id, Comment.response_id.in_(ids)))
    return len(ids)


@transaction
def _purge_cases(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    rollups.lock_days(
        tx, centre_id
    )  # nobody takes their sums apart meanwhile, to count anew what will be gone
    closed_until = rollups.invitations_closed_until(tx, [centre_id]).get(centre_id, date.min)
    # What was begun counts, whatever becomes of the invitation: such a case waits until that is final.
    with_draft = select(DraftAnswer.invitation_id).where(DraftAnswer.centre_id == centre_id)
    old = select(Invitation.case_id, Invitation.issued_on).where(
        Invitation.centre_id == centre_id,
        Invitation.issued_on < before,  # nothing is answered before it is issued, and this has an index
        Invitation.issued_on <= closed_until,
        func.coalesce(Invitation.answered_on, Invitation.last_day) < before,
        Invitation.id.not_in(with_draft),
    )
    rows = tx.execute(old.limit(ROWS_AT_ONCE).with_for_update(of=Invitation, skip_locked=True)).all()
    if rows:
        # History and invitations go with their case, by foreign key.
        cases = [case_id for case_id, _ in rows]
        tx.execute(delete(Case).where(Case.centre_id == centre_id, Case.id.in_(cases)))
        rollups.record_purge(tx, centre_id, until=max(day for _, day in rows))
    return len(rows)


@transaction
def _blank_events(tx: Session, before: datetime) -> int:
    old = select(Event.centre_id, Event.id).where(Event.delivered_at < before, Event.body.is_not(None))
    rows = [tuple(row) for row in tx.execute(old.limit(ROWS_AT_ONCE).with_for_update(skip_locked=True))]
    blank = update(Event).where(tuple_(Event.centre_id, Event.id).in_(rows))
    tx.execute(
        blank.values(body=None, data=None, subject=""), execution_options={"synchronize_session": False}
    )
    return len(rows)


def _earliest_unfinished_day() -> date:
    """The earliest day of which an answer may still be becoming final."""
    return clock.kyiv_day(clock.now() - LONGEST_RECORDING)


@reading
def _list_centre_ids(tx: Session) -> list[uuid.UUID]:
    return list(tx.scalars(select(Centre.id).order_by(Centre.id)))


def _for_each_centre(action: Callable[[uuid.UUID], R]) -> list[R]:
    """Do it for each centre; where it fails, the others have their turn before that is told.

    ``Unavailable`` is told at once: the database is no better for the next one.
    """
    results: list[R] = []
    failures: list[Exception] = []
    for centre_id in _list_centre_ids():
        try:
            results.append(action(centre_id))
        except Unavailable:
            raise
        except Exception as error:
            log.error("centre failed", centre_id=str(centre_id), exc_info=error)
            failures.append(error)
    if failures:
        raise failures[0]
    return results


def _repeat_until_partial(
    batch_size: int, stop: Stop, action: Callable[P, int], *args: P.args, **kwargs: P.kwargs
) -> int:
    """Do portion after portion until one is not full, or ``stop`` says so; the sum."""
    total = 0
    while not stop():
        done = action(*args, **kwargs)
        total += done
        if done < batch_size:
            break
    return total
