"""The register of cases: the order of statuses, and what may not change."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from feedback_service import clock
from feedback_service.cases.services import ServiceRef
from feedback_service.delivery.events import CASE_STATUS
from feedback_service.errors import AlreadyFinal, AnotherCase
from feedback_service.flow import cases
from tests.support import stored
from tests.support.story import CENTRE, create_centre, make_case_update, register_case

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


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


@pytest.mark.parametrize("status", ["completed", "refused"])
def test_the_same_final_status_at_a_later_instant_gives_the_case_as_it_is(status: str) -> None:
    report = make_case_update(status)
    first = register_case(report)

    assert register_case(replace(report, status_at=clock.now())) == first
    assert len(stored.read_event_data(CASE_STATUS)) == 1


def test_a_final_status_that_another_one_followed_is_no_repeat() -> None:
    report = make_case_update("completed")
    first = register_case(report)
    refused = register_case(replace(report, status="refused", status_at=report.status_at + timedelta(minutes=1)))
    completed = register_case(replace(report, status_at=report.status_at + timedelta(minutes=2)))
    register_case(replace(report, status="cancelled", status_at=report.status_at + timedelta(minutes=3)))

    with pytest.raises(AlreadyFinal):
        register_case(replace(report, status_at=report.status_at + timedelta(minutes=4)))
    assert first.invitation == refused.invitation == completed.invitation
    assert [entry.status for entry in completed.history] == ["completed", "refused", "completed"]


def test_a_final_status_that_was_never_current_leaves_the_case_open() -> None:
    report = make_case_update("in_progress")
    register_case(report)
    register_case(replace(report, status="completed", status_at=report.status_at - timedelta(hours=1)))

    case = register_case(replace(report, status="returned", status_at=clock.now()))

    assert (case.status, case.invitation) == ("returned", None)
