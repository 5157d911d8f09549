"""Cases as their systems report them: what a report changes, and the invitation that a final status brings.

One centre's reports are worked through in memory, in the order told, on what was read at the start; then all
that is new is written at once. So a thousand cases cost a handful of statements.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service import clock
from feedback_service.cases import tokens
from feedback_service.cases.tokens import Keyring
from feedback_service.errors import N_, AlreadyFinal, AnotherCase, FeedbackError, Invalid
from feedback_service.models import Case, CaseStatus, Centre, Invitation, Service
from feedback_service.words import FINAL_STATUSES

AHEAD = timedelta(minutes=5)  # how far another system's clock may run before ours


@dataclass(frozen=True, slots=True)
class ServiceRef:
    """A service as another system names it: by ``code``, ``local_code``, or both; empty where it has none."""

    code: str
    local_code: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    """What a case system tells of one case at one status."""

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
class CaseFile:
    """A case with everything about it that a report or a reply needs."""

    centre: Centre
    case: Case
    service: Service
    history: list[CaseStatus]
    invitation: Invitation | None


@dataclass(slots=True)
class Outcome:
    """What became of one report: the file, and whether it is new; or the refusal."""

    file: CaseFile | None = None
    created: bool = False
    refusal: FeedbackError | None = None
    told: CaseStatus | None = None  # the status that is news


@dataclass(frozen=True)
class Terms:
    """On what terms invitations are issued now."""

    keyring: Keyring
    case_key: bytes
    now: datetime
    days: int
    questionnaires: dict[str, str]  # front office -> version in force

    @property
    def today(self) -> date:
        return clock.kyiv_day(self.now)


@dataclass
class _Desk:
    """One centre's open files while its reports are worked through."""

    centre: Centre
    terms: Terms
    files: dict[bytes, CaseFile]
    services: list[Service]
    new: list[object] = field(default_factory=list)


def register(tx: Session, centre: Centre, reports: Sequence[CaseReport], terms: Terms) -> list[Outcome]:
    """Work through a centre's reports and write what is new; one refused spoils no other."""
    numbers = [tokens.case_number_hash(terms.case_key, centre.id, r.case_number) for r in reports]
    known = Case.number_hash.in_(numbers)
    desk = _Desk(
        centre=centre,
        terms=terms,
        files={file.case.number_hash: file for file in open_files(tx, centre, known, lock=True)},
        services=_services(tx, centre, [report.service for report in reports]),
    )
    outcomes = []
    for number, report in zip(numbers, reports, strict=True):
        try:
            outcomes.append(_file_report(desk, number, report))
        except FeedbackError as refusal:
            outcomes.append(Outcome(refusal=refusal))
    _write(tx, desk)
    return outcomes


def open_files(
    tx: Session, centre: Centre, which: ColumnElement[bool], *, lock: bool = False
) -> list[CaseFile]:
    """The files of a centre's cases; ``lock`` holds them until the end of the transaction."""
    query = (
        select(Case, Service, Invitation)
        .join(Service, (Service.centre_id == Case.centre_id) & (Service.id == Case.service_id))
        .outerjoin(Invitation, (Invitation.centre_id == Case.centre_id) & (Invitation.case_id == Case.id))
        .where(Case.centre_id == centre.id, which)
    )
    # Always locked in one order: who tells of some of the same cases at once waits instead of both being stuck.
    rows = tx.execute(query.order_by(Case.id).with_for_update(of=Case) if lock else query).all()
    statuses: dict[uuid.UUID, list[CaseStatus]] = {case.id: [] for case, _, _ in rows}
    told = select(CaseStatus).where(CaseStatus.centre_id == centre.id, CaseStatus.case_id.in_(statuses))
    for status in tx.scalars(told.order_by(CaseStatus.at, CaseStatus.status)) if rows else ():
        statuses[status.case_id].append(status)
    return [
        CaseFile(centre, case, service, statuses[case.id], invitation) for case, service, invitation in rows
    ]


def _services(tx: Session, centre: Centre, named_ones: Collection[ServiceRef]) -> list[Service]:
    codes = {service.code for service in named_ones} - {""}
    local = {service.local_code for service in named_ones} - {""}
    named = or_(Service.code.in_(codes), Service.local_code.in_(local))
    query = select(Service).where(Service.centre_id == centre.id, named)
    return list(tx.scalars(query.order_by(Service.code, Service.local_code)))


def _file_report(desk: _Desk, number: bytes, report: CaseReport) -> Outcome:
    """Enter one report into its case's file, or refuse it."""
    if report.status_at > desk.terms.now + AHEAD:
        raise Invalid.field("/status_at", N_("This instant has not come yet."))
    file = desk.files.get(number)
    created = file is None
    if file is None:
        file = desk.files[number] = _new_file(desk, number, report)
    else:
        _refuse_contradiction(file, report)
        if report.service.title and file.service.title in (file.service.code, file.service.local_code):
            file.service.title = report.service.title  # until now its code had to do
    told = _enter_status(file, report)
    if told is not None:
        desk.new.append(told)
        if file.case.status in FINAL_STATUSES and file.invitation is None:
            file.invitation = _invite(desk, file.case)
        if file.case.status == "cancelled" and file.invitation is not None:
            file.invitation.cancelled = True
    return Outcome(file, created, told=told)


