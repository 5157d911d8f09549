"""Duties of the worker: it raises and reviews alarms and breaches, and reports them by e-mail.

A centre is checked within seconds after an answer asked for it by a row of ``AlarmCheck``. Counting is slow, so it
happens in a transaction that only reads, before the one that writes. E-mails are sent outside any transaction; each
carries its own id, so that a repeated one can be recognised (see ``alarms.email_outbox``).
"""

import uuid
from collections.abc import Collection
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from feedback_service import alarm_rows, clock, mail
from feedback_service.access import roles
from feedback_service.alarm_rows import Evidence
from feedback_service.alarms import email_outbox, email_text, store
from feedback_service.alarms.email_text import AlarmLine
from feedback_service.breaches import email_text as breach_email_text
from feedback_service.breaches import store as breaches
from feedback_service.config import current_settings
from feedback_service.database import reading, transaction
from feedback_service.figures import bad_series
from feedback_service.flow import purge_permission
from feedback_service.flow.alarms import RIGHT_BY_KIND
from feedback_service.flow.duties import Stop, for_each_centre, repeat_until_partial
from feedback_service.logs import log
from feedback_service.models import AlarmCheck, Centre
from feedback_service.vocabulary import BAD_ANSWERS, BREACH, ROLES

EvidenceBySubject = dict[str, Evidence | None]

CHECKS_AT_ONCE = 200  # checks of a centre that are read together
ALARMS_PAGE = "/admin/alarms"

_list_centres_to_check = reading(alarm_rows.list_centres_to_check)
_list_waiting_checks = reading(alarm_rows.list_waiting_checks)
_find_open_subjects = reading(store.find_open_subjects)
_list_due_digests = reading(email_outbox.list_due_digests)
_is_email_waiting = reading(email_outbox.is_email_waiting)
_claim_email = transaction(email_outbox.claim_email)
_mark_sent = transaction(email_outbox.mark_sent)
_postpone_email = transaction(email_outbox.postpone_email)
_has_expired_emails = reading(email_outbox.has_expired_emails)
_drop_expired_emails = transaction(email_outbox.drop_expired_emails)


def raise_alarms(stop: Stop) -> int:
    """Check every centre for which a check waits; return how many checks that were."""

    def check_centre(centre_id: uuid.UUID) -> int:
        return repeat_until_partial(CHECKS_AT_ONCE, stop, _do_checks, centre_id)

    return sum(for_each_centre(stop, _list_centres_to_check(), check_centre))


def review_alarms(stop: Stop) -> int:
    """Update all open alarms to today's answers, also where no bad answer came since; return how many they were."""

    def review_centre(centre_id: uuid.UUID, subjects: Collection[uuid.UUID | None]) -> int:
        _update_alarms(centre_id, _read_evidence(centre_id, subjects), [])
        return len(subjects)

    return sum(for_each_centre(stop, _find_open_subjects().items(), review_centre))


def send_alarm_emails(stop: Stop) -> int:
    """Write the e-mails that are due and send what waits, until the mail server fails; return how many were sent."""
    try:
        for_each_centre(stop, _list_due_digests(clock.now()), _write_digest)
    finally:  # an e-mail that cannot be written must not hold up the others
        sent = _send_waiting_emails(stop)
        _drop_what_expired()
    return sent


def _do_checks(centre_id: uuid.UUID) -> int:
    checks = _list_waiting_checks(centre_id, CHECKS_AT_ONCE)
    service_ids = {check.service_id for check in checks if check.kind == BAD_ANSWERS}
    _update_alarms(centre_id, _read_evidence(centre_id, {None, *service_ids}), checks)
    return len(checks)


