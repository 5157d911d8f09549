"""What waits for the central system fits the published JSON Schemas, whichever way it came about."""

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
from feedback_service.cases.register import ServiceRef
from feedback_service.delivery.events import CASE_STATUS, CENTRE_PROFILE, EVENT_TYPES, RESPONSE_RECORDED
from feedback_service.flow import answers, receipts, registers, uninvited_answers
from feedback_service.flow.uninvited_answers import AssistedAnswer
from feedback_service.models import Event
from feedback_service.surveys.answers import JsonSubmission
from tests.conftest import TimeIs
from tests.support import stored, story
from tests.support.environment import ROOT

PUBLISHED = {path.stem: json.loads(path.read_text()) for path in (ROOT / "docs" / "schemas").glob("*.json")}
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in PUBLISHED.values()
)


def complaints(name: str, value: object) -> list[str]:
    """What keeps the value from fitting a published schema."""
    checker = Draft202012Validator(PUBLISHED[name], registry=REGISTRY, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]


def told_by(event: Event) -> dict[str, Any]:
    """The data of an event that was not blanked yet."""
    assert event.data is not None
    return dict(event.data)


def as_it_travels(event: Event, centre: str) -> dict[str, Any]:
    """The event in the envelope that the contract describes."""
    return {
        "specversion": "1.0",
        "id": str(event.id),
        "source": f"/centres/{centre}",
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "sequence": "1",
        "datacontenttype": "application/json",
        "dataschema": f"https://vidhuk.example/schemas/{event.type}.json",
        "data": event.data,
    }


@pytest.fixture
def promised(context: None) -> Callable[[], list[Event]]:
    """``promised()`` are the events that wait; each has been held against its schema and the envelope's."""

    def promised() -> list[Event]:
        found: list[Event] = stored.read_rows(Event)
        for event in found:
            assert complaints(event.type, told_by(event)) == []
            assert complaints("envelope", as_it_travels(event, story.CENTRE)) == []
        return sorted(found, key=lambda event: event.id)

    return promised


def test_every_type_has_a_schema_and_every_schema_is_valid_and_has_an_owner() -> None:
    assert set(PUBLISHED) == {*EVENT_TYPES, "envelope"}
    for name, schema in PUBLISHED.items():
        Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:vidhuk:schema:{name}"


def test_the_folder_in_the_documents_is_the_one_that_is_served(client: FlaskClient) -> None:
    folder = ROOT / "docs" / "schemas"
    assert folder.is_symlink() and not Path(folder.readlink()).is_absolute()
    for name, schema in PUBLISHED.items():
        reply = client.get(f"/schemas/{name}.json")
        assert (reply.status_code, reply.mimetype) == (200, "application/schema+json")
        assert json.loads(reply.data) == schema
    assert client.get("/schemas/ua.vidhuk.nothing.v1.json").status_code == 404


def test_the_statuses_of_a_case_fit(promised: Callable[[], list[Event]]) -> None:
    story.create_centre()
    number = "77/1"
    for hours, status in ((5, "registered"), (4, "in_progress"), (3, "completed"), (2, "cancelled")):
        report = story.make_case_update(
            status, case_number=number, status_at=clock.now() - timedelta(hours=hours)
        )
        story.register_case(report)
    bare = {"provider_edrpou": None, "workplace": None, "workplace_kind": None}
    story.register_case(
        story.make_case_update(
            "registered", service=ServiceRef("", "7", ""), registered_at=clock.now(), **bare
        )
    )

    told = [told_by(event)["status"] for event in promised() if event.type == CASE_STATUS]

    assert told == ["registered", "in_progress", "completed", "cancelled", "registered"]


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
def test_answers_by_a_link_fit(
    promised: Callable[[], list[Event]], office: str, answers: dict[str, Any]
) -> None:
    story.create_centre()
    story.send_answer(
        story.create_invitation(front_office=office).token, answers, language="en", source="sms_viber"
    )

    [told] = [told_by(event) for event in promised() if event.type == RESPONSE_RECORDED]

    assert told["comment_present"] is ("any.comment" in answers)
    assert "Дякую" not in json.dumps(told, ensure_ascii=False)
    assert told["breach"] == [value for value in answers.get("any.breach", []) if value != "none"]


def test_answers_left_begun_given_in_the_hall_or_to_staff_and_taken_back_fit(
    promised: Callable[[], list[Event]], time_is: TimeIs
) -> None:
    time_is("2026-11-20T12:00+02:00")
    story.create_centre()
    story.begin_answer(story.create_invitation().token, {"off.nps": 7})
    uninvited_answers.record_hall_answer(
        story.CENTRE, client_id=uuid.uuid4(), submission=JsonSubmission({"off.nps": 2}), language="uk"
    )
    heard = AssistedAnswer(
        centre=story.CENTRE,
        client_id=uuid.uuid4(),
        service=ServiceRef("00034", "", ""),
        front_office="offline",
        source="phone_interview",
        answered_on=clock.kyiv_day(clock.now()),
        language="uk",
        submission=JsonSubmission({"off.nps": 9}),
    )
    typed_in = uninvited_answers.record_assisted_answer(heard, centres=frozenset({story.CENTRE}))
    receipts.withdraw_answer(typed_in.receipt)
    time_is("2026-11-20T12:31+02:00")
    assert answers.submit_abandoned_drafts() == 1

    told = [told_by(event)["source"] for event in promised() if event.type == RESPONSE_RECORDED]

    assert told == ["qr_hall", "phone_interview", "qr_case"]
    assert sum(event.type == "ua.vidhuk.response.withdrawn.v1" for event in promised()) == 1


def test_a_centres_profile_fits(promised: Callable[[], list[Event]]) -> None:
    profile = {"code": "SN05000042", "name": "ЦНАП", "edrpou": "00032112", "katottg": "UA05020030010063857"}
    registers.add_centre(profile)
    [told] = promised()
    assert told.type == CENTRE_PROFILE


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
def test_the_schema_refuses_what_may_not_be_told(
    promised: Callable[[], list[Event]], wrong: dict[str, Any]
) -> None:
    story.create_centre()
    story.send_answer(story.create_invitation().token, {"off.nps": 9})
    [told] = [told_by(event) for event in promised() if event.type == RESPONSE_RECORDED]
    assert complaints(RESPONSE_RECORDED, told | wrong)
