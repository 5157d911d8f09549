"""What operators see of deliveries through the JSON door, and what they can have sent again."""

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.database import transaction
from feedback_service.delivery import relay
from feedback_service.flow import receipts, uninvited_answers
from feedback_service.models import Event
from feedback_service.surveys.answers import JsonSubmission
from tests.api.conftest import Caller, NewCaller, error_pointers, make_case
from tests.conftest import TimeIs
from tests.support import story
from tests.support.receiver import SECRET, Receiver, ScriptedReply

ELSEWHERE = "SN12000099"


@pytest.fixture
def central() -> Iterator[Receiver]:
    """A receiver that does as the contract says, until told otherwise."""
    with Receiver() as central:
        yield central


def carry(app: Flask, settings: Settings, central: Receiver) -> None:
    """Whatever is due goes."""
    with app.app_context():
        made = relay.make_relay(replace(settings, central_url=central.url, central_secret=(SECRET,)))
        assert made is not None
        with closing(made):
            made.deliver_all()


def cases(caller: Caller, n: int, centre: str = story.CENTRE) -> None:
    """As many cases were registered."""
    told = [make_case(centre=centre, case_number=f"{number}") for number in range(n)]
    assert caller.post("/cases/batch", {"cases": told}).status_code == 200


def listed(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    """The deliveries of the first page."""
    items: list[dict[str, Any]] = caller.get(f"/deliveries{query}").json["items"]
    return items


def test_waiting_deliveries_are_listed_without_the_events_content(case_system: Caller, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    cases(case_system, 1)

    [item] = listed(case_system)

    assert uuid.UUID(item.pop("id"))
    assert item == {
        "type": "ua.vidhuk.case.status.v1",
        "centre": story.CENTRE,
        "state": "pending",
        "attempts": 0,
        "created_at": "2026-11-20T12:00:00+02:00",
        "last_attempt_at": None,
        "reason": None,
    }


@pytest.fixture
def ids(case_system: Caller, app: Flask, settings: Settings, central: Receiver) -> list[str]:
    """Three events were sent; the second is a dead letter."""
    cases(case_system, 3)
    ids = [item["id"] for item in listed(case_system)]
    central.behaviour = lambda _: ScriptedReply(rejects={ids[1]: "the centre is not registered"})
    carry(app, settings, central)
    return ids


def test_a_dead_letter_is_seen_and_sent_again_as_it_was(
    case_system: Caller, app: Flask, settings: Settings, central: Receiver, ids: list[str]
) -> None:
    assert listed(case_system, "?state=pending") == []
    assert {item["id"] for item in listed(case_system, "?state=delivered")} == {ids[0], ids[2]}
    [dead] = listed(case_system)
    assert (dead["id"], dead["state"], dead["attempts"]) == (ids[1], "dead", 1)
    assert dead["reason"] == "the centre is not registered"
    assert case_system.get("/deliveries/summary").json == {
        **{"pending": 0, "oldest_pending_seconds": None},
        **{"dead": 1, "delivered": 2},
    }

    replayed = case_system.post(f"/deliveries/{ids[1]}/replay")
    assert (replayed.status_code, replayed.json["state"], replayed.json["reason"]) == (202, "pending", None)
    assert case_system.post(f"/deliveries/{ids[1]}/replay").status_code == 202, "again is no mistake"
    central.behaviour = lambda _: ScriptedReply()
    carry(app, settings, central)

    assert listed(case_system) == []
    assert len(central.raw_bodies[ids[1]]) == 1, "the very same body"
    assert central.list_sequences(f"/centres/{story.CENTRE}") == [1, 2, 3]
    assert case_system.post(f"/deliveries/{ids[1]}/replay").status_code == 409


def test_a_waiting_delivery_is_tried_at_once_when_asked(
    case_system: Caller, app: Flask, settings: Settings, central: Receiver
) -> None:
    cases(case_system, 1)
    [item] = listed(case_system)
    central.script.append(ScriptedReply(leaves_out=frozenset([item["id"]])))
    carry(app, settings, central)
    assert listed(case_system)[0]["attempts"] == 1

    assert case_system.post(f"/deliveries/{item['id']}/replay").status_code == 202
    carry(app, settings, central)

    assert listed(case_system) == []


def test_the_sums_count_each_state_and_the_longest_wait(
    case_system: Caller, app: Flask, settings: Settings, central: Receiver, time_is: TimeIs
) -> None:
    now = clock.now()
    cases(case_system, 3)
    carry(app, settings, central)
    time_is(now)
    cases(case_system, 5)  # again: nothing new but two
    time_is(now + timedelta(seconds=90))

    assert case_system.get("/deliveries/summary").json == {
        **{"pending": 2, "oldest_pending_seconds": 90},
        **{"dead": 0, "delivered": 3},
    }


@pytest.mark.usefixtures("ids")
def test_a_cursor_of_another_list_is_refused_and_hides_nothing(case_system: Caller) -> None:
    delivered = case_system.get("/deliveries?state=delivered&limit=1").headers["Link"]
    cursor = delivered.partition("cursor=")[2].partition(">")[0]

    for query in (f"?state=dead&cursor={cursor}", f"?cursor={cursor}"):
        refused = case_system.get(f"/deliveries{query}")
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/cursor")
    assert len(listed(case_system, f"?state=delivered&cursor={cursor}")) == 1


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
def test_pages_follow_each_other_and_show_each_delivery_once(
    case_system: Caller, new_caller: NewCaller, app: Flask, limit: int
) -> None:
    with app.app_context():
        story.create_centre(ELSEWHERE)
    both = new_caller(centres=(story.CENTRE, ELSEWHERE))
    for centre in (story.CENTRE, ELSEWHERE):
        cases(both, 4, centre)
    first, *_ = listed(both)

    @transaction
    def one_died(tx: Session) -> None:
        died = update(Event).where(Event.id == uuid.UUID(first["id"]))
        tx.execute(died.values(state="dead", due_at=None, reason="HTTP 422"))

    with app.app_context():
        one_died()
    seen: list[str] = []
    path: str | None = f"/deliveries?limit={limit}"
    while path:
        page = both.get(path)
        assert len(page.json["items"]) <= limit
        seen += [item["id"] for item in page.json["items"]]
        link = page.headers.get("Link")
        assert link is None or link.endswith('>; rel="next"')
        path = None if link is None else "/deliveries?" + urlsplit(link[1 : link.index(">")]).query

    assert len(seen) == len(set(seen)) == 8
    assert seen[0] == first["id"], "dead letters come first"


def test_of_an_answer_the_list_tells_the_hour_and_no_more(
    case_system: Caller, app: Flask, settings: Settings, central: Receiver, time_is: TimeIs
) -> None:
    now = time_is(clock.now())
    with app.app_context():
        receipts.withdraw_answer(story.send_answer(story.create_invitation().token, {"off.nps": 1}).receipt)
    waiting = listed(case_system)
    carry(app, settings, central)
    delivered = listed(case_system, "?state=delivered")

    hour = clock.truncate_to_hour(now)
    assert (len(waiting), len(delivered)) == (3, 3)
    assert {datetime.fromisoformat(item["created_at"]) for item in waiting + delivered} == {hour}
    assert {datetime.fromisoformat(item["last_attempt_at"]) for item in delivered} == {hour}
    assert {uuid.UUID(item["id"]).version for item in delivered} == {4}


@pytest.mark.parametrize(("minute", "seconds"), [("16:00:00", 0), ("16:10:00", 600)])
def test_the_wait_of_an_answer_counts_from_the_end_of_its_hour(
    case_system: Caller, app: Flask, time_is: TimeIs, minute: str, seconds: int
) -> None:
    time_is("2026-11-20T15:38:59+02:00")
    with app.app_context():
        submission = JsonSubmission({"off.nps": 1})
        uninvited_answers.record_hall_answer(story.CENTRE, client_id=uuid.uuid4(), submission=submission, language="uk")
    time_is(f"2026-11-20T{minute}+02:00")

    assert case_system.get("/deliveries/summary").json["oldest_pending_seconds"] == seconds


def test_a_cursor_tells_no_instant_and_nobody_can_make_one(case_system: Caller) -> None:
    cases(case_system, 3)
    first, *_ = listed(case_system)
    link = case_system.get("/deliveries?state=pending&limit=1").headers["Link"]
    cursor = link.partition("cursor=")[2].partition(">")[0]

    told = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert uuid.UUID(first["id"]).hex.encode() not in told and b"pending" not in told
    made_up = json.dumps(["pending", str(uuid.UUID(int=0)), first["created_at"], first["id"]]).encode()
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]  # the last character has bits that say nothing
    for wrong in (base64.urlsafe_b64encode(made_up).decode(), changed):
        assert error_pointers(case_system.get(f"/deliveries?state=pending&cursor={wrong}")) == {"/cursor"}


def test_another_centres_deliveries_do_not_exist(case_system: Caller, new_caller: NewCaller, app: Flask) -> None:
    with app.app_context():
        story.create_centre(ELSEWHERE)
    cases(case_system, 2)
    [item, _] = listed(case_system)
    theirs = new_caller(centres=(ELSEWHERE,))

    assert listed(theirs) == []
    assert theirs.get("/deliveries/summary").json["pending"] == 0
    assert theirs.post(f"/deliveries/{item['id']}/replay").status_code == 404
    assert case_system.post(f"/deliveries/{uuid.uuid4()}/replay").status_code == 404


@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        ("state=lost", "/state"),
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=١", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=1.5", "/limit"),
        ("cursor=", "/cursor"),
        ("cursor=xyz", "/cursor"),
        ("cursor=WyJkZWFkIl0", "/cursor"),
        ("cursor=WyJsb3N0IiwiMCIsIjAiXQ", "/cursor"),
        ("cursor=ґ", "/cursor"),
        ("cursor=" + "W" * 290, "/cursor"),
        ("cursor=e30", "/cursor"),
        ("cursor=bnVsbA", "/cursor"),
        ("before=1", "/before"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_invalid_parameters_of_the_delivery_list_are_refused(case_system: Caller, query: str, at_fault: str) -> None:
    assert error_pointers(case_system.get(f"/deliveries?{query}")) == {at_fault}


def test_metrics_tell_what_waits_what_died_and_that_delivery_fails(
    case_system: Caller, app: Flask, settings: Settings, central: Receiver
) -> None:
    def gauges() -> dict[str, float]:
        lines = case_system.client.get("/metrics").text.splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if line.startswith(("vidhuk_events", "vidhuk_channel"))]
        return {name: float(value) for name, value in pairs}

    cases(case_system, 2)
    central.script.append(ScriptedReply(503, b"", stores=False))
    carry(app, settings, central)

    assert gauges() == {
        **{"vidhuk_events_pending": 2, "vidhuk_events_dead": 0, "vidhuk_events_delivered": 0},
        "vidhuk_events_overdue": 0,
        "vidhuk_channel_paused": 1,
    }
