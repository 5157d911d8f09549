"""The administration in a browser: for every reader, without a mouse, and with a session that ends too early."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access.sessions import SET_UP_STAGE
from feedback_service.database import transaction
from feedback_service.models import UserSession
from tests.browser.test_accessibility import PRESSABLE, TARGET
from tests.support import staff, story
from tests.support.browser import PHONE, NewPage, find_barriers
from tests.support.server import RunningService

Enter = Callable[..., str]
Visit = Callable[[Page, str], Iterator[str]]
PROFILE = f"/admin/centres/{story.CENTRE}/profile"


@pytest.fixture
def enter(service: RunningService, beside: Flask) -> Enter:
    """``enter(page)`` gives the browser of a new head an open session; the e-mail."""

    def enter(page: Page, stage: str = "full") -> str:
        with beside.app_context():
            email = staff.create_user("head", password=staff.PASSWORD)
            token = staff.create_session(email, stage)
        page.context.clear_cookies()
        page.context.add_cookies([{"name": "vidhuk", "value": token, "url": f"{service.url}/admin"}])
        return email

    return enter


@pytest.fixture
def every_page(service: RunningService, beside: Flask, enter: Enter) -> Visit:
    """``every_page(page, "en")`` visits all pages, one after another, and tells the name of each."""

    def visit(page: Page, lang: str) -> Iterator[str]:
        def go(path: str) -> None:
            page.goto(f"{service.url}{path}?lang={lang}")

        def press(words: str) -> None:
            page.locator(words).first.click()

        go("/admin/sign-in")
        yield "sign in"
        press("main button")
        expect(page.locator(".errors")).to_be_focused()
        yield "wrong password"
        enter(page, SET_UP_STAGE)
        go("/admin/second-factor/set-up")
        yield "second factor"
        enter(page, "code")
        go("/admin/second-factor")
        yield "code"
        with beside.app_context():
            link = staff.create_password_link(staff.create_user("administrator"))
        go(f"/admin/set-password/{link}")
        yield "choose a password"

        enter(page)
        with beside.app_context():
            story.create_invitation()
            story.refuse_newest_event()
        for name in (
            "",
            "users",
            "users/add",
            "keys",
            "tablets",
            "deliveries",
            "journal",
            "account",
            "nothing",
        ):
            go(f"/admin/{name}")
            yield name or "overview"
        go(PROFILE)
        yield "profile"
        page.locator("#name").fill("")
        page.locator("#hours-mon").fill("з ранку")
        press("main form.wide > button")
        expect(page.locator(".errors")).to_be_focused()
        yield "profile with mistakes"
        go(PROFILE)
        page.locator("[name=version]").evaluate("field => field.value = 0")
        page.locator("#contact").fill("dpo@rada.example")
        press("main form.wide > button")
        expect(page.locator(".errors")).to_be_focused()
        yield "two versions"
        go(f"/admin/centres/{story.CENTRE}/services")
        page.locator("#table").fill("title,code\nВитяг,1\n,2\n")
        press("main form.wide > button")
        expect(page.locator("[role=status]")).to_be_visible()
        yield "services"
        go("/admin/users")
        page.locator("tbody a").nth(1).click()
        expect(page.locator("dl")).to_be_visible()
        yield "user"
        go("/admin/keys")
        press("main form.wide > button")
        expect(page.locator(".errors")).to_be_focused()
        yield "key with mistakes"
        page.locator("#name").fill("СЕД")
        page.locator("#scope").check()
        press("main form.wide > button")
        expect(page.locator("output.secret")).to_be_visible()
        yield "key"

    return visit


@pytest.mark.parametrize("lang", ["uk", "en"])
def test_axe_finds_nothing(new_page: NewPage, every_page: Visit, lang: str) -> None:
    page = new_page(**PHONE)

    found = {name: find_barriers(page) for name in every_page(page, lang)}

    assert not any(found.values()), found


@pytest.mark.parametrize(("width", "height"), [(320, 256), (1280, 800)], ids=["400 %", "desk"])
def test_nothing_scrolls_sideways_and_everything_is_big_enough_to_press(
    new_page: NewPage, every_page: Visit, width: int, height: int
) -> None:
    page = new_page(viewport={"width": width, "height": height})
    wrong: dict[str, Any] = {}

    for name in every_page(page, "uk"):
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong[name] = wide
        elif small := page.evaluate(PRESSABLE % (24, TARGET - 8)):
            wrong[name] = small

    assert not wrong


def test_a_form_says_where_it_comes_from(service: RunningService, page: Page) -> None:
    page.goto(f"{service.url}/admin/sign-in")
    page.locator("#email").fill("nobody@rada.example")

    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.locator("main button").click()

    assert sent.value.all_headers()["origin"] == service.url, "older browsers have nothing else to say"


def test_somebody_without_a_mouse_signs_in_with_a_code_and_makes_a_key(
    service: RunningService, beside: Flask, page: Page
) -> None:
    with beside.app_context():
        email = staff.create_user("head", password=staff.PASSWORD)
        secret = staff.add_second_factor(email)

    page.goto(f"{service.url}/admin/keys")
    keys = page.keyboard
    page.locator("#email").focus()
    keys.type(email)
    keys.press("Tab")
    keys.type(staff.PASSWORD)
    keys.press("Enter")
    expect(page.locator("#code")).to_be_visible()
    page.locator("#code").focus()
    keys.type(staff.current_code(secret))
    keys.press("Enter")

    expect(page.locator("#name")).to_be_visible()  # where they wanted to go
    page.locator("#name").focus()
    keys.type("СЕД «Вулик»")
    keys.press("Tab")
    keys.press("Space")
    page.locator("main form.wide > button").focus()
    keys.press("Enter")
    expect(page.locator("output.secret")).to_contain_text("vdk_")
    expect(page.locator("h1")).to_be_focused()


def test_a_form_sent_after_the_session_has_ended_is_kept_and_sent_after_signing_in(
    service: RunningService, beside: Flask, page: Page, enter: Enter
) -> None:
    email = enter(page)
    with beside.app_context():
        secret = staff.add_second_factor(email)
    page.goto(f"{service.url}{PROFILE}")
    contact = 'вул. Соборна, 1 <script>alert("1")</script>'
    page.locator("#contact").fill(contact)
    with beside.app_context():
        _leave_for_an_hour()

    page.locator("main form.wide > button").click()
    page.locator("#email").fill(email)
    page.locator("#password").fill(staff.PASSWORD)
    page.locator("main form button").click()
    page.locator("#code").fill(staff.current_code(secret))
    page.locator("main form button").click()

    expect(page.locator("main")).to_contain_text(contact)
    assert not find_barriers(page)
    page.locator("main form button").click()
    expect(page.locator(".note")).to_be_visible()
    expect(page.locator("#contact")).to_have_value(contact)


@transaction
def _leave_for_an_hour(tx: Session) -> None:
    tx.execute(update(UserSession).values(seen_at=clock.now() - timedelta(hours=1)))
