"""The hall's tablet as people meet it: a tap begins, a tap sends, the line may be down, and nothing stays behind."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from feedback_service import clock
from feedback_service.flow import tablet_pairing
from feedback_service.flow.tablet_files import import_tablet_file
from feedback_service.flow.tablet_health import list_tablets
from feedback_service.models import Device
from tests.browser.kiosk import (
    PORTRAIT,
    READ_EVERYTHING_SCRIPT,
    STORAGE_FULL_SCRIPT,
    NewTablet,
    ReadNewResponses,
    answer_questions,
    complete_case_now,
    count_waiting,
    expect_idle_screen,
    go_offline,
    go_online,
    leave_tablet,
    send_answers,
    type_code,
    wait_until,
    wait_until_delivered,
)
from tests.support import story
from tests.support.server import RunningService
from tests.support.stored import read_rows

# What people do -----------------------------------------------------------------------------------------------


def test_the_first_tap_begins_and_sending_is_always_one_tap_away(
    new_tablet: NewTablet, since: ReadNewResponses
) -> None:
    page = new_tablet()
    answer_questions(page, {"off.nps": 9})
    send_answers(page)
    wait_until_delivered(page)
    [answer] = since()
    assert answer.source == "tablet_walkup"


def test_the_window_offers_the_case_that_was_just_completed(
    new_tablet: NewTablet, beside: Flask, since: ReadNewResponses
) -> None:
    page = new_tablet("desk")
    expect(page.locator("[name='off.nps']")).to_have_count(0)
    complete_case_now(beside)
    expect(page.locator(".about")).to_contain_text("Реєстрація місця проживання", timeout=15_000)
    answer_questions(page, {"off.nps": 10, "off.staff": "great"})
    send_answers(page)
    wait_until_delivered(page)
    leave_tablet(page)
    [answer] = since()
    assert (answer.source, answer.workplace) == ("tablet_hall", "window-3")
    wait_until(page, "state.tag !== undefined")  # the new document has asked for the next case
    expect(page.locator("[name='off.nps']")).to_have_count(0)


def test_an_online_case_is_asked_about_with_its_own_questions(
    new_tablet: NewTablet, beside: Flask, since: ReadNewResponses
) -> None:
    page = new_tablet("desk")
    complete_case_now(beside, front_office="online")
    expect(page.locator("[name='on.nps']")).to_have_count(11, timeout=15_000)
    answer_questions(page, {"on.nps": 10, "on.overall": "excellent"})
    send_answers(page)
    wait_until_delivered(page)
    assert [answer.front_office for answer in since()] == ["online"]


def test_a_code_from_a_slip_makes_it_ones_own_case(
    new_tablet: NewTablet, beside: Flask, since: ReadNewResponses
) -> None:
    page = new_tablet()
    with beside.app_context():
        code = story.create_invitation().short_code
    type_code(page, code)
    expect(page.locator(".about")).to_contain_text("Реєстрація місця проживання")
    answer_questions(page, {"off.nps": 8})
    send_answers(page)
    wait_until_delivered(page)
    assert [answer.source for answer in since()] == ["tablet_hall"]


def test_a_wrong_or_spent_code_is_told_in_plain_words(new_tablet: NewTablet, beside: Flask) -> None:
    page = new_tablet()
    type_code(page, "0000-0000")
    expect(page.get_by_role("alert")).to_have_text("Такого коду немає. Звірте його з чеком.")
    with beside.app_context():
        invitation = story.create_invitation()
        story.send_answer(invitation.token, {"off.nps": 9})
    page.locator(".bar .away").click()
    expect_idle_screen(page)
    type_code(page, invitation.short_code)
    expect(page.get_by_role("alert")).to_have_text("За цим кодом відповідь уже залишили.")


def test_reasons_are_asked_only_after_a_poor_answer(new_tablet: NewTablet) -> None:
    page = new_tablet()
    for rating, asked in ((9, False), (6, True)):
        answer_questions(page, {"off.nps": rating})
        for question in ("premises", "services", "staff", "quality", "process"):
            answer_questions(page, {f"off.{question}": "good"})
        expect(page.locator("[name='any.reasons']")).to_have_count(18 if asked else 0)
        page.locator(".bar .away").click()
        expect_idle_screen(page)


def test_what_stands_alone_is_chosen_alone(new_tablet: NewTablet) -> None:
    page = new_tablet()
    answer_questions(page, {"off.nps": 9, "any.breach": ["bribe", "insult", "none"]})
    chosen = page.locator("[name='any.breach'][aria-pressed=true]")
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_attribute("value", "none")


def test_a_double_tap_is_one_answer(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    page.locator("[name='off.nps'][value='7']").dblclick()
    expect(page.locator(".progress p")).to_have_text("Запитання 2 з 7")
    page.locator("[name=finish]").dblclick()
    expect(page.locator(".tick")).to_be_visible()
    wait_until_delivered(page)
    assert len(since()) == 1


def test_taps_that_follow_quickly_on_one_spot_are_answers_to_one_question_each(
    new_tablet: NewTablet, beside: Flask, since: ReadNewResponses
) -> None:
    page = new_tablet()
    page.locator("[name='off.nps'][value='9']").tap()
    for question in ("premises", "services", "staff", "quality", "process"):
        page.locator(f"[name='off.{question}'][value=good]").tap()
    page.locator("[name=finish]").tap()
    expect(page.locator(".tick")).to_be_visible()
    wait_until_delivered(page)
    [answer] = since()
    assert answer.answers == {"off.nps": ["9"]} | {
        f"off.{each}": ["good"] for each in ("premises", "services", "staff", "quality", "process")
    }


def test_the_whole_way_by_keyboard(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()

    def press(selector: str, key: str = "Enter") -> None:
        page.locator(selector).wait_for()  # a choice is seen for a moment before the next question comes
        for _ in range(60):
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return page.keyboard.press(key)
            page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {selector}")

    press("[name='off.nps'][value='4']")
    for question in ("premises", "services", "staff", "quality", "process"):
        press(f"[name='off.{question}'][value=awful]", "Space")
    press("[name='any.reasons'][value=queue]", "Space")
    press("[name='any.reasons'][value=late]")
    press(".steps .plain:nth-child(2)")
    press("[name='any.breach'][value=none]")
    press("[name=finish]")
    expect(page.locator(".tick")).to_be_visible()
    wait_until_delivered(page)
    press(".wide")
    expect_idle_screen(page)
    assert len(since()) == 1


def test_a_code_is_typed_on_a_keyboard_too(new_tablet: NewTablet, beside: Flask) -> None:
    page = new_tablet()
    with beside.app_context():
        code = story.create_invitation().short_code
    page.locator(".wide").click()
    page.keyboard.type(code[5:].lower())
    expect(page.locator(".typed")).to_have_text(f"{code[5:9]} – {code[10:]}")


# Without a line -----------------------------------------------------------------------------------------------


def test_without_a_line_people_are_thanked_and_the_service_hears_of_it_later(
    new_tablet: NewTablet, beside: Flask, since: ReadNewResponses
) -> None:
    page = new_tablet()
    with beside.app_context():
        code = story.create_invitation().short_code
    go_offline(page)
    answer_questions(page, {"off.nps": 9})
    send_answers(page)
    leave_tablet(page)
    type_code(page, code)
    answer_questions(page, {"off.nps": 3})
    send_answers(page)
    page.reload()
    expect_idle_screen(page)
    assert count_waiting(page) == 2
    assert since() == []

    go_online(page)

    wait_until_delivered(page)
    assert sorted(answer.source for answer in since()) == ["tablet_hall", "tablet_walkup"]


def test_the_page_starts_without_a_line(new_tablet: NewTablet, service: RunningService) -> None:
    page = new_tablet()
    go_offline(page)
    page.close()
    again = page.context.new_page()
    again.goto(f"{service.url}/kiosk")
    expect_idle_screen(again)
    expect(again.locator("h1")).to_contain_text("порадите")


def test_nothing_is_let_go_before_the_service_said_so(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    page.route("**/kiosk/responses", lambda route: (route.fetch(), route.abort()))
    answer_questions(page, {"off.nps": 9})
    send_answers(page)
    wait_until(page, "relieve.pause !== undefined")  # it was sent in vain
    assert count_waiting(page) == 1
    assert len(since()) == 1, "it arrived, but the tablet does not know"
    page.unroute("**/kiosk/responses")
    wait_until_delivered(page)
    assert len(since()) == 1


def test_a_call_that_is_refused_whole_holds_up_no_answer(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    go_offline(page)
    for rating in (7, 8, 9):
        answer_questions(page, {"off.nps": rating})
        send_answers(page)
        leave_tablet(page)

    def refuse(route: Any) -> None:
        whole = len(route.request.post_data_json["responses"]) > 1
        route.fulfill(status=413, json={}) if whole else route.continue_()

    page.route("**/kiosk/responses", refuse)
    go_online(page)
    wait_until_delivered(page)
    assert len(since()) == 3


# Nothing left behind ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [True, False], ids=["with a line", "without"])
def test_the_next_person_finds_nothing_of_the_last_one(
    new_tablet: NewTablet, service: RunningService, beside: Flask, line: bool
) -> None:
    page = new_tablet()
    with beside.app_context():
        code = story.create_invitation().short_code
    untouched = page.evaluate(READ_EVERYTHING_SCRIPT)
    if not line:
        go_offline(page)
    type_code(page, code)
    answer_questions(page, {"off.nps": 4, "off.staff": "awful", "any.reasons": ["rudeness"], "any.breach": ["bribe"]})
    page.locator(".bar button").nth(2).click()
    send_answers(page)
    if line:
        wait_until_delivered(page)
    leave_tablet(page)

    found = page.evaluate(READ_EVERYTHING_SCRIPT)

    for trace in (code, code[5:], code[5:9], "rudeness", "bribe", "awful", '"off.nps"', "any.breach"):
        assert found.count(trace) == untouched.count(trace), trace
    assert page.evaluate("history.length") == 2, "the blank page and this one"
    page.go_back()
    page.go_forward()
    if line:
        expect_idle_screen(page)
        assert page.evaluate(READ_EVERYTHING_SCRIPT).count("rudeness") == untouched.count("rudeness")
    assert page.locator("[aria-pressed=true]").count() == 0
    expect(page.locator("html")).to_have_attribute("lang", "uk")


def test_start_again_forgets_everything(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    answer_questions(page, {"off.nps": 0, "off.premises": "awful"})
    page.locator(".bar .away").click()
    expect_idle_screen(page)
    expect(page.locator("[aria-pressed=true]")).to_have_count(0)
    assert count_waiting(page) == 0 and since() == []


def test_whoever_walks_away_is_asked_and_then_forgotten(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    page.clock.install()
    page.reload()
    expect_idle_screen(page)
    answer_questions(page, {"off.nps": 0})
    page.clock.run_for(44_000)
    expect(page.locator("dialog")).to_be_hidden()
    page.clock.run_for(2_000)
    expect(page.locator("dialog h2")).to_have_text("Ще тут?")
    page.locator("dialog button").click()
    page.clock.run_for(44_000)
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("[name='off.premises']")).to_have_count(4)
    page.clock.run_for(3_000)
    expect(page.locator("dialog")).to_be_visible()
    page.clock.run_for(12_000)
    expect(page.locator("dialog")).to_be_visible()
    page.clock.run_for(9_000)
    expect_idle_screen(page)
    assert count_waiting(page) == 0 and since() == []


# Whoever looks after it ---------------------------------------------------------------------------------------


def test_a_wrong_pairing_code_is_a_plain_sentence_and_a_new_code(
    page: Page, service: RunningService, beside: Flask
) -> None:
    page.goto(f"{service.url}/kiosk")
    shown = page.locator(".asking output")
    expect(shown).to_have_text(re.compile("^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$"))
    before = shown.inner_text()
    page.fill("[name=pairing_code]", "AAAA-AAAA")
    page.locator("form button").click()
    expect(page.get_by_role("alert")).to_contain_text("хибний, використаний або старший за десять хвилин")
    expect(shown).not_to_have_text(before)
    expect(page.locator("[name=pairing_code]")).to_be_focused()


def test_a_tablet_comes_in_by_the_code_that_it_shows(page: Page, service: RunningService, beside: Flask) -> None:
    page.goto(f"{service.url}/kiosk")
    shown = page.locator(".asking output")
    expect(shown).to_be_visible()
    with beside.app_context():
        tablet_pairing.approve_tablet(shown.inner_text(), story.CENTRE, name="Зала", mode="hall")
    expect(page.locator("[name='off.nps']")).to_have_count(11, timeout=15_000)


def test_the_device_page_hears_how_the_tablet_fares(new_tablet: NewTablet, beside: Flask) -> None:
    page = new_tablet()
    wait_until(page, "lastBeat > 0")
    with beside.app_context():
        found = max(
            list_tablets({story.CENTRE}),
            key=lambda tablet: tablet.seen_at or datetime.min.replace(tzinfo=clock.KYIV),
        )
    assert found.version == page.locator("html").get_attribute("data-version")
    assert found.waiting == 0
    assert abs(found.skew) <= 2


def test_a_revoked_tablet_brings_what_it_holds_and_asks_to_be_paired(
    new_tablet: NewTablet, beside: Flask, since: ReadNewResponses
) -> None:
    page = new_tablet()
    go_offline(page)
    answer_questions(page, {"off.nps": 9})
    send_answers(page)
    leave_tablet(page)
    with beside.app_context():
        device = max(read_rows(Device), key=lambda device: device.created_at)
        tablet_pairing.revoke_tablet(device.id, {story.CENTRE})
    go_online(page)
    expect(page.locator("[name=pairing_code]")).to_be_visible(timeout=20_000)
    assert len(since()) == 1


def test_a_disk_that_is_full_is_told_and_the_phone_is_shown_instead(
    new_tablet: NewTablet, since: ReadNewResponses
) -> None:
    page = new_tablet()
    go_offline(page)
    answer_questions(page, {"off.nps": 9})
    page.evaluate(STORAGE_FULL_SCRIPT)
    page.locator("[name=finish]").click()
    expect(page.locator("h1")).to_have_text("Планшету потрібна допомога")
    expect(page.locator(".about")).to_have_text("Вашу відповідь не вдалося зберегти.")
    expect(page.locator(".qr svg")).to_be_visible()
    page.reload()
    expect_idle_screen(page)
    expect(page.locator("h1")).to_contain_text("порадите")


def test_a_full_disk_and_a_reply_that_gets_lost_promise_nothing(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    page.evaluate(STORAGE_FULL_SCRIPT)
    page.route("**/kiosk/responses", lambda route: (route.fetch(), route.abort()))
    answer_questions(page, {"off.nps": 8})
    page.locator("[name=finish]").click()
    expect(page.locator(".about")).to_have_text("Невідомо, чи збережено Вашу відповідь.")
    assert len(since()) == 1
    page.unroute("**/kiosk/responses")
    expect(page.locator(".tick")).to_be_visible()
    assert len(since()) == 1


def test_a_full_disk_with_a_line_loses_nothing(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    answer_questions(page, {"off.nps": 9})
    page.evaluate(STORAGE_FULL_SCRIPT)
    send_answers(page)
    assert len(since()) == 1


def test_a_stuck_queue_is_carried_by_hand(
    new_tablet: NewTablet, beside: Flask, since: ReadNewResponses, tmp_path: Path
) -> None:
    page = new_tablet()
    with beside.app_context():
        code = story.create_invitation().short_code
    go_offline(page)
    type_code(page, code)
    answer_questions(page, {"off.nps": 2, "any.breach": ["insult"]})
    send_answers(page)
    leave_tablet(page)
    page.locator(".bar .quiet").click()
    with page.expect_download() as download:
        page.locator(".steps .plain").first.click()
    file = tmp_path / "queue.json"
    download.value.save_as(file)

    assert "insult" not in file.read_text() and code[5:9] not in file.read_text(), "it is sealed"
    document = json.loads(file.read_text())
    with beside.app_context():
        assert import_tablet_file(document) == {"accepted": 1}
        assert import_tablet_file(document) == {"duplicate": 1}
    go_online(page)
    wait_until_delivered(page)
    [answer] = since()
    assert answer.source == "tablet_hall"


def test_a_new_version_waits_until_nobody_is_answering(new_tablet: NewTablet) -> None:
    page = new_tablet()
    answer_questions(page, {"off.nps": 9})
    page.evaluate("navigator.serviceWorker.register('/kiosk/worker.js?newer', { scope: '/kiosk' })")
    wait_until(page, "(await navigator.serviceWorker.ready).waiting !== null")
    page.wait_for_timeout(6_000)
    expect(page.locator("[name='off.premises']")).to_have_count(4)
    assert page.evaluate("async () => (await navigator.serviceWorker.ready).waiting !== null")
    send_answers(page)
    leave_tablet(page)
    wait_until(page, "(await navigator.serviceWorker.ready).waiting === null")


def test_a_wrong_clock_is_put_right(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    page.clock.install(time=datetime.now().astimezone() - timedelta(days=400))
    page.reload()
    expect_idle_screen(page)
    wait_until(page, "await kept('skew') < -3e7")
    answer_questions(page, {"off.nps": 9})
    send_answers(page)
    wait_until_delivered(page)
    [answer] = since()
    assert answer.answered_on == clock.kyiv_day(clock.now())


def test_it_stands_upright_too(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet(**PORTRAIT)
    answer_questions(page, {"off.nps": 9, "off.process": "good"})
    send_answers(page)
    wait_until_delivered(page)
    assert len(since()) == 1
