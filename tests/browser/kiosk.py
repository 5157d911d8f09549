"""A hall's tablet in a real browser: paired, tapped, cut off, looked into."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from flask import Flask
from playwright.sync_api import BrowserContext, Error, Page, expect

from feedback_service import clock
from feedback_service.flow import tablet_pairing
from feedback_service.models import Response
from tests.support import story
from tests.support.server import RunningService
from tests.support.stored import read_answers, read_rows

LANDSCAPE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "has_touch": True}
PORTRAIT: dict[str, Any] = {"viewport": {"width": 768, "height": 1024}, "has_touch": True}
WORKPLACE = "window-3"
STORAGE_FULL_SCRIPT = (
    "void (IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); })"
)
WORKER_READY = "navigator.serviceWorker.controller !== null"

# Everything that a script can read of what the page keeps: documents, caches, databases, storages, history.
READ_EVERYTHING_SCRIPT = """
async () => {
  const spell = (value) => JSON.stringify(value, (_, each) =>
    each instanceof Uint8Array ? String.fromCharCode(...each) : each instanceof CryptoKey ? each.algorithm.name : each);
  const found = [document.documentElement.outerHTML, spell(history.state), location.href, `history ${history.length}`,
    spell(Object.entries(localStorage)), spell(Object.entries(sessionStorage)), document.cookie, name];
  for (const cache of await caches.keys()) {
    for (const request of await (await caches.open(cache)).keys()) {
      found.push(request.url, await (await caches.match(request)).text());
    }
  }
  for (const { name } of await indexedDB.databases()) {
    const opened = indexedDB.open(name);
    const db = await new Promise((resolve) => { opened.onsuccess = () => resolve(opened.result); });
    for (const store of db.objectStoreNames) {
      found.push(await new Promise((resolve) => {
        db.transaction(store).objectStore(store).getAll().onsuccess = ({ target }) => resolve(spell(target.result));
      }));
    }
    db.close();
  }
  return found.join("\\n");
}
"""

NewTablet = Callable[..., Page]
ReadNewResponses = Callable[[], list[Response]]


def complete_case_now(app: Flask, **facts: Any) -> str:
    """A case ends at the tablet's window; its short code."""
    with app.app_context():
        return story.create_invitation(status_at=clock.now(), **facts).short_code


def create_pairing_code(app: Flask, mode: str = "hall", centre: str = story.CENTRE) -> str:
    """A code for a new tablet; at a desk's window nobody waits to be asked."""
    with app.app_context():
        workplace = WORKPLACE if mode == "desk" else None
        if mode == "desk":  # whoever came last, perhaps in another test, has begun on a phone
            story.begin_answer(story.create_invitation(status_at=clock.now()).token, {"off.nps": 9})
        return tablet_pairing.add_tablet(centre, name="Планшет", mode=mode, workplace=workplace)


def pair_tablet(page: Page, url: str, code: str) -> None:
    """The page is a paired tablet between two people, and works without a line from now on."""
    page.goto(f"{url}/kiosk")
    page.fill("[name=pairing_code]", code)
    page.press("[name=pairing_code]", "Enter")
    expect_idle_screen(page)
    wait_until(page, WORKER_READY)


def wait_until(page: Page, condition: str, seconds: float = 30) -> None:
    """This condition, which may await, holds in the page in the end.

    It is asked from outside: what polls inside a page may not evaluate texts there.
    """
    deadline = time.monotonic() + seconds
    while True:
        with suppress(Error):  # a fresh document comes between
            if page.evaluate(f"async () => {condition}"):
                return
        assert time.monotonic() < deadline, f"never: {condition}"
        page.wait_for_timeout(50)


def expect_idle_screen(page: Page) -> None:
    """The screen waits for the next person."""
    expect(page.locator(".bar .quiet")).to_be_visible()


def answer_questions(page: Page, chosen_answers: Mapping[str, Any]) -> None:
    """Somebody answers these questions, in their order, and skips what is asked between. The next screen is there."""
    skip = page.locator(".steps .plain").nth(1)
    for question, value in chosen_answers.items():
        control = page.locator(f'[name="{question}"]')
        control.or_(skip).first.wait_for()
        while not control.count():
            skip.click()
        for choice in value if isinstance(value, list) else [value]:
            _tap_choice(page, f'[name="{question}"][value="{choice}"]')


def _tap_choice(page: Page, selector: str) -> None:
    """Somebody chooses this, and sees it chosen for a moment, until the screen is drawn anew."""
    choice = page.locator(selector).element_handle()
    choice.click()
    choice.wait_for_element_state("hidden")


def send_answers(page: Page) -> None:
    """The person sends, and is thanked."""
    page.locator("[name=finish]").click()
    expect(page.locator(".tick")).to_be_visible()


def leave_tablet(page: Page) -> None:
    """The person goes; the next one finds a fresh document."""
    page.locator(".wide").click()
    expect_idle_screen(page)


def type_code(page: Page, short_code: str) -> None:
    """Somebody taps the eight characters after the prefix and goes on."""
    page.locator(".wide").click()
    for key in short_code[-9:].replace("-", ""):
        page.locator(f'.key:text-is("{key}")').click()
    page.locator(".steps button").last.click()
    expect(page.locator(".scale").or_(page.get_by_role("alert")).first).to_be_visible()


def count_waiting(page: Page) -> int:
    """How many answers the tablet holds."""
    count: int = page.evaluate("async () => (await waiting()).length")
    return count


def wait_until_delivered(page: Page, seconds: float = 20) -> None:
    """The tablet holds nothing any more."""
    wait_until(page, "(await waiting()).length === 0", seconds)


def read_responses(app: Flask) -> list[Response]:
    """What the service has."""
    with app.app_context():
        return read_rows(Response)


def read_answer_values(app: Flask) -> set[tuple[str, str]]:
    """Every value that the service has."""
    with app.app_context():
        return read_answers()


def go_offline(page: Page, context: BrowserContext | None = None) -> None:
    """The line is down."""
    (context or page.context).set_offline(True)


def go_online(page: Page, context: BrowserContext | None = None) -> None:
    """The line is up."""
    (context or page.context).set_offline(False)


def kiosk_url(service: RunningService) -> str:
    """Where tablets go."""
    return f"{service.url}/kiosk"
