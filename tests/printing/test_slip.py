"""The receipt slip: exact widths, the same code, every word in place, and every Ukrainian letter drawn."""

from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from feedback_service.printing import qr, slip
from tests.support.printer import WORN_PRINT, read_qr_codes, scan_print

Width = Literal[384, 576]
WIDTHS: list[Width] = [384, 576]
FONTS = sorted(Path(slip.__file__).with_name("fonts").glob("*.ttf"))
ALPHABET = "АаБбВвГгҐґДдЕеЄєЖжЗзИиІіЇїЙйКкЛлМмНнОоПпРрСсТтУуФфХхЦцЧчШшЩщЬьЮюЯя"
ADDRESS = "https://vidhuk.gov.ua/s/" + "a7q2" * 6 + "zz"
MONTHS = [
    (1, "січня", "January"),
    (2, "лютого", "February"),
    (3, "березня", "March"),
    (4, "квітня", "April"),
    (5, "травня", "May"),
    (6, "червня", "June"),
    (7, "липня", "July"),
    (8, "серпня", "August"),
    (9, "вересня", "September"),
    (10, "жовтня", "October"),
    (11, "листопада", "November"),
    (12, "грудня", "December"),
]
CENTRE = "Центр надання адміністративних послуг Вінницької міської ради"
LONG_CENTRE = (
    "Центр надання адміністративних послуг «Ґанок» Об’єднаної територіальної громади смт Нью-Йорк, віддалене"
    " робоче місце адміністратора у с. Верхньокам’янське, вул. Європейська, 5, під’їзд № 1 — щодня"
)


def printed(width: Width = 384, **other: Any) -> Image.Image:
    facts: dict[str, Any] = {
        "address": ADDRESS,
        "centre": CENTRE,
        "domain": "vidhuk.gov.ua",
        "short_code": "K7Q2-7K3M-9QXT",
        "last_day": date(2026, 12, 20),
    }
    return Image.open(BytesIO(slip.render_slip(width=width, **facts | other)))


