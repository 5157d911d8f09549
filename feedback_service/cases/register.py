"""The register of cases: it takes updates from case systems, and issues an invitation at a final status.

The updates of a centre are applied in memory, in their order, to rows read at the start; then all new rows are
written at once. So a thousand cases cost a handful of statements.
"""

import bisect
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service import clock, keyring
from feedback_service.cases.services import CentreServices, ServiceRef, is_same_service
from feedback_service.errors import (
    N_,
    AlreadyFinal,
    AnotherCase,
    FeedbackError,
    Invalid,
    TooManyStatuses,
)
from feedback_service.keyring import Keyring
from feedback_service.models import Case, CaseStatus, Centre, Invitation, Service
from feedback_service.vocabulary import FINAL_STATUSES

MAX_CLOCK_LEAD = timedelta(minutes=5)  # how far another system's clock may be ahead
MAX_STATUSES = 200  # of a case; a system that repeats a status with new times must not fill the database


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUpdate:
    """One status of one case, as a case system reports it."""

    centre: str
    case_number: str
    service: ServiceRef
    front_office: str
    status: str
    status_at: datetime
    provider_edrpou: str | None = None
    workplace: str | None = None
    workplace_kind: str | None = None
    registered_at: datetime | None = None
    repository_id: uuid.UUID | None = None


@dataclass(slots=True)
class CaseRecord:
    """A case with its centre, service, statuses and invitation."""

    centre: Centre
    case: Case
    service: Service
    history: list[CaseStatus]
    invitation: Invitation | None
    known: set[tuple[datetime, str]] = field(init=False)  # the history, for look-ups

    def __post_init__(self) -> None:
        self.known = {(entry.at, entry.status) for entry in self.history}


@dataclass(slots=True)
class RegistrationOutcome:
    """The result of one update: the record, and whether the case is new; or the refusal."""

    record: CaseRecord | None = None
    created: bool = False
    refusal: FeedbackError | None = None
    new_status: CaseStatus | None = None  # ``None`` if it was known


@dataclass(frozen=True)
class IssueTerms:
    """Everything that issuing invitations depends on."""

    keyring: Keyring
    case_key: bytes
    now: datetime
    days_valid: int
    questionnaires: dict[str, str]  # front office -> version in force

    @property
    def today(self) -> date:
        return clock.kyiv_day(self.now)


@dataclass
class _CentreBatch:
    """Records and new rows of one centre while its updates are applied."""

    centre: Centre
    terms: IssueTerms
    records: dict[bytes, CaseRecord]
    services: CentreServices
    new_rows: list[object] = field(default_factory=list)


def register_updates(
    tx: Session, centre: Centre, updates: Sequence[CaseUpdate], terms: IssueTerms
) -> list[RegistrationOutcome]:
    """Apply a centre's updates and return their outcomes in the same order; a refused update changes nothing."""
    number_hashes = [keyring.hash_case_number(terms.case_key, centre.id, update.case_number) for update in updates]
    records = load_records(tx, centre, Case.number_hash.in_(number_hashes), lock=True)
    services = CentreServices(tx, centre, [update.service for update in updates])
    batch = _CentreBatch(centre, terms, {record.case.number_hash: record for record in records}, services)
    outcomes = []
    for number_hash, update in zip(number_hashes, updates, strict=True):
        try:
            outcomes.append(_apply_update(batch, number_hash, update))
        except FeedbackError as refusal:
            outcomes.append(RegistrationOutcome(refusal=refusal))
    _insert_new_rows(tx, batch)
    return outcomes


def load_records(
    tx: Session, centre: Centre, condition: ColumnElement[bool], *, lock: bool = False
) -> list[CaseRecord]:
    """Return the records of a centre's cases that meet the condition; ``lock`` locks the cases."""
    query = (
        select(Case, Service, Invitation)
        .join(Service, (Service.centre_id == Case.centre_id) & (Service.id == Case.service_id))
        .outerjoin(Invitation, (Invitation.centre_id == Case.centre_id) & (Invitation.case_id == Case.id))
        .where(Case.centre_id == centre.id, condition)
    )
    # Every transaction locks cases in the same order, so that two of them cannot block each other.
    rows = tx.execute(query.order_by(Case.id).with_for_update(of=Case) if lock else query).all()
    statuses: dict[uuid.UUID, list[CaseStatus]] = {case.id: [] for case, _, _ in rows}
    status_query = select(CaseStatus).where(CaseStatus.centre_id == centre.id, CaseStatus.case_id.in_(statuses))
    for status in tx.scalars(status_query.order_by(CaseStatus.at, CaseStatus.status)) if rows else ():
        statuses[status.case_id].append(status)
    return [CaseRecord(centre, case, service, statuses[case.id], invitation) for case, service, invitation in rows]


