"""A visitor of the hall answers without an invitation."""

import uuid

import pytest

from feedback_service import clock
from feedback_service.cases.services import ServiceRef
from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.errors import Invalid, OtherAnswer, TooManyAnswers
from feedback_service.flow import sign_in, uninvited_answers
from feedback_service.flow.answers import RecordedAnswer
from feedback_service.models import Response
from feedback_service.surveys.answers import JsonSubmission
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.staff import create_session, create_user
from tests.support.story import CENTRE, create_centre

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


def test_the_hall_is_rated_once_by_a_client_without_a_case() -> None:
    client = uuid.uuid4()

    first = uninvited_answers.record_hall_answer(
        CENTRE, client_id=client, submission=JsonSubmission({"off.nps": 7}), language="uk"
    )
    again = uninvited_answers.record_hall_answer(
        CENTRE, client_id=client, submission=JsonSubmission({"off.nps": 7}), language="uk"
    )

    assert (again.id, again.repeated) == (first.id, True)
    [response] = stored.read_rows(Response)
    assert (response.source, response.service_id) == ("qr_hall", None)
    [event] = stored.read_event_data(RESPONSE_RECORDED)
    assert (event["service"], event["case_status"]) == (None, None)


def answer_in_hall(centre: str = CENTRE, client_id: uuid.UUID | None = None, rating: int = 9) -> RecordedAnswer:
    """A visitor answers by the poster of the hall."""
    submission = JsonSubmission({"off.nps": rating})
    client_id = client_id or uuid.uuid4()
    return uninvited_answers.record_hall_answer(centre, client_id=client_id, submission=submission, language="uk")


def test_a_hall_keeps_so_many_answers_in_an_hour_and_counts_the_others(
    time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uninvited_answers, "HALL_ANSWERS_AN_HOUR", 3)
    create_centre("SN12000008", name="ЦНАП поряд")
    time_is("2026-11-20T10:40+02:00")
    first = uuid.uuid4()
    for client in (first, uuid.uuid4(), uuid.uuid4()):
        answer_in_hall(client_id=client)

    for _ in range(2):
        with pytest.raises(TooManyAnswers) as refused:
            answer_in_hall()
        assert refused.value.retry_after == 20 * 60 + 1
    assert answer_in_hall(client_id=first).repeated, "a repeat is no other answer"
    with pytest.raises(Invalid):
        answer_in_hall(rating=11)
    answer_in_hall("SN12000008")

    assert len(stored.read_rows(Response)) == 4
    head = sign_in.find_current_user(create_session(create_user("head")))
    assert head is not None
    [unkept] = uninvited_answers.list_unkept_hall_answers(head, CENTRE)
    assert (unkept.number, unkept.day) == (2, clock.kyiv_day(clock.now()))
    time_is("2026-11-20T11:00+02:00")
    answer_in_hall()


def test_a_busy_hall_behind_one_address_loses_nothing() -> None:
    assert uninvited_answers.HALL_ANSWERS_AN_HOUR >= 200, "an answer every 18 seconds all the hour"


def test_the_poster_gives_nobody_the_receipt_of_an_answer_that_staff_typed_in() -> None:
    client = uuid.uuid4()
    assisted = uninvited_answers.AssistedAnswer(
        centre=CENTRE,
        client_id=client,
        service=ServiceRef(code="00034", local_code="", title="Реєстрація місця проживання"),
        front_office="offline",
        source="phone_interview",
        answered_on=clock.kyiv_day(clock.now()),
        language="uk",
        submission=JsonSubmission({"off.nps": 9}),
    )
    uninvited_answers.record_assisted_answer(assisted, centres=frozenset([CENTRE]))

    with pytest.raises(OtherAnswer):
        answer_in_hall(client_id=client)
