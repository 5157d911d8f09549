"""The poster has room for its texts and its code with a centre's name of any length."""

from xml.etree import ElementTree

import pytest

from feedback_service.printing import poster
from tests.support.inert import find_active_content_in_svg
from tests.support.payloads import PAYLOADS

SVG = "{http://www.w3.org/2000/svg}"
ADDRESS = "https://vidhuk.example/C/SN12000007"
LONG = "Центр надання адміністративних послуг виконавчого комітету " * 8


def drawn(centre: str = "ЦНАП міста Підзвітне", shown: str = "vidhuk.example/C/SN12000007") -> ElementTree.Element:
    """Return the parsed poster."""
    return ElementTree.fromstring(poster.render_poster(ADDRESS, centre, shown))


def texts(picture: ElementTree.Element) -> list[str]:
    """Return the texts from top to bottom."""
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


def test_it_is_one_a4_page_in_black_and_white() -> None:
    picture = drawn()

    assert (picture.get("width"), picture.get("height"), picture.get("viewBox")) == (
        "210mm",
        "297mm",
        "0 0 210 297",
    )
    colours = {each.get(name) for each in picture.iter() for name in ("fill", "stroke")} - {None}
    assert colours <= {"#fff", "#000"}


def test_it_says_what_to_do_in_ukrainian_first_and_in_english() -> None:
    said = texts(drawn())

    assert said[0] == "Оцініть наш центр"
    assert "ЦНАП міста Підзвітне" in said
    assert "vidhuk.example/C/SN12000007" in said
    english = [each.text for each in drawn().iter(f"{SVG}text") if each.get("lang") == "en"]
    assert english[0] == "Rate our centre"
    assert len(english) == 4


def test_the_code_is_at_least_twelve_centimetres_wide_also_under_a_long_name() -> None:
    for centre in ("ЦНАП", LONG):
        code = next(each for each in drawn(centre).iter(f"{SVG}svg") if each.get("x"))
        modules = float((code.get("viewBox") or "").split()[2])
        assert float(code.get("width") or 0) * (modules - 8) / modules >= 120


@pytest.mark.parametrize("centre", ["ЦНАП", LONG, "Х" * 500, "Ш " * 250, ""])
def test_no_line_is_wider_than_the_page_and_none_is_lower(centre: str) -> None:
    lines = list(drawn(centre, "x" * 90).iter(f"{SVG}text"))

    assert len(lines) >= 11
    for each in lines:
        size, baseline = float(each.get("font-size") or 0), float(each.get("y") or 0)
        assert poster._text_width(each.text or "", size) <= 181
        assert 10 < baseline <= 287


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_that_would_be_markup_stays_text(payload: str) -> None:
    picture = poster.render_poster(ADDRESS, payload, payload)

    assert not find_active_content_in_svg(picture)
    assert " ".join(payload.split()) in " ".join(texts(ElementTree.fromstring(picture)))