def _refuse_contradiction(file: CaseFile, report: CaseReport) -> None:
    if report.front_office != file.case.front_office or not _same_service(file.service, report.service):
        raise AnotherCase()
    repeated = any(s.status == report.status and s.at == report.status_at for s in file.history)
    newer = report.status_at >= file.case.status_at
    if newer and not repeated and file.invitation is not None:  # there is one since it had a final status
        latest = [s.status for s in file.history if s.status in FINAL_STATUSES][-1]
        if report.status not in (FINAL_STATUSES | {"cancelled"}) - {latest}:
            raise AlreadyFinal()


def _same_service(known: Service, named: ServiceRef) -> bool:
    pairs = [(known.code, named.code), (known.local_code, named.local_code)]
    shared = [(ours, theirs) for ours, theirs in pairs if ours and theirs]
    return bool(shared) and all(ours == theirs for ours, theirs in shared)


def _enter_status(file: CaseFile, report: CaseReport) -> CaseStatus | None:
    """Put the status into the history, moving the current one unless it is older; ``None`` if it is there."""
    case = file.case
    if any(s.status == report.status and s.at == report.status_at for s in file.history):
        return None
    told = CaseStatus(centre_id=case.centre_id, case_id=case.id, at=report.status_at, status=report.status)
    file.history.append(told)
    file.history.sort(key=lambda known: (known.at, known.status))
    if report.status_at >= case.status_at:
        case.status, case.status_at = report.status, report.status_at
        if file.invitation is None:  # who is invited rates the place where the case ended first
            case.workplace = report.workplace or case.workplace
            case.workplace_kind = report.workplace_kind or case.workplace_kind
            case.provider_edrpou = report.provider_edrpou or case.provider_edrpou
    case.registered_at = case.registered_at or report.registered_at
    case.repository_id = case.repository_id or report.repository_id
    return told


def _new_file(desk: _Desk, number: bytes, report: CaseReport) -> CaseFile:
    service = find_service(desk.services, report.service)
    if service is None:
        service = new_service(desk.centre, report.service)
        desk.services.append(service)
        desk.new.append(service)
    case = Case(
        centre_id=desk.centre.id,
        id=uuid7(),
        number_hash=number,
        service_id=service.id,
        provider_edrpou=report.provider_edrpou,
        front_office=report.front_office,
        workplace=report.workplace,
        workplace_kind=report.workplace_kind,
        status=report.status,
        status_at=report.status_at,
        registered_at=report.registered_at,
        repository_id=report.repository_id,
    )
    desk.new.append(case)
    return CaseFile(desk.centre, case, service, [], None)


def service_of(tx: Session, centre: Centre, named: ServiceRef) -> Service:
    """The centre's service of that name; one not yet known is taken as named."""
    service = find_service(_services(tx, centre, [named]), named)
    if service is None:
        service = new_service(centre, named)
        tx.add(service)
        tx.flush()
    return service


def find_service(known: Collection[Service], named: ServiceRef) -> Service | None:
    """The service with exactly the codes named; one code alone may also name the only service that has it."""
    for service in known:
        if (service.code, service.local_code) == (named.code, named.local_code):
            return service
    if named.code and named.local_code:
        return None
    fitting = [service for service in known if _same_service(service, named)]
    return fitting[0] if len(fitting) == 1 else None


def new_service(centre: Centre, named: ServiceRef) -> Service:
    """A service taken as it was named; without a title its code must do."""
    title = named.title or named.code or named.local_code
    return Service(centre_id=centre.id, id=uuid7(), code=named.code, local_code=named.local_code, title=title)


def _invite(desk: _Desk, case: Case) -> Invitation:
    terms, key = desk.terms, desk.terms.keyring.signing
    invitation_id = uuid7()
    invitation = Invitation(
        centre_id=case.centre_id,
        id=invitation_id,
        case_id=case.id,
        key_id=key.id,
        token_hash=key.fingerprint("token", key.token(invitation_id)),
        short_code_hash=key.fingerprint("short-code", key.short_code(invitation_id)),
        questionnaire=terms.questionnaires[case.front_office],
        issued_on=terms.today,
        last_day=terms.today + timedelta(days=terms.days),
        cancelled=False,
        opened=False,
        started=False,
        left_begun=False,
    )
    desk.new.append(invitation)
    return invitation


def _write(tx: Session, desk: _Desk) -> None:
    """Write what is new, parents first. A short code that was taken breaks a unique promise: told again."""
    for kind in (Service, Case, CaseStatus, Invitation):
        tx.add_all(row for row in desk.new if isinstance(row, kind))
        tx.flush()
