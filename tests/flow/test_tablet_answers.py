"""What becomes of what people answered on a tablet: taken once, on the day it was given, whatever happened since."""

import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from feedback_service import clock
from feedback_service.errors import AlreadyAnswered
from feedback_service.flow import cases, maintenance, tablet_answers, tablet_health
from feedback_service.models import CountedDay, Device, DraftAnswer, Invitation, RefusedTabletAnswer, Response, Signal
from feedback_service.tablets import devices
from tests.api.conftest import Caller
from tests.conftest import TimeIs
from tests.support import story
from tests.support.stored import read_answers, read_comments, read_event_data, read_rows
from tests.support.summaries import read_summary_json
from tests.support.tablets import NewTablet, deliver_answers, make_tablet_answer, send_heartbeat


def code_of(app: Flask, **facts: Any) -> str:
    """The short code of a case that was just completed."""
    with app.app_context():
        return story.create_invitation(**facts).short_code


def responses(app: Flask) -> list[Response]:
    """Every answer that is stored."""
    with app.app_context():
        return read_rows(Response)


def test_an_answer_that_waited_is_taken_in_a_language_that_is_not_offered_any_more(app: Flask, tablet: Caller) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], languages=("uk",))
    assert deliver_answers(tablet, make_tablet_answer({"off.nps": 7}, language="en")) == ["accepted"]


def test_an_answer_about_the_hall_is_a_walk_up(app: Flask, tablet: Caller) -> None:
    assert deliver_answers(tablet, make_tablet_answer({"off.nps": 7, "any.reasons": ["queue"]})) == ["accepted"]
    [stored] = responses(app)
    assert (stored.source, stored.service_id, stored.workplace) == ("tablet_walkup", None, None)
    with app.app_context():
        assert read_answers() == {("off.nps", "7"), ("any.reasons", "queue")}
        [event] = read_event_data("ua.vidhuk.response.recorded.v1")
    assert event["source"] == "tablet_walkup"


@pytest.mark.parametrize(
    "typed", [lambda code: code, lambda code: code[5:], lambda code: code[5:].lower().replace("-", "")]
)
def test_an_answer_with_a_code_is_about_the_case(app: Flask, tablet: Caller, typed: Any) -> None:
    code = code_of(app)
    assert deliver_answers(tablet, make_tablet_answer(short_code=typed(code))) == ["accepted"]
    [stored] = responses(app)
    assert (stored.source, stored.workplace) == ("tablet_hall", "window-3")
    assert stored.service_id is not None
    assert stored.receipt_hash is None
    with app.app_context():
        [invitation] = read_rows(Invitation)
        [event] = read_event_data("ua.vidhuk.response.recorded.v1")
    assert invitation.answered_on == stored.answered_on
    assert event["service"]["code"] == "00034"


def test_a_code_is_spent_once_and_the_second_answer_is_a_walk_up(app: Flask, tablet: Caller) -> None:
    code = code_of(app)
    assert deliver_answers(tablet, make_tablet_answer(short_code=code), make_tablet_answer(short_code=code)) == [
        "accepted",
        "accepted_as_walkup",
    ]
    assert sorted(one.source for one in responses(app)) == ["tablet_hall", "tablet_walkup"]


def test_a_code_spent_on_a_phone_meanwhile_leaves_a_walk_up(app: Flask, tablet: Caller) -> None:
    with app.app_context():
        invitation = story.create_invitation()
        story.send_answer(invitation.token, {"off.nps": 3})
    assert deliver_answers(tablet, make_tablet_answer(short_code=invitation.short_code)) == ["accepted_as_walkup"]


def test_a_client_id_that_answered_on_a_tablet_gets_no_receipt_by_the_link(app: Flask, tablet: Caller) -> None:
    with app.app_context():
        invitation = story.create_invitation()
    item = make_tablet_answer(short_code=invitation.short_code)
    deliver_answers(tablet, item)

    with app.app_context():
        client = uuid.UUID(item["client_id"])
        with pytest.raises(AlreadyAnswered):
            story.send_answer(invitation.token, item["answers"], client, refuses_other_answer=True)
        with pytest.raises(AlreadyAnswered):
            story.send_answer(invitation.token, item["answers"], client)


