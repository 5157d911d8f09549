"""The figures in a browser: for every reader, in both colours, at any width, on paper, and without a mouse."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from feedback_service import clock
from tests.browser.test_accessibility import PRESSABLE, TARGET
from tests.support import staff, story
from tests.support.browser import PHONE, NewPage, find_barriers
from tests.support.respondents import make_people, store_answers
from tests.support.server import RunningService

CENTRE = "SN12000077"
ADDRESSES = (
    "/admin/",
    "/admin/?service=00511",
    "/admin/?from=2026-02-31&to=2199-01-01&source=rumour",
    "/admin/figures?by=service",
    "/admin/figures?by=part_of_week",
    "/admin/figures?by=source",
    "/admin/sources-compared",
)

Enter = Callable[[Page], None]


@pytest.fixture(scope="session")
def rated(beside: Flask) -> str:
    """A centre where four hundred people answered in the last eighty days; its code."""
    today = clock.kyiv_day(clock.now())
    with beside.app_context():
        story.create_centre(CENTRE)
        store_answers(make_people(9, 400, first_day=today - timedelta(80), days=80, centres=(CENTRE,)))
    return CENTRE


@pytest.fixture
def enter(service: RunningService, beside: Flask, rated: str) -> Enter:
    """``enter(page)`` gives the browser of a new head of that centre an open session."""

    def enter(page: Page) -> None:
        with beside.app_context():
            token = staff.create_session(staff.create_user("head", rated))
        page.context.add_cookies([{"name": "vidhuk", "value": token, "url": f"{service.url}/admin"}])

    return enter


def visit(page: Page, service: RunningService, lang: str = "uk") -> Iterator[str]:
    """Every page with figures, with everything on it opened."""
    for address in ADDRESSES:
        page.goto(f"{service.url}{address}{'&' if '?' in address else '?'}lang={lang}")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        yield address


@pytest.mark.parametrize("lang", ["uk", "en"])
def test_axe_finds_nothing(new_page: NewPage, service: RunningService, enter: Enter, lang: str) -> None:
    page = new_page()
    enter(page)

    found = {address: find_barriers(page) for address in visit(page, service, lang)}

    assert not any(found.values()), found


@pytest.mark.parametrize(("width", "height"), [(320, 256), (1280, 800)], ids=["400 %", "desk"])
def test_nothing_scrolls_sideways_and_everything_is_big_enough_to_press(
    new_page: NewPage, service: RunningService, enter: Enter, width: int, height: int
) -> None:
    page = new_page(viewport={"width": width, "height": height})
    enter(page)
    wrong: dict[str, object] = {}
    for address in visit(page, service):
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong[address] = wide
        elif small := page.evaluate(PRESSABLE % (24, TARGET - 8)):
            wrong[address] = small

    assert not wrong


def test_charts_can_be_read_on_a_phone(new_page: NewPage, service: RunningService, enter: Enter) -> None:
    page = new_page(**PHONE)
    enter(page)
    for address in visit(page, service):
        sizes = page.evaluate(
            """[...document.querySelectorAll('.chart text')].map(text =>
                 parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
        )
        assert len(sizes) >= 10, f"{address} has charts"
        assert all(size >= 9.5 for size in sizes), (address, min(sizes))


def test_nothing_is_refused_by_the_policy(page: Page, service: RunningService, enter: Enter) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    enter(page)
    list(visit(page, service))
    assert said == []


def test_who_has_no_mouse_finds_last_months_services_and_takes_the_table_away(
    page: Page, service: RunningService, enter: Enter
) -> None:
    enter(page)
    page.goto(f"{service.url}/admin/?lang=en")
    page.get_by_role("link", name="Last month").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".presets [aria-current]")).to_have_text("Last month")
    page.get_by_role("link", name="Services", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Services")
    expect(page.locator(".presets [aria-current]")).to_have_text("Last month")
    with page.expect_download() as taking:
        page.locator(".exports a").first.focus()
        page.keyboard.press("Enter")
    assert taking.value.suggested_filename.endswith(".csv")
    page.reload()
    expect(page.locator(".presets [aria-current]")).to_have_text("Last month")


def test_a_filter_is_chosen_by_a_form_and_kept_in_the_address(
    new_page: NewPage, service: RunningService, enter: Enter
) -> None:
    page = new_page(java_script_enabled=False)
    enter(page)
    page.goto(f"{service.url}/admin/figures?by=workplace&lang=en")
    page.locator(".filters summary").click()
    page.locator("#front_office").select_option("online")
    page.locator(".filters button").click()
    assert "front_office=online" in page.url
    assert "by=workplace" in page.url
    expect(page.locator(".period")).to_contain_text("Online")
