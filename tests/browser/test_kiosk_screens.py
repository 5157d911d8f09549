"""Every screen of the tablet, in both modes, languages, themes and postures: for every reader and every hand."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from feedback_service import clock
from tests.browser.kiosk import (
    LANDSCAPE,
    PORTRAIT,
    answer_questions,
    create_pairing_code,
    expect_idle_screen,
    pair_tablet,
    send_answers,
    type_code,
    wait_until,
)
from tests.support import story
from tests.support.browser import NewPage, find_barriers
from tests.support.server import RunningService

LEAST, GAP = 72, 12  # CSS pixels
# Everything that can be pressed: how big it is, and what of it is in sight, for the middle of the screen may scroll.
PRESSABLE = """
() => [...document.querySelectorAll("button, a, input")].filter((each) => each.checkVisibility()).map((each) => {
  const { x, y, width, height } = each.getBoundingClientRect();
  const frame = (each.closest("main") ?? document.body).getBoundingClientRect();
  const top = Math.max(y, frame.top), bottom = Math.min(y + height, frame.bottom);
  const modal = !!each.closest("dialog");
  return { what: each.textContent || each.name, x, y, width, height, top, bottom, modal };
})
"""
Visit = Callable[[Page], Iterator[str]]


@pytest.fixture
def every_screen(service: RunningService, beside: Flask) -> Callable[[Page, str, str], Iterator[str]]:
    """``every_screen(page, "desk", "en")`` goes through all screens of a mode and tells the name of each."""

    def visit(page: Page, mode: str, lang: str) -> Iterator[str]:
        page.goto(f"{service.url}/kiosk")
        expect(page.locator(".asking output")).to_be_visible()
        speak(page, lang)
        yield "pairing"
        page.fill("[name=pairing_code]", "AAAA")
        page.locator("form button").click()
        expect(page.locator(".error")).not_to_be_empty()
        yield "pairing refused"
        pair_tablet(page, service.url, create_pairing_code(beside, mode))
        speak(page, lang)
        yield "between people"
        page.locator(".bar .quiet").click()
        expect(page.locator("dl")).to_be_visible()
        yield "staff"
        page.locator(".steps button").last.click()
        expect_idle_screen(page)
        speak(page, lang)
        type_code(page, "0000-0000")
        yield "wrong code"
        if mode == "desk":
            with beside.app_context():
                story.create_invitation(status_at=clock.now())
            page.locator(".bar .away").click()
            expect(page.locator(".scale")).to_be_visible(timeout=15_000)
            speak(page, lang)
            yield "a case just completed"
        else:
            page.locator(".steps .plain").click()
        for question, value in {"nps": 3, "premises": "good", "services": "good"}.items():
            yield question
            answer_questions(page, {f"off.{question}": value})
        answer_questions(page, {"off.process": "awful", "any.reasons": ["queue", "late"]})
        yield "reasons"
        answer_questions(page, {"any.breach": ["bribe"]})
        yield "breach"
        page.evaluate("watch.at = { ran: -1e6, told: 0 }")
        expect(page.locator("dialog")).to_be_visible()
        yield "still here?"
        page.locator("dialog button").click()
        send_answers(page)
        yield "thanks"
        page.evaluate("go('help')")
        yield "help"

    return visit


def speak(page: Page, lang: str) -> None:
    """The person chooses a language."""
    if page.locator("html").get_attribute("lang") != lang:
        page.locator(f".bar [lang={lang}]").click()


@pytest.mark.parametrize("lang", ["uk", "en"])
@pytest.mark.parametrize("mode", ["hall", "desk"])
def test_axe_finds_nothing_on_any_screen(
    new_page: NewPage, every_screen: Callable[..., Iterator[str]], mode: str, lang: str
) -> None:
    page = new_page(**(LANDSCAPE if mode == "hall" else PORTRAIT))
    found: dict[str, Any] = {}
    for name in every_screen(page, mode, lang):
        found[name] = find_barriers(page)
        page.evaluate("moreContrast(true)")
        found[f"{name}, more contrast"] = find_barriers(page, only_colours=True)
        page.evaluate("moreContrast(false)")
    assert not any(found.values()), found


@pytest.mark.parametrize("larger", [False, True], ids=["usual text", "larger text"])
@pytest.mark.parametrize("posture", [LANDSCAPE, PORTRAIT], ids=["1280 x 800", "768 x 1024"])
def test_everything_to_press_is_big_apart_and_low_enough(
    new_page: NewPage, every_screen: Callable[..., Iterator[str]], posture: dict[str, Any], larger: bool
) -> None:
    page = new_page(**posture)
    wrong: list[str] = []
    height, width = posture["viewport"]["height"], posture["viewport"]["width"]
    for name in every_screen(page, "hall", "uk"):
        page.evaluate(f"document.documentElement.toggleAttribute('data-larger', {str(larger).lower()})")
        found = page.evaluate(PRESSABLE)
        if any(each["modal"] for each in found):
            found = [each for each in found if each["modal"]]
        for each in found:
            if each["width"] < LEAST or each["height"] < LEAST:
                wrong.append(f"{name}: {each} is small")
            if each["y"] < height / 3 - 1 and not larger:
                wrong.append(f"{name}: {each} is too high up")
        seen = [each for each in found if each["bottom"] > each["top"]]
        for one in seen:
            for other in seen:
                if one is not other and _gap(one, other) < GAP - 0.5:
                    wrong.append(f"{name}: {one['what']} and {other['what']} touch")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{name}: scrolls sideways")
        page.evaluate("document.documentElement.removeAttribute('data-larger')")
    assert not wrong


def test_all_reasons_are_in_sight_at_once(new_page: NewPage, service: RunningService, beside: Flask) -> None:
    for posture in (LANDSCAPE, PORTRAIT):
        page = new_page(**posture)
        pair_tablet(page, service.url, create_pairing_code(beside))
        answer_questions(page, {"off.nps": 0, "any.reasons": ["queue"]})
        hidden = page.locator("main").evaluate("main => main.scrollHeight - main.clientHeight")
        assert hidden <= 0


def test_answers_are_a_group_that_the_question_names(new_page: NewPage, service: RunningService, beside: Flask) -> None:
    page = new_page(**LANDSCAPE)
    pair_tablet(page, service.url, create_pairing_code(beside))

    def count_buttons_of_group() -> int:
        question = page.locator("h1").inner_text()
        group = page.get_by_role("group", name=question, exact=True)
        expect(group).to_have_count(1)
        return group.get_by_role("button").count()

    assert count_buttons_of_group() == 11, "the scale"
    page.locator(".wide").click()
    assert count_buttons_of_group() == 33, "the keys of the code"
    page.locator(".steps .plain").click()
    answer_questions(page, {"off.nps": 0})
    assert count_buttons_of_group() == 4, "the faces"
    answer_questions(page, {"any.reasons": ["queue"]})
    assert count_buttons_of_group() == 18, "the reasons"


def test_the_question_whether_somebody_is_there_is_named_by_its_heading(
    new_page: NewPage, service: RunningService, beside: Flask
) -> None:
    page = new_page(**LANDSCAPE)
    pair_tablet(page, service.url, create_pairing_code(beside))
    answer_questions(page, {"off.nps": 9})
    page.evaluate("watch.at = { ran: -1e6, told: 0 }")
    expect(page.get_by_role("dialog", name="Ще тут?")).to_be_visible()


def test_what_stands_in_the_corner_works_on_every_screen(
    new_page: NewPage, service: RunningService, beside: Flask
) -> None:
    page = new_page(**LANDSCAPE)
    pair_tablet(page, service.url, create_pairing_code(beside))
    answer_questions(page, {"off.nps": 2})
    larger, contrast, language = (page.locator(".bar button").nth(n) for n in range(3))

    size = "parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)"
    colour = "getComputedStyle(document.body).backgroundColor"
    size_before, colour_before = page.evaluate(size), page.evaluate(colour)
    larger.click()
    wait_until(page, f"{size} > {size_before * 1.2}")
    contrast.click()
    wait_until(page, f"{colour} !== '{colour_before}'")
    language.click()
    expect(page.locator("h1")).to_have_text("How do you find the premises of the centre?")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.locator(".steps .plain").first.click()
    expect(page.locator("[name='off.nps'][aria-pressed=true]")).to_have_attribute("value", "2")


def _gap(one: dict[str, float], other: dict[str, float]) -> float:
    """How far two rectangles are apart, in the direction in which they are further apart."""
    aside = max(one["x"], other["x"]) - min(one["x"] + one["width"], other["x"] + other["width"])
    above = max(one["top"], other["top"]) - min(one["bottom"], other["bottom"])
    return max(aside, above)
