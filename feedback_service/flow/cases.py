"""Case systems report the status of cases. A final status issues the invitation to answer."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.addresses import picture_addresses, survey_address
from feedback_service.cases import invitations, register
from feedback_service.cases.register import CaseRecord, CaseUpdate, IssueTerms, RegistrationOutcome
from feedback_service.cases.services import make_service_facts
from feedback_service.centres.register import find_centres, make_public_centre
from feedback_service.config import current_settings
from feedback_service.database import in_portions, reading, transaction
from feedback_service.delivery import events, outbox
from feedback_service.errors import FeedbackError, ForeignCentre, NotFound
from feedback_service.flow.recording import make_service_context
from feedback_service.keyring import Keyring, current_keyring
from feedback_service.models import Case, Centre, Invitation
from feedback_service.surveys import published
from feedback_service.vocabulary import FRONT_OFFICES

CASES_AT_ONCE = 100  # in one transaction; on SQLite other writers wait meanwhile


@dataclass(frozen=True, slots=True)
class InvitationView:
    """What a case system may know of an invitation: never whether it was answered."""

    token: str
    short_code: str
    state: str  # issued | expired | cancelled
    expires_at: datetime

    @property
    def url(self) -> str:
        """The address of the survey."""
        return survey_address(self.token)

    @property
    def qr(self) -> Mapping[str, str]:
        """The addresses of the pictures of the QR code, by their names."""
        return picture_addresses(self.token)


@dataclass(frozen=True, slots=True)
class StatusView:
    """A status that the case had."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseView:
    """What a case system may know of its case."""

    id: uuid.UUID
    centre: str
    front_office: str
    status: str
    history: tuple[StatusView, ...]
    invitation: InvitationView | None


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """The result of one report: the case and whether it is new, or the refusal."""

    case: CaseView | None
    created: bool
    refusal: FeedbackError | None


@dataclass(frozen=True, slots=True)
class SlipFacts:
    """What is printed around an invitation's QR code."""

    token: str
    short_code: str
    centre: str
    last_day: date


def register_cases(reports: Sequence[CaseUpdate], centres: Collection[str]) -> list[RegistrationResult]:
    """Register cases or their next statuses; return the result of each report, in the order of ``reports``.

    Many reports are registered in several transactions. The whole history of a case stands in its last result, so
    that many statuses of one case have a short reply; an earlier result has only the status that was reported.
    """
    outcomes = [
        outcome for portion in in_portions(reports, CASES_AT_ONCE) for outcome in _register_portion(portion, centres)
    ]
    ring, today = current_keyring(), clock.kyiv_day(clock.now())
    last_positions = {outcome.record.case.id: place for place, outcome in enumerate(outcomes) if outcome.record}
    results = []
    for place, (report, outcome) in enumerate(zip(reports, outcomes, strict=True)):
        case_view = None
        if record := outcome.record:
            is_last = last_positions[record.case.id] == place
            history = _make_history(record) if is_last else (StatusView(report.status, report.status_at),)
            case_view = _make_case_view(record, ring, today, history)
        results.append(RegistrationResult(case_view, outcome.created, outcome.refusal))
    return results


@transaction
def _register_portion(
    tx: Session, reports: Sequence[CaseUpdate], centres: Collection[str]
) -> list[RegistrationOutcome]:
    """Register the reports of a portion; return their outcomes in the same order.

    1. Lock the centres, of those that the caller may write for. 2. Register each report, or refuse it. 3. Issue
    invitations for final statuses. 4. Enqueue an event for each new status.
    """
    now, centres_by_code = clock.now(), find_centres(tx, {report.centre for report in reports} & set(centres))
    terms = _make_issue_terms(tx, now)
    results: dict[int, RegistrationOutcome] = {}
    for code, centre in centres_by_code.items():
        positions = [position for position, report in enumerate(reports) if report.centre == code]
        outcomes = register.register_updates(tx, centre, [reports[position] for position in positions], terms)
        results |= zip(positions, outcomes, strict=True)
        new_events = [_make_status_event(outcome) for outcome in outcomes if outcome.new_status]
        outbox.enqueue_events(tx.connection(), centre.id, new_events, now=now)
    foreign_centre = RegistrationOutcome(refusal=ForeignCentre())
    return [results.get(position, foreign_centre) for position in range(len(reports))]


