"""Duties of the worker: it raises and reviews alarms and breaches, and reports them by e-mail.

A centre is checked within seconds after an answer asked for it by a row of ``AlarmCheck``. Counting is slow, so it
happens in a transaction that only reads, before the one that writes. E-mails are sent outside any transaction; each
carries its own id, so that a repeated one can be recognised (see ``alarms.email_outbox``).
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
EvidenceBySubject = dict[str, Evidence | None]

CHECKS_AT_ONCE = 200  # checks that are read together
ALARMS_PAGE = "/admin/alarms"

# An e-mail about a kind goes to the roles of the centre that have this right.
RIGHT_BY_KIND = {BAD_ANSWERS: roles.ALARMS, BREACH: roles.BREACHES}


@dataclass(frozen=True, slots=True)
class PendingChecks:
    """The checks that wait for a centre: for bad answers, also about these services, and for breaches."""

    alarm_check_ids: list[uuid.UUID] = field(default_factory=list)
    service_ids: set[uuid.UUID] = field(default_factory=set)
    breach_check_ids: list[uuid.UUID] = field(default_factory=list)


def raise_alarms(stop: Stop) -> int:
    """Check every centre for which a check waits; return how many checks that were."""
    total = 0
    while not stop():
        pending = _read_pending_checks()
        for centre_id, checks in pending.items():
            _update_alarms(centre_id, _read_evidence(centre_id, {None, *checks.service_ids}), checks)
            total += len(checks.alarm_check_ids) + len(checks.breach_check_ids)
        if not pending:
            break
    return total


def review_alarms(stop: Stop) -> int:
    """Update all standing alarms to today's answers, also where no bad answer came since; return how many they were."""
    reviewed = 0
    for centre_id, subjects in _list_standing_subjects():
        if stop():
            break
        _update_alarms(centre_id, _read_evidence(centre_id, subjects), PendingChecks())
        reviewed += len(subjects)
    return reviewed


def send_alarm_emails(stop: Stop) -> int:
    """Write the e-mails that are due and send what waits, until the mail server fails; return how many were sent."""
    for centre_id, kind in _list_due_digests():
        _write_digest(centre_id, kind)
    sent = 0
    server, mail_from = current_settings().smtp_url, current_settings().mail_from
    while server is not None and mail_from is not None and not stop():
        email = _claim_email() if _is_email_waiting() else None
        if email is None:
            break
        try:
            mail.send_email(_make_outgoing_email(email), server, mail_from)
        except mail.EmailNotSent as failure:
            _postpone_email(email)
            log.warning("letter not sent", letter=str(email.id), reason=str(failure))
            break  # the other e-mails would only wait for the same time-out
        _mark_sent(email)
        sent += 1
    if _has_expired_emails() and (dropped := _drop_expired_emails()):
        log.warning("letters given up", number=dropped)
    return sent


@reading
def _read_pending_checks(tx: Session) -> dict[uuid.UUID, PendingChecks]:
    checks_by_centre: defaultdict[uuid.UUID, PendingChecks] = defaultdict(PendingChecks)
    for alarm_check in store.list_waiting_checks(tx, CHECKS_AT_ONCE):
        checks_by_centre[alarm_check.centre_id].alarm_check_ids.append(alarm_check.id)
        if alarm_check.service_id:
            checks_by_centre[alarm_check.centre_id].service_ids.add(alarm_check.service_id)
    for breach_check in breaches.list_waiting_checks(tx, CHECKS_AT_ONCE):
        checks_by_centre[breach_check.centre_id].breach_check_ids.append(breach_check.id)
    return checks_by_centre


@reading
def _list_standing_subjects(tx: Session) -> list[tuple[uuid.UUID, set[uuid.UUID | None]]]:
    subjects: dict[uuid.UUID, set[uuid.UUID | None]] = {}
    for centre_id, subject in store.list_open_subjects(tx):
        subjects.setdefault(centre_id, set()).add(uuid.UUID(subject) if subject else None)
    return list(subjects.items())


