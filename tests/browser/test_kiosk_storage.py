"""The tablet and a sick storage of the browser: nothing waits for it for ever, and no answer is lost without need."""

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.kiosk import (
    STORAGE_FULL_SCRIPT,
    NewTablet,
    ReadNewResponses,
    answer_questions,
    count_waiting,
    create_pairing_code,
    expect_idle_screen,
    go_offline,
    go_online,
    send_answers,
    wait_until,
    wait_until_delivered,
)
from tests.support.browser import NewPage
from tests.support.server import RunningService

PATIENCE_MS = 30_000  # longer than the tablet waits for its storage
SILENT = "() => ({ addEventListener() {} })"
OPEN_SILENT = f"void (IDBFactory.prototype.open = {SILENT})"
# A request whose only event is ``blocked``, as when another document keeps an older version open.
OPEN_BLOCKED = """void (IDBFactory.prototype.open = () => {
  const request = {};
  setTimeout(() => request.onblocked?.(), 10);
  return request;
})"""
# Every transaction is begun and never ends: what it would write is not written either.
TRANSACTION_SILENT = """void (IDBDatabase.prototype.transaction = () => ({
  objectStore: () => new Proxy({}, { get: () => () => ({}) }),
}))"""
NO_BACKGROUND_SYNC = "void (SyncManager.prototype.register = async () => {})"
SICK = {
    "open fires nothing": OPEN_SILENT,
    "open is blocked": OPEN_BLOCKED,
    "transactions never end": TRANSACTION_SILENT,
}


def fall_sick(page: Page, script: str) -> None:
    """The storage of this document and of all later ones is sick."""
    page.add_init_script(script)
    page.evaluate(f"connection = undefined; {script}")


def expect_help(page: Page) -> None:
    """The tablet asks for help."""
    expect(page.locator("h1")).to_have_text("Планшету потрібна допомога", timeout=PATIENCE_MS)


@pytest.mark.parametrize("line", [True, False], ids=["with a line", "without"])
@pytest.mark.parametrize("sick", SICK.values(), ids=SICK.keys())
def test_a_tablet_whose_storage_does_not_answer_asks_for_help(new_tablet: NewTablet, sick: str, line: bool) -> None:
    page = new_tablet()
    if not line:
        go_offline(page)
    page.add_init_script(sick)
    page.reload()
    expect_help(page)
    expect(page.locator(".qr svg")).to_have_count(1 if line else 0)
    expect(page.locator(".address")).to_contain_text("http")


@pytest.mark.parametrize("status", [503, 401])
def test_only_the_service_itself_says_that_a_tablet_with_a_sick_storage_is_not_paired(
    new_tablet: NewTablet, status: int
) -> None:
    page = new_tablet()
    page.route("**/kiosk/config", lambda route: route.fulfill(status=status, json={}))
    page.add_init_script(OPEN_SILENT)
    page.reload()
    if status == 401:
        expect(page.locator("[name=pairing_code]")).to_be_visible(timeout=PATIENCE_MS)
    else:
        expect_help(page)
        wait_until(page, "state.up")  # the service answered
        expect_help(page)
        expect(page.locator("[name=pairing_code]")).to_have_count(0)


def test_a_tablet_whose_storage_answers_again_goes_on_by_itself(new_tablet: NewTablet) -> None:
    page = new_tablet()
    page.clock.install()
    go_offline(page)
    page.evaluate("sessionStorage.setItem('sick', '1')")
    page.add_init_script(
        f"window.healthy = IDBFactory.prototype.open; if (sessionStorage.getItem('sick')) {OPEN_SILENT}"
    )
    page.reload()
    expect_help(page)
    page.evaluate("sessionStorage.removeItem('sick'); IDBFactory.prototype.open = window.healthy; undefined")
    page.clock.run_for(47_000)
    expect(page.locator("h1")).to_contain_text("порадите", timeout=PATIENCE_MS)


@pytest.mark.parametrize("sick", SICK.values(), ids=SICK.keys())
def test_an_answer_that_the_storage_does_not_take_is_sent_at_once(
    new_tablet: NewTablet, since: ReadNewResponses, sick: str
) -> None:
    page = new_tablet()
    answer_questions(page, {"off.nps": 9})
    fall_sick(page, sick)
    page.locator("[name=finish]").click()
    expect(page.locator(".tick")).to_be_visible(timeout=PATIENCE_MS)
    assert len(since()) == 1


def test_an_answer_that_could_be_neither_stored_nor_sent_leaves_when_the_line_is_back(
    new_tablet: NewTablet, since: ReadNewResponses
) -> None:
    page = new_tablet()
    answer_questions(page, {"off.nps": 9})
    go_offline(page)
    page.evaluate(STORAGE_FULL_SCRIPT)
    page.locator("[name=finish]").click()
    expect_help(page)
    page.locator(".bar .quiet").click()  # the staff looks, and closes the page
    page.locator(".steps button").last.click()
    expect_help(page)
    go_online(page)
    expect(page.locator(".tick")).to_be_visible(timeout=PATIENCE_MS)
    assert len(since()) == 1


