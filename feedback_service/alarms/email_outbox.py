"""When e-mails about alarms are written, and what becomes of them.

The first alarm of a kind waits five minutes for others, and after an e-mail follows a quiet period of two hours: nobody
gets more than one e-mail in two hours about a centre's alarms of one kind. An e-mail is deleted when the mail server
has accepted it. A worker that dies between these two steps leaves the e-mail in the queue: it is sent again with the
same Message-ID, by which mail programs recognise a repeat.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from feedback_service.backoff import doubled_wait
from feedback_service.mail import OutgoingEmail
from feedback_service.models import EmailDigest, EmailPreference, QueuedEmail, User, UserScope

DIGEST_DELAY, QUIET_PERIOD = timedelta(minutes=5), timedelta(hours=2)
LEASE = timedelta(minutes=3)  # longer than any conversation with a mail server
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
DROPPED_AT_ONCE = 200  # e-mails that one transaction deletes
GIVEN_UP_AFTER = timedelta(days=2)  # the alarm itself stays on its page


@dataclass(frozen=True, slots=True)
class ClaimedEmail:
    """An e-mail that this worker sends now; no other worker sends it before the lease ends."""

    centre_id: uuid.UUID
    id: uuid.UUID
    attempts: int
    message: OutgoingEmail


def add_to_digest(tx: Session, centre_id: uuid.UUID, kind: str, now: datetime) -> None:
    """Plan an e-mail about the centre's alarms of this kind, unless one is planned."""
    digest = tx.get(EmailDigest, (centre_id, kind), with_for_update=True)
    if digest is None:
        digest = EmailDigest(centre_id=centre_id, kind=kind, until=None, told_at=None)
        tx.add(digest)
    if digest.until is None:
        quiet_until = digest.told_at + QUIET_PERIOD if digest.told_at else now
        digest.until = max(now + DIGEST_DELAY, quiet_until)
    tx.flush()


def list_due_digests(tx: Session, now: datetime) -> Sequence[tuple[uuid.UUID, str]]:
    """List the centres and kinds for which an e-mail is due."""
    query = select(EmailDigest.centre_id, EmailDigest.kind).where(EmailDigest.until <= now)
    return [(centre_id, kind) for centre_id, kind in tx.execute(query)]


def claim_digest(tx: Session, centre_id: uuid.UUID, kind: str, now: datetime) -> bool:
    """Return whether the e-mail is still due, and if so end its waiting, so that only one worker writes it."""
    digest = tx.get(EmailDigest, (centre_id, kind), with_for_update=True)
    if digest is None or digest.until is None or digest.until > now:
        return False
    digest.until = None
    return True


def write_emails(
    tx: Session,
    centre_id: uuid.UUID,
    kind: str,
    recipients: Collection[uuid.UUID],
    subject: str,
    body: str,
    now: datetime,
) -> None:
    """Queue the e-mail for each recipient, and begin the quiet period of this kind."""
    tx.get_one(EmailDigest, (centre_id, kind)).told_at = now
    for user_id in recipients:
        email = QueuedEmail(centre_id=centre_id, id=uuid.uuid4(), user_id=user_id, subject=subject, body=body)
        email.written_at = email.due_at = now
        tx.add(email)


def list_recipients(tx: Session, centre: str, roles: Collection[str]) -> list[uuid.UUID]:
    """List the users of these roles in the centre who have not declined e-mails."""
    declined = exists().where(EmailPreference.user_id == User.id, ~EmailPreference.alarms)
    query = (
        select(User.id)
        .join(UserScope, UserScope.user_id == User.id)
        .where(UserScope.scope == centre, User.role.in_(roles), User.disabled_at.is_(None), ~declined)
    )
    return list(tx.scalars(query.order_by(User.id)))


def is_email_waiting(tx: Session, now: datetime) -> bool:
    """Whether an e-mail is due."""
    return tx.scalar(select(QueuedEmail.id).where(QueuedEmail.due_at <= now).limit(1)) is not None


def count_pending(tx: Session) -> tuple[int, datetime | None]:
    """Count the e-mails that the mail server has not accepted; also when the oldest of them was written."""
    count, oldest = tx.execute(select(func.count(), func.min(QueuedEmail.written_at))).one()
    return count, oldest


def claim_email(tx: Session, now: datetime) -> ClaimedEmail | None:
    """Claim the e-mail that has been due longest, until the lease ends; ``None`` if no e-mail is due.

    E-mails to disabled users are deleted on the way.
    """
    query = select(QueuedEmail).where(QueuedEmail.due_at <= now).order_by(QueuedEmail.due_at).limit(1)
    while (email := tx.scalar(query.with_for_update(skip_locked=True))) is not None:
        user = tx.get_one(User, email.user_id)
        if user.disabled_at is None:
            email.due_at, email.attempts = now + LEASE, email.attempts + 1
            message = OutgoingEmail(str(email.id), user.email, email.subject, email.body, email.written_at)
            return ClaimedEmail(email.centre_id, email.id, email.attempts, message)
        tx.delete(email)
        tx.flush()
    return None


def mark_sent(tx: Session, email: ClaimedEmail) -> None:
    """Delete an e-mail that the mail server has accepted."""
    tx.execute(delete(QueuedEmail).filter_by(centre_id=email.centre_id, id=email.id))


def postpone_email(tx: Session, email: ClaimedEmail, now: datetime) -> None:
    """Delay an e-mail that could not be sent; the delay doubles with each attempt."""
    wait = doubled_wait(FIRST_WAIT, LONGEST_WAIT, email.attempts)
    tx.execute(update(QueuedEmail).filter_by(centre_id=email.centre_id, id=email.id).values(due_at=now + wait))


def has_expired_emails(tx: Session, now: datetime) -> bool:
    """Whether ``drop_expired_emails`` has anything to do."""
    ended_digests = select(EmailDigest.kind).where(*_quiet_is_over(now)).limit(1)
    old_emails = select(QueuedEmail.id).where(_is_expired(now)).limit(1)
    return tx.scalar(ended_digests) is not None or tx.scalar(old_emails) is not None


def drop_expired_emails(tx: Session, now: datetime) -> int:
    """Delete e-mails that could not be sent for two days, some at a time, and return how many.

    The time of the last e-mail of a kind is deleted too, when the quiet period after it is over.
    """
    tx.execute(delete(EmailDigest).where(*_quiet_is_over(now)))
    expired = select(QueuedEmail.id).where(_is_expired(now)).limit(DROPPED_AT_ONCE)
    statement = delete(QueuedEmail).where(QueuedEmail.id.in_(expired))
    return len(tx.scalars(statement.returning(QueuedEmail.id)).all())


def _is_expired(now: datetime) -> ColumnElement[bool]:
    return QueuedEmail.written_at < now - GIVEN_UP_AFTER


def _quiet_is_over(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return EmailDigest.until.is_(None), or_(EmailDigest.told_at.is_(None), EmailDigest.told_at < now - QUIET_PERIOD)


def wants_emails(tx: Session, user_id: uuid.UUID) -> bool:
    """Whether the user gets e-mails about alarms; who never chose does."""
    preference = tx.get(EmailPreference, user_id)
    return preference is None or preference.alarms


def set_email_preference(tx: Session, user_id: uuid.UUID, is_wanted: bool) -> None:
    """Store whether the user gets e-mails about alarms; e-mails in the queue are still sent."""
    tx.merge(EmailPreference(user_id=user_id, alarms=is_wanted))
