"""A case system tells what happened to a case."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from feedback_service import clock
from feedback_service.cases.register import CaseUpdate
from feedback_service.delivery.events import CASE_STATUS
from feedback_service.errors import (
    AlreadyAnswered,
    ForeignCentre,
    Invalid,
    InvitationCancelled,
    NotFound,
    TooManyStatuses,
)
from feedback_service.flow import answers, cases
from feedback_service.flow.cases import CaseView
from feedback_service.models import Case
from tests.support import stored
from tests.support.story import CENTRE, create_centre, make_case_update, register_case, send_answer

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


def register_cases(reports: list[CaseUpdate]) -> list[CaseView]:
    """Register the reports in one batch; return the case of each."""
    views = [result.case for result in cases.register_cases(reports, {CENTRE})]
    return [view for view in views if view is not None]


def test_a_case_on_its_way_is_not_invited_yet() -> None:
    case = register_case(make_case_update("in_progress"))

    assert (case.status, case.invitation) == ("in_progress", None)


def test_the_same_report_again_changes_nothing_and_gets_the_same_answer() -> None:
    report = make_case_update()
    first = register_case(report)

    assert register_case(report) == first
    assert len(stored.read_event_data(CASE_STATUS)) == 1


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

    assert [type(outcome.refusal) for outcome in outcomes] == [type(None), Invalid, ForeignCentre, type(None)]
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


def report_many_statuses(number: int) -> list[CaseUpdate]:
    """Return reports of one case that is in progress again and again, a second apart."""
    report = make_case_update("in_progress")
    return [replace(report, status_at=report.status_at + timedelta(seconds=second)) for second in range(number)]


def test_a_case_takes_two_hundred_statuses_and_repeats_of_them() -> None:
    reports = report_many_statuses(201)
    register_cases(reports[:200])

    with pytest.raises(TooManyStatuses):
        register_case(reports[200])
    assert len(register_case(reports[7]).history) == 200


def test_a_case_with_too_many_statuses_can_still_be_completed_and_rated() -> None:
    reports = report_many_statuses(200)
    register_cases(reports)

    case = register_case(replace(reports[0], status="completed", status_at=clock.now()))

    assert case.status == "completed"
    assert case.invitation is not None
    with pytest.raises(TooManyStatuses):
        register_case(replace(reports[0], status="cancelled", status_at=clock.now()))


def test_the_whole_history_stands_in_the_last_result_of_a_case() -> None:
    reports = report_many_statuses(cases.CASES_AT_ONCE + 2)

    views = register_cases([*reports, make_case_update()])

    assert {view.id for view in views[:-1]} == {views[0].id}
    assert [len(view.history) for view in views[:-1]] == [1] * (len(reports) - 1) + [len(reports)]
    assert [view.history[0].at for view in views[:-2]] == [report.status_at for report in reports[:-1]]


def test_a_foreign_case_is_not_found() -> None:
    case = register_case(make_case_update())

    assert cases.find_case(case.id, {CENTRE}) == case
    with pytest.raises(NotFound):
        cases.find_case(case.id, {"SN05000001"})
    with pytest.raises(NotFound):
        cases.find_case(uuid.uuid4(), {CENTRE})
