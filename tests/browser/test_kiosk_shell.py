"""What the tablet's worker keeps: only files of the service, all of one version, whoever answers in its place."""

from collections.abc import Callable, Iterator

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
    wait_until_async,
)
from tests.support.browser import NewPage
from tests.support.proxy import Proxy, Reply
from tests.support.server import RunningService

KEPT_FILES = ("/kiosk", "/assets/kiosk.js", "/assets/kiosk.css", "/assets/icon.svg", "/kiosk/manifest.webmanifest")
SIGN_IN = b"<!doctype html><html><title>Sign in</title><h1>The guests' network wants a sign-in</h1></html>"
INSTALLATION_ENDED = """(await navigator.serviceWorker.ready).installing === null"""

Answer = Callable[[httpx.Response], Reply]


def answer_page(reply: httpx.Response) -> Reply:
    """A page with status 200, as filters and maintenance pages have."""
    return Reply(200, SIGN_IN, {"Content-Type": "text/html; charset=utf-8"})


def answer_same_type(reply: httpx.Response) -> Reply:
    """Foreign content of the expected type."""
    return Reply(200, SIGN_IN, {"Content-Type": reply.headers["Content-Type"]})


def answer_redirect(reply: httpx.Response) -> Reply:
    """A network that wants a sign-in."""
    return Reply(302, b"", {"Location": "/privacy"})


