"""QR codes of addresses: for a page, a receipt printer and a terminal."""

import re
from collections import defaultdict
from io import BytesIO
from itertools import groupby
from xml.sax.saxutils import escape

import qrcode
from PIL import Image
from qrcode.constants import ERROR_CORRECT_H

QUIET_ZONE = 4  # modules of white on every side (ISO/IEC 18004)
MODULE_DOTS = range(1, 21)  # allowed widths of a module in printer dots
DOTS_PER_INCH = 203.2  # receipt printers: 8 dots a millimetre

_ADDRESS = re.compile(r"([a-z]+://)([!-\"$->@-~]+)([?#][!-~]*)?", re.IGNORECASE)

Point = tuple[int, int]


def render_svg(address: str, title: str = "QR-код", *, keep_case: bool = False) -> bytes:
    """Return the code as SVG without a size of its own, one unit a module; screen readers read ``title``.

    ``keep_case`` keeps lower case, for addresses in which upper and lower case differ.
    """
    rows = _encode_modules(address, keep_case)
    side = len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img" shape-rendering="crispEdges">'
        f'<title>{escape(title)}</title><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path d="{_trace_outlines(rows)}"/></svg>'
    ).encode()


def render_png(address: str, dots: int = 6) -> bytes:
    """Return the code as PNG, a module ``dots`` printer dots wide."""
    return encode_png(render_image(address, dots))


def render_image(address: str, dots: int) -> Image.Image:
    """Return the code as a 1-bit image, a module ``dots`` (1 to 20) printer dots wide. Raises ``ValueError``."""
    if dots not in MODULE_DOTS:
        raise ValueError(f"a module is {MODULE_DOTS[0]} to {MODULE_DOTS[-1]} dots")
    rows = _encode_modules(address)
    side = len(rows)
    modules = Image.frombytes("L", (side, side), bytes(0 if dark else 255 for row in rows for dark in row))
    return modules.convert("1").resize((side * dots, side * dots), Image.Resampling.NEAREST)


def encode_png(picture: Image.Image) -> bytes:
    """Return the picture as PNG that prints at its true size, 8 dots a millimetre."""
    file = BytesIO()
    picture.save(file, "PNG", dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return file.getvalue()


def render_terminal(address: str) -> str:
    """Return the code in half blocks, black on white on a terminal of any colours."""
    rows = _encode_modules(address)
    if len(rows) % 2:
        rows.append([False] * len(rows))
    # Blocks draw the light modules, so that the code is right without colours on a dark terminal.
    blocks = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    lines = (
        "".join(blocks[pair] for pair in zip(*pair_of_rows, strict=True))
        for pair_of_rows in zip(rows[::2], rows[1::2], strict=True)
    )
    return "".join(f"\x1b[38;5;231;48;5;16m{line}\x1b[0m\n" for line in lines)


def split_address(address: str) -> tuple[str, str]:
    """Return the scheme with ``://``, and the rest in capitals up to its query.

    A code stores capitals in 5½ bits a character, not 8. The scheme stays in small letters, because cameras of
    several makers open no address whose scheme is in capitals.
    """
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise ValueError("a code holds an address of printable ASCII with a scheme and a host")
    return parts[1].lower(), parts[2].upper() + (parts[3] or "")


def _encode_modules(address: str, keep_case: bool = False) -> list[list[bool]]:
    """Return the rows of the smallest code with 30 % correction (level H), quiet zone included; True is dark."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_H, border=QUIET_ZONE)
    for segment in [address] if keep_case else split_address(address):
        code.add_data(segment)
    return code.get_matrix()


def _trace_outlines(rows: list[list[bool]]) -> str:
    """Return SVG path data that walks around every dark region with the dark on its right.

    With a rectangle for each run of modules, prints show hairlines between rows, and the file is twice as long.
    """
    next_points: defaultdict[Point, list[Point]] = defaultdict(list)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:  # never at the edge of the image: the quiet zone is there
                if not rows[y - 1][x]:
                    next_points[x, y].append((x + 1, y))
                if not row[x + 1]:
                    next_points[x + 1, y].append((x + 1, y + 1))
                if not rows[y + 1][x]:
                    next_points[x + 1, y + 1].append((x, y + 1))
                if not row[x - 1]:
                    next_points[x, y + 1].append((x, y))
    commands = []
    while next_points:
        start = point = next(iter(next_points))
        steps: list[Point] = []
        while not steps or point != start:
            targets = next_points[point]
            next_point = targets.pop()
            if not targets:
                del next_points[point]
            steps.append((next_point[0] - point[0], next_point[1] - point[1]))
            point = next_point
        commands.append(f"M{start[0]} {start[1]}")
        for (right, down), run in groupby(steps):
            length = len(list(run))
            commands.append(f"h{right * length}" if right else f"v{down * length}")
        commands[-1] = "z"  # the last side closes itself
    return "".join(commands)