def test_a_new_version_does_not_replace_the_page_that_holds_an_answer(
    new_tablet: NewTablet, since: ReadNewResponses
) -> None:
    page = new_tablet()
    answer_questions(page, {"off.nps": 9})
    page.route("**/kiosk/responses", lambda route: route.abort())
    page.evaluate(STORAGE_FULL_SCRIPT)
    page.locator("[name=finish]").click()
    expect_help(page)
    page.evaluate("navigator.serviceWorker.register('/kiosk/worker.js?newer', { scope: '/kiosk' })")
    wait_until(page, "(await navigator.serviceWorker.ready).waiting !== null")
    page.evaluate("async () => (await navigator.serviceWorker.ready).waiting.postMessage('activate')")
    wait_until(page, "navigator.serviceWorker.controller.scriptURL.endsWith('newer')")
    page.unroute("**/kiosk/responses")
    expect(page.locator(".tick")).to_be_visible(timeout=PATIENCE_MS)
    assert len(since()) == 1


def test_an_answer_that_could_not_be_stored_is_stored_once_there_is_room(
    new_tablet: NewTablet, since: ReadNewResponses
) -> None:
    page = new_tablet()
    page.add_init_script(NO_BACKGROUND_SYNC)
    answer_questions(page, {"off.nps": 9})
    go_offline(page)
    page.evaluate("void (window.put = IDBObjectStore.prototype.put)")
    page.evaluate(STORAGE_FULL_SCRIPT)
    page.locator("[name=finish]").click()
    expect_help(page)
    page.evaluate("void (IDBObjectStore.prototype.put = window.put)")
    expect(page.locator("h1")).to_contain_text("порадите", timeout=PATIENCE_MS)
    assert count_waiting(page) == 1
    go_online(page)
    wait_until_delivered(page)
    assert len(since()) == 1


@pytest.mark.parametrize(
    "loss",
    [
        "database().then((db) => db.close())",
        """new Promise((resolve) => {
          indexedDB.open("vidhuk-kiosk", 2).onsuccess = ({ target }) => { target.result.close(); resolve(); };
        })""",
        """new Promise((resolve) => {
          const transaction = IDBDatabase.prototype.transaction;
          IDBDatabase.prototype.transaction = function () {
            IDBDatabase.prototype.transaction = transaction;
            throw new DOMException("the connection died", "UnknownError");
          };
          resolve();
        })""",
    ],
    ids=["it was closed", "a newer page raised the version", "it died"],
)
def test_a_connection_that_ended_costs_no_answer(new_tablet: NewTablet, since: ReadNewResponses, loss: str) -> None:
    page = new_tablet()
    page.evaluate(NO_BACKGROUND_SYNC)
    page.add_init_script(NO_BACKGROUND_SYNC)
    go_offline(page)
    answer_questions(page, {"off.nps": 9})
    page.evaluate(f"async () => {{ await {loss}; }}")
    send_answers(page)
    assert count_waiting(page) == 1
    page.reload()
    expect_idle_screen(page)
    go_online(page)
    wait_until_delivered(page)
    assert len(since()) == 1


def test_a_connection_that_opens_too_late_holds_up_nobody(new_tablet: NewTablet) -> None:
    page = new_tablet()
    page.add_init_script(
        """const open = IDBFactory.prototype.open;
        IDBFactory.prototype.open = function (...which) {
          IDBFactory.prototype.open = open;
          const late = {};
          window.openLate = () => {
            const request = open.apply(this, which);
            request.onsuccess = () => {
              late.result = request.result;
              late.onsuccess();
              window.openedLate = request.result;
            };
          };
          return late;
        };"""
    )
    page.reload()
    expect_help(page)
    page.evaluate("openLate()")
    wait_until(page, "window.openedLate !== undefined")
    closed = "(() => { try { openedLate.transaction('kept'); } catch { return true; } })()"
    wait_until(page, closed)


def test_a_storage_that_was_slow_once_is_used_again_as_soon_as_it_answers(
    new_tablet: NewTablet, since: ReadNewResponses
) -> None:
    page = new_tablet()
    page.evaluate(NO_BACKGROUND_SYNC)
    page.clock.install()
    page.evaluate("void kept('config').catch(() => {})")
    page.clock.run_for(7_000)  # its time is over long before the disk can answer
    wait_until(page, "unanswered === undefined", seconds=5)
    go_offline(page)
    answer_questions(page, {"off.nps": 9})
    send_answers(page)
    assert count_waiting(page) == 1


def test_storage_promises_that_never_come_stop_nothing(
    new_page: NewPage, service: RunningService, beside: Flask
) -> None:
    page = new_page()
    page.add_init_script(
        "for (const name of ['persist', 'persisted']) StorageManager.prototype[name] = () => new Promise(() => {});"
    )
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{service.url}/kiosk")
    page.fill("[name=pairing_code]", create_pairing_code(beside))
    page.press("[name=pairing_code]", "Enter")
    page.locator(".bar .quiet").click()
    expect(page.locator("dl")).to_be_visible(timeout=PATIENCE_MS)
    wait_until(page, "lastBeat > 0")