@reading
def _read_evidence(
    tx: Session, centre_id: uuid.UUID, service_ids: Collection[uuid.UUID | None]
) -> EvidenceBySubject:
    today, min_group = clock.kyiv_day(clock.now()), current_settings().min_group
    return {
        str(service_id) if service_id else WHOLE_CENTRE: _make_evidence(excess)
        for service_id, excess in bad_answers.find_bad_series(
            tx, centre_id, service_ids, today, min_group
        ).items()
    }


def _make_evidence(excess: cusum.Excess | None) -> Evidence | None:
    return None if excess is None else Evidence(excess.since, excess.noticed, excess.n, excess.bad)


@transaction
def _update_alarms(
    tx: Session, centre_id: uuid.UUID, evidence_by_subject: EvidenceBySubject, checks: PendingChecks
) -> None:
    """Raise, update or close alarms, delete the checks that are done, and add what is new to the next digest."""
    now = clock.now()
    today = clock.kyiv_day(now)
    if checks.alarm_check_ids:
        store.claim_checks(tx, centre_id, checks.alarm_check_ids)
    if checks.breach_check_ids and breaches.record_breach(tx, centre_id, checks.breach_check_ids, today):
        email_outbox.add_to_digest(tx, centre_id, BREACH, now)
    raised = [
        store.raise_or_close(tx, centre_id, subject, evidence, today)
        for subject, evidence in sorted(evidence_by_subject.items())
    ]
    if any(raised):
        email_outbox.add_to_digest(tx, centre_id, BAD_ANSWERS, now)


@reading
def _list_due_digests(tx: Session) -> list[tuple[uuid.UUID, str]]:
    return list(email_outbox.list_due_digests(tx, clock.now()))


@transaction
def _write_digest(tx: Session, centre_id: uuid.UUID, kind: str) -> None:
    """If the digest is due, write one e-mail to each recipient about everything that was not reported yet."""
    centre, now = tx.get_one(Centre, centre_id), clock.now()
    if not email_outbox.claim_digest(tx, centre_id, kind, now):
        return
    texts: email_text.EmailContent
    if kind == BREACH:
        breach_summaries = breaches.claim_for_email(tx, centre_id)
        texts = breach_email_text.describe_breaches(
            [(breach.since, breach.bad) for breach in breach_summaries]
        )
    else:
        alarm_summaries = store.claim_for_email(tx, centre_id)
        texts = email_text.describe_alarms(
            [AlarmLine(alarm.service, alarm.since, alarm.n, alarm.bad) for alarm in alarm_summaries]
        )
    reader_roles = [
        role for role in ROLES if role in roles.CENTRE_ROLES and roles.has_right(role, RIGHT_BY_KIND[kind])
    ]
    recipients = (
        email_outbox.list_recipients(tx, centre.code, reader_roles)
        if current_settings().smtp_url is not None
        else []
    )
    if not texts["uk"][1] or not recipients:
        return
    address = f"{current_settings().public_url}{ALARMS_PAGE}?{urlencode({'centre': centre.code})}"
    email_outbox.write_emails(
        tx, centre_id, kind, recipients, *email_text.compose_email(centre.name, texts, address), now
    )


@reading
def _has_expired_emails(tx: Session) -> bool:
    return email_outbox.has_expired_emails(tx, clock.now())


@transaction
def _drop_expired_emails(tx: Session) -> int:
    return email_outbox.drop_expired_emails(tx, clock.now())


@reading
def _is_email_waiting(tx: Session) -> bool:
    return email_outbox.is_email_waiting(tx, clock.now())


@transaction
def _claim_email(tx: Session) -> ClaimedEmail | None:
    return email_outbox.claim_email(tx, clock.now())


@transaction
def _mark_sent(tx: Session, email: ClaimedEmail) -> None:
    email_outbox.mark_sent(tx, email)


@transaction
def _postpone_email(tx: Session, email: ClaimedEmail) -> None:
    email_outbox.postpone_email(tx, email, clock.now())


def _make_outgoing_email(email: ClaimedEmail) -> mail.OutgoingEmail:
    return mail.OutgoingEmail(str(email.id), email.to, email.subject, email.body, email.written_at)
