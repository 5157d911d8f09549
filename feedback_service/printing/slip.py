"""The slip from a receipt printer: an invitation, its QR code, and the short code to type instead."""

import re
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from feedback_service.printing import qr

MAX_MODULE_DOTS = 6  # 0.75 mm
MIN_MODULE_DOTS = 4  # 0.5 mm; on thermal paper smaller modules are not reliable
MARGIN = 12
MIN_TYPE_SIZE = 18  # 2.2 mm
WHITE, BLACK = 1, 0

_FONTS_FOLDER = Path(__file__).with_name("fonts")
_PLAIN_FONT, _BOLD_FONT = "DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf"
# Words that must not end a line: prepositions, initials, "м.", "вул.", "№".
_SHORT_WORD = re.compile(r"(?<!\S)(\w{1,2}|\w{1,3}\.|смт|№) +(?=\S)")
# Where a word longer than a line is broken, the best place first: before a dot, which so tells that the address goes
# on, but not before the last one ("gov.ua" stays whole); after a hyphen.
_WORD_BORDERS = (re.compile(r"(?<=.)(?=\..*\.)"), re.compile(r"(?<=-)(?=.)"))
_TEXTS = {
    "uk": {
        "invitation": "Оцініть, як\u00a0Вас\u00a0обслужили",
        "anonymous": "Анонімно, менше хвилини",
        "site": "Код веде на сайт",
        "by hand": "Без камери: відкрийте цей\u00a0сайт і\u00a0введіть",
        "last day": "Діє до\u00a0{day}\u00a0{month} {year}\u00a0року",
        "months": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    },
    "en": {
        "invitation": "How did we\u00a0serve\u00a0you?",
        "anonymous": "Anonymous, under a minute",
        "site": "The code leads to",
        "by hand": "No camera? Open this\u00a0site and\u00a0type",
        "last day": "Valid until {day}\u00a0{month}\u00a0{year}",
        "months": "January February March April May June July August September October November December",
    },
}


def render_slip(
    *,
    address: str,
    width: Literal[384, 576],
    centre: str,
    domain: str,
    short_code: str,
    last_day: date,
    language: str = "uk",
) -> bytes:
    """Return the slip as 1-bit PNG of ``width`` dots (paper of 58 or 80 mm), as high as its text needs.

    Raises ``ValueError`` for a language other than uk and en, and for an address too long for modules of 4 dots.
    """
    if language not in _TEXTS:
        raise ValueError(f"no slip in the language {language!r}")
    texts = _TEXTS[language]
    month = texts["months"].split()[last_day.month - 1]
    validity = texts["last day"].format(day=last_day.day, month=month, year=last_day.year)
    text_size = 22 if width == 384 else 26
    bands = [
        (MARGIN, _render_text(centre, _BOLD_FONT, text_size + 2, width)),
        (20, _render_text(texts["invitation"], _BOLD_FONT, 38, width)),
        (4, _render_text(texts["anonymous"], _PLAIN_FONT, text_size, width)),
        (0, _render_code(address, width)),
        (0, _render_text(texts["site"], _PLAIN_FONT, text_size, width)),
        (2, _render_text(domain, _BOLD_FONT, text_size + 8, width)),
        (16, Image.new("1", (width - 2 * MARGIN, 2), BLACK)),
        (14, _render_text(texts["by hand"], _PLAIN_FONT, text_size, width)),
        (6, _render_text(short_code, _BOLD_FONT, text_size * 2, width)),
        (6, _render_text(validity, _PLAIN_FONT, text_size, width)),
    ]
    height = sum(gap + band.height for gap, band in bands) + 2 * MARGIN
    sheet = Image.new("1", (width, height), WHITE)
    y = 0
    for gap, band in bands:
        y += gap
        sheet.paste(band, ((width - band.width) // 2, y))
        y += band.height
    return qr.encode_png(sheet)


def _render_code(address: str, width: int) -> Image.Image:
    """Return the code with the widest modules that fit the paper, 4 to 6 dots. Raises ``ValueError``."""
    modules = qr.render_image(address, 1)
    dots = min(MAX_MODULE_DOTS, width // modules.width)
    if dots < MIN_MODULE_DOTS:
        raise ValueError(f"the address is too long for a code on paper of {width} dots")
    return modules.resize((modules.width * dots, modules.height * dots), Image.Resampling.NEAREST)


def _render_text(text: str, font_name: str, size: int, width: int) -> Image.Image:
    """Return the text centred on a band of the paper's width, in ``size`` dots or smaller if a word does not fit."""
    max_width = width - 2 * MARGIN
    drawable = "".join(filter(_is_drawable, text))
    # Not text.split(), which also splits at non-breaking spaces.
    words = re.split(r"[ \t\r\n]+", _SHORT_WORD.sub("\\1\u00a0", drawable.strip()))
    font = _load_font(font_name, size)
    while size > MIN_TYPE_SIZE and max(font.getlength(word, "1") for word in words) > max_width:
        size -= 1
        font = _load_font(font_name, size)
    line_height = size * 5 // 4
    lines = _balance_lines(words, font, max_width)
    band = Image.new("1", (width, line_height * len(lines)), WHITE)
    draw = ImageDraw.Draw(band)
    draw.fontmode = "1"
    for row, line in enumerate(lines):
        draw.text(((width - round(font.getlength(line, "1"))) // 2, row * line_height), line, BLACK, font)
    return band


def _balance_lines(words: list[str], font: ImageFont.FreeTypeFont, max_width: float) -> list[str]:
    """Return the fewest lines that fit, as equal in length as possible."""
    lines = _break_lines(words, font, max_width)
    longest = max(font.getlength(word, "1") for word in words)
    while (widest := max(font.getlength(line, "1") for line in lines)) > longest:
        tighter = _break_lines(words, font, max(widest - 1, longest))
        if len(tighter) > len(lines):
            break
        lines = tighter
    return lines


def _break_lines(words: list[str], font: ImageFont.FreeTypeFont, max_width: float) -> list[str]:
    lines = [""]
    for word in words:
        candidate = f"{lines[-1]} {word}".lstrip(" ")
        if font.getlength(candidate, "1") <= max_width:
            lines[-1] = candidate
            continue
        if lines[-1]:
            lines.append("")
        # A word longer than a line continues on the next line.
        for piece in _split_word(word, font, max_width):
            if font.getlength(lines[-1] + piece, "1") > max_width:
                lines.append("")
            lines[-1] += piece
    return lines


def _split_word(word: str, font: ImageFont.FreeTypeFont, max_width: float) -> list[str]:
    """Return pieces that each fit a line: the labels of a domain, else parts between hyphens, else characters."""
    if font.getlength(word, "1") <= max_width:
        return [word]
    for border in _WORD_BORDERS:
        pieces = border.split(word)
        if len(pieces) > 1:
            return [part for piece in pieces for part in _split_word(piece, font, max_width)]
    return list(word)


@lru_cache(maxsize=4096)
def _is_drawable(character: str) -> bool:
    """Whether the fonts have the character, or it parts words. For any other, they would draw a box."""
    if character.isspace():
        return True
    font = _load_font(_PLAIN_FONT, MIN_TYPE_SIZE)
    return bytes(font.getmask(character, "1")) != bytes(font.getmask("\uffff", "1"))


@cache
def _load_font(font_name: str, size: int) -> ImageFont.FreeTypeFont:
    # The basic layout needs no library beyond Pillow and suffices for Cyrillic and Latin letters.
    return ImageFont.truetype(_FONTS_FOLDER / font_name, size, layout_engine=ImageFont.Layout.BASIC)
