"""A case system tells what happened to a case; a final status brings the invitation to rate it."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import invitations, registry, tokens
from feedback_service.cases.registry import CaseFile, CaseReport, Outcome, Terms
from feedback_service.cases.tokens import Keyring, keyring
from feedback_service.centres.register import find_centres
from feedback_service.config import settings
from feedback_service.database import reading, transaction
from feedback_service.delivery import events, outbox
from feedback_service.errors import FeedbackError, NotFound
from feedback_service.flow.recording import Origin
from feedback_service.models import Case, Centre, Invitation
from feedback_service.surveys import library
from feedback_service.words import FRONT_OFFICES


@dataclass(frozen=True, slots=True)
class InvitationView:
    """What the case system may know of an invitation; never whether it was answered."""

    token: str
    short_code: str
    state: str  # issued | expired | cancelled
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CaseView:
    """What the case system may know of its case."""

    id: uuid.UUID
    centre: str
    front_office: str
    status: str
    history: tuple[tuple[str, datetime], ...]
    invitation: InvitationView | None


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of one report: the case and whether it is new, or the refusal."""

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


@transaction
def register_cases(tx: Session, reports: Sequence[CaseReport], centres: Collection[str]) -> list[Registered]:
    """A case system tells of cases in some of its ``centres``: each is entered or refused, in the order told."""
    now, known = clock.now(), find_centres(tx, {report.centre for report in reports} & set(centres))
    terms = _terms(tx, now)
    results: dict[int, Outcome] = {}
    for code, centre in known.items():
        places = [place for place, report in enumerate(reports) if report.centre == code]
        outcomes = registry.register(tx, centre, [reports[place] for place in places], terms)
        results |= zip(places, outcomes, strict=True)
        outbox.put(
            tx.connection(), centre.id, [_telling(outcome) for outcome in outcomes if outcome.told], at=now
        )
    foreign = Outcome(refusal=NotFound())
    return [_registered(results.get(place, foreign), terms) for place in range(len(reports))]


@transaction
def cancel_invitation(tx: Session, case_id: uuid.UUID, centres: Collection[str]) -> CaseView:
    """The case's invitation is closed, now or already; an answer that was left stays."""
    file = _open(tx, case_id, centres)
    if file.invitation is not None:
        file.invitation.cancelled = True
    return _view(file, keyring(), clock.kyiv_day(clock.now()))


@reading
def find_case(tx: Session, case_id: uuid.UUID, centres: Collection[str]) -> CaseView:
    """The case, if it belongs to one of these centres; else ``NotFound``."""
    return _view(_open(tx, case_id, centres), keyring(), clock.kyiv_day(clock.now()))


@reading
def slip_facts(tx: Session, token: str) -> SlipFacts:
    """What to print for the invitation with this token, whatever its state; ``NotFound`` if there is none."""
    held = invitations.hold(tx.connection(), keyring(), token)
    code = tokens.spelled(held.centre.prefix + held.key.short_code(held.invitation.id))
    return SlipFacts(held.token, code, held.centre.name, held.invitation.last_day)


def _terms(tx: Session, now: datetime) -> Terms:
    today = clock.kyiv_day(now)
    return Terms(
        keyring=keyring(),
        case_key=settings().case_key,
        now=now,
        days=settings().invitation_days,
        questionnaires={
            office: library.in_force(tx.connection(), office, today).version for office in FRONT_OFFICES
        },
    )


def _open(tx: Session, case_id: uuid.UUID, centres: Collection[str]) -> CaseFile:
    whose = select(Centre).join(Case, Case.centre_id == Centre.id)
    centre = tx.scalar(whose.where(Case.id == case_id, Centre.code.in_(centres)))
    if centre is None:
        raise NotFound()
    [file] = registry.open_files(tx, centre, Case.id == case_id)
    return file


def _telling(outcome: Outcome) -> events.Telling:
    file, told = outcome.file, outcome.told
    assert file is not None and told is not None
    origin = Origin.of_case(file.centre, file.case, file.service)
    assert origin.case_ref is not None
    return events.case_status(origin.case_ref, origin.served, told.status, told.at, file.case.registered_at)


def _registered(outcome: Outcome, terms: Terms) -> Registered:
    view = _view(outcome.file, terms.keyring, terms.today) if outcome.file else None
    return Registered(view, outcome.created, outcome.refusal)


def _view(file: CaseFile, ring: Keyring, today: date) -> CaseView:
    return CaseView(
        id=file.case.id,
        centre=file.centre.code,
        front_office=file.case.front_office,
        status=file.case.status,
        history=tuple((status.status, status.at) for status in file.history),
        invitation=_invitation_view(file.centre, file.invitation, ring, today) if file.invitation else None,
    )


def _invitation_view(
    centre: Centre, invitation: Invitation, ring: Keyring, today: date
) -> InvitationView | None:
    try:
        key = ring.by_id(invitation.key_id)
    except LookupError:
        return None  # its key was taken off the ring: the link opens nothing any more
    state = "cancelled" if invitation.cancelled else "expired" if today > invitation.last_day else "issued"
    return InvitationView(
        token=key.token(invitation.id),
        short_code=tokens.spelled(centre.prefix + key.short_code(invitation.id)),
        state=state,
        expires_at=clock.end_of_kyiv_day(invitation.last_day),
    )