def bits(picture: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels; ink is 1."""
    return (~np.asarray(picture)).astype(np.uint8)


def contains(sheet: NDArray[np.uint8], part: NDArray[np.uint8]) -> bool:
    height, width = part.shape
    middle = part[height // 2].tobytes()
    for y in range(sheet.shape[0] - height + 1):
        row = sheet[y + height // 2].tobytes()
        x = row.find(middle)
        while x >= 0:
            if np.array_equal(sheet[y : y + height, x : x + width], part):
                return True
            x = row.find(middle, x + 1)
    return False


def says(picture: Image.Image, text: str) -> bool:
    """Whether the text stands on one line of the slip, in any size and in one of the two fonts."""
    sheet = bits(picture)
    for face in FONTS:
        for size in range(18, 54):
            font = ImageFont.truetype(face, size, layout_engine=ImageFont.Layout.BASIC)
            paper = Image.new("1", (round(font.getlength(text)) + 40, 2 * size), 1)
            pen = ImageDraw.Draw(paper)
            pen.fontmode = "1"
            pen.text((20, 4), text, 0, font)
            ink = bits(paper)
            rows, columns = np.nonzero(ink)
            if contains(sheet, ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]):
                return True
    return False


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["uk", "en"])
def test_a_slip_is_as_wide_as_its_paper_in_one_bit_and_carries_the_address(width: Width, language: str) -> None:
    picture = printed(width, language=language)
    assert (picture.mode, picture.width) == ("1", width)
    assert picture.info["dpi"] == pytest.approx((203.2, 203.2))
    assert read_qr_codes(picture) == ["".join(qr.split_address(ADDRESS))]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_code_on_a_slip_is_the_one_of_6_dots_untouched(width: Width) -> None:
    code = Image.open(BytesIO(qr.render_png(ADDRESS, 6)))
    assert contains(bits(printed(width)), bits(code))


@pytest.mark.parametrize(("length", "dots"), [(137, 6), (180, 5), (300, 4)])
def test_a_long_address_gets_fewer_whole_dots_never_a_stretched_code(length: int, dots: int) -> None:
    address = "https://vidhuk.gov.ua/S/".ljust(length, "A")
    code = Image.open(BytesIO(qr.render_png(address, dots)))
    assert contains(bits(printed(384, address=address)), bits(code))


def test_an_address_too_long_for_thermal_paper_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        printed(384, address="https://vidhuk.gov.ua/S/".ljust(600, "A"))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_slip_says_where_the_code_leads_what_to_type_and_that_it_is_anonymous(width: Width) -> None:
    picture = printed(width)
    assert [
        text for text in ("vidhuk.gov.ua", "K7Q2-7K3M-9QXT", "Анонімно,", "обслужили") if not says(picture, text)
    ] == []
    assert not says(picture, "K7Q2-7K3M-9QXW")


@pytest.mark.parametrize(("month", "genitive", "english"), MONTHS)
def test_the_last_day_stands_on_one_line_in_both_languages(month: int, genitive: str, english: str) -> None:
    day = date(2027, month, 9)
    assert says(printed(last_day=day), f"Діє до 9 {genitive} 2027 року")
    assert says(printed(last_day=day, language="en"), f"Valid until 9 {english} 2027")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "other",
    [
        {"centre": LONG_CENTRE},
        {"centre": "Дніпропетровськдержадміністраціянадпослуг" * 3},
        {"centre": "ШЩЮЖ" * 40, "language": "en"},
        {"centre": "Ц"},
        {"domain": "feedback.administrative-services.kamianets-podilskyi-rada.example.gov.ua"},
        {"short_code": "WWWW-WWWW-WWWW"},
        {"centre": "у с. " * 30},
    ],
)
def test_nothing_is_printed_in_the_margins(width: Width, other: dict[str, str]) -> None:
    ink = bits(printed(width, **other))
    inner = slice(slip.MARGIN - 2, width - slip.MARGIN + 2)  # hinted letters may lean out by a dot
    assert ink.sum() == ink[slip.MARGIN : -slip.MARGIN, inner].sum()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_long_name_is_whole_and_its_words_too(width: Width) -> None:
    picture = printed(width, centre=LONG_CENTRE)
    assert [word for word in LONG_CENTRE.split() if word.isalpha() and not says(picture, word)] == []


def test_a_preposition_or_an_abbreviation_stays_with_its_word() -> None:
    picture = printed(centre=LONG_CENTRE)
    assert says(picture, "у с. Верхньокам’янське,")
    assert says(picture, "№ 1")


@pytest.mark.parametrize("face", FONTS, ids=lambda face: face.stem)
def test_every_ukrainian_letter_and_mark_has_its_own_shape(face: Path) -> None:
    font = ImageFont.truetype(face, 24, layout_engine=ImageFont.Layout.BASIC)
    missing = bytes(font.getmask("\uffff", "1"))
    shapes = {letter: bytes(font.getmask(letter, "1")) for letter in ALPHABET + "’ʼ«»„“—–№₴" + "0123456789-:./"}
    assert missing not in shapes.values()
    assert all(any(shape) for shape in shapes.values())


@pytest.mark.parametrize(
    ("domain", "lines"),
    [
        ("vidhuk.kamianets-podilskyi-miska-rada.gov.ua", ["vidhuk", ".kamianets-podilskyi-miska-rada", ".gov.ua"]),
        ("vidhuk-poslugy.tsnap.kam-rada.gov.ua:8443", ["vidhuk-poslugy.tsnap.kam-rada", ".gov.ua:8443"]),
        (
            "feedback.administrative-services-of-the-amalgamated-community.gov.ua",
            ["feedback.administrative-services-of-", "the-amalgamated-community.gov.ua"],
        ),
    ],
)
def test_a_long_domain_is_broken_before_a_dot_or_after_a_hyphen_and_its_end_stays_whole(
    domain: str, lines: list[str]
) -> None:
    picture = printed(domain=domain)

    assert [line for line in lines if not says(picture, line)] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_what_the_fonts_cannot_draw_is_left_out_of_a_name(width: Width) -> None:
    adorned = printed(width, centre="ЦНАП 😀 «Дія»\u200d ☀\ufe0f міста 👨\u200d👩\u200d👧 Е\u0301нергодар 中")

    assert np.array_equal(bits(adorned), bits(printed(width, centre="ЦНАП «Дія» міста Енергодар")))
    assert printed(width, centre="😀").height


def test_there_is_no_slip_in_a_language_we_do_not_speak() -> None:
    with pytest.raises(ValueError, match="language"):
        printed(language="de")


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_a_worn_slip_is_read_within_five_frames_19_times_of_20(width: Width) -> None:
    picture = printed(width)
    assert [scan_print(picture, WORN_PRINT, seed) for seed in range(20)].count("".join(qr.split_address(ADDRESS))) >= 19