def test_a_tablets_answers_join_what_was_begun_on_a_phone(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    time_is("2026-11-20T23:50+02:00")
    with app.app_context():
        invitation = story.create_invitation()
        client = story.begin_answer(invitation.token, {"off.nps": 3, "any.comment": "з телефона"}, language="en")
    time_is("2026-11-21T00:05+02:00")
    item = make_tablet_answer({"off.nps": 9, "off.staff": "good"}, short_code=invitation.short_code)

    assert deliver_answers(tablet, item, item) == ["accepted", "duplicate"]

    [stored] = responses(app)
    assert (stored.source, stored.language, stored.answered_on) == ("qr_case", "en", date(2026, 11, 20))
    with app.app_context():
        assert read_answers() == {("off.nps", "3"), ("off.staff", "good")}
        assert read_comments() == ["з телефона"]
        assert "continued_elsewhere" in [signal.reason for signal in read_rows(Signal)]
        assert read_rows(DraftAnswer) == []
        with pytest.raises(AlreadyAnswered):
            story.send_answer(invitation.token, {"off.process": "good"}, client)


def test_a_tablet_that_only_contradicts_leaves_a_walk_up_and_the_phone_goes_on(app: Flask, tablet: Caller) -> None:
    with app.app_context():
        invitation = story.create_invitation()
        client = story.begin_answer(invitation.token, {"off.nps": 3})
    item = make_tablet_answer({"off.nps": 9}, short_code=invitation.short_code)

    assert deliver_answers(tablet, item, item) == ["accepted_as_walkup", "duplicate"]

    with app.app_context():
        story.send_answer(invitation.token, {"off.staff": "good"}, client)
        assert read_answers() == {("off.nps", "9"), ("off.nps", "3"), ("off.staff", "good")}
    assert {response.source for response in responses(app)} == {"tablet_walkup", "qr_case"}


def test_what_was_left_on_a_phone_is_spent_before_the_worker_comes(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00+02:00")
    with app.app_context():
        invitation = story.create_invitation()
        story.begin_answer(invitation.token, {"off.nps": 3})
    time_is("2026-11-20T10:31+02:00")
    assert deliver_answers(tablet, make_tablet_answer(short_code=invitation.short_code)) == ["accepted_as_walkup"]


@pytest.mark.parametrize("code", ["7K3M-9QXT", "ZZZZ-7K3M-9QXT", "1", "ЩЩЩЩ", "7K3M-9QXT-7K3M-9QXT"])
def test_an_unknown_code_leaves_a_walk_up(app: Flask, tablet: Caller, code: str) -> None:
    assert deliver_answers(tablet, make_tablet_answer(short_code=code)) == ["accepted_as_walkup"]


def test_a_cancelled_or_expired_code_leaves_a_walk_up(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    expired, cancelled = code_of(app), code_of(app)
    with app.app_context():
        [_, other] = sorted(read_rows(Invitation), key=lambda each: each.id)
        cases.cancel_invitation(other.case_id, {story.CENTRE})
    time_is(begin + timedelta(days=31))
    assert deliver_answers(tablet, make_tablet_answer(short_code=expired)) == ["accepted_as_walkup"]
    late = make_tablet_answer(short_code=cancelled, answered_at="2026-11-20T11:00:00+02:00")
    assert deliver_answers(tablet, late) == ["accepted_as_walkup"]


def test_a_code_that_expired_while_the_line_was_down_still_counts(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    def answered() -> Any:
        first, last = date(2026, 11, 1), date(2026, 12, 31)
        told: Any = read_summary_json(centres=[story.CENTRE], first=first, last=last, min_group=5)
        return told["funnel"]["answered"]

    begin = time_is("2026-11-20T10:00+02:00")
    code = code_of(app)
    time_is(begin + timedelta(days=40))
    with app.app_context():
        maintenance.close_days()
        assert answered() == 0
    assert deliver_answers(tablet, make_tablet_answer(short_code=code, answered_at="2026-12-20T12:00:00+02:00")) == [
        "accepted"
    ]
    with app.app_context():
        assert answered() == 1
        maintenance.close_days()
        assert answered() == 1
        assert maintenance.find_count_mismatches() == []


def test_an_online_case_asked_about_the_hall_is_not_spent(app: Flask, tablet: Caller) -> None:
    code = code_of(app, front_office="online")
    assert deliver_answers(tablet, make_tablet_answer(short_code=code)) == ["accepted_as_walkup"]
    online = make_tablet_answer({"on.nps": 9}, questionnaire="online-2026.1", short_code=code)
    assert deliver_answers(tablet, online) == ["accepted"]


def test_the_same_client_id_is_one_answer_and_another_one_is_rejected(app: Flask, new_tablet: NewTablet) -> None:
    one, other = new_tablet(), new_tablet()
    item = make_tablet_answer({"off.nps": 9}, short_code=code_of(app))
    assert deliver_answers(one, item, item) == ["accepted", "duplicate"]
    assert deliver_answers(one, item | {"answers": {"off.nps": 0}}, make_tablet_answer()) == ["rejected", "accepted"]
    assert deliver_answers(other, item) == ["duplicate"]
    with app.app_context():
        assert ("off.nps", "0") not in read_answers()
        [refused] = read_rows(RefusedTabletAnswer)
    assert "client_id" in refused.reason


def test_a_client_id_means_something_within_its_centre(app: Flask, new_tablet: NewTablet) -> None:
    with app.app_context():
        story.create_centre("SN12000008")
    item = make_tablet_answer()
    assert deliver_answers(new_tablet(), item) == ["accepted"]
    assert deliver_answers(new_tablet(centre="SN12000008"), item) == ["accepted"]


def test_a_bad_item_spoils_no_other_and_its_reason_stays_for_the_staff(app: Flask, tablet: Caller) -> None:
    fine = make_tablet_answer()
    bad: list[Any] = [
        make_tablet_answer({"off.nps": 11}),
        make_tablet_answer({"off.nps": 9, "any.comment": "дякую"}),
        make_tablet_answer({}),
        make_tablet_answer(questionnaire="offline-2031.1"),
        make_tablet_answer(language="fr"),
        make_tablet_answer(answered_at="yesterday"),
        make_tablet_answer(colour="blue"),
        make_tablet_answer() | {"client_id": "x"},
        {"client_id": str(uuid.uuid4())},
        "nonsense",
        None,
    ]

    assert deliver_answers(tablet, *bad[:5], fine, *bad[5:]) == ["rejected"] * 5 + ["accepted"] + ["rejected"] * 6
    assert deliver_answers(tablet, *bad) == ["rejected"] * len(bad)

    assert len(responses(app)) == 1
    with app.app_context():
        reasons = [item.reason for item in read_rows(RefusedTabletAnswer)]
    assert len(reasons) == len(bad), "each once, however often it is sent"
    assert any("off.nps" in reason for reason in reasons)
    assert not any("дякую" in reason for reason in reasons)


@pytest.mark.parametrize(
    "strange",
    [
        make_tablet_answer() | {"client_id": "\ud800"},
        make_tablet_answer() | {"client_id": ["\ud800"]},
        make_tablet_answer() | {"\x00": 1, "\ud800": 2, "\u202e": 3},
        make_tablet_answer({"\x00": 1, "\ud800": 2}),
        make_tablet_answer(answered_at="0001-01-01T00:00:00+23:59"),
    ],
    ids=["half a letter", "half a letter in a list", "names", "questions", "the first day of all"],
)
def test_what_no_database_could_keep_is_refused_alone(app: Flask, tablet: Caller, strange: Any) -> None:
    assert deliver_answers(tablet, strange, make_tablet_answer()) == ["rejected", "accepted"]
    with app.app_context():
        [refused] = read_rows(RefusedTabletAnswer)
    assert refused.reason.isprintable()


def test_a_rejection_says_what_is_wrong_in_the_shape_of_a_problem(tablet: Caller) -> None:
    item = make_tablet_answer({"off.nps": 11})
    [result] = tablet.post("/kiosk/responses", {"responses": [item]}).json["results"]
    assert result["client_id"] == item["client_id"]
    assert result["problem"]["status"] == 422
    assert [error["pointer"] for error in result["problem"]["errors"]] == ["/responses/0/answers/off.nps"]


def test_more_than_a_hundred_items_are_too_many(tablet: Caller) -> None:
    many = [make_tablet_answer() for _ in range(101)]
    assert tablet.post("/kiosk/responses", {"responses": many}).status_code == 422
    assert set(deliver_answers(tablet, *many[:100])) == {"accepted"}


def test_an_answer_goes_to_the_kyiv_day_it_was_given_and_that_day_is_counted_anew(
    app: Flask, tablet: Caller, time_is: TimeIs
) -> None:
    time_is("2026-11-17T12:00+02:00")
    assert deliver_answers(tablet, make_tablet_answer()) == ["accepted"]
    time_is("2026-11-20T10:00+02:00")
    with app.app_context():
        maintenance.close_days()
        assert all(day.closed for day in read_rows(CountedDay))

    assert deliver_answers(tablet, make_tablet_answer(answered_at="2026-11-17T22:30:00Z")) == ["accepted"]
    assert deliver_answers(tablet, make_tablet_answer(answered_at="2026-11-17T21:30:00Z")) == ["accepted"]

    assert sorted(one.answered_on for one in responses(app)) == [
        date(2026, 11, 17),
        date(2026, 11, 17),
        date(2026, 11, 18),
    ]
    with app.app_context():
        assert not any(day.closed for day in read_rows(CountedDay))
        assert maintenance.close_days() == 2
        assert maintenance.find_count_mismatches() == []


@pytest.mark.parametrize("hours", [-30, 30, 24 * 365 * 20])
def test_a_clock_that_is_off_is_put_right_by_what_the_heartbeat_said(
    app: Flask, tablet: Caller, time_is: TimeIs, hours: int
) -> None:
    now, off = time_is("2026-11-20T10:00+02:00"), timedelta(hours=hours)
    assert send_heartbeat(tablet, now + off).json["skew_seconds"] == hours * 3600
    given_at = now - timedelta(days=3) + off
    assert deliver_answers(tablet, make_tablet_answer(answered_at=given_at.isoformat())) == ["accepted"]
    [stored] = responses(app)
    assert (stored.answered_on, stored.part_of_day) == (date(2026, 11, 17), "morning")


def test_nothing_was_answered_in_the_future(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00+02:00")
    assert deliver_answers(tablet, make_tablet_answer(answered_at="2031-01-01T00:00:00Z")) == ["accepted"]
    [stored] = responses(app)
    assert stored.answered_on == date(2026, 11, 20)


def test_an_answer_of_more_than_a_year_ago_is_refused(tablet: Caller, time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00+02:00")
    assert deliver_answers(tablet, make_tablet_answer(answered_at="2025-11-18T10:00:00Z")) == ["rejected"]
    assert deliver_answers(tablet, make_tablet_answer(answered_at="1970-01-01T00:00:00Z")) == ["rejected"]


def test_guesses_are_limited_for_each_tablet_and_nothing_is_lost(
    app: Flask, new_tablet: NewTablet, time_is: TimeIs
) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    one, other = new_tablet(), new_tablet()
    code = code_of(app)
    wrong = [make_tablet_answer(short_code=f"0000-{number:04}") for number in range(devices.MAX_WRONG_CODES)]
    assert set(deliver_answers(one, *wrong)) == {"accepted_as_walkup"}

    held = make_tablet_answer(short_code=code)
    refused = one.post("/kiosk/responses", {"responses": [held]})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 601
    assert deliver_answers(one, make_tablet_answer()) == ["accepted"], "without a code nobody guesses"
    assert other.post("/kiosk/codes", {"short_code": code}).status_code == 200
    time_is(begin + timedelta(minutes=10))
    assert deliver_answers(one, held) == ["accepted"]


def test_codes_of_one_delivery_count_one_by_one(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    most = devices.MAX_WRONG_CODES
    code = code_of(app)
    wrong = [make_tablet_answer(short_code=f"0000-{number:04}") for number in range(most + 5)]
    right = make_tablet_answer(short_code=code)

    refused = tablet.post("/kiosk/responses", {"responses": [*wrong, right]})

    assert refused.status_code == 429
    assert len(responses(app)) == most, "those before the limit are stored"
    time_is(begin + timedelta(minutes=11))
    assert deliver_answers(tablet, *wrong, right) == ["duplicate"] * most + ["accepted_as_walkup"] * 5 + ["accepted"]


def test_a_hall_has_no_more_walk_ups_of_a_day_than_can_be_people(
    tablet: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tablet_answers, "MAX_WALKUPS", 2)
    today, earlier = clock.now(), clock.now() - timedelta(days=3)

    delivered = [make_tablet_answer(answered_at=instant.isoformat()) for instant in (today, today, today, earlier)]

    assert deliver_answers(tablet, *delivered) == ["accepted", "accepted", "rejected", "accepted"]


def test_a_tablet_that_brings_its_share_leaves_room_for_the_others(
    app: Flask, tablet: Caller, new_tablet: NewTablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tablet_answers, "MAX_WALKUPS", 4)
    monkeypatch.setattr(tablet_answers, "LEAST_SHARE", 1)
    other = new_tablet()
    for each in (tablet, other):
        send_heartbeat(each)
    earlier = (clock.now() - timedelta(days=3)).isoformat()

    flood = [make_tablet_answer() for _ in range(3)] + [make_tablet_answer(answered_at=earlier)]

    assert deliver_answers(tablet, *flood) == ["accepted", "accepted", "rejected", "accepted"]
    assert deliver_answers(tablet, make_tablet_answer(short_code=code_of(app))) == ["accepted"], "a case has its room"
    [refusal] = tablet.post("/kiosk/responses", {"responses": [make_tablet_answer()]}).json["results"]
    assert "цей планшет" in refusal["problem"]["errors"][0]["detail"].lower()
    assert deliver_answers(other, *(make_tablet_answer() for _ in range(3))) == ["accepted", "accepted", "rejected"]


def test_a_tablet_that_is_out_of_use_takes_no_share(
    tablet: Caller, new_tablet: NewTablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tablet_answers, "MAX_WALKUPS", 2)
    monkeypatch.setattr(tablet_answers, "LEAST_SHARE", 1)
    new_tablet()  # it never sent a heartbeat

    assert deliver_answers(tablet, make_tablet_answer(), make_tablet_answer()) == ["accepted", "accepted"]


def test_a_tablet_may_always_bring_what_a_busy_day_has(tablet: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tablet_answers, "MAX_WALKUPS", 4)
    monkeypatch.setattr(tablet_answers, "LEAST_SHARE", 3)
    monkeypatch.setattr(devices, "count_active_tablets", lambda *state: 4)

    answers = [make_tablet_answer() for _ in range(4)]

    assert deliver_answers(tablet, *answers) == ["accepted", "accepted", "accepted", "rejected"]


def test_wrong_codes_count_also_when_the_hall_has_no_room(
    tablet: Caller, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_is("2026-11-20T10:00+02:00")
    monkeypatch.setattr(tablet_answers, "MAX_WALKUPS", 0)
    wrong = [make_tablet_answer(short_code=f"0000-{number:04}") for number in range(devices.MAX_WRONG_CODES)]
    assert set(deliver_answers(tablet, *wrong)) == {"rejected"}

    next_guess = make_tablet_answer(short_code="0000-9999")

    assert tablet.post("/kiosk/responses", {"responses": [next_guess]}).status_code == 429


def test_no_answer_leads_to_the_tablet_or_an_instant(app: Flask, tablet: Caller) -> None:
    item = make_tablet_answer(short_code=code_of(app))
    deliver_answers(tablet, item)
    [stored] = responses(app)
    with app.app_context():
        [device] = read_rows(Device)
        [invitation] = read_rows(Invitation)
    kept = {name: value for name, value in vars(stored).items() if not name.startswith("_")}
    assert device.id not in kept.values() and invitation.id not in kept.values()
    assert uuid.UUID(item["client_id"]) not in kept.values()
    assert stored.client_hash != invitation.client_hash
    assert stored.id.version == 4
    assert clock.kyiv_day(clock.now()) == stored.answered_on


@pytest.mark.parametrize("questionnaire", ["offline", "offline-2026.1"])
@pytest.mark.parametrize("given_at", ["2025-12-01T10:00:00+02:00", "2026-01-05T10:00:00+02:00"])
def test_an_answer_older_than_every_questionnaire_is_taken(
    app: Flask, tablet: Caller, time_is: TimeIs, questionnaire: str, given_at: str
) -> None:
    time_is("2026-11-20T12:00+02:00")

    assert deliver_answers(tablet, make_tablet_answer(questionnaire=questionnaire, answered_at=given_at)) == [
        "accepted"
    ]

    [stored] = responses(app)
    assert (stored.questionnaire, stored.answered_on) == ("offline-2026.1", date.fromisoformat(given_at[:10]))


@pytest.mark.parametrize("given_at", ["0001-01-01T00:00:00+23:59", "1969-12-31T23:00:00Z", "9999-12-31T23:59:59-23:59"])
def test_an_answer_by_a_clock_that_is_wrong_by_years_never_breaks_the_delivery(tablet: Caller, given_at: str) -> None:
    assert deliver_answers(tablet, make_tablet_answer(answered_at=given_at)) in (["accepted"], ["rejected"])


def refuse_answers(tablet: Caller, *languages: str) -> None:
    """The tablet delivers answers that are refused for their language, which the reason names."""
    assert set(deliver_answers(tablet, *(make_tablet_answer(language=name) for name in languages))) == {"rejected"}


def test_what_is_known_of_refused_answers_has_an_end(
    app: Flask, tablet: Caller, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MAX_REFUSED_ANSWERS", 3)
    begin = time_is("2026-11-20T10:00+02:00")
    refuse_answers(tablet, "xx")
    time_is(begin + timedelta(days=1))
    refuse_answers(tablet, *["yy"] * 5)

    with app.app_context():
        kept = read_rows(RefusedTabletAnswer)
    assert [item.came_on for item in kept] == [date(2026, 11, 21)] * 3, "the oldest went"


def test_refused_answers_are_forgotten_after_ninety_days(app: Flask, tablet: Caller, time_is: TimeIs) -> None:
    begin = time_is("2026-11-20T10:00+02:00")
    refuse_answers(tablet, "xx")

    for days, left in ((90, 1), (91, 0)):
        time_is(begin + timedelta(days=days))
        with app.app_context():
            story.use_service_now()
            maintenance.purge_refused_answers()
            assert len(read_rows(RefusedTabletAnswer)) == left


def test_the_page_of_tablets_reads_the_latest_refused_answers_of_each(
    app: Flask, new_tablet: NewTablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "REFUSED_SHOWN", 2)
    refuse_answers(new_tablet(), *["xx"] * 5)
    refuse_answers(new_tablet(), "xx")

    with app.app_context():
        assert sorted(len(state.refused) for state in tablet_health.list_tablets([story.CENTRE])) == [1, 2]
