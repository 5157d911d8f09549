"""Comments and alarms in a browser: for every reader, at every size, without a mouse and without scripts."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from feedback_service.flow import alarm_duties, duties
from tests.browser.test_accessibility import PRESSABLE, TARGET
from tests.support import staff, story
from tests.support.browser import PHONE, NewPage, find_barriers
from tests.support.server import RunningService
from tests.support.story import create_invitation, send_answer

Visit = Callable[[Page, str], Iterator[str]]
CENTRE = "SN12000055"  # of this file alone: other visitors of the same service write in the usual one
COMMENTS = f"/admin/centres/{CENTRE}/comments"


@pytest.fixture(scope="module")
def said(beside: Flask) -> None:
    """Enough people wrote something for pages to follow each other, and alarms stand."""
    with beside.app_context():
        story.create_centre(CENTRE)
        for number in range(30):
            poor: dict[str, object] = {
                "off.quality": "awful",
                "any.reasons": ["queue", "seats"],
                "off.nps": 2,
            }
            comment = {"any.comment": f"Стояла в черзі {number} годин. " * 3 + "Дуже-дуже-довгеслово" * 4}
            pleased: dict[str, object] = {"off.nps": 10}
            send_answer(create_invitation(centre=CENTRE).token, (poor if number % 2 else pleased) | comment)
        send_answer(
            create_invitation(centre=CENTRE).token,
            {"any.breach": ["bribe"], "any.comment": "Asked for money"},
            language="en",
        )
        send_answer(
            create_invitation(centre=CENTRE, front_office="online").token,
            {"on.nps": 5, "any.comment": "одна"},
        )
        alarm_duties.raise_alarms(duties.never_stop)


@pytest.fixture
def enter(service: RunningService, beside: Flask) -> Callable[[Page], str]:
    """The page's visitor is the head of the centre."""

    def enter(page: Page) -> str:
        with beside.app_context():
            email = staff.create_user("head", CENTRE)
            token = staff.create_session(email)
        page.context.add_cookies([{"name": "vidhuk", "value": token, "url": f"{service.url}/admin"}])
        return email

    return enter


@pytest.fixture
def every_page(service: RunningService, said: None, enter: Callable[[Page], str]) -> Visit:
    """``every_page(page, "en")`` visits all of them, and tells the name of each."""

    def visit(page: Page, lang: str) -> Iterator[str]:
        enter(page)

        def go(path: str) -> None:
            page.goto(f"{service.url}{path}{'&' if '?' in path else '?'}lang={lang}")

        go(COMMENTS)
        yield "comments"
        go(f"{COMMENTS}?q=черга&reason=queue&reason=seats&poor=1&from=2026-99-99&service=нема")
        expect(page.locator("form details")).to_have_attribute("open", "")
        yield "comments by every filter, with remarks"
        go(f"{COMMENTS}?q=нічого")
        yield "no comments"
        go(f"{COMMENTS}?front_office=online")
        yield "too few people"
        go(COMMENTS)
        page.locator("nav.actions a").first.click()
        expect(page).to_have_url(re.compile("after="))
        yield "older comments"
        go("/admin/alarms")
        page.locator(".calls details").evaluate_all("all => all.forEach(each => each.open = true)")
        yield "alarms"
        page.locator(".calls textarea").first.evaluate("field => field.value = 'x'.repeat(501)")
        page.locator(".calls details button").first.click()
        expect(page.locator(".errors")).to_be_focused()
        yield "a note that is too long"

    return visit


@pytest.mark.parametrize("lang", ["uk", "en"])
def test_axe_finds_nothing(new_page: NewPage, every_page: Visit, lang: str) -> None:
    page = new_page(**PHONE)

    found = {name: find_barriers(page) for name in every_page(page, lang)}

    assert not any(found.values()), found


@pytest.mark.parametrize(("width", "height"), [(320, 256), (360, 740), (1280, 800)], ids=["400 %", "phone", "desk"])
def test_nothing_scrolls_sideways_and_everything_is_big_enough(
    new_page: NewPage, every_page: Visit, width: int, height: int
) -> None:
    page = new_page(viewport={"width": width, "height": height})
    wrong: dict[str, Any] = {}

    for name in every_page(page, "uk"):
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong[name] = "wide"
        elif small := page.evaluate(PRESSABLE % (TARGET, TARGET)):
            wrong[name] = small

    assert not wrong


def test_by_keyboard_alone_a_problem_is_found_and_taken_charge_of(
    page: Page, service: RunningService, said: None, enter: Callable[[Page], str]
) -> None:
    email = enter(page)
    page.goto(f"{service.url}/admin/alarms")
    page.locator(".calls summary").first.focus()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Говорю з касою")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("[role=status]")).to_contain_text("Записано")
    expect(page.locator("main")).to_contain_text(email)
    page.get_by_role("link", name="Коментарі", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("#q").focus()
    page.keyboard.type("ЧЕРГИ")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_contain_text("30")


def test_without_scripts_a_comment_is_set_aside_and_taken_back(
    new_page: NewPage, service: RunningService, said: None, enter: Callable[[Page], str]
) -> None:
    page = new_page(java_script_enabled=False)
    enter(page)
    page.goto(f"{service.url}{COMMENTS}?language=en")

    page.get_by_role("button", name="Відкласти").first.click()
    assert "language=en" in page.url
    expect(page.locator("#found")).to_contain_text("немає")
    page.goto(f"{service.url}{COMMENTS}?language=en&aside=1")
    page.get_by_role("button", name="Повернути").click()
    page.goto(f"{service.url}{COMMENTS}?language=en")
    expect(page.locator("article")).to_have_count(1)