def _send_waiting_emails(stop: Stop) -> int:
    sent = 0
    server, mail_from = current_settings().smtp_url, current_settings().mail_from
    while server is not None and mail_from is not None and not stop():
        # Without a waiting e-mail, the claim would lock the database for writers only to find nothing.
        email = _claim_email(clock.now()) if _is_email_waiting(clock.now()) else None
        if email is None:
            break
        try:
            mail.send_email(email.message, server, mail_from)
        except mail.EmailNotSent as failure:
            _postpone_email(email, clock.now())
            log.warning("letter not sent", letter=str(email.id), reason=str(failure))
            break  # the other e-mails would only wait for the same time-out
        _mark_sent(email)
        sent += 1
    return sent


def _drop_what_expired() -> None:
    # Asking first avoids the write lock here too.
    if not _has_expired_emails(clock.now()) or not purge_permission.may_purge():
        return
    if dropped := _drop_expired_emails(clock.now()):
        log.warning("letters given up", number=dropped)


@reading
def _read_evidence(tx: Session, centre_id: uuid.UUID, service_ids: Collection[uuid.UUID | None]) -> EvidenceBySubject:
    today, min_group = clock.kyiv_day(clock.now()), current_settings().min_group
    series = bad_series.find_bad_series(tx, centre_id, service_ids, today, min_group)
    evidence_by_subject: EvidenceBySubject = {}
    for service_id, excess in series.items():
        subject = str(service_id) if service_id else alarm_rows.WHOLE_CENTRE
        evidence_by_subject[subject] = Evidence(excess.since, excess.noticed, excess.n, excess.bad) if excess else None
    return evidence_by_subject


@transaction
def _update_alarms(
    tx: Session, centre_id: uuid.UUID, evidence_by_subject: EvidenceBySubject, checks: Collection[AlarmCheck]
) -> None:
    """Raise, update or close alarms, delete the checks that are done, and add what is new to the next digest."""
    now = clock.now()
    today = clock.kyiv_day(now)
    if alarm_check_ids := [check.id for check in checks if check.kind == BAD_ANSWERS]:
        alarm_rows.claim_checks(tx, centre_id, alarm_check_ids)
    breach_checks = [check for check in checks if check.kind == BREACH]
    number, without_case = (
        alarm_rows.claim_checks(tx, centre_id, [check.id for check in breach_checks if check.without_case is which])
        for which in (False, True)
    )
    if (number or without_case) and breaches.record_breach(tx, centre_id, number, without_case, today):
        email_outbox.add_to_digest(tx, centre_id, BREACH, now)
    raised = [
        store.raise_or_close(tx, centre_id, subject, evidence, today)
        for subject, evidence in sorted(evidence_by_subject.items())
    ]
    if any(raised):
        email_outbox.add_to_digest(tx, centre_id, BAD_ANSWERS, now)


@transaction
def _write_digest(tx: Session, centre_id: uuid.UUID, kind: str) -> None:
    """If the digest is due, write one e-mail to each recipient about everything that was not reported yet."""
    centre, now = tx.get_one(Centre, centre_id), clock.now()
    if not email_outbox.claim_digest(tx, centre_id, kind, now):
        return
    alarms = alarm_rows.claim_for_email(tx, centre_id, kind)
    texts = (
        breach_email_text.describe_breaches([(breach.since, breach.bad, breach.without_case) for breach in alarms])
        if kind == BREACH
        else email_text.describe_alarms([AlarmLine(alarm.service, alarm.since, alarm.n, alarm.bad) for alarm in alarms])
    )
    reader_roles = [role for role in ROLES if role in roles.CENTRE_ROLES and roles.has_right(role, RIGHT_BY_KIND[kind])]
    recipients = email_outbox.list_recipients(tx, centre.code, reader_roles)
    if not alarms or not recipients or current_settings().smtp_url is None:
        return
    address = f"{current_settings().public_url}{ALARMS_PAGE}?{urlencode({'centre': centre.code})}"
    subject, body = email_text.compose_email(centre.name, texts, address)
    email_outbox.write_emails(tx, centre_id, kind, recipients, subject, body, now)
