"""What the worker does about alarms and breaches: raises them, reviews them, tells of them in letters.

It looks at a centre only when an answer gave cause (``alarms.store.queue_alarm_check``,
``breaches.store.queue_breach_check``), within seconds; what it needs to count it reads outside the transaction that
writes, so that nobody waits for it. Letters are sent outside any transaction and told apart by their own id; see
``alarms.email_outbox`` for what that promises.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from feedback_service import clock, mail
from feedback_service.access import roles
from feedback_service.alarms import email_outbox, email_text, store
from feedback_service.alarms.email_outbox import ClaimedEmail
from feedback_service.alarms.email_text import AlarmLine
from feedback_service.alarms.store import BAD_ANSWERS, WHOLE_CENTRE, Evidence
from feedback_service.breaches import email_text as breach_email_text
from feedback_service.breaches import store as breaches
from feedback_service.breaches.store import BREACH
from feedback_service.config import current_settings
from feedback_service.database import reading, transaction
from feedback_service.figures import bad_answers, cusum
from feedback_service.logs import log
from feedback_service.models import Centre
from feedback_service.vocabulary import ROLES

Stop = Callable[[], bool]
Seen = dict[str, Evidence | None]  # by subject

PORTION = 200  # concerns looked at together
PAGE = "/admin/alarms"

# Letters about a kind go to the roles that may read it and belong to one centre.
RIGHTS = {BAD_ANSWERS: roles.ALARMS, BREACH: roles.BREACHES}


@dataclass(frozen=True, slots=True)
class Cause:
    """What gives cause to look at a centre: bad answers, about these services too, and noticed breaches."""

    bad_answers: list[uuid.UUID] = field(default_factory=list)
    services: set[uuid.UUID] = field(default_factory=set)
    breaches: list[uuid.UUID] = field(default_factory=list)


def raise_alarms(stop: Stop) -> int:
    """Every centre where something gave cause has been looked at; tells how many concerns that were."""
    total = 0
    while not stop():
        waiting = _causes()
        for centre_id, cause in waiting.items():
            _note(centre_id, _seen(centre_id, {None, *cause.services}), cause)
            total += len(cause.bad_answers) + len(cause.breaches)
        if not waiting:
            break
    return total


def review_alarms(stop: Stop) -> int:
    """Alarms that stand are what the answers say today, also where no bad answer came since; tells how many."""
    reviewed = 0
    for centre_id, subjects in _standing():
        if stop():
            break
        _note(centre_id, _seen(centre_id, subjects), Cause())
        reviewed += len(subjects)
    return reviewed


def tell_alarms(stop: Stop) -> int:
    """Letters whose time has come are written and sent as far as the mail server takes them; tells how many."""
    for centre_id, kind in _gathered():
        _write(centre_id, kind)
    sent = 0
    server, mail_from = current_settings().smtp_url, current_settings().mail_from
    while server is not None and mail_from is not None and not stop():
        letter = _hold() if _waits() else None
        if letter is None:
            break
        try:
            mail.send_email(_outgoing(letter), server, mail_from)
        except mail.EmailNotSent as trouble:
            _put_off(letter)
            log.warning("letter not sent", letter=str(letter.id), reason=str(trouble))
            break  # the others wait too, rather than each for its own time-out
        _sent(letter)
        sent += 1
    if _forgettable() and (dropped := _forget()):
        log.warning("letters given up", number=dropped)
    return sent


@reading
def _causes(tx: Session) -> dict[uuid.UUID, Cause]:
    found: defaultdict[uuid.UUID, Cause] = defaultdict(Cause)
    for bad in store.list_waiting_checks(tx, PORTION):
        found[bad.centre_id].bad_answers.append(bad.id)
        if bad.service_id:
            found[bad.centre_id].services.add(bad.service_id)
    for breach in breaches.list_waiting_checks(tx, PORTION):
        found[breach.centre_id].breaches.append(breach.id)
    return found


@reading
def _standing(tx: Session) -> list[tuple[uuid.UUID, set[uuid.UUID | None]]]:
    subjects: dict[uuid.UUID, set[uuid.UUID | None]] = {}
    for centre_id, subject in store.list_open_subjects(tx):
        subjects.setdefault(centre_id, set()).add(uuid.UUID(subject) if subject else None)
    return list(subjects.items())


@reading
def _seen(tx: Session, centre_id: uuid.UUID, services: Collection[uuid.UUID | None]) -> Seen:
    today, least = clock.kyiv_day(clock.now()), current_settings().min_group
    return {
        str(service_id) if service_id else WHOLE_CENTRE: _evidence(alarm)
        for service_id, alarm in bad_answers.find_bad_series(tx, centre_id, services, today, least).items()
    }


def _evidence(alarm: cusum.Excess | None) -> Evidence | None:
    return None if alarm is None else Evidence(alarm.since, alarm.noticed, alarm.n, alarm.bad)


@transaction
def _note(tx: Session, centre_id: uuid.UUID, seen: Seen, cause: Cause) -> None:
    now = clock.now()
    today = clock.kyiv_day(now)
    if cause.bad_answers:
        store.claim_checks(tx, centre_id, cause.bad_answers)
    if cause.breaches and breaches.record_breach(tx, centre_id, cause.breaches, today):
        email_outbox.add_to_digest(tx, centre_id, BREACH, now)
    new = [
        store.raise_or_close(tx, centre_id, subject, evidence, today)
        for subject, evidence in sorted(seen.items())
    ]
    if any(new):
        email_outbox.add_to_digest(tx, centre_id, BAD_ANSWERS, now)


@reading
def _gathered(tx: Session) -> list[tuple[uuid.UUID, str]]:
    return list(email_outbox.list_due_digests(tx, clock.now()))


@transaction
def _write(tx: Session, centre_id: uuid.UUID, kind: str) -> None:
    """Everybody whom it concerns gets a letter about what none has told of yet, if it is time for one."""
    centre, now = tx.get_one(Centre, centre_id), clock.now()
    if not email_outbox.claim_digest(tx, centre_id, kind, now):
        return
    said: email_text.EmailContent
    if kind == BREACH:
        found = breaches.claim_for_email(tx, centre_id)
        said = breach_email_text.describe_breaches([(card.since, card.bad) for card in found])
    else:
        raised = store.claim_for_email(tx, centre_id)
        said = email_text.describe_alarms(
            [AlarmLine(card.service, card.since, card.n, card.bad) for card in raised]
        )
    wanted = [role for role in ROLES if role in roles.CENTRE_ROLES and roles.has_right(role, RIGHTS[kind])]
    readers = (
        email_outbox.list_recipients(tx, centre.code, wanted)
        if current_settings().smtp_url is not None
        else []
    )
    if not said["uk"][1] or not readers:
        return
    address = f"{current_settings().public_url}{PAGE}?{urlencode({'centre': centre.code})}"
    email_outbox.write_emails(
        tx, centre_id, kind, readers, *email_text.compose_email(centre.name, said, address), now
    )


@reading
def _forgettable(tx: Session) -> bool:
    return email_outbox.has_expired_emails(tx, clock.now())


@transaction
def _forget(tx: Session) -> int:
    return email_outbox.drop_expired_emails(tx, clock.now())


@reading
def _waits(tx: Session) -> bool:
    return email_outbox.is_email_waiting(tx, clock.now())


@transaction
def _hold(tx: Session) -> ClaimedEmail | None:
    return email_outbox.claim_email(tx, clock.now())


@transaction
def _sent(tx: Session, letter: ClaimedEmail) -> None:
    email_outbox.mark_sent(tx, letter)


@transaction
def _put_off(tx: Session, letter: ClaimedEmail) -> None:
    email_outbox.postpone_email(tx, letter, clock.now())


def _outgoing(letter: ClaimedEmail) -> mail.OutgoingEmail:
    return mail.OutgoingEmail(str(letter.id), letter.to, letter.subject, letter.body, letter.written_at)
