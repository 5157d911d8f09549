"""What a tablet is told: what to ask, in every language; the case just completed at its window; what time it is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import transaction
from feedback_service.flow import cases, tablet_pairing
from feedback_service.flow.tablet_health import WARNINGS, TabletState, list_tablets
from feedback_service.models import Device
from tests.api.conftest import Caller
from tests.conftest import TimeIs
from tests.support import story
from tests.support.tablets import NewTablet, deliver_answers, make_tablet_answer, send_heartbeat

TEN = "2026-11-20T10:00+02:00"


@transaction
def store_workplace(tx: Session, workplace: str) -> None:
    """Store this workplace for every tablet, as releases did that kept every dash."""
    tx.execute(update(Device).values(workplace=workplace))


def pending(tablet: Caller) -> Any:
    """The case that the tablet is to offer."""
    return tablet.get("/kiosk/config").json["pending"]


def completed(app: Flask, **facts: Any) -> str:
    """A case ends now; its short code."""
    with app.app_context():
        return story.create_invitation(**({"status_at": clock.now()} | facts)).short_code


def test_the_questionnaires_are_as_a_survey_has_them_but_without_free_text(
    app: Flask, tablet: Caller, client: Any
) -> None:
    with app.app_context():
        token = story.create_invitation().token
    survey = client.get(f"/api/v1/surveys/{token}").get_json()

    asked = tablet.get("/kiosk/config").json

    offline = asked["questionnaires"]["offline"]
    assert offline["version"] == survey["version"]
    assert offline["questions"] == [each for each in survey["questions"] if each["kind"] != "text"]
    assert asked["questionnaires"]["online"]["front_office"] == "online"
    english = asked["translations"]["en"]["offline"]
    assert [each["id"] for each in english["questions"]] == [each["id"] for each in offline["questions"]]
    assert english["questions"][0]["text"] != offline["questions"][0]["text"]


def test_every_text_is_there_in_every_language(tablet: Caller) -> None:
    asked = tablet.get("/kiosk/config").json
    assert asked["languages"] == {"uk": "Українська", "en": "English"}
    assert set(asked["texts"]) == set(asked["languages"])
    assert asked["texts"]["uk"].keys() == asked["texts"]["en"].keys()
    assert not [name for name, text in asked["texts"]["uk"].items() if text == asked["texts"]["en"][name]]


def test_each_place_has_a_key_of_its_own_to_seal_with(new_tablet: NewTablet) -> None:
    keys = [new_tablet().get("/kiosk/config").json["queue_key"] for _ in range(2)]
    assert keys[0]["key"] != keys[1]["key"]
    assert keys[0]["id"] != keys[1]["id"], "a browser that is paired again would go on with the old one"


def test_a_configuration_that_has_not_changed_costs_nothing(app: Flask, new_tablet: NewTablet) -> None:
    tablet = new_tablet("desk", workplace="window-3")
    tag = tablet.get("/kiosk/config").headers["ETag"]
    assert tablet.get("/kiosk/config", headers={"If-None-Match": tag}).status_code == 304
    completed(app)
    assert tablet.get("/kiosk/config", headers={"If-None-Match": tag}).status_code == 200


def test_a_desk_offers_the_case_just_completed_at_its_window_for_three_minutes(
    app: Flask, new_tablet: NewTablet, time_is: TimeIs
) -> None:
    begin = time_is(TEN)
    desk = new_tablet("desk", workplace="window-3")
    assert pending(desk) is None
    code = completed(app)

    offered = pending(desk)

    assert offered["short_code"] == code
    assert offered["service"] == "Реєстрація місця проживання"
    assert offered["front_office"] == "offline"
    assert datetime.fromisoformat(offered["expires_at"]) == begin + timedelta(minutes=3)
    time_is(begin + timedelta(minutes=2, seconds=59))
    assert pending(desk) is not None
    time_is(begin + timedelta(minutes=3))
    assert pending(desk) is None


@pytest.mark.parametrize("named", ["window-3", "window\u20113", "\u00a0window–3 "], ids=ascii)
def test_a_window_is_the_same_however_it_is_written(
    app: Flask, new_tablet: NewTablet, time_is: TimeIs, named: str
) -> None:
    time_is(TEN)
    desk = new_tablet("desk", workplace=named)
    code = completed(app, workplace="window-3")

    assert pending(desk)["short_code"] == code


def test_a_window_that_was_stored_with_another_dash_is_still_offered_its_cases(
    app: Flask, new_tablet: NewTablet, time_is: TimeIs
) -> None:
    time_is(TEN)
    desk = new_tablet("desk", workplace="window-3")
    with app.app_context():
        store_workplace("window–3")
    code = completed(app, workplace="window-3")

    assert pending(desk)["short_code"] == code


def test_a_case_of_another_window_another_centre_or_another_hour_is_not_offered(
    app: Flask, new_tablet: NewTablet, time_is: TimeIs
) -> None:
    begin = time_is(TEN)
    desk, hall = new_tablet("desk", workplace="window-3"), new_tablet("hall")
    with app.app_context():
        story.create_centre("SN12000008")
    completed(app, workplace="window-4")
    completed(app, centre="SN12000008")
    completed(app, workplace=None)
    completed(app, status_at=begin - timedelta(minutes=4))
    assert pending(desk) is None
    completed(app)
    assert pending(hall) is None


def test_of_two_cases_the_one_that_ended_last_is_offered(app: Flask, new_tablet: NewTablet, time_is: TimeIs) -> None:
    begin = time_is(TEN)
    desk = new_tablet("desk", workplace="window-3")
    last = completed(app)
    completed(app, status_at=begin - timedelta(minutes=1))
    assert pending(desk)["short_code"] == last


def test_the_case_before_is_not_offered_again_to_whoever_came_next(
    app: Flask, new_tablet: NewTablet, time_is: TimeIs
) -> None:
    begin = time_is(TEN)
    desk = new_tablet("desk", workplace="window-3")
    completed(app, status_at=begin - timedelta(minutes=1))
    last = completed(app)
    assert deliver_answers(desk, make_tablet_answer(short_code=last)) == ["accepted"]
    assert pending(desk) is None, "its owner has left the window"


def test_what_was_offered_is_spent_once(app: Flask, new_tablet: NewTablet) -> None:
    desk = new_tablet("desk", workplace="window-3")
    completed(app)
    code = pending(desk)["short_code"]
    assert deliver_answers(desk, make_tablet_answer(short_code=code)) == ["accepted"]
    assert pending(desk) is None
    assert deliver_answers(desk, make_tablet_answer(short_code=code)) == ["accepted_as_walkup"]


def test_a_case_begun_on_a_phone_or_cancelled_is_not_offered(app: Flask, new_tablet: NewTablet) -> None:
    desk = new_tablet("desk", workplace="window-3")
    with app.app_context():
        story.begin_answer(story.create_invitation(status_at=clock.now()).token, {"off.nps": 9})
        case = story.register_case(story.make_case_update(status_at=clock.now()))
        cases.cancel_invitation(case.id, {story.CENTRE})
    assert pending(desk) is None


def test_a_typed_code_tells_whose_case_it_is_without_spending_it(app: Flask, tablet: Caller) -> None:
    code = completed(app, front_office="online")
    for typed in (code, code[5:], code[5:].lower().replace("-", " ")):
        found = tablet.post("/kiosk/codes", {"short_code": typed}).json
        assert (found["short_code"], found["front_office"]) == (code[5:], "online")
    assert tablet.post("/kiosk/codes", {"short_code": "7K3M-9QXT"}).status_code == 404


def test_a_typed_code_that_is_spent_or_closed_says_so(app: Flask, tablet: Caller) -> None:
    with app.app_context():
        spent = story.create_invitation()
        story.send_answer(spent.token, {"off.nps": 9})
        case = story.register_case(story.make_case_update())
        cases.cancel_invitation(case.id, {story.CENTRE})
    assert case.invitation is not None
    statuses = [
        tablet.post("/kiosk/codes", {"short_code": invitation.short_code}).status_code
        for invitation in (spent, case.invitation)
    ]
    assert statuses == [409, 410]


def test_a_typed_code_begun_on_a_phone_may_be_rated_until_the_draft_is_left(
    app: Flask, tablet: Caller, time_is: TimeIs
) -> None:
    time_is("2026-11-20T23:50+02:00")
    with app.app_context():
        begun = story.create_invitation()
        story.begin_answer(begun.token, {"off.nps": 9})
    assert tablet.post("/kiosk/codes", {"short_code": begun.short_code}).status_code == 200

    time_is("2026-11-21T00:20+02:00")
    left = tablet.post("/kiosk/codes", {"short_code": begun.short_code})

    assert left.status_code == 409
    assert "2026-11-20" in left.json["detail"], "the day on which it was begun"


def test_another_centres_code_is_unknown_here(app: Flask, new_tablet: NewTablet) -> None:
    with app.app_context():
        story.create_centre("SN12000008")
    assert new_tablet(centre="SN12000008").post("/kiosk/codes", {"short_code": completed(app)}).status_code == 404


def test_typed_codes_are_limited_for_each_tablet(app: Flask, new_tablet: NewTablet) -> None:
    one, other = new_tablet(), new_tablet()
    tried = [one.post("/kiosk/codes", {"short_code": f"0000-{n:04}"}).status_code for n in range(21)]
    assert tried == [404] * 20 + [429]
    assert other.post("/kiosk/codes", {"short_code": completed(app)}).status_code == 200


# How tablets fare ---------------------------------------------------------------------------------------------


def state(app: Flask) -> TabletState:
    """The one tablet of the centre."""
    with app.app_context():
        [found] = list_tablets({story.CENTRE})
    return found


def test_a_heartbeat_is_what_the_device_page_tells(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    now = time_is(TEN)
    said = {"version": "3f0c", "queue": 2, "persisted": True, "battery": 0.83}
    reply = send_heartbeat(tablet, now + timedelta(minutes=1), oldest_at="2026-11-20T09:31:00+02:00", **said)
    assert datetime.fromisoformat(reply.json["time"]) == now

    found = state(app)

    assert (found.version, found.waiting, found.persisted, found.battery) == ("3f0c", 2, True, 83)
    assert (found.seen_at, found.skew) == (now, 60)
    assert found.oldest_at == now - timedelta(minutes=30), "by our clock"
    assert found.warnings == ()


@pytest.mark.parametrize(("said", "kept"), [(1, 100), (0.5, 50), (64, 64), (0, 0), (None, None)])
def test_a_battery_is_told_as_a_share_or_in_percent(app: Flask, tablet: Caller, said: Any, kept: Any) -> None:
    assert send_heartbeat(tablet, battery=said).status_code == 200
    assert state(app).battery == kept


@pytest.mark.parametrize(
    "facts",
    [
        {"queue": -1},
        {"queue": True},
        {"battery": 101},
        {"persisted": "yes"},
        {"version": ""},
        {"time": "now"},
        {"x": 1},
    ],
)
def test_a_heartbeat_that_makes_no_sense_is_refused(tablet: Caller, facts: dict[str, Any]) -> None:
    sent = {"time": "2026-11-20T10:00:00+02:00"} | facts
    assert tablet.post("/kiosk/heartbeat", sent).status_code == 422


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_no_clock_is_too_far_off_to_be_heard(app: Flask, tablet: Caller, at: str) -> None:
    sent = {"time": at, "oldest_at": at}
    for one in sent:
        told = {"time": clock.now().isoformat(), one: at}
        assert tablet.post("/kiosk/heartbeat", told).status_code == 200
        assert deliver_answers(tablet, make_tablet_answer(answered_at=at))
    assert tablet.post("/kiosk/heartbeat", sent).status_code == 200
    assert deliver_answers(tablet, make_tablet_answer(answered_at=at)) == ["accepted"]
    assert "clock_off" in state(app).warnings


def test_warnings_name_what_needs_somebody(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    now = time_is(TEN)
    send_heartbeat(
        tablet,
        now + timedelta(minutes=3),
        oldest_at=(now - timedelta(minutes=90)).isoformat(),
        persisted=False,
        battery=0.1,
    )
    deliver_answers(tablet, make_tablet_answer({"off.nps": 11}))
    assert state(app).warnings == ("queue_old", "clock_off", "not_persisted", "battery_low", "refused")
    assert "off.nps" in state(app).refused[0].reason


def test_a_tablet_that_cannot_keep_answers_says_so(app: Flask, tablet: Caller) -> None:
    send_heartbeat(tablet, queue=None)
    assert "no_room" in state(app).warnings
    send_heartbeat(tablet, queue=0)
    assert "no_room" not in state(app).warnings


@pytest.mark.parametrize(
    ("later", "silent"),
    [
        ("2026-11-20T10:10+02:00", False),
        ("2026-11-20T10:11+02:00", True),
        ("2026-11-20T23:00+02:00", False),
        ("2026-11-21T08:05+02:00", False),
        ("2026-11-21T08:11+02:00", True),
        ("2026-11-22T12:00+02:00", False),
    ],
    ids=["ten minutes", "longer", "at night", "just opened", "Saturday", "Sunday"],
)
def test_silence_is_a_warning_in_opening_hours_only(
    app: Flask, tablet: Caller, time_is: TimeIs, later: str, silent: bool
) -> None:
    time_is(TEN)
    send_heartbeat(tablet)
    time_is(later)
    assert ("silent" in state(app).warnings) is silent


def test_every_warning_has_a_sentence(app: Flask, centre: str) -> None:
    with app.app_context():
        tablet_pairing.add_tablet(centre, name="Новий", mode="hall")
    assert state(app).warnings == ("not_paired",)
    assert "not_paired" in WARNINGS
