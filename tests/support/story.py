"""A vocabulary for tests: what has happened before the test begins, told through the flow."""

import itertools
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import tokens
from feedback_service.cases.registry import CaseReport, ServiceRef
from feedback_service.database import transaction
from feedback_service.flow import answers as answers_flow
from feedback_service.flow import cases
from feedback_service.flow.answers import Given, Recorded
from feedback_service.flow.cases import CaseView, InvitationView
from feedback_service.models import Centre, Event
from feedback_service.surveys.answers import check

CENTRE = "SN12000007"
_numbers = itertools.count(1)


@transaction
def a_centre(
    tx: Session,
    code: str = CENTRE,
    name: str = "ЦНАП міста Підзвітне",
    edrpou: str = "00032112",
    katottg: str = "UA12020010010037010",
) -> str:
    """A centre that serves people; its code."""
    prefix = tokens.new_prefix()
    tx.add(Centre(id=uuid.uuid4(), code=code, prefix=prefix, name=name, edrpou=edrpou, katottg=katottg))
    return code


def a_report(status: str = "completed", **facts: Any) -> CaseReport:
    """What a case system tells of a case, an hour ago; say only what the test is about."""
    usual: dict[str, Any] = {
        "centre": CENTRE,
        "case_number": f"12-2026/{next(_numbers):06}",
        "service": ServiceRef("00034", "14-13", "Реєстрація місця проживання"),
        "front_office": "offline",
        "status": status,
        "status_at": clock.now() - timedelta(hours=1),
        "provider_edrpou": "00032112",
        "workplace": "window-3",
        "workplace_kind": "centre",
    }
    return CaseReport(**(usual | facts))


def registered(report: CaseReport) -> CaseView:
    """The case as its system sees it after that report; a refusal is raised."""
    [outcome] = cases.register_cases([report], {report.centre})
    if outcome.refusal is not None:
        raise outcome.refusal
    assert outcome.case is not None
    return outcome.case


def invited(**facts: Any) -> InvitationView:
    """The invitation of a case that was just completed."""
    invitation = registered(a_report(**facts)).invitation
    assert invitation is not None
    return invitation


def given(answers: Mapping[str, object]) -> Given:
    """These answers, as a door hands them over."""
    return lambda questionnaire: check(questionnaire, answers)


def tapped(token: str, answers: Mapping[str, object], client: uuid.UUID | None = None) -> uuid.UUID:
    """Somebody tapped and has not sent yet; the client id."""
    client = client or uuid.uuid4()
    answers_flow.keep_begun(token, client_id=client, given=given(answers), language="uk", source="qr_case")
    return client


def sent(token: str, answers: Mapping[str, object], client: uuid.UUID | None = None, **how: Any) -> Recorded:
    """Somebody answered and sent."""
    how = {"language": "uk", "source": "qr_case"} | how
    return answers_flow.finish(token, client_id=client or uuid.uuid4(), given=given(answers), **how)


@transaction
def refused(tx: Session, centre: str = CENTRE, reason: str = "HTTP 422") -> uuid.UUID:
    """The central system refused the newest event of the centre; its id."""
    of_centre = select(Event.id).join(Centre, Centre.id == Event.centre_id).where(Centre.code == centre)
    newest = tx.scalars(of_centre.order_by(Event.id.desc()).limit(1)).one()
    dead = (
        update(Event).where(Event.id == newest).values(state="dead", due_at=None, attempts=3, reason=reason)
    )
    tx.execute(dead, execution_options={"synchronize_session": False})
    return newest


def minutes_later(minutes: float) -> datetime:
    """The instant so many minutes from the clock's now."""
    return clock.now() + timedelta(minutes=minutes)
