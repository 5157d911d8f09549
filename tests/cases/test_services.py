"""The services of a centre: which one the codes of a case mean, and how many other systems may add."""

from dataclasses import replace

import pytest

from feedback_service import clock
from feedback_service.cases import services
from feedback_service.cases.services import ServiceRef
from feedback_service.errors import TooManyServices
from feedback_service.models import Service
from tests.support import stored
from tests.support.story import create_centre, make_case_update, register_case

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


@pytest.mark.parametrize("named", [ServiceRef("00034", "", ""), ServiceRef("", "14-13", "")])
def test_a_service_may_be_named_by_either_of_its_codes(named: ServiceRef) -> None:
    report = make_case_update("registered")
    register_case(report)

    case = register_case(replace(report, status="completed", status_at=clock.now(), service=named))

    assert case.status == "completed"


def test_case_systems_do_not_add_services_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_SERVICES", 2)
    known = register_case(make_case_update(service=ServiceRef("00001", "", "")))
    register_case(make_case_update(service=ServiceRef("00002", "", "")))

    with pytest.raises(TooManyServices):
        register_case(make_case_update(service=ServiceRef("00003", "", "")))

    assert register_case(make_case_update(service=ServiceRef("00001", "", ""))).centre == known.centre


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

    case = register_case(replace(report, status="completed", status_at=clock.now(), service=ServiceRef("91", "b", "")))

    assert case.status == "completed"
    assert len(stored.read_rows(Service)) == 3


def test_a_service_known_by_its_code_gets_its_title_when_somebody_tells_it() -> None:
    report = make_case_update("registered", service=ServiceRef("92", "", ""))
    register_case(report)

    named = ServiceRef("92", "", "Видача довідки")
    register_case(replace(report, status="completed", status_at=clock.now(), service=named))

    assert [service.title for service in stored.read_rows(Service)] == ["Видача довідки"]
