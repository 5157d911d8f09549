"""Every waiting event is valid by the published JSON Schemas, whatever caused it."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from feedback_service import clock
from feedback_service.cases.services import ServiceRef
from feedback_service.delivery.events import CASE_STATUS, CENTRE_PROFILE, EVENT_TYPES, RESPONSE_RECORDED
from feedback_service.flow import answers, receipts, registers, uninvited_answers
from feedback_service.flow.uninvited_answers import AssistedAnswer
from feedback_service.surveys.answers import JsonSubmission
from tests.conftest import TimeIs
from tests.support import stored, story
from tests.support.environment import ROOT
from tests.support.stored import OpenedEvent

WaitingEvents = Callable[[], list[OpenedEvent]]

PUBLISHED = {path.stem: json.loads(path.read_text()) for path in (ROOT / "docs" / "schemas").glob("*.json")}
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in PUBLISHED.values()
)


def schema_errors(name: str, value: object) -> list[str]:
    """Return why the value is not valid by a published schema."""
    checker = Draft202012Validator(PUBLISHED[name], registry=REGISTRY, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]


def event_data(event: OpenedEvent) -> dict[str, Any]:
    """Return the data of an event that was not blanked yet."""
    assert event.data is not None
    return event.data


def in_envelope(event: OpenedEvent, centre: str) -> dict[str, Any]:
    """Return the event in the envelope that the contract describes."""
    assert event.time is not None
    return {
        "specversion": "1.0",
        "id": str(event.row.id),
        "source": f"/centres/{centre}",
        "type": event.row.type,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "sequence": "1",
        "datacontenttype": "application/json",
        "dataschema": f"https://vidhuk.example/schemas/{event.row.type}.json",
        "data": event.data,
    }


@pytest.fixture
def waiting_events(context: None) -> WaitingEvents:
    """``waiting_events()`` returns the events that wait, each checked by its schema and that of the envelope."""

    def waiting_events() -> list[OpenedEvent]:
        events = stored.read_events()
        for event in events:
            assert schema_errors(event.row.type, event_data(event)) == []
            assert schema_errors("envelope", in_envelope(event, story.CENTRE)) == []
        return events

    return waiting_events


def test_every_type_has_a_valid_schema_and_every_schema_has_a_type() -> None:
    assert set(PUBLISHED) == {*EVENT_TYPES, "envelope"}
    for name, schema in PUBLISHED.items():
        Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:vidhuk:schema:{name}"


def test_the_schemas_in_the_documentation_are_those_that_are_served(client: FlaskClient) -> None:
    folder = ROOT / "docs" / "schemas"
    assert folder.is_symlink() and not Path(folder.readlink()).is_absolute()
    for name, schema in PUBLISHED.items():
        reply = client.get(f"/schemas/{name}.json")
        assert (reply.status_code, reply.mimetype) == (200, "application/schema+json")
        assert json.loads(reply.data) == schema
    assert client.get("/schemas/ua.vidhuk.nothing.v1.json").status_code == 404


def test_events_of_case_statuses_are_valid(waiting_events: WaitingEvents) -> None:
    story.create_centre()
    number = "77/1"
    for hours, status in ((5, "registered"), (4, "in_progress"), (3, "completed"), (2, "cancelled")):
        report = story.make_case_update(status, case_number=number, status_at=clock.now() - timedelta(hours=hours))
        story.register_case(report)
    bare = {"provider_edrpou": None, "workplace": None, "workplace_kind": None}
    story.register_case(
        story.make_case_update("registered", service=ServiceRef("", "7", ""), registered_at=clock.now(), **bare)
    )

    statuses = [event_data(event)["status"] for event in waiting_events() if event.row.type == CASE_STATUS]

    assert statuses == ["registered", "in_progress", "completed", "cancelled", "registered"]


@pytest.mark.parametrize(
    ("office", "answers"),
    [
        (
            "offline",
            {"off.nps": 3, "off.staff": "awful", "any.reasons": ["seats", "queue"], "any.breach": ["bribe"]},
        ),
        ("offline", {"any.comment": "Дякую", "any.breach": ["none"]}),
        ("online", {"on.nps": 10, "on.overall": "excellent"}),
        ("online", {"on.overall": "bad", "any.reasons": ["retries"]}),
    ],
)
def test_events_of_answers_by_a_link_are_valid(
    waiting_events: WaitingEvents, office: str, answers: dict[str, Any]
) -> None:
    story.create_centre()
    story.send_answer(story.create_invitation(front_office=office).token, answers, language="en", source="sms_viber")

    [data] = [event_data(event) for event in waiting_events() if event.row.type == RESPONSE_RECORDED]

    assert data["comment_present"] is ("any.comment" in answers)
    assert "Дякую" not in json.dumps(data, ensure_ascii=False)
    assert data["breach"] == [value for value in answers.get("any.breach", []) if value != "none"]


def test_events_of_abandoned_hall_assisted_and_withdrawn_answers_are_valid(
    waiting_events: WaitingEvents, time_is: TimeIs
) -> None:
    time_is("2026-11-20T12:00+02:00")
    story.create_centre()
    story.begin_answer(story.create_invitation().token, {"off.nps": 7})
    time_is("2026-11-20T12:01+02:00")
    uninvited_answers.record_hall_answer(
        story.CENTRE, client_id=uuid.uuid4(), submission=JsonSubmission({"off.nps": 2}), language="uk"
    )
    assisted = AssistedAnswer(
        centre=story.CENTRE,
        client_id=uuid.uuid4(),
        service=ServiceRef("00034", "", ""),
        front_office="offline",
        source="phone_interview",
        answered_on=clock.kyiv_day(clock.now()),
        language="uk",
        submission=JsonSubmission({"off.nps": 9}),
    )
    time_is("2026-11-20T12:02+02:00")
    typed_in = uninvited_answers.record_assisted_answer(assisted, centres=frozenset({story.CENTRE}))
    receipts.withdraw_answer(typed_in.receipt)
    time_is("2026-11-20T12:31+02:00")
    assert answers.submit_abandoned_drafts() == 1

    sources = [event_data(event)["source"] for event in waiting_events() if event.row.type == RESPONSE_RECORDED]

    assert sources == ["qr_hall", "phone_interview", "qr_case"]
    assert sum(event.row.type == "ua.vidhuk.response.withdrawn.v1" for event in waiting_events()) == 1


def test_events_of_centre_profiles_are_valid(waiting_events: WaitingEvents) -> None:
    profile = {"code": "SN05000042", "name": "ЦНАП", "edrpou": "00032112", "katottg": "UA05020030010063857"}
    registers.add_centre(profile)
    [event] = waiting_events()
    assert event.row.type == CENTRE_PROFILE


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "a_friend"},
        {"answers": [{"question": "off.nps", "value": 11}]},
        {"comment_present": "дуже довго"},
        {"comment": "дуже довго"},
        {"response_id": "17"},
        {"reasons": ["Черга"]},
        {"breach": ["none"]},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_the_schema_refuses_wrong_data(waiting_events: WaitingEvents, wrong: dict[str, Any]) -> None:
    story.create_centre()
    story.send_answer(story.create_invitation().token, {"off.nps": 9})
    [data] = [event_data(event) for event in waiting_events() if event.row.type == RESPONSE_RECORDED]
    assert schema_errors(RESPONSE_RECORDED, data | wrong)
