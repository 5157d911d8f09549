"""The hall's tablet when what it relies on lets it down: the line, the clock, the disk, its pairing, the service."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
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
    LANDSCAPE,
    STORAGE_FULL_SCRIPT,
    WORKER_READY,
    NewTablet,
    ReadNewResponses,
    answer_questions,
    complete_case_now,
    count_waiting,
    create_pairing_code,
    expect_idle_screen,
    go_offline,
    go_online,
    leave_tablet,
    pair_tablet,
    send_answers,
    wait_until,
    wait_until_delivered,
)
from tests.support import story
from tests.support.browser import NewPage
from tests.support.server import RunningService
from tests.support.stored import read_rows

SIGN_IN = {"status": 200, "content_type": "text/html", "body": "<h1>Welcome to the guests' network</h1>"}
NO_DISK = "indexedDB.open = () => { throw new DOMException('broken', 'UnknownError'); }"


def by_itself(page: Page) -> None:
    """Only the page sends: what its worker sends in the background goes by another line than the tests cut."""
    never = "void (SyncManager.prototype.register = async () => {})"
    page.add_init_script(never)
    page.evaluate(never)


def answered(page: Page, *ratings: int) -> None:
    """So many people answered, one after another."""
    for rating in ratings:
        answer_questions(page, {"off.nps": rating})
        send_answers(page)
        leave_tablet(page)


def held(page: Page) -> int:
    """How many answers the disk has, those that were refused too."""
    number: int = page.evaluate("async () => (await held()).length")
    return number


# The line -----------------------------------------------------------------------------------------------------


def test_a_network_that_wants_a_sign_in_stops_nothing_for_good(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    by_itself(page)
    go_offline(page)
    answered(page, 9)
    page.route("**/api/v1/kiosk/**", lambda route: route.fulfill(**SIGN_IN))
    go_online(page)
    page.reload()
    expect_idle_screen(page)
    wait_until(page, "relieve.pause !== undefined")  # it was sent in vain
    assert count_waiting(page) == 1
    page.unroute("**/api/v1/kiosk/**")
    wait_until_delivered(page)
    assert len(since()) == 1


def test_a_desk_offers_cases_again_after_a_network_that_wanted_a_sign_in(new_tablet: NewTablet, beside: Flask) -> None:
    page = new_tablet("desk")
    page.route("**/kiosk/config", lambda route: route.fulfill(**SIGN_IN))
    with page.expect_response("**/kiosk/config", timeout=15_000):
        pass
    page.unroute("**/kiosk/config")
    complete_case_now(beside)
    expect(page.locator("[name='off.nps']")).to_have_count(11, timeout=15_000)


# Every send takes a moment, and the next one comes soon after; tells how many were ever under way at once.
TWO_AT_ONCE = """
async () => {
  let now = 0, most = 0;
  const moment = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  window.send = async () => {
    most = Math.max(most, now += 1);
    await moment(200);
    now -= 1;
    return { left: 0, status: 200, wait: 0.1 };
  };
  for (let flap = 0; flap < 5; flap += 1) window.dispatchEvent(new Event("online"));
  await moment(500);
  most = 0;
  await moment(2_000);
  return most;
}
"""


def test_a_line_that_comes_and_goes_makes_nobody_send_more_often(new_tablet: NewTablet) -> None:
    page = new_tablet()
    wait_until(page, "relieve.again !== undefined")  # it has sent once by itself, as every document does
    assert page.evaluate(TWO_AT_ONCE) == 1


def test_a_tablet_that_meets_such_a_network_first_says_that_it_has_no_line(
    new_page: NewPage, service: RunningService
) -> None:
    page = new_page(**LANDSCAPE)
    page.route("**/api/v1/kiosk/**", lambda route: route.fulfill(**SIGN_IN))
    page.goto(f"{service.url}/kiosk")
    expect(page.get_by_role("alert").first).to_contain_text("Служба не відповідає")


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 404, "json": {"message": "no route"}},
        {"status": 404, "content_type": "text/html", "body": "<h1>404</h1>"},
        {"status": 405, "json": {}},
        {"status": 400, "json": {"error": "bad gateway"}},
        {"status": 200, "json": {}},
        {"status": 200, "json": {"results": []}},
    ],
    ids=lambda reply: f"{reply['status']} {reply.get('json')}",
)
def test_only_the_service_itself_refuses_an_answer(
    new_tablet: NewTablet, since: ReadNewResponses, reply: dict[str, Any]
) -> None:
    page = new_tablet()
    by_itself(page)
    calls: list[Any] = []

    def answer_in_its_place(route: Any) -> None:
        calls.append(route)
        route.fulfill(**reply)

    page.route("**/kiosk/responses", answer_in_its_place)
    answered(page, 9)
    page.evaluate("relieve()")  # a sending that began before the answer was kept ends without it
    wait_until(page, "relieve.pause !== undefined")
    page.wait_for_timeout(1_000)  # enough for many calls, if it made them without a pause
    assert count_waiting(page) == 1
    assert len(calls) < 10, "nor is it asked without a pause"
    page.unroute("**/kiosk/responses")
    page.evaluate("relieve()")
    wait_until_delivered(page)
    assert len(since()) == 1


def test_an_answer_by_which_the_service_fails_holds_up_no_other(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    by_itself(page)
    go_offline(page)
    answered(page, 7, 0, 9)
    fails = page.evaluate("async () => (await waiting())[1].client_id")

    def stumble(route: Any) -> None:
        sent = {each["client_id"] for each in route.request.post_data_json["responses"]}
        route.fulfill(status=500, json={}) if fails in sent else route.continue_()

    page.route("**/kiosk/responses", stumble)
    go_online(page)
    wait_until(page, "(await waiting()).length === 1")
    assert len(since()) == 2
    page.unroute("**/kiosk/responses")
    page.evaluate("relieve()")
    wait_until_delivered(page)
    assert len(since()) == 3


def test_an_answer_that_does_not_open_holds_up_no_other(new_tablet: NewTablet, since: ReadNewResponses) -> None:
    page = new_tablet()
    by_itself(page)
    go_offline(page)
    answered(page, 7, 8)
    page.evaluate(
        """() => navigator.locks.request("kiosk-send", async () => {
          const [item] = await waiting();
          const spoilt = { ...item, sealed: item.sealed.map((each) => each ^ 1) };
          await inStore("answers", "readwrite", (store) => store.put(spoilt));
        })"""
    )
    go_online(page)
    wait_until_delivered(page)
    assert len(since()) == 1
    assert held(page) == 1, "it is kept for the staff"


def test_who_went_on_without_the_code_is_not_called_back_when_the_line_is_slow(
    new_tablet: NewTablet, beside: Flask, since: ReadNewResponses
) -> None:
    page = new_tablet()
    with beside.app_context():
        code = story.create_invitation().short_code
    slow: list[Any] = []
    page.route("**/kiosk/codes", lambda route: slow.append(route))
    page.locator(".wide").click()
    page.keyboard.type(code[5:])
    with page.expect_request("**/kiosk/codes"):
        page.locator(".steps button").last.click()
    page.locator(".steps .plain").click()
    answer_questions(page, {"off.nps": 9, "off.premises": "good"})
    with page.expect_response("**/kiosk/codes"):
        slow[0].continue_()
    wait_until(page, "!state.looking")
    expect(page.locator(".about")).to_contain_text("без справи")
    expect(page.locator("[name='off.services']")).to_have_count(4)
    send_answers(page)
    wait_until_delivered(page)
    assert [answer.source for answer in since()] == ["tablet_walkup"]


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("0", 1, 2),
        ("-5", 1, 2),
        ("7", 7, 9),
        ("86400", 300, 300),
        ("3000000", 300, 300),
        ("1e400", 300, 300),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1, 2),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 300, 300),
        ("soon", 1, 5),
    ],
)
def test_the_service_may_ask_to_wait_for_one_second_to_five_minutes(
    new_tablet: NewTablet, value: str, least: float, most: float
) -> None:
    page = new_tablet()
    by_itself(page)
    wait_until(page, "relieve.again !== undefined")
    page.route(
        "**/kiosk/responses",
        lambda route: route.fulfill(status=503, json={}, headers={"Retry-After": value}),
    )
    go_offline(page)
    answered(page, 9)
    wait_until(page, "relieve.again !== undefined")
    page.evaluate(
        """() => {
          const set = window.setTimeout;
          window.pauses = [];
          window.setTimeout = (what, pause) => { if (what === relieve) pauses.push(pause); return set(what, pause); };
        }"""
    )
    go_online(page)
    wait_until(page, "pauses.length > 0")
    pause: float = page.evaluate("pauses[0]")
    assert least * 1000 <= pause <= most * 1000


# The clock ----------------------------------------------------------------------------------------------------


def test_whoever_walks_away_is_forgotten_though_the_clock_is_set_back(new_tablet: NewTablet) -> None:
    page = new_tablet()
    page.clock.install()
    page.reload()
    expect_idle_screen(page)
    answer_questions(page, {"off.nps": 0})
    page.clock.set_system_time(datetime.now().astimezone() - timedelta(hours=5))
    page.clock.run_for(46_000)
    expect(page.locator("dialog")).to_be_visible()
    page.clock.run_for(21_000)
    expect_idle_screen(page)
    expect(page.locator("[aria-pressed=true]")).to_have_count(0)


def test_a_clock_that_is_set_right_while_somebody_answers_costs_no_answer(
    new_tablet: NewTablet, since: ReadNewResponses
) -> None:
    page = new_tablet()
    page.clock.install(time=datetime(1970, 1, 2, tzinfo=UTC))
    page.reload()
    expect_idle_screen(page)
    answer_questions(page, {"off.nps": 9})
    page.clock.set_system_time(datetime.now().astimezone())
    page.locator("[name=finish]").dispatch_event("click")  # whoever is slower is asked whether they are still there
    expect(page.locator(".tick")).to_be_visible()
    page.evaluate("heartbeat()")
    wait_until_delivered(page)
    assert len(since()) == 1
    assert held(page) == 0


def test_a_clock_that_starts_anew_after_the_power_failed_costs_no_answer(
    new_tablet: NewTablet, since: ReadNewResponses
) -> None:
    page = new_tablet()
    by_itself(page)
    wait_until(page, "lastBeat > 0")
    go_offline(page)
    page.clock.install(time=datetime(1970, 1, 1, tzinfo=UTC))
    page.reload()
    expect_idle_screen(page)
    answered(page, 9)
    page.clock.set_system_time(datetime.now().astimezone())
    go_online(page)
    wait_until_delivered(page)
    [answer] = since()
    assert answer.answered_on == clock.kyiv_day(clock.now())


def test_a_case_is_offered_for_three_minutes_whatever_the_clock_says(new_tablet: NewTablet, beside: Flask) -> None:
    page = new_tablet("desk")
    page.clock.install(time=datetime.now().astimezone() - timedelta(hours=5))
    page.route("**/kiosk/heartbeat", lambda route: route.abort())
    page.reload()
    expect_idle_screen(page)
    complete_case_now(beside)
    for _ in range(5):  # it asks every five seconds; on a busy machine the reply may take longer
        page.clock.run_for(6_000)
        with suppress(AssertionError):
            expect(page.locator("[name='off.nps']")).to_have_count(11, timeout=2_000)
            break
    expect(page.locator("[name='off.nps']")).to_have_count(11)
    go_offline(page)
    page.clock.run_for(181_000)
    expect(page.locator("[name='off.nps']")).to_have_count(0)


# The disk -----------------------------------------------------------------------------------------------------


def test_a_tablet_without_a_disk_asks_for_help(new_tablet: NewTablet, beside: Flask) -> None:
    page = new_tablet()
    page.add_init_script(NO_DISK)
    page.reload()
    expect(page.locator("h1")).to_have_text("Планшету потрібна допомога")
    expect(page.locator(".qr svg")).to_be_visible()


def test_the_device_page_hears_that_a_tablet_cannot_keep_answers(new_tablet: NewTablet, beside: Flask) -> None:
    page = new_tablet()
    wait_until(page, "lastBeat > 0")

    def warnings() -> tuple[str, ...]:
        with beside.app_context():
            device = max(read_rows(Device), key=lambda device: device.created_at)
            return next(one for one in list_tablets({story.CENTRE}) if one.id == device.id).warnings

    assert "no_room" not in warnings()
    page.evaluate(STORAGE_FULL_SCRIPT)
    page.evaluate("heartbeat()")
    assert "no_room" in warnings()


def test_a_tablet_that_asked_for_help_goes_on_by_itself_once_it_can(new_tablet: NewTablet) -> None:
    page = new_tablet()
    page.clock.install()
    page.reload()
    expect_idle_screen(page)
    go_offline(page)
    answer_questions(page, {"off.nps": 9})
    page.evaluate("void (window.put = IDBObjectStore.prototype.put)")
    page.evaluate(STORAGE_FULL_SCRIPT)
    page.locator("[name=finish]").click()
    expect(page.locator("h1")).to_have_text("Планшету потрібна допомога")
    page.clock.run_for(47_000)
    expect(page.locator("h1")).to_have_text("Планшету потрібна допомога")
    page.evaluate("void (IDBObjectStore.prototype.put = window.put)")
    page.clock.run_for(47_000)
    expect_idle_screen(page)
    expect(page.locator("h1")).to_contain_text("порадите")


def test_the_staff_s_page_asks_the_browser_to_keep_the_storage(new_tablet: NewTablet) -> None:
    page = new_tablet()
    page.evaluate("void (navigator.storage.persist = async () => { window.asked = true; return true; })")
    page.locator(".bar .quiet").click()
    expect(page.locator("dl")).to_contain_text("браузер пообіцяв берегти")
    assert page.evaluate("window.asked")


# The screen ---------------------------------------------------------------------------------------------------


def test_the_screen_is_kept_on_again_after_the_page_was_hidden(new_tablet: NewTablet) -> None:
    page = new_tablet()
    page.add_init_script(
        """window.requests = 0;
        window.visibility = "visible";
        Object.defineProperty(document, "visibilityState", { get: () => window.visibility });
        Object.defineProperty(navigator, "wakeLock", { value: { request: async () => { window.requests += 1; } } });"""
    )
    page.reload()
    expect_idle_screen(page)
    wait_until(page, "requests === 1")
    for visibility, requests in (("hidden", 1), ("visible", 2)):
        page.evaluate(
            "(now) => { window.visibility = now; document.dispatchEvent(new Event('visibilitychange')); }", visibility
        )
        assert page.evaluate("requests") == requests


# The pairing --------------------------------------------------------------------------------------------------


def test_a_case_that_ended_before_the_tablet_came_in_is_offered(
    new_page: NewPage, service: RunningService, beside: Flask
) -> None:
    code = create_pairing_code(beside, "desk")
    complete_case_now(beside)
    page = new_page(**LANDSCAPE)
    page.goto(f"{service.url}/kiosk")
    page.fill("[name=pairing_code]", code)
    page.press("[name=pairing_code]", "Enter")
    expect(page.locator("[name='off.nps']")).to_have_count(11)


def test_what_a_tablet_holds_survives_another_pairing_and_may_still_be_carried_by_hand(
    new_tablet: NewTablet, service: RunningService, beside: Flask, since: ReadNewResponses, tmp_path: Path
) -> None:
    page = new_tablet()
    by_itself(page)
    go_offline(page)
    answered(page, 9)
    with beside.app_context():
        device = max(read_rows(Device), key=lambda device: device.created_at)
        code = tablet_pairing.renew_pairing_code(device.id, {story.CENTRE})
        tablet_pairing.pair_tablet(code)  # another tablet took its place
    page.route("**/kiosk/responses", lambda route: route.abort())
    go_online(page)
    page.evaluate("forget('config')")
    page.reload()
    expect(page.locator("[name=pairing_code]")).to_be_visible()
    with page.expect_download() as saved:
        page.locator(".steps .plain").click()
    pair_tablet(page, service.url, create_pairing_code(beside))
    answered(page, 8)
    page.locator(".bar .quiet").click()
    with page.expect_download() as both:
        page.locator(".steps .plain").first.click()

    with beside.app_context():
        for number, download in enumerate((saved, both)):
            file = tmp_path / f"{number}.json"
            download.value.save_as(file)
            became = import_tablet_file(json.loads(file.read_text()))
            assert became == ({"accepted": 1} if number == 0 else {"accepted": 1, "duplicate": 1})
    assert len(since()) == 2


# Its worker ---------------------------------------------------------------------------------------------------


def test_a_page_that_its_worker_overlooked_is_taken_over(new_tablet: NewTablet) -> None:
    page = new_tablet()
    page.context.new_cdp_session(page).send("Page.reload", {"ignoreCache": True})
    expect_idle_screen(page)
    assert page.evaluate("performance.getEntriesByType('navigation')[0].workerStart") == 0, "it came past it"
    wait_until(page, WORKER_READY)


def test_a_worker_that_could_not_be_installed_is_asked_for_again(new_page: NewPage, service: RunningService) -> None:
    page = new_page(**LANDSCAPE)
    page.clock.install()
    page.add_init_script(
        """const register = ServiceWorkerContainer.prototype.register;
        ServiceWorkerContainer.prototype.register = function () {
          ServiceWorkerContainer.prototype.register = register;
          return Promise.reject(new TypeError("no line"));
        };"""
    )
    page.goto(f"{service.url}/kiosk")
    expect(page.locator("[name=pairing_code]")).to_be_visible()
    page.clock.run_for(35_000)
    wait_until(page, WORKER_READY)
