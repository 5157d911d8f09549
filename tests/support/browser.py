"""The browser of the tests: the machine's Chromium, driven by Playwright."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright

# The first is the same engine without windows around it: a page costs it a third of the time.
BROWSER_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}

FINISH_ANIMATIONS_SCRIPT = """document.getAnimations().forEach(each =>
    each.effect.getComputedTiming().endTime === Infinity ? each.cancel() : each.finish())"""

FIND_VIOLATIONS_SCRIPT = """async (rules) => (await axe.run({ ...rules, resultTypes: ["violations"] })).violations
    .map(({ id, nodes }) => [id, nodes.map(({ target }) => target)])"""

NewPage = Callable[..., Page]

# What is awaited comes soon, on a busy machine later; the default of ``expect`` is 5 seconds.
PATIENCE_MILLISECONDS = 30_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


class NoBrowser(Exception):
    """There is no Chromium on this machine; a test that needs one fails."""


def find_chromium() -> str:
    """Return the path of the browser: the one named in CHROMIUM, else the first that is installed."""
    for name in filter(None, (os.environ.get("CHROMIUM"), *BROWSER_NAMES)):
        if path := shutil.which(name):
            return path
    raise NoBrowser("no Chromium found: install the Debian package chromium, or name a browser in CHROMIUM")


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """Start a headless browser with an empty profile; it is closed at the end."""
    flags = [*BROWSER_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(BROWSER_FLAGS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=flags)
        yield browser
        browser.close()


@contextmanager
def open_visitor_pages(browser: Browser) -> Iterator[NewPage]:
    """Open pages of separate visitors; at the end no page may have raised an error or broken its CSP."""
    contexts = []
    complaints: list[str] = []

    def collect_policy_error(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            complaints.append(message.text)

    def collect_page_error(error: Error) -> None:
        complaints.append(error.message)

    def new_page(**options: Any) -> Page:
        context = browser.new_context(**(DESKTOP | {"locale": "uk-UA", "timezone_id": "Europe/Kyiv"} | options))
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", collect_policy_error)
        page.on("pageerror", collect_page_error)
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert not complaints, f"the page complained: {complaints}"


def find_barriers(page: Page, *, only_colours: bool = False) -> list[tuple[str, str, list[Any]]]:
    """Return the accessibility problems that axe finds, in light and in dark: (scheme, rule, where).

    Only what colours decide is asked again in the dark; ``only_colours`` asks for that alone in the light too, of a
    page that was asked before it changed its colours. One that still fades in is not the page's colour yet.
    """
    violations: list[tuple[str, str, list[Any]]] = []
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    page.emulate_media(reduced_motion="reduce")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.evaluate(FINISH_ANIMATIONS_SCRIPT)
        rules = {"runOnly": ["color-contrast"]} if only_colours or scheme == "dark" else {}
        violations += [(scheme, rule, targets) for rule, targets in page.evaluate(FIND_VIOLATIONS_SCRIPT, rules)]
    return violations


if __name__ == "__main__":
    try:
        find_chromium()
    except NoBrowser:
        sys.exit(1)