@transaction
def cancel_invitation(tx: Session, case_id: uuid.UUID, centres: Collection[str]) -> CaseView:
    """Cancel the invitation of the case; an answer that was given stays. Raises ``NotFound``."""
    case_record = _open_case_record(tx, case_id, centres)
    if case_record.invitation is not None:
        case_record.invitation.cancelled = True
    return _make_case_view(case_record, current_keyring(), clock.kyiv_day(clock.now()), _make_history(case_record))


@reading
def find_case(tx: Session, case_id: uuid.UUID, centres: Collection[str]) -> CaseView:
    """Return the case if it belongs to one of these centres; raise ``NotFound`` if not."""
    case_record = _open_case_record(tx, case_id, centres)
    return _make_case_view(case_record, current_keyring(), clock.kyiv_day(clock.now()), _make_history(case_record))


@reading
def read_slip_facts(tx: Session, token: str) -> SlipFacts:
    """Return what to print for the invitation with this token, whatever its state; raise ``NotFound`` if none."""
    context = invitations.find_by_token(tx.connection(), current_keyring(), token)
    code = keyring.format_code(context.centre.prefix + context.key.derive_short_code(context.invitation.id))
    return SlipFacts(context.token, code, context.centre.name, context.invitation.last_day)


def _make_issue_terms(tx: Session, now: datetime) -> IssueTerms:
    today = clock.kyiv_day(now)
    versions = {office: published.find_in_force(tx.connection(), office, today).version for office in FRONT_OFFICES}
    settings = current_settings()
    return IssueTerms(current_keyring(), settings.case_key, now, settings.invitation_days, versions)


def _open_case_record(tx: Session, case_id: uuid.UUID, centres: Collection[str]) -> CaseRecord:
    query = select(Centre).join(Case, Case.centre_id == Centre.id)
    centre = tx.scalar(query.where(Case.id == case_id, Centre.code.in_(centres)))
    if centre is None:
        raise NotFound()
    [case_record] = register.load_records(tx, centre, Case.id == case_id)
    return case_record


def _make_status_event(outcome: RegistrationOutcome) -> events.NewEvent:
    case_record, status = outcome.record, outcome.new_status
    assert case_record is not None and status is not None
    centre, service = make_public_centre(case_record.centre), make_service_facts(case_record.service)
    context = make_service_context(centre, case_record.case, service)
    return events.build_case_status(context, status.status, status.at, case_record.case.registered_at)


def _make_history(case_record: CaseRecord) -> tuple[StatusView, ...]:
    return tuple(StatusView(entry.status, entry.at) for entry in case_record.history)


def _make_case_view(case_record: CaseRecord, ring: Keyring, today: date, history: tuple[StatusView, ...]) -> CaseView:
    case, centre = case_record.case, case_record.centre
    invitation_view = _make_invitation_view(centre, case_record.invitation, ring, today)
    return CaseView(case.id, centre.code, case.front_office, case.status, history, invitation_view)


def _make_invitation_view(
    centre: Centre, invitation: Invitation | None, ring: Keyring, today: date
) -> InvitationView | None:
    if invitation is None:
        return None
    try:
        key = ring.get_key(invitation.key_id)
    except LookupError:
        return None  # its key was removed from the keyring, so the link does not work any more
    state = "cancelled" if invitation.cancelled else "expired" if today > invitation.last_day else "issued"
    return InvitationView(
        token=key.derive_token(invitation.id),
        short_code=keyring.format_code(centre.prefix + key.derive_short_code(invitation.id)),
        state=state,
        expires_at=clock.end_of_kyiv_day(invitation.last_day),
    )
