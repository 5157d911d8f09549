"""The poster of a centre's hall: one A4 page as SVG, black on white, with a QR code of ``/C/{centre}``.

Sizes are in millimetres. The code is at least 120 wide, so a telephone reads it from 1.2 m (ten times the width).
People read the invitation from 2 m (letters of 1/200 of the distance). The page also has the address as text, so
that people notice a false code stuck over the real one.
"""

from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from PIL import ImageFont

from feedback_service.printing import qr

WIDTH, HEIGHT = 210, 297
MARGIN = 15
MAX_CODE_SIDE = 135  # of the code without its quiet zone
CODE_BOTTOM = 222
CODE_GAP = 12  # between the name of the centre and the code
# Text is measured in this font, which is wider than those that browsers use.
_FONT_FILE = Path(__file__).with_name("fonts") / "DejaVuSansCondensed-Bold.ttf"
_FONT_FAMILIES = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
_MAX_LINES = 3
_HORIZONTAL_RULE = '<path d="M15 {:g}h180" stroke="#000" stroke-width=".8"/>'

# Each text in Ukrainian and in English.
_INVITATION = ("Оцініть наш центр", "Rate our centre")
_SCAN_HINT = ("Наведіть камеру телефона на код", "Point your telephone’s camera at the code")
_PROMISE = ("Анонімно · без реєстрації · менше хвилини", "Anonymous · no registration · under a minute")
_TYPE_HINT = ("Без камери відкрийте:", "No camera? Open:")
_SAFETY_NOTE = (
    "Сторінка не питає імені, телефону, паролів чи грошей.",
    "The page asks for no name, telephone, password or money.",
)


def render_poster(address: str, centre: str, readable_address: str) -> bytes:
    """Return the poster of a centre as SVG; ``readable_address`` is the address in the code as people type it."""
    size, lines = _fit_text(centre, 7.5, 4.0)
    name_bottom = 61 + 1.2 * size * (len(lines) - 1)
    side = min(MAX_CODE_SIDE, CODE_BOTTOM - CODE_GAP - name_bottom)
    parts = [
        _place_code(address, (name_bottom + CODE_BOTTOM) / 2, side),
        _draw_text_line(_INVITATION[0], 31, 18.5, bold=True),
        _draw_text_line(_INVITATION[1], 43.5, 9, lang="en"),
        _HORIZONTAL_RULE.format(50.5),
        *(_draw_text_line(line, 61 + 1.2 * size * index, size) for index, line in enumerate(lines)),
        _draw_text_line(_SCAN_HINT[0], 230, 10, bold=True),
        _draw_text_line(_SCAN_HINT[1], 238, 5.5, lang="en"),
        _draw_text_line(_PROMISE[0], 248, 7),
        _draw_text_line(_PROMISE[1], 254.5, 4.5, lang="en"),
        _HORIZONTAL_RULE.format(259),
        _draw_text_line(_TYPE_HINT[0], 266, 4.5),
        _draw_text_line(readable_address, 274, 7, bold=True),
        _draw_text_line(_SAFETY_NOTE[0], 281, 4.2),
        _draw_text_line(_SAFETY_NOTE[1], 286, 3.6, lang="en"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" lang="uk" font-family={quoteattr(_FONT_FAMILIES)} text-anchor="middle">'
        f'<path fill="#fff" d="M0 0h{WIDTH}v{HEIGHT}H0z"/>{"".join(parts)}</svg>'
    ).encode()


def _draw_text_line(text: str, baseline: float, size: float, *, bold: bool = False, lang: str = "") -> str:
    """Return a centred line of text, made smaller if it does not fit."""
    size = min(size, size * (WIDTH - 2 * MARGIN) / max(_text_width(text, size), 1))
    attributes = ' font-weight="700"' if bold else ""
    attributes += f' lang="{lang}"' if lang else ""
    position = f'x="{WIDTH / 2:g}" y="{baseline:.4g}" font-size="{size:.3g}"'
    return f"<text {position}{attributes}>{escape(text)}</text>"


def _place_code(address: str, middle: float, dark_width: float) -> str:
    """Return the code, ``dark_width`` wide without its quiet zone; texts may overlap the quiet zone."""
    code_svg = qr.render_svg(address).decode()
    modules = int(code_svg.partition('viewBox="0 0 ')[2].partition(" ")[0])
    side = dark_width * modules / (modules - 2 * qr.QUIET_ZONE)
    frame = f'x="{(WIDTH - side) / 2:.4g}" y="{middle - side / 2:.4g}" width="{side:.4g}" height="{side:.4g}"'
    return code_svg.replace("<svg ", f"<svg {frame} ", 1)


def _fit_text(text: str, size: float, smallest: float) -> tuple[float, list[str]]:
    """Return the largest size at which the text fits in three lines, and the lines; too long a text ends in "…"."""
    while True:
        lines = _break_lines(text, size)
        if len(lines) <= _MAX_LINES:
            return size, lines
        if size <= smallest:
            return size, [*lines[: _MAX_LINES - 1], f"{lines[_MAX_LINES - 1].rstrip()}…"]
        size -= 0.5


def _break_lines(text: str, size: float) -> list[str]:
    lines = [""]
    for word in text.split():
        candidate = f"{lines[-1]} {word}".strip()
        if lines[-1] and _text_width(candidate, size) > WIDTH - 2 * MARGIN:
            lines.append(word)
        else:
            lines[-1] = candidate
    return lines


def _text_width(text: str, size: float) -> float:
    return _load_font().getlength(text) / 100 * size


@cache
def _load_font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT_FILE, 100)
