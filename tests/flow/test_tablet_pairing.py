"""How a tablet comes in, and how it is shut out."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import transaction
from feedback_service.errors import Invalid, NotFound
from feedback_service.flow import tablet_answers, tablet_pairing
from feedback_service.models import Device, PairingRequest
from feedback_service.tablets import devices
from tests.api.conftest import Caller
from tests.conftest import TimeIs
from tests.support import story
from tests.support.statements import record_statements
from tests.support.stored import read_rows
from tests.support.tablets import NewTablet, deliver_answers, make_tablet_answer, send_heartbeat


@pytest.fixture
def stranger(app: Flask) -> Caller:
    """A tablet that nobody knows."""
    return Caller(app.test_client())


def code_for(app: Flask, centre: str) -> str:
    """A pairing code that an operator was given."""
    with app.app_context():
        return tablet_pairing.add_tablet(centre, name="Планшет у залі", mode="hall")


def pair(tablet: Caller, code: str) -> int:
    """The status of trying a code."""
    return tablet.post("/kiosk/pair", {"pairing_code": code}).status_code


def test_a_code_pairs_a_tablet_once(app: Flask, centre: str, stranger: Caller) -> None:
    code = code_for(app, centre)

    paired = stranger.post("/kiosk/pair", {"pairing_code": code})

    assert paired.status_code == 200
    assert paired.json["device"] | {"id": ""} == {
        "id": "",
        "name": "Планшет у залі",
        "mode": "hall",
        "centre": centre,
        "workplace": None,
    }
    assert Caller(app.test_client(), paired.json["key"]).get("/kiosk/config").status_code == 200
    assert pair(stranger, code) == 404


@pytest.mark.parametrize("write", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_a_code_is_read_however_it_is_typed(app: Flask, centre: str, stranger: Caller, write: object) -> None:
    assert callable(write)
    assert pair(stranger, write(code_for(app, centre))) == 200


def test_codes_have_no_characters_that_look_alike(app: Flask, centre: str) -> None:
    codes = {code_for(app, centre) for _ in range(20)}
    assert len(codes) == 20
    assert not set("ILOU") & set("".join(codes))
    assert all(len(code) == 9 and code[4] == "-" for code in codes)


def test_a_code_lives_ten_minutes(app: Flask, centre: str, stranger: Caller, time_is: TimeIs) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    early, late = code_for(app, centre), code_for(app, centre)
    time_is(begin + timedelta(minutes=9, seconds=59))
    assert pair(stranger, early) == 200
    time_is(begin + timedelta(minutes=10))
    assert pair(stranger, late) == 404


def test_a_wrong_code_is_a_plain_sentence(centre: str, stranger: Caller) -> None:
    reply = stranger.post("/kiosk/pair", {"pairing_code": "AAAA-AAAA"}, headers={"Accept-Language": "en"})
    assert reply.status_code == 404
    assert reply.json["detail"] == ("This pairing code is wrong, used, or older than ten minutes. Ask for a new one.")


def test_guesses_of_pairing_codes_shut_nobody_out_and_write_nothing(app: Flask, centre: str, stranger: Caller) -> None:
    with app.app_context():
        code = tablet_pairing.add_tablet(centre, name="Планшет", mode="hall")
        with record_statements("UPDATE") as updates:
            for number in range(60):
                assert stranger.post("/kiosk/pair", {"pairing_code": f"0000-{number:04}"}).status_code == 404
    assert updates == []

    assert stranger.post("/kiosk/pair", {"pairing_code": code}).status_code == 200


def test_a_tablet_shows_a_code_and_comes_in_when_somebody_approves_it(
    app: Flask, centre: str, stranger: Caller
) -> None:
    asking = stranger.post("/kiosk/pairing").json
    waiting = stranger.post("/kiosk/pair", {"pairing_code": asking["device_code"]})
    assert waiting.status_code == 404
    assert pair(stranger, asking["user_code"]) == 404, "who reads the code over a shoulder is not the tablet"

    with app.app_context():
        tablet_pairing.approve_tablet(asking["user_code"], centre, name="Вікно 3", mode="desk", workplace="window-3")
        with pytest.raises(NotFound):
            tablet_pairing.approve_tablet(
                asking["user_code"], centre, name="Вікно 3", mode="desk", workplace="window-3"
            )

    paired = stranger.post("/kiosk/pair", {"pairing_code": asking["device_code"]})
    assert paired.json["device"]["workplace"] == "window-3"
    assert pair(stranger, asking["device_code"]) == 404
    assert asking["user_code"] in asking["verification_uri_complete"]
    assert asking["qr"].startswith("<svg")


def test_requests_that_nobody_approves_are_forgotten(app: Flask, stranger: Caller, time_is: TimeIs) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    for _ in range(3):
        stranger.post("/kiosk/pairing")
    time_is(begin + timedelta(minutes=10))
    assert stranger.post("/kiosk/pairing").status_code == 201
    with app.app_context():
        assert len(read_rows(PairingRequest)) == 1


def test_nobody_who_asks_all_the_time_keeps_other_tablets_out(
    app: Flask, centre: str, stranger: Caller, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MAX_WAITING_REQUESTS", 3)
    begin = time_is("2026-11-20T10:00+02:00")
    asked = []
    for second in range(8):
        time_is(begin + timedelta(seconds=second))
        asked.append(stranger.post("/kiosk/pairing"))

    assert [reply.status_code for reply in asked] == [201] * 8
    with app.app_context():
        assert len(read_rows(PairingRequest)) == 3
        with pytest.raises(NotFound):
            tablet_pairing.approve_tablet(asked[0].json["user_code"], centre, name="Перший", mode="hall")
        tablet_pairing.approve_tablet(asked[-1].json["user_code"], centre, name="Останній", mode="hall")


def test_a_request_that_somebody_looks_at_stays_while_others_make_room(
    app: Flask, centre: str, stranger: Caller, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MAX_WAITING_REQUESTS", 3)
    begin = time_is("2026-11-20T10:00+02:00")
    code = stranger.post("/kiosk/pairing").json["user_code"]
    with app.app_context():
        tablet_pairing.look_at_request(code)
    for second in range(1, 9):
        time_is(begin + timedelta(seconds=second))
        stranger.post("/kiosk/pairing")

    with app.app_context():
        tablet_pairing.approve_tablet(code, centre, name="Перший", mode="hall")


def test_only_a_fresh_request_can_be_looked_at(app: Flask, stranger: Caller, time_is: TimeIs) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    code = stranger.post("/kiosk/pairing").json["user_code"]
    time_is(begin + timedelta(minutes=10))
    with app.app_context(), pytest.raises(NotFound):
        tablet_pairing.look_at_request(code)


def test_asking_costs_two_statements_however_many_requests_have_expired(
    app: Flask, stranger: Caller, time_is: TimeIs
) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    for _ in range(20):
        stranger.post("/kiosk/pairing")
    time_is(begin + timedelta(minutes=10))

    with app.app_context(), record_statements() as executed:
        tablet_pairing.ask_to_pair()

    assert [statement.split()[0] for statement, _ in executed] == ["DELETE", "INSERT"]


def test_what_opens_is_kept_nowhere(app: Flask, centre: str, stranger: Caller) -> None:
    code = code_for(app, centre)
    asking = stranger.post("/kiosk/pairing").json
    with app.app_context():
        kept = repr([vars(row) for row in read_rows(Device) + read_rows(PairingRequest)])
    for secret in (code, code.replace("-", ""), asking["user_code"], asking["device_code"]):
        assert secret not in kept


def test_a_browser_keeps_the_key_where_scripts_cannot_read_it(app: Flask, centre: str, client: FlaskClient) -> None:
    reply = client.post("/api/v1/kiosk/pair", json={"pairing_code": code_for(app, centre)})
    cookie = reply.headers["Set-Cookie"]
    assert reply.json is not None
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/api/v1/kiosk" in cookie
    assert client.get("/api/v1/kiosk/config").status_code == 200
    beaten = client.post("/api/v1/kiosk/heartbeat", json={"time": clock.now().isoformat()})
    assert reply.json["key"] in beaten.headers["Set-Cookie"], "the cookie lives as long as the tablet"


@pytest.mark.parametrize("key", ["", "vdt_x", "vdt_" + "A" * 43, "vdk_" + "A" * 43])
def test_without_a_key_nothing_is_told(app: Flask, centre: str, key: str) -> None:
    assert Caller(app.test_client(), key).get("/kiosk/config").status_code == 401


def test_a_revoked_tablet_delivers_what_it_holds_and_is_shut_out_then(
    app: Flask, tablet: Caller, time_is: TimeIs
) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    [device] = _devices(app)
    before = make_tablet_answer(answered_at="2026-11-20T09:59:00+02:00")
    time_is(begin + timedelta(minutes=5))
    with app.app_context():
        tablet_pairing.revoke_tablet(device.id, {story.CENTRE})
    after = make_tablet_answer(answered_at="2026-11-20T10:06:00+02:00")
    time_is(begin + timedelta(minutes=10))

    assert send_heartbeat(tablet).status_code == 401
    assert tablet.get("/kiosk/config").status_code == 401
    assert deliver_answers(tablet, before, after) == ["accepted", "rejected"]
    assert deliver_answers(tablet, before) == ["duplicate"]
    assert tablet.post("/kiosk/responses", {"responses": []}).status_code == 401
    assert tablet.post("/kiosk/responses", {"responses": [before]}).status_code == 401


def revoke_only_tablet(app: Flask) -> None:
    """Revoke the key of the only tablet that there is."""
    [device] = _devices(app)
    with app.app_context():
        tablet_pairing.revoke_tablet(device.id, {story.CENTRE})


def test_a_revoked_tablet_delivers_no_more_than_waited_on_it(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00+02:00")
    send_heartbeat(tablet, queue=2, oldest_at="2026-11-20T09:30:00+02:00")
    revoke_only_tablet(app)
    minutes = ("09:29", "09:30", "09:40", "09:50")
    older, *reported, one_more = (make_tablet_answer(answered_at=f"2026-11-20T{at}:00+02:00") for at in minutes)

    assert deliver_answers(tablet, older, *reported) == ["rejected", "accepted", "accepted"]
    assert deliver_answers(tablet, one_more, reported[0]) == ["rejected", "duplicate"]


def test_what_a_full_hall_refuses_leaves_room_for_what_a_revoked_tablet_still_holds(
    app: Flask, tablet: Caller, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_is("2026-11-20T10:00+02:00")
    monkeypatch.setattr(tablet_answers, "MAX_WALKUPS", 0)
    monkeypatch.setattr(tablet_answers, "LEAST_SHARE", 0)
    with app.app_context():
        code = story.create_invitation().short_code
    send_heartbeat(tablet, queue=1, oldest_at="2026-11-20T09:30:00+02:00")
    revoke_only_tablet(app)
    walkup = make_tablet_answer(answered_at="2026-11-20T09:40:00+02:00")
    about_case = make_tablet_answer(answered_at="2026-11-20T10:00:00+02:00", short_code=code)

    assert deliver_answers(tablet, walkup, about_case) == ["rejected", "accepted"]


def test_a_revoked_tablet_forges_no_answers_of_earlier_days(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    send_heartbeat(tablet, queue=0)
    revoke_only_tablet(app)
    days = [(begin - timedelta(days=day)).isoformat() for day in range(1, 21)]

    assert set(deliver_answers(tablet, *(make_tablet_answer(answered_at=day) for day in days))) == {"rejected"}


@transaction
def _set_created_at(tx: Session, at: str) -> None:
    """Let the only tablet have been added then."""
    tx.execute(update(Device).values(created_at=datetime.fromisoformat(at)))


@pytest.mark.parametrize("is_revoked", [True, False])
def test_no_tablet_delivers_answers_from_before_it_was_added_whatever_it_reported(
    app: Flask, tablet: Caller, time_is: TimeIs, *, is_revoked: bool
) -> None:
    time_is("2026-11-20T10:00+02:00")
    with app.app_context():
        _set_created_at("2026-11-18T09:00:00+02:00")
    send_heartbeat(tablet, queue=1_000_000, oldest_at="1970-01-01T00:00:00Z")
    if is_revoked:
        revoke_only_tablet(app)
    days = ("2026-11-17T09:00:00+02:00", "2026-11-17T08:59:59+02:00", "2026-01-20T10:00:00+02:00")

    delivered = deliver_answers(tablet, *(make_tablet_answer(answered_at=day) for day in days))

    assert delivered == ["accepted", "rejected", "rejected"], "its clock may be a day behind"


def test_a_revoked_tablet_delivers_no_more_than_a_tablet_can_hold(
    app: Flask, tablet: Caller, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MAX_REPORTED_ANSWERS", 2)
    time_is("2026-11-20T10:00+02:00")
    send_heartbeat(tablet, queue=1_000_000, oldest_at="2026-11-01T10:00:00+02:00")
    revoke_only_tablet(app)
    items = [make_tablet_answer(answered_at="2026-11-19T10:00:00+02:00") for _ in range(3)]

    assert deliver_answers(tablet, *items) == ["accepted", "accepted", "rejected"]


def test_of_answers_given_after_the_last_heartbeat_a_revoked_tablet_delivers_a_few(
    app: Flask, tablet: Caller, time_is: TimeIs
) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    send_heartbeat(tablet, queue=0)
    time_is(begin + timedelta(hours=1))
    revoke_only_tablet(app)
    later = (begin + timedelta(minutes=30)).isoformat()

    results = deliver_answers(tablet, *(make_tablet_answer(answered_at=later) for _ in range(12)))

    assert results == ["accepted"] * devices.MAX_UNREPORTED_ANSWERS + ["rejected"] * 2


def test_a_tablet_that_is_paired_again_delivers_as_ever(
    app: Flask, tablet: Caller, stranger: Caller, time_is: TimeIs
) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    send_heartbeat(tablet, queue=0)
    revoke_only_tablet(app)
    [device] = _devices(app)
    with app.app_context():
        code = tablet_pairing.renew_pairing_code(device.id, {story.CENTRE})
    paired = Caller(app.test_client(), stranger.post("/kiosk/pair", {"pairing_code": code}).json["key"])

    old = make_tablet_answer(answered_at=(begin - timedelta(days=3)).isoformat())
    assert deliver_answers(paired, old) == ["accepted"]


def test_a_revoked_tablet_that_stays_away_for_a_month_is_nobody(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    [device] = _devices(app)
    item = make_tablet_answer()
    with app.app_context():
        tablet_pairing.revoke_tablet(device.id, {story.CENTRE})
    time_is(begin + timedelta(days=30))
    assert tablet.post("/kiosk/responses", {"responses": [item]}).status_code == 401


def test_a_tablet_that_lost_its_key_is_paired_again(app: Flask, new_tablet: NewTablet, stranger: Caller) -> None:
    old = new_tablet()
    [device] = _devices(app)
    with app.app_context():
        code = tablet_pairing.renew_pairing_code(device.id, {story.CENTRE})
    assert old.get("/kiosk/config").status_code == 200, "until somebody uses the code"
    assert pair(stranger, code) == 200
    assert old.get("/kiosk/config").status_code == 401


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"name": "Планшет\nу залі"}, "/name"),
        ({"mode": "desk", "workplace": "window-7\u200b"}, "/workplace"),
        ({"mode": "desk"}, "/workplace"),
        ({"mode": "wall"}, "/mode"),
        ({"centre": "SN99999999"}, "/centre"),
    ],
)
def test_a_place_that_makes_no_sense_is_refused(centre: str, facts: dict[str, str], pointer: str) -> None:
    asked: dict[str, Any] = {"centre": centre, "name": "Планшет", "mode": "hall"} | facts
    with pytest.raises(Invalid) as refusal:
        tablet_pairing.add_tablet(asked.pop("centre"), **asked)
    assert [error.pointer for error in refusal.value.errors] == [pointer]


@pytest.mark.usefixtures("context")
def test_another_centres_tablet_cannot_be_touched(app: Flask, tablet: Caller) -> None:
    [device] = read_rows(Device)
    for touch in (tablet_pairing.revoke_tablet, tablet_pairing.renew_pairing_code):
        with pytest.raises(NotFound):
            touch(device.id, {"SN00000001"})


def _devices(app: Flask) -> list[Device]:
    with app.app_context():
        return read_rows(Device)
