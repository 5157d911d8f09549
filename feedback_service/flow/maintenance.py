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

PORTION = 200  # rows that one transaction deletes; writers of SQLite wait for it
LEFT = 50  # answers that one transaction completes
DAYS = 31  # days that one transaction recounts
BLANKED_AFTER = timedelta(days=30)  # from acknowledgement; only an event's body pairs a case with an answer
UNDER_WAY = timedelta(minutes=10)  # longer than any transaction that records an answer of the day before


class Purged(NamedTuple):
    """How much was deleted."""

    comments: int
    cases: int


def never() -> bool:
    """Nobody wants to stop."""
    return False


def complete_left_answers(stop: Stop = never) -> int:
    """Every answer that was begun and left for PARTIAL_MINUTES is final; tells how many became so."""
    return _until_less(LEFT, stop, submit_abandoned_drafts, LEFT)


def close_days(stop: Stop = never) -> int:
    """Every past day is recounted and closed, and its invitations when all have expired; tells how many days were."""
    before = _day_under_way()

    def closed(centre_id: uuid.UUID) -> int:
        days = _until_less(DAYS, stop, _close_days, centre_id, before)
        _until_less(DAYS, stop, _settle_days, centre_id, before)
        return days

    return sum(_everywhere(closed))


def recount(stop: Stop = never) -> int:
    """Every past day is recounted anew from the answers, whatever was stored; tells how many.

    Sums of invitations stay where the invitations themselves may have been purged.
    """
    _everywhere(_reopen_all)
    return close_days(stop)


@reading
def differences(tx: Session) -> list[CountMismatch]:
    """Where stored figures are not what the answers add up to."""
    return verification.find_mismatches(tx)


def purge(stop: Stop = never) -> Purged:
    """What is older than RETENTION_DAYS is gone: comments, invitations, and the cases these were about.

    A comment's age counts from the day it was left, an invitation's from the day it was answered; one that
    nobody answered serves no purpose either, and counts from its last day. It stays until it is in the sums of
    its day, which wait for all of that day to expire. Coded answers are never deleted, and a case without an
    invitation stays, because it may yet be completed.
    """
    before = clock.kyiv_day(clock.now()) - timedelta(days=current_settings().retention_days)

    def purged(centre_id: uuid.UUID) -> Purged:
        comments = _until_less(PORTION, stop, _purge_comments, centre_id, before)  # whatever ails the sums
        _until_less(DAYS, stop, _settle_days, centre_id, _day_under_way())
        return Purged(comments, _until_less(PORTION, stop, _purge_cases, centre_id, before))

    everywhere = _everywhere(purged)
    return Purged(sum(each.comments for each in everywhere), sum(each.cases for each in everywhere))


def blank_delivered(stop: Stop = never) -> int:
    """Nothing is left of events acknowledged 30 days ago but digest, number and type; tells how many these were."""
    return _until_less(PORTION, stop, _blank, clock.now() - BLANKED_AFTER)


def forget_what_is_over(stop: Stop = never) -> int:
    """Sessions that are over and counts of wrong attempts that are old are gone; tells how many."""
    return 0 if stop() else sign_in.purge_sessions_and_attempts()


@transaction
def _close_days(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    return closing.close_days(tx, centre_id, before=before, limit=DAYS)


@transaction
def _settle_days(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    return closing.close_invitation_days(tx, centre_id, before=before, limit=DAYS)


@transaction
def _reopen_all(tx: Session, centre_id: uuid.UUID) -> None:
    rollups.reopen_all_days(tx, centre_id)


@transaction
def _purge_comments(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    old = select(Comment.response_id).where(Comment.centre_id == centre_id, Comment.answered_on < before)
    ids = tx.scalars(old.limit(PORTION).with_for_update(of=Comment, skip_locked=True)).all()
    tx.execute(delete(Comment).where(Comment.centre_id == centre_id, Comment.response_id.in_(ids)))
    return len(ids)


@transaction
def _purge_cases(tx: Session, centre_id: uuid.UUID, before: date) -> int:
    rollups.lock_days(
        tx, centre_id
    )  # nobody takes their sums apart meanwhile, to count anew what will be gone
    settled = rollups.invitations_closed_until(tx, [centre_id]).get(centre_id, date.min)
    # What was begun counts, whatever becomes of the invitation: such a case waits until that is final.
    begun = select(DraftAnswer.invitation_id).where(DraftAnswer.centre_id == centre_id)
    old = select(Invitation.case_id, Invitation.issued_on).where(
        Invitation.centre_id == centre_id,
        Invitation.issued_on < before,  # nothing is answered before it is issued, and this has an index
        Invitation.issued_on <= settled,
        func.coalesce(Invitation.answered_on, Invitation.last_day) < before,
        Invitation.id.not_in(begun),
    )
    found = tx.execute(old.limit(PORTION).with_for_update(of=Invitation, skip_locked=True)).all()
    if found:
        # History and invitations go with their case, by foreign key.
        cases = [case_id for case_id, _ in found]
        tx.execute(delete(Case).where(Case.centre_id == centre_id, Case.id.in_(cases)))
        rollups.record_purge(tx, centre_id, until=max(day for _, day in found))
    return len(found)


@transaction
def _blank(tx: Session, before: datetime) -> int:
    old = select(Event.centre_id, Event.id).where(Event.delivered_at < before, Event.body.is_not(None))
    rows = [tuple(row) for row in tx.execute(old.limit(PORTION).with_for_update(skip_locked=True))]
    blank = update(Event).where(tuple_(Event.centre_id, Event.id).in_(rows))
    tx.execute(
        blank.values(body=None, data=None, subject=""), execution_options={"synchronize_session": False}
    )
    return len(rows)


def _day_under_way() -> date:
    """The earliest day of which an answer may still be becoming final."""
    return clock.kyiv_day(clock.now() - UNDER_WAY)


@reading
def _centre_ids(tx: Session) -> list[uuid.UUID]:
    return list(tx.scalars(select(Centre.id).order_by(Centre.id)))


def _everywhere(do: Callable[[uuid.UUID], R]) -> list[R]:
    """Do it for each centre; where it fails, the others have their turn before that is told.

    ``Unavailable`` is told at once: the database is no better for the next one.
    """
    done: list[R] = []
    failures: list[Exception] = []
    for centre_id in _centre_ids():
        try:
            done.append(do(centre_id))
        except Unavailable:
            raise
        except Exception as error:
            log.error("centre failed", centre_id=str(centre_id), exc_info=error)
            failures.append(error)
    if failures:
        raise failures[0]
    return done


def _until_less(portion: int, stop: Stop, do: Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> int:
    """Do portion after portion until one is not full, or ``stop`` says so; the sum."""
    total = 0
    while not stop():
        done = do(*args, **kwargs)
        total += done
        if done < portion:
            break
    return total
