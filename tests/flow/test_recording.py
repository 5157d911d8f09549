"""A questionnaire that asks by other questions is understood everywhere that an answer goes."""

import json
from typing import Any

import pytest

from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.flow import alarm_duties, duties, publishing
from feedback_service.models import Alarm, Comment
from feedback_service.surveys.questionnaires import DOCUMENTS_FOLDER
from tests.conftest import TimeIs
from tests.support.stored import read_event_data, read_rows
from tests.support.story import create_centre, create_invitation, send_answer

pytestmark = pytest.mark.usefixtures("context")


def other_questions() -> dict[str, Any]:
    """The shipped questionnaire with other names for the questions why and about something serious."""
    text = (DOCUMENTS_FOLDER / "offline-2026.1.json").read_text(encoding="utf-8")
    text = text.replace("any.breach", "any.serious").replace('"none"', '"nothing"')
    document: dict[str, Any] = json.loads(text)
    return document | {"version": "offline-2026.2", "effective_from": "2026-11-20"}


def test_something_serious_is_found_by_the_question_that_the_questionnaire_names(time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    create_centre()
    publishing.publish_questionnaire(other_questions())

    send_answer(create_invitation().token, {"any.serious": ["bribe"], "any.comment": "Вимагали гроші"})
    send_answer(create_invitation().token, {"any.serious": ["nothing"], "any.comment": "Усе гаразд"})
    alarm_duties.raise_alarms(duties.never_stop)

    assert [(alarm.kind, alarm.bad) for alarm in read_rows(Alarm)] == [("breach", 1)]
    assert sorted(comment.breach for comment in read_rows(Comment)) == [False, True]
    assert sorted(event["breach"] for event in read_event_data(RESPONSE_RECORDED)) == [[], ["bribe"]]
