"""Every page for every reader: axe finds nothing, nothing scrolls sideways, everything is big enough to press."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import AddressFactory
from tests.support import story
from tests.support.browser import PHONE, NewPage, find_barriers
from tests.support.server import RunningService

Visit = Callable[[Page, str], Iterator[str]]
TARGET = 48  # CSS pixels

PRESSABLE = """
() => [...document.querySelectorAll("button, a, input, textarea, summary")].flatMap((element) => {
  const hidden = element.matches("[type=hidden], [hidden], .skip") || !element.checkVisibility();
  const inText = element.matches("p a, li a, output");
  if (hidden || (inText && !element.matches(".button"))) return [];
  const box = (element.closest("label") ?? element).getBoundingClientRect();
  return box.width < %d || box.height < %d ? [`${element.outerHTML.slice(0, 80)} ${box.width} x ${box.height}`] : [];
})
"""


@pytest.fixture(scope="module")
def figures(beside: Flask) -> None:
    """Enough people answered for the centre's figures to be shown."""
    with beside.app_context():
        for rating, word in ((10, "great"), (9, "good"), (0, "awful")):
            for _ in range(4):
                story.send_answer(story.create_invitation().token, {"off.nps": rating, "off.staff": word})


@pytest.fixture
def every_page(
    service: RunningService, figures: None, invited: AddressFactory, answered: AddressFactory
) -> Callable[[Page, str], Iterator[str]]:
    """``every_page(page, "en")`` visits all pages, one after another, and tells the name of each."""

    def visit(page: Page, lang: str) -> Iterator[str]:
        def go(address: str) -> None:
            mark = "&" if "?" in address else "?"
            page.goto((address if address.startswith("http") else service.url + address) + f"{mark}lang={lang}")

        link = invited()
        for name, address in {
            "first screen": link,
            "online": invited(front_office="online") + "?step=2",
            "hall": f"/C/{story.CENTRE}",
            "thanks": answered({"off.nps": 9}),
            "home": "/",
            "centre": f"/centres/{story.CENTRE}",
            "privacy": f"/privacy?centre={story.CENTRE}",
            "accessibility": "/accessibility",
            "not found": "/S/NOWHERE",
        }.items():
            go(address)
            yield name

        go(link)
        page.locator("button[value='3']").click()
        page.locator("textarea").fill("050 123 45 67")
        expect(page.locator("blockquote")).to_be_visible()
        page.locator("details").locator("summary").click()
        yield "second screen, everything open"
        page.locator("[name='any.breach'][value=none]").check()
        page.locator("[name='any.breach'][value=bribe]").check()
        page.locator(".actions button").first.click()
        expect(page.locator(".errors")).to_be_focused()
        yield "second screen with a mistake"
        page.locator("[name='any.breach'][value=bribe]").uncheck()
        page.locator(".actions button").first.click()
        expect(page.locator("output")).to_be_visible()
        go(link)
        yield "used link"
        go("/")
        page.locator("#code").fill("K7Q2-7K3M-9QXT")
        page.locator("form button").click()
        expect(page.locator(".errors")).to_be_focused()
        yield "unknown code"
        go(answered({"off.nps": 1}))
        page.locator("details.withdraw summary").click()
        yield "taking it back"
        page.locator("details.withdraw button").click()
        expect(page.locator("details")).to_have_count(0)
        yield "taken back"

    return visit


@pytest.mark.parametrize("lang", ["uk", "en"])
def test_axe_finds_nothing(new_page: NewPage, every_page: Visit, lang: str) -> None:
    page = new_page(**PHONE)

    found = {name: find_barriers(page) for name in every_page(page, lang)}

    assert not any(found.values()), found


@pytest.mark.parametrize("lang", ["uk", "en"])
@pytest.mark.parametrize(
    ("width", "height"),
    [(320, 568), (320, 256), (360, 740), (768, 1024)],
    ids=["small", "400 %", "phone", "tablet"],
)
def test_nothing_scrolls_sideways(new_page: NewPage, every_page: Visit, lang: str, width: int, height: int) -> None:
    page = new_page(viewport={"width": width, "height": height})

    wide = [name for name in every_page(page, lang) if page.evaluate("document.documentElement.scrollWidth") > width]

    assert not wide


@pytest.mark.parametrize("lang", ["uk", "en"])
@pytest.mark.parametrize("path", ["/api/v1/docs", "/problems/invalid"])
def test_pages_about_the_api_are_for_every_reader_too(
    new_page: NewPage, service: RunningService, path: str, lang: str
) -> None:
    page = new_page(**PHONE)
    page.goto(f"{service.url}{path}?lang={lang}")
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")

    assert not find_barriers(page)
    for width in (320, 360, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_everything_to_press_is_big_enough(new_page: NewPage, every_page: Visit, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 740})
    small: dict[str, Any] = {}

    for name in every_page(page, "uk"):
        if found := page.evaluate(PRESSABLE % (TARGET, TARGET)):
            small[name] = found

    assert not small


@pytest.mark.parametrize("more", [{"forced_colors": "active"}, {"contrast": "more"}], ids=str)
def test_what_is_chosen_is_seen_in_high_contrast_too(
    new_page: NewPage, invited: AddressFactory, more: dict[str, str]
) -> None:
    page = new_page(**PHONE, **more)
    page.goto(invited() + "?step=2")
    chosen, other = page.locator(".of-4 .box").nth(0), page.locator(".of-4 .box").nth(1)

    page.get_by_role("radio").first.tap()

    border = "e => [getComputedStyle(e).borderColor, getComputedStyle(e).backgroundColor].join()"
    assert chosen.evaluate(border) != other.evaluate(border)