def _apply_update(batch: _CentreBatch, number_hash: bytes, update: CaseUpdate) -> RegistrationOutcome:
    """Apply one update to the record of its case. Raises ``FeedbackError``."""
    for name, instant in (("status_at", update.status_at), ("registered_at", update.registered_at)):
        if instant is not None and instant > batch.terms.now + MAX_CLOCK_LEAD:
            raise Invalid.for_field(f"/{name}", N_("This instant has not come yet."))
    record = batch.records.get(number_hash)
    is_new = record is None
    if record is None:
        record = batch.records[number_hash] = _create_record(batch, number_hash, update)
    else:
        _refuse_contradiction(record, update)
        _refuse_too_many_statuses(record, update)
        if update.service.title and record.service.title in (record.service.code, record.service.local_code):
            record.service.title = update.service.title  # until now it was a code
    new_status = _add_status(record, update)
    if new_status is not None:
        batch.new_rows.append(new_status)
        if record.case.status in FINAL_STATUSES and record.invitation is None:
            record.invitation = _issue_invitation(batch, record.case)
        if record.case.status == "cancelled" and record.invitation is not None:
            record.invitation.cancelled = True
    return RegistrationOutcome(record, is_new, new_status=new_status)


def _refuse_contradiction(record: CaseRecord, update: CaseUpdate) -> None:
    """Raise ``AnotherCase`` or ``AlreadyFinal`` for an update that contradicts what is known of the case."""
    if update.front_office != record.case.front_office or not is_same_service(record.service, update.service):
        raise AnotherCase()
    is_newer = update.status_at >= record.case.status_at
    was_final = record.invitation is not None  # a final status brings an invitation
    if is_newer and was_final and not _is_known(record, update):
        latest_final = next(entry.status for entry in reversed(record.history) if entry.status in FINAL_STATUSES)
        if update.status not in (FINAL_STATUSES | {"cancelled"}) - {latest_final}:
            raise AlreadyFinal()


def _refuse_too_many_statuses(record: CaseRecord, update: CaseUpdate) -> None:
    """Raise ``TooManyStatuses`` if the history is full.

    The first final status is taken all the same, because without it nobody could rate the case.
    """
    if len(record.history) < MAX_STATUSES or _is_known(record, update):
        return
    if record.invitation is not None or update.status not in FINAL_STATUSES:
        raise TooManyStatuses()


def _is_known(record: CaseRecord, update: CaseUpdate) -> bool:
    """Tell whether the update repeats what is known.

    The current final status at a later instant is a repeat too: a case system that got no reply may report it again
    with the time of the new attempt.
    """
    case = record.case
    if update.status == case.status and update.status in FINAL_STATUSES and update.status_at >= case.status_at:
        return bool(record.history)  # a new case has none, and its first status is no repeat
    return (update.status_at, update.status) in record.known


def _add_status(record: CaseRecord, update: CaseUpdate) -> CaseStatus | None:
    """Add the status to the history and return it, or ``None`` if it is known, see ``_is_known``.

    It becomes the current status unless it is older than that.
    """
    case = record.case
    if _is_known(record, update):
        return None
    new_status = CaseStatus(centre_id=case.centre_id, case_id=case.id, at=update.status_at, status=update.status)
    bisect.insort(record.history, new_status, key=lambda entry: (entry.at, entry.status))
    record.known.add((new_status.at, new_status.status))
    if update.status_at >= case.status_at:
        case.status, case.status_at = update.status, update.status_at
        if record.invitation is None:  # later statuses do not change the place that the person rates
            case.workplace = update.workplace or case.workplace
            case.workplace_kind = update.workplace_kind or case.workplace_kind
            case.provider_edrpou = update.provider_edrpou or case.provider_edrpou
    case.registered_at = case.registered_at or update.registered_at
    case.repository_id = case.repository_id or update.repository_id
    return new_status


def _create_record(batch: _CentreBatch, number_hash: bytes, update: CaseUpdate) -> CaseRecord:
    service = batch.services.find_service(update.service)
    if service is None:
        service = batch.services.build_service(update.service)
        batch.new_rows.append(service)
    case = Case(
        centre_id=batch.centre.id,
        id=uuid7(),
        number_hash=number_hash,
        service_id=service.id,
        provider_edrpou=update.provider_edrpou,
        front_office=update.front_office,
        workplace=update.workplace,
        workplace_kind=update.workplace_kind,
        status=update.status,
        status_at=update.status_at,
        registered_at=update.registered_at,
        repository_id=update.repository_id,
    )
    batch.new_rows.append(case)
    return CaseRecord(batch.centre, case, service, [], None)


def _issue_invitation(batch: _CentreBatch, case: Case) -> Invitation:
    terms, key = batch.terms, batch.terms.keyring.signing_key
    invitation_id = uuid7()
    invitation = Invitation(
        centre_id=case.centre_id,
        id=invitation_id,
        case_id=case.id,
        key_id=key.id,
        token_hash=key.hash_secret("token", key.derive_token(invitation_id)),
        short_code_hash=key.hash_secret("short-code", key.derive_short_code(invitation_id)),
        questionnaire=terms.questionnaires[case.front_office],
        issued_on=terms.today,
        last_day=terms.today + timedelta(days=terms.days_valid),
    )
    batch.new_rows.append(invitation)
    return invitation


def _insert_new_rows(tx: Session, batch: _CentreBatch) -> None:
    """Write new rows, parents first.

    A short code that another invitation has breaks a unique constraint: a lost race, so the story runs again and
    derives new codes.
    """
    for model in (Service, Case, CaseStatus, Invitation):
        tx.add_all(row for row in batch.new_rows if isinstance(row, model))
        tx.flush()
