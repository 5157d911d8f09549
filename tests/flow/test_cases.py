"""A case system tells what happened to a case."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from feedback_service import clock
from feedback_service.app import create_app
from feedback_service.cases.register import ServiceRef
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.delivery.events import CASE_STATUS
from feedback_service.errors import (
    AlreadyAnswered,
    AlreadyFinal,
    AnotherCase,
    Invalid,
    InvitationCancelled,
    InvitationExpired,
    NotFound,
)
from feedback_service.flow import answers, cases, receipts
from feedback_service.models import Case, Invitation, Service
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.story import (
    CENTRE,
    create_centre,
    create_invitation,
    make_case_update,
    register_case,
    send_answer,
)

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


def test_a_case_on_its_way_is_not_invited_yet() -> None:
    case = register_case(make_case_update("in_progress"))

    assert (case.status, case.invitation) == ("in_progress", None)


@pytest.mark.parametrize("final", ["completed", "refused"])
def test_a_final_status_brings_one_invitation(final: str) -> None:
    report = make_case_update("registered")
    register_case(report)

    case = register_case(replace(report, status=final, status_at=report.status_at + timedelta(minutes=5)))

    assert case.invitation is not None
    assert case.invitation.state == "issued"
    assert [entry.status for entry in case.history] == ["registered", final]


def test_the_same_report_again_changes_nothing_and_gets_the_same_answer() -> None:
    report = make_case_update()
    first = register_case(report)

    assert register_case(report) == first
    assert len(stored.read_event_data(CASE_STATUS)) == 1


def test_an_older_status_enters_the_history_without_moving_the_case() -> None:
    report = make_case_update("completed")
    register_case(report)

    case = register_case(replace(report, status="registered", status_at=report.status_at - timedelta(days=2)))

    assert case.status == "completed"
    assert [entry.status for entry in case.history] == ["registered", "completed"]
    assert [event["status"] for event in stored.read_event_data(CASE_STATUS)] == ["completed", "registered"]


def test_statuses_of_one_instant_always_come_in_the_same_order() -> None:
    report = make_case_update("registered")
    register_case(report)

    case = register_case(replace(report, status="in_progress"))

    assert [entry.status for entry in case.history] == ["in_progress", "registered"]
    assert cases.find_case(case.id, {CENTRE}) == register_case(report) == case


def test_a_final_case_does_not_go_back() -> None:
    report = make_case_update("completed")
    register_case(report)

    with pytest.raises(AlreadyFinal):
        register_case(replace(report, status="in_progress", status_at=clock.now()))


def test_the_other_final_status_is_taken_and_brings_no_second_invitation() -> None:
    report = make_case_update("completed")
    first = register_case(report)

    case = register_case(replace(report, status="refused", status_at=clock.now()))

    assert case.status == "refused"
    assert case.invitation == first.invitation


def test_who_is_invited_rates_the_place_where_the_case_ended_first() -> None:
    report = make_case_update("registered", workplace="window-1")
    register_case(report)
    ended = replace(report, status="completed", status_at=clock.now(), workplace="window-2")
    register_case(ended)

    elsewhere = replace(ended, workplace="window-3", provider_edrpou="43220851")
    register_case(replace(elsewhere, status="refused", status_at=clock.now()))

    [case] = stored.read_rows(Case)
    assert (case.status, case.workplace, case.provider_edrpou) == ("refused", "window-2", "00032112")


def test_a_cancelled_case_closes_its_unanswered_invitation() -> None:
    report = make_case_update("completed")
    invitation = register_case(report).invitation
    assert invitation is not None

    case = register_case(replace(report, status="cancelled", status_at=clock.now()))

    assert case.invitation is not None
    assert case.invitation.state == "cancelled"
    with pytest.raises(InvitationCancelled):
        answers.open_survey(invitation.token, mark_opened=False)


def test_a_cancelled_invitation_says_so_whether_it_was_answered_or_not() -> None:
    answered, unanswered = register_case(make_case_update()), register_case(make_case_update())
    assert answered.invitation is not None
    send_answer(answered.invitation.token, {"off.nps": 9})

    closed = [cases.cancel_invitation(case.id, {CENTRE}) for case in (answered, unanswered)]

    assert [case.invitation.state for case in closed if case.invitation] == ["cancelled", "cancelled"]
    assert stored.read_answers() == {("off.nps", "9")}
    with pytest.raises(AlreadyAnswered):
        answers.open_survey(answered.invitation.token, mark_opened=False)


def test_cancelling_an_invitation_again_gives_the_same_reply() -> None:
    case = register_case(make_case_update())

    assert cases.cancel_invitation(case.id, {CENTRE}) == cases.cancel_invitation(case.id, {CENTRE})


@pytest.mark.parametrize(
    "other",
    [
        {"front_office": "online"},
        {"service": ServiceRef("00099", "", "")},
        {"service": ServiceRef("00034", "99-99", "")},
    ],
)
def test_a_known_case_keeps_its_service_and_front_office(other: dict[str, Any]) -> None:
    report = make_case_update("registered")
    register_case(report)

    with pytest.raises(AnotherCase):
        register_case(replace(report, status_at=clock.now(), **other))


@pytest.mark.parametrize("named", [ServiceRef("00034", "", ""), ServiceRef("", "14-13", "")])
def test_a_service_may_be_named_by_either_of_its_codes(named: ServiceRef) -> None:
    report = make_case_update("registered")
    register_case(report)

    case = register_case(replace(report, status="completed", status_at=clock.now(), service=named))

    assert case.status == "completed"


def test_a_clock_may_run_five_minutes_ahead_and_no_more() -> None:
    register_case(make_case_update(status_at=clock.now() + timedelta(minutes=4)))

    with pytest.raises(Invalid) as refusal:
        register_case(make_case_update(status_at=clock.now() + timedelta(minutes=6)))
    assert [error.pointer for error in refusal.value.errors] == ["/status_at"]


def test_one_refused_report_does_not_affect_the_others() -> None:
    reports = [
        make_case_update(),
        make_case_update(status_at=clock.now() + timedelta(days=1)),
        make_case_update(centre="SN99999999"),
        make_case_update("registered"),
    ]

    outcomes = cases.register_cases(reports, {CENTRE, "SN99999999"})

    assert [type(outcome.refusal) for outcome in outcomes] == [type(None), Invalid, NotFound, type(None)]
    assert len(stored.read_rows(Case)) == 2


def test_a_case_of_a_centre_outside_the_key_is_refused() -> None:
    create_centre("SN05000001")

    [outcome] = cases.register_cases([make_case_update(centre="SN05000001")], {CENTRE})

    assert isinstance(outcome.refusal, NotFound)


def test_two_reports_of_one_case_in_one_batch_are_one_case() -> None:
    report = make_case_update("registered")
    later = replace(report, status="completed", status_at=report.status_at + timedelta(minutes=1))

    first, second = cases.register_cases([report, later], {CENTRE})

    assert first.case is not None and second.case is not None
    assert first.case.id == second.case.id
    assert (first.created, second.created) == (True, False)


def test_a_foreign_case_is_not_found() -> None:
    case = register_case(make_case_update())

    assert cases.find_case(case.id, {CENTRE}) == case
    with pytest.raises(NotFound):
        cases.find_case(case.id, {"SN05000001"})
    with pytest.raises(NotFound):
        cases.find_case(uuid.uuid4(), {CENTRE})


def test_an_invitation_lives_until_the_end_of_its_last_day_in_kyiv(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:15:00+02:00")
    invitation = create_invitation()
    assert invitation.expires_at.isoformat() == "2026-12-20T23:59:59+02:00"

    time_is("2026-12-20T23:59:59+02:00")
    answers.open_survey(invitation.token, mark_opened=False)

    time_is("2026-12-21T00:00:00+02:00")
    with pytest.raises(InvitationExpired):
        answers.open_survey(invitation.token, mark_opened=False)


def test_token_and_short_code_can_be_derived_again_after_the_key_was_rotated(settings: Settings) -> None:
    case = register_case(make_case_update())
    rotated = replace(settings, token_keys=(b"new" * 12, *settings.token_keys))

    with create_app(rotated).app_context():
        assert cases.find_case(case.id, {CENTRE}) == case
        assert case.invitation is not None
        answers.open_survey(case.invitation.token, mark_opened=False)
        assert receipts.find_token_by_short_code(case.invitation.short_code) == case.invitation.token
        db.engine.dispose()


def test_the_database_keeps_neither_case_number_nor_token_nor_code() -> None:
    report = make_case_update()
    invitation = register_case(report).invitation
    assert invitation is not None

    kept = repr([vars(row) for table in (Case, Invitation) for row in stored.read_rows(table)])

    code = invitation.short_code.replace("-", "")[4:]
    for secret in (report.case_number, invitation.token, code):
        assert secret not in kept


def test_the_same_final_status_at_a_later_instant_is_refused() -> None:
    report = make_case_update("completed")
    register_case(report)

    with pytest.raises(AlreadyFinal):
        register_case(replace(report, status_at=clock.now()))


def test_a_final_status_that_was_never_current_leaves_the_case_open() -> None:
    report = make_case_update("in_progress")
    register_case(report)
    register_case(replace(report, status="completed", status_at=report.status_at - timedelta(hours=1)))

    case = register_case(replace(report, status="returned", status_at=clock.now()))

    assert (case.status, case.invitation) == ("returned", None)


def test_services_that_share_a_local_code_stay_two() -> None:
    for named in (
        ServiceRef("", "L9", "Локальна"),
        ServiceRef("88101", "L9", ""),
        ServiceRef("88102", "L9", ""),
    ):
        register_case(make_case_update(service=named))

    assert {(service.code, service.local_code) for service in stored.read_rows(Service)} == {
        ("", "L9"),
        ("88101", "L9"),
        ("88102", "L9"),
    }


def test_a_code_that_two_services_share_names_neither_of_them() -> None:
    for local_code in "ab":
        register_case(make_case_update(service=ServiceRef("91", local_code, "")))
    report = make_case_update("registered", service=ServiceRef("91", "", ""))
    register_case(report)

    case = register_case(
        replace(report, status="completed", status_at=clock.now(), service=ServiceRef("91", "b", ""))
    )

    assert case.status == "completed"
    assert len(stored.read_rows(Service)) == 3


def test_a_service_known_by_its_code_gets_its_title_when_somebody_tells_it() -> None:
    report = make_case_update("registered", service=ServiceRef("92", "", ""))
    register_case(report)

    named = ServiceRef("92", "", "Видача довідки")
    register_case(replace(report, status="completed", status_at=clock.now(), service=named))

    assert [service.title for service in stored.read_rows(Service)] == ["Видача довідки"]