def answer_half(reply: httpx.Response) -> Reply:
    """The right file, cut off on the way."""
    return Reply(200, reply.content[: len(reply.content) // 2], {"Content-Type": reply.headers["Content-Type"]})


def answer_error_with_file(reply: httpx.Response) -> Reply:
    """The right content as an error."""
    return Reply(203, reply.content, {"Content-Type": reply.headers["Content-Type"]})


@pytest.fixture(scope="module")
def newer_service(tmp_path_factory: pytest.TempPathFactory, service: RunningService) -> Iterator[RunningService]:
    """The next version on the same data: its page differs."""
    database_url = service.environment["FEEDBACK_DATABASE_URL"]
    languages = {"FEEDBACK_LANGUAGES": "uk"}
    with RunningService(tmp_path_factory.mktemp("newer"), database_url, workers=1, settings=languages) as newer:
        yield newer


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


def substitute_file(proxy: Proxy, file: str, answer: Answer) -> None:
    """Something else answers in place of this file from now on."""

    def substitute(path: str, reply: httpx.Response) -> Reply | None:
        return answer(reply) if path.partition("?")[0] == file else None

    proxy.asked.clear()
    proxy.substitute = substitute


def stop_substituting(proxy: Proxy) -> None:
    """Only the service answers from now on."""
    proxy.substitute = lambda path, reply: None


def read_version(page: Page) -> str | None:
    """The version of the page that the tablet shows."""
    return page.locator("html").get_attribute("data-version")


def try_update(page: Page, proxy: Proxy) -> None:
    """The tablet looks for a new version, meets the substituted file, and is done with it."""
    for _ in range(100):
        page.evaluate("async () => (await navigator.serviceWorker.ready).update().catch(() => {})")
        wait_until_async(page, INSTALLATION_ENDED)
        if proxy.asked:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the tablet never asked for the file")


def expect_version(page: Page, proxy: Proxy, version: str | None) -> None:
    """The tablet starts with this version, with a line and without one, whatever the browser's own cache has."""
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    for is_cut in (False, True):
        proxy.is_cut = is_cut
        page.goto(f"{proxy.url}/kiosk")
        expect_idle_screen(page)
        assert read_version(page) == version
    proxy.is_cut = False


@pytest.mark.parametrize(
    "answer",
    [answer_page, answer_same_type, answer_redirect, answer_half, answer_error_with_file],
    ids=lambda answer: answer.__name__,
)
def test_a_new_version_is_not_kept_while_something_else_answers_for_one_of_its_files(
    tablet: Page, proxy: Proxy, newer_service: RunningService, answer: Answer
) -> None:
    before = read_version(tablet)
    proxy.target = newer_service.url
    for file in KEPT_FILES:
        substitute_file(proxy, file, answer)
        try_update(tablet, proxy)
        assert tablet.evaluate("async () => (await navigator.serviceWorker.ready).waiting === null"), file
        assert tablet.evaluate("async () => (await caches.keys()).join()") == f"kiosk-{before}", file
        expect_version(tablet, proxy, before)
    stop_substituting(proxy)
    try_again = "async () => (await navigator.serviceWorker.ready).update().catch(() => {})"
    tablet.evaluate(try_again)
    expect(tablet.locator("html")).not_to_have_attribute("data-version", before or "", timeout=20_000)
    expect_version(tablet, proxy, read_version(tablet))


def test_a_tablet_renews_itself_once_the_service_answers_again(
    tablet: Page, proxy: Proxy, newer_service: RunningService
) -> None:
    before = read_version(tablet)
    tablet.clock.install()
    tablet.reload()
    expect_idle_screen(tablet)
    proxy.target = newer_service.url
    substitute_file(proxy, "/kiosk", answer_page)
    try_update(tablet, proxy)
    expect_version(tablet, proxy, before)
    try_update(tablet, proxy)
    stop_substituting(proxy)
    for _ in range(4):  # a failed installation is tried again after half a minute, and put in place within five seconds
        tablet.clock.run_for(10_000)
        wait_until_async(tablet, INSTALLATION_ENDED)
    expect(tablet.locator("html")).not_to_have_attribute("data-version", before or "", timeout=20_000)
    expect_idle_screen(tablet)


def test_the_page_of_the_version_before_never_meets_files_of_the_new_one(
    tablet: Page, proxy: Proxy, service: RunningService, newer_service: RunningService
) -> None:
    before = read_version(tablet)
    old_page = httpx.get(f"{service.url}/kiosk", trust_env=False)
    proxy.target = newer_service.url
    substitute_file(
        proxy, "/kiosk", lambda reply: Reply(200, old_page.content, {"Content-Type": old_page.headers["Content-Type"]})
    )
    try_update(tablet, proxy)
    expect_version(tablet, proxy, before)


def test_a_page_that_was_loading_while_the_version_changed_finds_its_own_files(
    tablet: Page, proxy: Proxy, newer_service: RunningService
) -> None:
    before = read_version(tablet)
    address = tablet.locator("script").get_attribute("src")
    script = tablet.evaluate("async (address) => (await fetch(address)).text()", address)
    proxy.target = newer_service.url
    tablet.evaluate("async () => (await navigator.serviceWorker.ready).update()")
    expect(tablet.locator("html")).not_to_have_attribute("data-version", before or "", timeout=20_000)
    expect_idle_screen(tablet)
    wait_until(tablet, "navigator.serviceWorker.controller?.state === 'activated'")
    changed = {"Content-Type": "text/javascript"}
    substitute_file(proxy, "/assets/kiosk.js", lambda reply: Reply(200, b"another version", changed))
    assert tablet.evaluate("async (address) => (await fetch(address)).text()", address) == script
    assert proxy.asked == []


def test_a_first_installation_that_met_a_foreign_page_is_tried_again(
    new_page: NewPage, proxy: Proxy, beside: Flask
) -> None:
    page = new_page(**LANDSCAPE)
    page.clock.install()
    substitute_file(proxy, "/assets/icon.svg", answer_page)
    page.goto(f"{proxy.url}/kiosk")
    expect(page.locator("[name=pairing_code]")).to_be_visible()
    page.evaluate("async () => navigator.serviceWorker.register('/kiosk/worker.js', { scope: '/kiosk' })")
    wait_until_async(page, "(await navigator.serviceWorker.getRegistration()) === undefined")
    assert proxy.asked
    assert page.evaluate("async () => (await caches.keys()).length") == 0
    stop_substituting(proxy)
    page.clock.run_for(35_000)
    wait_until(page, WORKER_READY)


def test_every_kept_file_has_an_address_of_its_own_version(service: RunningService) -> None:
    worker = httpx.get(f"{service.url}/kiosk/worker.js", trust_env=False).text
    first_line = worker.partition("\n")[0]
    for file in KEPT_FILES[1:]:
        assert f'"{file}?v=' in first_line, file
