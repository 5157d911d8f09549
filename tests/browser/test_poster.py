"""The poster as it comes out of a browser: on a screen, and on paper."""

import io
import re

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from playwright.sync_api import Page

from tests.support import story
from tests.support.browser import PHONE, NewPage, find_barriers
from tests.support.server import RunningService

POSTER = f"/centres/{story.CENTRE}/poster"


def codes(picture: bytes) -> list[str]:
    """What the codes in a picture say."""
    grey = Image.open(io.BytesIO(picture)).convert("1", dither=Image.Dither.NONE).convert("L")
    return [each.text for each in zxingcpp.read_barcodes(grey)]


@pytest.fixture(autouse=True)
def centre(beside: Flask) -> None:
    """There is a centre."""


def test_the_code_leads_to_the_hall_of_the_centre_also_in_black_and_white(page: Page, service: RunningService) -> None:
    page.goto(service.url + POSTER)

    said = codes(page.locator(".sheet").screenshot())

    assert said == [f"{service.url}/C/{story.CENTRE}"]
    page.goto(said[0].replace("HTTP", "http"))
    assert page.locator("form").count() == 1


def test_it_is_read_from_across_the_hall(new_page: NewPage, service: RunningService) -> None:
    page = new_page(viewport={"width": 900, "height": 1200})
    page.goto(service.url + POSTER)
    sheet = Image.open(io.BytesIO(page.locator(".sheet").screenshot()))
    far = io.BytesIO()
    sheet.resize((sheet.width // 5, sheet.height // 5), Image.Resampling.LANCZOS).save(far, "PNG")

    assert codes(far.getvalue())


def test_printed_it_is_one_page_of_a4(page: Page, service: RunningService) -> None:
    page.goto(service.url + POSTER)

    paper = page.pdf(prefer_css_page_size=True)

    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    box = re.search(rb"/MediaBox\s*\[([\d. ]+)\]", paper)
    assert box is not None
    assert [round(float(each) / 72 * 25.4) for each in box[1].split()] == [0, 0, 210, 297]


def test_in_print_nothing_stands_around_it(page: Page, service: RunningService) -> None:
    page.goto(service.url + POSTER)
    page.emulate_media(media="print", color_scheme="dark")

    for around in (".advice", ".top", ".foot"):
        assert not page.locator(around).is_visible()
    assert page.locator(".sheet > svg").evaluate("e => getComputedStyle(e.parentElement).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert len(codes(page.locator(".sheet").screenshot())) == 1


@pytest.mark.parametrize("lang", ["uk", "en"])
def test_every_reader_can_use_its_page(new_page: NewPage, service: RunningService, lang: str) -> None:
    page = new_page(**PHONE)
    page.goto(f"{service.url}{POSTER}?lang={lang}")

    assert not find_barriers(page)
    for width in (320, 360, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg[role=img]").count() == 1


def test_a_print_shop_gets_it_as_pictures(page: Page, service: RunningService) -> None:
    for part in ("poster.svg", "qr.svg"):
        reply = page.request.get(f"{service.url}/centres/{story.CENTRE}/{part}")
        assert reply.headers["content-type"].startswith("image/svg+xml")
        page.set_content(reply.text())
        assert codes(page.screenshot(full_page=True)) == [f"{service.url}/C/{story.CENTRE}"]
