"""A questionnaire that asks by other questions is understood everywhere that an answer goes."""

import json
from typing import Any

import pytest

from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.flow import alarm_duties, maintenance, publishing
from feedback_service.models import Alarm, Comment
from feedback_service.surveys.questionnaires import FOLDER
from tests.conftest import TimeIs
from tests.support.stored import events, rows
from tests.support.story import a_centre, invited, sent

pytestmark = pytest.mark.usefixtures("context")


def other_questions() -> dict[str, Any]:
    """The shipped questionnaire with other names for the questions why and about something serious."""
    text = (FOLDER / "offline-2026.1.json").read_text(encoding="utf-8")
    text = text.replace("any.breach", "any.serious").replace('"none"', '"nothing"')
    document: dict[str, Any] = json.loads(text)
    return document | {"version": "offline-2026.2", "effective_from": "2026-11-20"}


def test_something_serious_is_found_by_the_question_that_the_questionnaire_names(time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    a_centre()
    publishing.load_questionnaire(other_questions())

    sent(invited().token, {"any.serious": ["bribe"], "any.comment": "Вимагали гроші"})
    sent(invited().token, {"any.serious": ["nothing"], "any.comment": "Усе гаразд"})
    alarm_duties.raise_alarms(maintenance.never)

    assert [(alarm.kind, alarm.bad) for alarm in rows(Alarm)] == [("breach", 1)]
    assert sorted(comment.breach for comment in rows(Comment)) == [False, True]
    assert sorted(event["breach"] for event in events(RESPONSE_RECORDED)) == [[], ["bribe"]]
