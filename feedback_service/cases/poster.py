"""The poster in a centre's hall: one A4 page as SVG, black on white, with a code that leads to ``/C/{centre}``.

Sizes are millimetres. The code is 120 wide and more, which a telephone reads from a metre and more (ten to one); the
invitation is read from two metres and more (letters of a two-hundredth of the distance). The address stands
beside the code in words, so that a sticker over the code is noticed.
"""

from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from PIL import ImageFont

from feedback_service.cases import qr

WIDTH, HEIGHT = 210, 297
MARGIN = 15
MOST_CODE, CODE_ENDS, GAP = 135, 222, 12  # the dark part of the code: how wide, where it ends, from the name
_FONT = Path(__file__).with_name("fonts") / "DejaVuSansCondensed-Bold.ttf"  # wider than what browsers take
_FACES = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
_MOST_LINES = 3
_LINE = '<path d="M15 {:g}h180" stroke="#000" stroke-width=".8"/>'

# uk, en: what is said at each place
_INVITATION = ("Оцініть наш центр", "Rate our centre")
_HOW = ("Наведіть камеру телефона на код", "Point your telephone’s camera at the code")
_PROMISE = ("Анонімно · без реєстрації · менше хвилини", "Anonymous · no registration · under a minute")
_BY_HAND = ("Без камери відкрийте:", "No camera? Open:")
_SAFE = (
    "Сторінка не питає імені, телефону, паролів чи грошей.",
    "The page asks for no name, telephone, password or money.",
)


def svg(address: str, centre: str, shown: str) -> bytes:
    """The poster of a centre; ``address`` is in the code, ``shown`` is the same as people would type it."""
    size, lines = _fitted(centre, 7.5, 4.0)
    name_ends = 61 + 1.2 * size * (len(lines) - 1)
    side = min(MOST_CODE, CODE_ENDS - GAP - name_ends)
    parts = [
        _code(address, (name_ends + CODE_ENDS) / 2, side),
        _text(_INVITATION[0], 31, 18.5, bold=True),
        _text(_INVITATION[1], 43.5, 9, lang="en"),
        _LINE.format(50.5),
        *(_text(line, 61 + 1.2 * size * place, size) for place, line in enumerate(lines)),
        _text(_HOW[0], 230, 10, bold=True),
        _text(_HOW[1], 238, 5.5, lang="en"),
        _text(_PROMISE[0], 248, 7),
        _text(_PROMISE[1], 254.5, 4.5, lang="en"),
        _LINE.format(259),
        _text(_BY_HAND[0], 266, 4.5),
        _text(shown, 274, 7, bold=True),
        _text(_SAFE[0], 281, 4.2),
        _text(_SAFE[1], 286, 3.6, lang="en"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" lang="uk" font-family={quoteattr(_FACES)} text-anchor="middle">'
        f'<path fill="#fff" d="M0 0h{WIDTH}v{HEIGHT}H0z"/>{"".join(parts)}</svg>'
    ).encode()


def _text(text: str, baseline: float, size: float, *, bold: bool = False, lang: str = "") -> str:
    """One line in the middle, smaller where it would not fit."""
    size = min(size, size * (WIDTH - 2 * MARGIN) / max(_long(text, size), 1))
    more = ' font-weight="700"' if bold else ""
    more += f' lang="{lang}"' if lang else ""
    at = f'x="{WIDTH / 2:g}" y="{baseline:.4g}" font-size="{size:.3g}"'
    return f"<text {at}{more}>{escape(text)}</text>"


def _code(address: str, middle: float, dark: float) -> str:
    """The code, ``dark`` wide without its quiet zone, on white that texts may stand on."""
    drawn = qr.svg(address).decode()
    modules = int(drawn.partition('viewBox="0 0 ')[2].partition(" ")[0])
    side = dark * modules / (modules - 2 * qr.QUIET_ZONE)
    place = f'x="{(WIDTH - side) / 2:.4g}" y="{middle - side / 2:.4g}" width="{side:.4g}" height="{side:.4g}"'
    return drawn.replace("<svg ", f"<svg {place} ", 1)


def _fitted(text: str, size: float, smallest: float) -> tuple[float, list[str]]:
    """The text in at most three lines, as large as that allows; what does not fit at the smallest ends in "…"."""
    while True:
        lines = _lines(text, size)
        if len(lines) <= _MOST_LINES:
            return size, lines
        if size <= smallest:
            return size, [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1].rstrip()}…"]
        size -= 0.5


def _lines(text: str, size: float) -> list[str]:
    lines = [""]
    for word in text.split():
        together = f"{lines[-1]} {word}".strip()
        if lines[-1] and _long(together, size) > WIDTH - 2 * MARGIN:
            lines.append(word)
        else:
            lines[-1] = together
    return lines


def _long(text: str, size: float) -> float:
    return _face().getlength(text) / 100 * size


@cache
def _face() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT, 100)
