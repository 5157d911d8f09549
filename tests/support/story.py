"""What has happened before a test begins: short functions that call the flow."""

import itertools
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.cases.register import CaseUpdate
from feedback_service.cases.services import ServiceRef
from feedback_service.database import transaction
from feedback_service.flow import api_keys, cases
from feedback_service.flow.answers import RecordedAnswer, SentAnswer, save_draft, submit_answer
from feedback_service.flow.cases import CaseView, InvitationView
from feedback_service.models import Centre, Event
from feedback_service.surveys.answers import JsonSubmission

CENTRE = "SN12000007"
_case_numbers = itertools.count(1)


@transaction
def create_centre(
    tx: Session,
    code: str = CENTRE,
    name: str = "ЦНАП міста Підзвітне",
    edrpou: str = "00032112",
    katottg: str = "UA12020010010037010",
) -> str:
    """Add a centre; return its code."""
    prefix = keyring.new_prefix()
    tx.add(Centre(id=uuid.uuid4(), code=code, prefix=prefix, name=name, edrpou=edrpou, katottg=katottg))
    return code


def make_case_update(status: str = "completed", **facts: Any) -> CaseUpdate:
    """Return a case system's report of an hour ago; name only the facts that the test is about."""
    defaults: dict[str, Any] = {
        "centre": CENTRE,
        "case_number": f"12-2026/{next(_case_numbers):06}",
        "service": ServiceRef("00034", "14-13", "Реєстрація місця проживання"),
        "front_office": "offline",
        "status": status,
        "status_at": clock.now() - timedelta(hours=1),
        "provider_edrpou": "00032112",
        "workplace": "window-3",
        "workplace_kind": "centre",
    }
    return CaseUpdate(**(defaults | facts))


def register_case(case_update: CaseUpdate) -> CaseView:
    """Register the case and return its view; raise the refusal if it is refused."""
    [outcome] = cases.register_cases([case_update], {case_update.centre})
    if outcome.refusal is not None:
        raise outcome.refusal
    assert outcome.case is not None
    return outcome.case


def create_invitation(**facts: Any) -> InvitationView:
    """Register a completed case and return its invitation."""
    invitation = register_case(make_case_update(**facts)).invitation
    assert invitation is not None
    return invitation


def make_sent_answer(answers: Mapping[str, object], client_id: uuid.UUID | None = None, **options: Any) -> SentAnswer:
    """Make what a client sends by a case's link: on a phone, in Ukrainian, if the options say nothing else."""
    options = {"language": "uk", "source": "qr_case"} | options
    return SentAnswer(client_id=client_id or uuid.uuid4(), submission=JsonSubmission(answers), **options)


def begin_answer(
    token: str, answers: Mapping[str, object], client_id: uuid.UUID | None = None, **options: Any
) -> uuid.UUID:
    """Save a draft answer; return the client id."""
    sent = make_sent_answer(answers, client_id, **options)
    save_draft(token, sent)
    return sent.client_id


def send_answer(
    token: str,
    answers: Mapping[str, object],
    client_id: uuid.UUID | None = None,
    *,
    refuses_other_answer: bool = False,
    **options: Any,
) -> RecordedAnswer:
    """Submit a final answer."""
    sent = make_sent_answer(answers, client_id, **options)
    return submit_answer(token, sent, refuses_other_answer=refuses_other_answer)


@transaction
def refuse_newest_event(tx: Session, centre: str = CENTRE, reason: str = "HTTP 422") -> uuid.UUID:
    """Have the newest event of the centre refused by the central system; return its id."""
    pending = select(Event.id).join(Centre, Centre.id == Event.centre_id).where(Event.state == "pending")
    newest_id = tx.scalars(pending.where(Centre.code == centre).order_by(Event.due_at.desc()).limit(1)).one()
    mark_dead = update(Event).where(Event.id == newest_id).values(state="dead", due_at=None, attempts=3, reason=reason)
    tx.execute(mark_dead, execution_options={"synchronize_session": False})
    return newest_id


def use_service_now(centre: str = CENTRE) -> None:
    """Somebody uses the service at this moment, so the clock is right: the database learns of an instant."""
    api_keys.add_key(["cases:read"], [centre])


def minutes_later(minutes: float) -> datetime:
    """Return the instant so many minutes from now."""
    return clock.now() + timedelta(minutes=minutes)
