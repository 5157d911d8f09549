"""A visitor of the hall answers without an invitation."""

import uuid

import pytest

from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.flow import uninvited_answers
from feedback_service.models import Response
from feedback_service.surveys.answers import JsonSubmission
from tests.support import stored
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
