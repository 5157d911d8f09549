"""When letters about alarms are written and what becomes of them.

The first alarm of a kind waits five minutes for others, and after a letter there is quiet for two hours: nobody
gets more than one letter in two hours about a centre's alarms of one kind. What became of letters is known only
until they are sent; a mail server that has taken one is never asked again, unless we died before noting it: then
the same letter goes again with the same Message-ID, by which mail programs know a repeat.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from feedback_service.backoff import doubled_wait
from feedback_service.models import Gathering, Letter, MailWish, User, UserScope

GATHERED, QUIET = timedelta(minutes=5), timedelta(hours=2)
LEASE = timedelta(minutes=3)  # longer than any conversation with a mail server
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=2)  # the alarm itself stays on its page


@dataclass(frozen=True, slots=True)
class Held:
    """A letter that this worker sends now."""

    centre_id: uuid.UUID
    id: uuid.UUID
    to: str
    subject: str
    body: str
    written_at: datetime
    attempts: int


def gather(tx: Session, centre_id: uuid.UUID, kind: str, now: datetime) -> None:
    """There is something to tell: when its time comes."""
    gathering = tx.get(Gathering, (centre_id, kind), with_for_update=True)
    if gathering is None:
        gathering = Gathering(centre_id=centre_id, kind=kind, until=None, told_at=None)
        tx.add(gathering)
    if gathering.until is None:
        quiet_until = gathering.told_at + QUIET if gathering.told_at else now
        gathering.until = max(now + GATHERED, quiet_until)
    tx.flush()


def gathered(tx: Session, now: datetime) -> Sequence[tuple[uuid.UUID, str]]:
    """Of which centres' alarms of which kind it is time to write."""
    query = select(Gathering.centre_id, Gathering.kind).where(Gathering.until <= now)
    return [(centre_id, kind) for centre_id, kind in tx.execute(query)]


def take_due(tx: Session, centre_id: uuid.UUID, kind: str, now: datetime) -> bool:
    """Whether it is still time to write; from now on nothing waits to be told."""
    gathering = tx.get(Gathering, (centre_id, kind), with_for_update=True)
    if gathering is None or gathering.until is None or gathering.until > now:
        return False
    gathering.until = None
    return True


def write(
    tx: Session,
    centre_id: uuid.UUID,
    kind: str,
    readers: Collection[uuid.UUID],
    subject: str,
    body: str,
    now: datetime,
) -> None:
    """Each of the readers gets this letter; then there is quiet about this kind for a while."""
    tx.get_one(Gathering, (centre_id, kind)).told_at = now
    tx.add_all(
        Letter(
            centre_id=centre_id,
            id=uuid.uuid4(),
            user_id=reader,
            subject=subject,
            body=body,
            written_at=now,
            due_at=now,
        )
        for reader in readers
    )


def readers(tx: Session, centre: str, roles: Collection[str]) -> list[uuid.UUID]:
    """Users of these roles in the centre who have not said that they want no letters."""
    declined = exists().where(MailWish.user_id == User.id, ~MailWish.alarms)
    query = (
        select(User.id)
        .join(UserScope, UserScope.user_id == User.id)
        .where(UserScope.scope == centre, User.role.in_(roles), User.disabled_at.is_(None), ~declined)
    )
    return list(tx.scalars(query.order_by(User.id)))


def waits(tx: Session, now: datetime) -> bool:
    """Whether a letter is to be sent."""
    return tx.scalar(select(Letter.id).where(Letter.due_at <= now).limit(1)) is not None


def pending(tx: Session) -> tuple[int, datetime | None]:
    """How many letters the mail server has not taken yet, and when the oldest of them was written."""
    number, oldest = tx.execute(select(func.count(), func.min(Letter.written_at))).one()
    return number, oldest


def hold(tx: Session, now: datetime) -> Held | None:
    """The letter that has waited longest, for this worker alone until the lease ends."""
    due = select(Letter).where(Letter.due_at <= now).order_by(Letter.due_at).limit(1)
    found = tx.scalar(due.with_for_update(skip_locked=True))
    if found is None:
        return None
    found.due_at, found.attempts = now + LEASE, found.attempts + 1
    user = tx.get_one(User, found.user_id)
    if user.disabled_at is not None:
        tx.delete(found)
        return None
    return Held(
        found.centre_id, found.id, user.email, found.subject, found.body, found.written_at, found.attempts
    )


def sent(tx: Session, letter: Held) -> None:
    """The mail server has it."""
    tx.execute(delete(Letter).where(Letter.centre_id == letter.centre_id, Letter.id == letter.id))


def put_off(tx: Session, letter: Held, now: datetime) -> None:
    """It could not be sent: later again."""
    wait = doubled_wait(FIRST_WAIT, LONGEST_WAIT, letter.attempts)
    mine = update(Letter).where(Letter.centre_id == letter.centre_id, Letter.id == letter.id)
    tx.execute(mine.values(due_at=now + wait))


def forgettable(tx: Session, now: datetime) -> bool:
    """Whether ``forget`` has anything to do."""
    quiet = select(Gathering.kind).where(*_quiet_is_over(now)).limit(1)
    old = select(Letter.id).where(_is_old(now)).limit(1)
    return tx.scalar(quiet) is not None or tx.scalar(old) is not None


def forget(tx: Session, now: datetime) -> int:
    """Letters that could not be sent for two days are dropped; tells how many.

    When a letter was written is known no longer than the quiet after it lasts.
    """
    tx.execute(delete(Gathering).where(*_quiet_is_over(now)))
    return len(tx.scalars(delete(Letter).where(_is_old(now)).returning(Letter.id)).all())


def _is_old(now: datetime) -> ColumnElement[bool]:
    return Letter.written_at < now - GIVEN_UP_AFTER


def _quiet_is_over(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Gathering.until.is_(None), or_(Gathering.told_at.is_(None), Gathering.told_at < now - QUIET)


def wants_letters(tx: Session, user_id: uuid.UUID) -> bool:
    """Whether the user gets letters about alarms; who has said nothing does."""
    wish = tx.get(MailWish, user_id)
    return wish is None or wish.alarms


def want_letters(tx: Session, user_id: uuid.UUID, wanted: bool) -> None:
    """From now on the user gets letters, or none; those already written still go."""
    wish = tx.get(MailWish, user_id, with_for_update=True)
    if wish is None:
        tx.add(MailWish(user_id=user_id, alarms=wanted))
        tx.flush()
    else:
        wish.alarms = wanted
