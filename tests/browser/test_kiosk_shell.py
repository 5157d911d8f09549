"""What the tablet's worker keeps: only files of the service, all of one version, whoever answers in its place."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.kiosk import (
    LANDSCAPE,
    WORKER_READY,
    create_pairing_code,
    expect_idle_screen,
    pair_tablet,
    wait_until,
)
from tests.support.browser import NewPage
from tests.support.proxy import Proxy, Reply
from tests.support.server import RunningService

KEPT_FILES = ("/kiosk", "/assets/kiosk.js", "/assets/kiosk.css", "/assets/icon.svg", "/kiosk/manifest.webmanifest")
SIGN_IN = b"<!doctype html><html><title>Sign in</title><h1>The guests' network wants a sign-in</h1></html>"
INSTALLATION_ENDED = """(await navigator.serviceWorker.ready).installing === null"""

TRY_UPDATE = "async () => (await navigator.serviceWorker.ready).update().catch(() => {})"
NEWER, CHANGE = b"4e65e4657200", b"// the next version"

Answer = Callable[[Reply], Reply]


def answer_page(reply: Reply) -> Reply:
    """A page with status 200, as filters and maintenance pages have."""
    return Reply(200, SIGN_IN, {"Content-Type": "text/html; charset=utf-8"})


def answer_same_type(reply: Reply) -> Reply:
    """Foreign content of the expected type."""
    return replace(reply, body=SIGN_IN)


def answer_redirect(reply: Reply) -> Reply:
    """A network that wants a sign-in."""
    return Reply(302, b"", {"Location": "/privacy"})


def answer_half(reply: Reply) -> Reply:
    """The right file, cut off on the way."""
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def answer_other_status(reply: Reply) -> Reply:
    """The right file from something that changed it, as it says itself."""
    return replace(reply, status=203)


def answer_other_type(reply: Reply) -> Reply:
    """The right file under a type as which no browser uses it."""
    return replace(reply, headers=reply.headers | {"content-type": "application/octet-stream"})


class Release:
    """The next version of the service: its script and its page differ."""

    def __init__(self, url: str) -> None:
        page = httpx.get(f"{url}/kiosk", trust_env=False).text
        [self.version] = re.findall(r'data-version="(\w+)"', page)
        [script] = re.findall(r"kiosk\.js\?v=(\w+)", page)
        body = httpx.get(f"{url}/assets/kiosk.js", trust_env=False).content
        changed_script = hashlib.sha256(body + CHANGE).hexdigest()[:12]
        self._changes = {self.version.encode(): NEWER, script.encode(): changed_script.encode()}

    def change(self, path: str, reply: Reply) -> Reply:
        """Return what the next version answers."""
        file = path.partition("?")[0]
        if file == "/assets/kiosk.js":
            return replace(reply, body=reply.body + CHANGE)
        if file in ("/kiosk", "/kiosk/worker.js"):
            for old, new in self._changes.items():
                reply = replace(reply, body=reply.body.replace(old, new))
        return reply


@pytest.fixture
def proxy(service: RunningService) -> Iterator[Proxy]:
    """What stands between the tablet and the service."""
    with Proxy(service.url) as proxy:
        yield proxy


@pytest.fixture
def tablet(new_page: NewPage, proxy: Proxy, beside: Flask) -> Page:
    """A paired tablet behind the proxy."""
    page = new_page(**LANDSCAPE)
    pair_tablet(page, proxy.url, create_pairing_code(beside))
    return page


@pytest.fixture
def release(service: RunningService) -> Release:
    """The next version, not yet published."""
    return Release(service.url)


def substitute_file(proxy: Proxy, file: str, answer: Answer, release: Release | None = None) -> list[str]:
    """Something else answers in place of this file from now on; the list of the addresses that it answered grows."""
    answered: list[str] = []

    def change(path: str, reply: Reply) -> Reply:
        reply = release.change(path, reply) if release else reply
        if path.partition("?")[0] != file:
            return reply
        answered.append(path)
        return answer(reply)

    proxy.change = change
    return answered


def try_update(page: Page, answered: list[str]) -> None:
    """The tablet looks for a new version, meets the substituted file, and is done with it."""
    answered.clear()
    for _ in range(100):
        page.evaluate(TRY_UPDATE)
        wait_until(page, INSTALLATION_ENDED)
        if answered:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the tablet never asked for the file")


def expect_only_version(page: Page, proxy: Proxy, release: Release) -> None:
    """The tablet keeps the version before alone, and starts with it, with a line and without one.

    The browser's own cache of files is emptied before.
    """
    assert page.evaluate("async () => (await navigator.serviceWorker.ready).waiting === null")
    assert page.evaluate("async () => (await caches.keys()).join()") == f"kiosk-{release.version}"
    expect_version(page, proxy, release.version)


def expect_version(page: Page, proxy: Proxy, version: str) -> None:
    """The tablet starts with this version, with a line and without one."""
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    for is_cut in (False, True):
        proxy.is_cut = is_cut
        page.goto(f"{proxy.url}/kiosk")
        expect_idle_screen(page)
        expect(page.locator("html")).to_have_attribute("data-version", version)
    proxy.is_cut = False


def expect_renewal(page: Page) -> None:
    """The next version is in place."""
    expect(page.locator("html")).to_have_attribute("data-version", NEWER.decode(), timeout=20_000)
    expect_idle_screen(page)


@pytest.mark.parametrize("file", KEPT_FILES)
@pytest.mark.parametrize(
    "answer",
    [answer_page, answer_same_type, answer_redirect, answer_half, answer_other_status, answer_other_type],
    ids=lambda answer: answer.__name__,
)
def test_a_version_is_not_kept_while_something_else_answers_for_one_of_its_files(
    tablet: Page, proxy: Proxy, release: Release, answer: Answer, file: str
) -> None:
    answered = substitute_file(proxy, file, answer, release)
    try_update(tablet, answered)
    expect_only_version(tablet, proxy, release)


def test_a_tablet_renews_itself_once_the_service_answers_again(tablet: Page, proxy: Proxy, release: Release) -> None:
    tablet.clock.install()
    tablet.reload()
    expect_idle_screen(tablet)
    try_update(tablet, substitute_file(proxy, "/kiosk", answer_page, release))
    expect_only_version(tablet, proxy, release)
    try_update(tablet, substitute_file(proxy, "/kiosk", answer_page, release))
    proxy.change = release.change
    for _ in range(4):  # a failed installation is tried again after half a minute, and put in place within five seconds
        tablet.clock.run_for(10_000)
        wait_until(tablet, INSTALLATION_ENDED)
    expect_renewal(tablet)
    expect_version(tablet, proxy, NEWER.decode())


def test_the_page_of_the_version_before_is_not_kept_beside_files_of_the_next_one(
    tablet: Page, proxy: Proxy, service: RunningService, release: Release
) -> None:
    page_before = httpx.get(f"{service.url}/kiosk", trust_env=False).content
    answered = substitute_file(proxy, "/kiosk", lambda reply: replace(reply, body=page_before), release)
    try_update(tablet, answered)
    expect_only_version(tablet, proxy, release)


def test_files_of_the_version_before_are_not_kept_beside_the_page_of_the_next_one(
    tablet: Page, proxy: Proxy, service: RunningService, release: Release
) -> None:
    script_before = httpx.get(f"{service.url}/assets/kiosk.js", trust_env=False).content
    answered = substitute_file(proxy, "/assets/kiosk.js", lambda reply: replace(reply, body=script_before), release)
    try_update(tablet, answered)
    expect_only_version(tablet, proxy, release)


def test_a_page_that_was_loading_while_the_version_changed_finds_its_own_files(
    tablet: Page, proxy: Proxy, release: Release
) -> None:
    address = tablet.locator("script").get_attribute("src")
    fetch_script = "async (address) => (await fetch(address, { cache: 'no-store' })).text()"
    script = tablet.evaluate(fetch_script, address)
    proxy.change = release.change
    tablet.evaluate(TRY_UPDATE)
    expect_renewal(tablet)
    assert tablet.evaluate(fetch_script, address) == script
    tablet.reload()
    expect_idle_screen(tablet)
    assert tablet.locator("script").get_attribute("src") != address
    assert tablet.evaluate("async () => (await caches.keys()).length") == 2


def test_a_tablet_whose_browser_lost_the_files_stores_them_again(tablet: Page, proxy: Proxy, release: Release) -> None:
    tablet.evaluate("async () => { for (const name of await caches.keys()) await caches.delete(name); }")
    tablet.reload()
    expect_idle_screen(tablet)
    wait_until(tablet, "(await (await caches.open((await caches.keys())[0] ?? '')).keys()).length === 5")
    expect_version(tablet, proxy, release.version)


@pytest.mark.parametrize("answer", [answer_page, answer_redirect], ids=lambda answer: answer.__name__)
def test_a_foreign_page_is_not_kept_instead_of_files_that_the_browser_lost(
    tablet: Page, proxy: Proxy, release: Release, answer: Answer
) -> None:
    tablet.evaluate("async () => { for (const name of await caches.keys()) await caches.delete(name); }")
    substitute_file(proxy, "/kiosk", answer)
    tablet.reload()
    expect(tablet.locator("h1")).to_be_visible()
    expect(tablet.locator("#screen")).to_have_count(0)
    proxy.change = lambda path, reply: reply
    tablet.goto(f"{proxy.url}/kiosk")
    expect_idle_screen(tablet)
    expect(tablet.locator("html")).to_have_attribute("data-version", release.version)


def test_a_first_installation_that_met_a_foreign_page_is_tried_again(new_page: NewPage, proxy: Proxy) -> None:
    page = new_page(**LANDSCAPE)
    page.clock.install()
    answered = substitute_file(proxy, "/assets/icon.svg", answer_page)
    page.goto(f"{proxy.url}/kiosk")
    expect(page.locator("[name=pairing_code]")).to_be_visible()
    page.evaluate("async () => navigator.serviceWorker.register('/kiosk/worker.js', { scope: '/kiosk' })")
    wait_until(page, "(await navigator.serviceWorker.getRegistration()) === undefined")
    assert answered
    assert page.evaluate("async () => (await caches.keys()).length") == 0
    proxy.change = lambda path, reply: reply
    page.clock.run_for(35_000)
    wait_until(page, WORKER_READY)
