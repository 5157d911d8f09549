"""Charts as SVG, made here from plain values: no script, no inline style, every text escaped.

Colours come from ``charts.css`` by class, so they follow the reader's theme and contrast; what colour says, a shape
or hatching says too. Each chart is an image with a title and a description; the page puts its table beneath.
Texts arrive in the reader's language.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from markupsafe import Markup, escape

WIDTH = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 14, 30

Format = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart is called, and what it shows for who cannot see it; ``id`` is its own on the page."""

    id: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A week or month of a trend, in percent: its value and limits; ``None`` where there is none."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    signal: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a Pareto chart: its length as a number, and what is written at its end."""

    label: str
    n: int
    told: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A group in a funnel plot: its size, its value in percent, and whether it is beyond the limits."""

    label: str
    n: int
    value: float
    place: Literal["inside", "beyond_95", "beyond_998"]


@dataclass(frozen=True, slots=True)
class Limit:
    """Limits of a funnel plot at a size, in percent."""

    n: int
    outer_low: float
    low: float
    high: float
    outer_high: float


@dataclass(frozen=True, slots=True)
class Span:
    """A value with its interval, and how it is written; ``None`` where nothing is told."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    told: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a heat map: how strong, 0 to 1, or ``None`` where nothing is told; and what is written in it."""

    strength: float | None
    told: str
    name: str


def trend(words: Words, moments: Sequence[Moment], mean: float | None, say: Format) -> Markup:
    """A line of values over a band of control limits; a diamond is out of the ordinary."""
    height = 220
    known = [value for one in moments for value in (one.value, one.high) if value is not None]
    top = _ceiling(max([*known, mean or 0.0]))
    step = (WIDTH - _LEFT - _RIGHT) / max(len(moments), 1)

    def x(place: float) -> float:
        return _LEFT + step * (place + 0.5)

    def y(value: float) -> float:
        return _TOP + (height - _TOP - _BOTTOM) * (1 - value / top)

    drawn = [_rules(height, top, say)]
    for place, one in enumerate(moments):
        if one.low is not None and one.high is not None:
            drawn.append(
                _tag(
                    "rect",
                    "band",
                    x=x(place - 0.5),
                    y=y(one.high),
                    width=step,
                    height=y(one.low) - y(one.high),
                )
            )
            drawn += [
                _line("limit", x(place - 0.5), y(at), x(place + 0.5), y(at)) for at in (one.low, one.high)
            ]
    if mean is not None:
        drawn.append(_line("mean", _LEFT, y(mean), WIDTH - _RIGHT, y(mean)))
    drawn += [
        _path("value", part) for part in _unbroken([(x(n), one.value) for n, one in enumerate(moments)], y)
    ]
    for place, one in enumerate(moments):
        if one.value is not None:
            shape = _diamond if one.signal else _circle
            drawn.append(_titled(f"{one.label}: {say(one.value)}", shape(x(place), y(one.value))))
    for place in _some(len(moments), 4):
        anchor = "start" if place == 0 else "end" if place == len(moments) - 1 else "middle"
        at = x(place) + {"start": -step / 2, "middle": 0, "end": step / 2}[anchor]
        drawn.append(_text(at, height - 10, moments[place].label, anchor))
    return _svg("trend", words, height, drawn)


def pareto(words: Words, bars: Sequence[Bar]) -> Markup:
    """Bars, the longest first, each with its words above it."""
    most = max((bar.n for bar in bars), default=1) or 1
    each, drawn = 40, []
    for place, bar in enumerate(bars):
        top = place * each
        drawn.append(_text(0, top + 13, _short(bar.label, 46), "start", "name"))
        length = max((WIDTH - 110) * bar.n / most, 2)
        drawn.append(
            _titled(f"{bar.label}: {bar.told}", _tag("rect", "bar", x=0, y=top + 18, width=length, height=14))
        )
        drawn.append(_text(length + 6, top + 30, bar.told, "start"))
    return _svg("pareto", words, max(each * len(bars), 1), drawn)


def funnel(words: Words, dots: Sequence[Dot], limits: Sequence[Limit], target: float, say: Format) -> Markup:
    """Groups by size and value within the funnel that chance alone makes.

    A circle is inside, a triangle beyond the limits of 95 %, a square beyond those of 99.8 %.
    """
    height = 280
    top = _ceiling(max([dot.value for dot in dots] + [min(limit.high * 1.6, 100.0) for limit in limits[:1]]))
    low, high = (sqrt(limits[0].n), sqrt(limits[-1].n)) if limits else (0.0, 1.0)
    low, high = (low, high) if high > low else (low - 1, high + 1)

    def x(n: float) -> float:
        return _LEFT + 10 + (WIDTH - _LEFT - _RIGHT - 20) * (sqrt(n) - low) / (high - low)

    def y(value: float) -> float:
        return _TOP + (height - _TOP - _BOTTOM) * (1 - min(value, top) / top)

    drawn = [_rules(height, top, say), _line("mean", _LEFT, y(target), WIDTH - _RIGHT, y(target))]
    for kind, ends in (
        ("limit outer", [[limit.outer_low for limit in limits], [limit.outer_high for limit in limits]]),
        ("limit", [[limit.low for limit in limits], [limit.high for limit in limits]]),
    ):
        for end in ends:
            points = [(x(limit.n), y(value)) for limit, value in zip(limits, end, strict=True)]
            drawn.append(_path(kind, points))
    shapes = {"inside": _circle, "beyond_95": _triangle, "beyond_998": _square}
    for dot in dots:
        shape = shapes[dot.place](x(dot.n), y(dot.value))
        drawn.append(_titled(f"{dot.label}: {say(dot.value)}, n = {dot.n}", shape))
    beyond = sorted((dot for dot in dots if dot.place != "inside"), key=lambda dot: -dot.value)
    for dot in beyond[:6]:
        right = x(dot.n) > WIDTH * 0.6
        at = x(dot.n) + (-8 if right else 8)
        drawn.append(_text(at, y(dot.value) + 4, _short(dot.label, 22), "end" if right else "start", "name"))
    if limits:
        drawn.append(_text(x(limits[0].n), height - 10, str(limits[0].n), "start"))
        drawn.append(_text(x(limits[-1].n), height - 10, str(limits[-1].n), "end"))
    return _svg("funnel", words, height, drawn)


def intervals(words: Words, spans: Sequence[Span], marks: Sequence[float], say: Format) -> Markup:
    """Values with their intervals on one scale from the first of the ``marks`` to the last, words above each."""
    each, drawn = 46, []
    low, high = marks[0], marks[-1]
    bottom = each * len(spans) + 6

    def x(value: float) -> float:
        return 20 + (WIDTH - 40) * (min(max(value, low), high) - low) / (high - low)

    for mark in marks:
        drawn += [
            _line("rule", x(mark), 0, x(mark), bottom),
            _text(x(mark), bottom + 16, say(mark), "middle"),
        ]
    for place, one in enumerate(spans):
        top = place * each
        drawn.append(_text(0, top + 14, _short(f"{one.label}: {one.told}", 48), "start", "name"))
        if one.low is not None and one.high is not None and one.value is not None:
            drawn.append(_line("whisker", x(one.low), top + 30, x(one.high), top + 30))
            drawn += [_line("whisker", x(end), top + 25, x(end), top + 35) for end in (one.low, one.high)]
            drawn.append(_titled(f"{one.label}: {one.told}", _circle(x(one.value), top + 30)))
    return _svg("intervals", words, bottom + 24, drawn)


def heat(words: Words, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell]]]) -> Markup:
    """A grid in which the strongest cells are darkest; the number is written in each, those hidden are hatched."""
    left, head, tall = 92, 20, 34
    wide = (WIDTH - left) / max(len(columns), 1)
    drawn = [_text(left + wide * (place + 0.5), 13, column, "middle") for place, column in enumerate(columns)]
    for number, (name, cells) in enumerate(rows):
        top = head + tall * number
        drawn.append(_text(0, top + 21, _short(name, 16), "start", "name"))
        for place, cell in enumerate(cells):
            at = left + wide * place
            kind = "heat none" if cell.strength is None else f"heat heat-{min(int(cell.strength * 5), 4)}"
            box = _tag("rect", kind, x=at + 1, y=top + 1, width=wide - 2, height=tall - 2, rx=3)
            drawn.append(_titled(f"{cell.name}: {cell.told}", box))
            if cell.strength is None:
                drawn.append(_line("hatch", at + 4, top + tall - 5, at + wide - 4, top + 5))
            else:
                strong = " strong" if cell.strength >= 0.8 else ""
                drawn.append(_text(at + wide / 2, top + 21, cell.told, "middle", f"in{strong}"))
    return _svg("grid", words, head + tall * len(rows), drawn)


# Pieces -------------------------------------------------------------------------------------------------------


def _svg(kind: str, words: Words, height: float, drawn: Sequence[Markup]) -> Markup:
    title, about = f"{words.id}-title", f"{words.id}-about"
    return Markup(
        '<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-labelledby="{} {}">'
        '<title id="{}">{}</title><desc id="{}">{}</desc>{}</svg>'
    ).format(
        kind,
        WIDTH,
        _figure(height),
        title,
        about,
        title,
        words.title,
        about,
        words.description,
        Markup().join(drawn),
    )


def _rules(height: float, top: float, say: Format) -> Markup:
    """Lines across with what they stand for."""
    drawn = []
    for part in (0, 0.5, 1):
        at = _TOP + (height - _TOP - _BOTTOM) * (1 - part)
        drawn += [
            _line("rule", _LEFT, at, WIDTH - _RIGHT, at),
            _text(_LEFT - 6, at + 4, say(top * part), "end"),
        ]
    return Markup().join(drawn)


def _tag(name: str, kind: str, **attributes: float) -> Markup:
    told = " ".join(f'{key}="{_figure(value)}"' for key, value in attributes.items())
    return Markup(f'<{name} class="{kind}" {told}/>')


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return _tag("line", kind, x1=x1, y1=y1, x2=x2, y2=y2)


def _path(kind: str, points: Sequence[tuple[float, float]]) -> Markup:
    steps = " ".join(f"{'L' if n else 'M'}{_figure(x)} {_figure(y)}" for n, (x, y) in enumerate(points))
    return Markup(f'<path class="{kind}" d="{steps}"/>')


def _circle(x: float, y: float) -> Markup:
    return _tag("circle", "dot", cx=x, cy=y, r=3.5)


def _diamond(x: float, y: float) -> Markup:
    return _shape("dot beyond", [(x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y)])


def _triangle(x: float, y: float) -> Markup:
    return _shape("dot aside", [(x, y - 6), (x + 6, y + 5), (x - 6, y + 5)])


def _square(x: float, y: float) -> Markup:
    return _shape("dot beyond", [(x - 5, y - 5), (x + 5, y - 5), (x + 5, y + 5), (x - 5, y + 5)])


def _shape(kind: str, corners: Sequence[tuple[float, float]]) -> Markup:
    points = " ".join(f"{_figure(x)},{_figure(y)}" for x, y in corners)
    return Markup(f'<polygon class="{kind}" points="{points}"/>')


def _text(x: float, y: float, words: str, anchor: str, kind: str = "mark") -> Markup:
    return Markup(f'<text class="{kind} {anchor}" x="{_figure(x)}" y="{_figure(y)}">{escape(words)}</text>')


def _titled(words: str, drawn: Markup) -> Markup:
    return Markup(f"<g><title>{escape(words)}</title>{drawn}</g>")


def _figure(value: float) -> str:
    """A coordinate, no longer than it need be."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def _ceiling(value: float) -> float:
    """The next round number of percent."""
    return next((top for top in (1, 2, 4, 6, 10, 20, 30, 40, 60, 80) if value <= top * 0.97), 100)


def _some(n: int, most: int) -> list[int]:
    """The first, the last, and some places between."""
    if n <= 1:
        return [0] * n
    count = min(most, n)
    return sorted({round((n - 1) * place / (count - 1)) for place in range(count)})


def _unbroken(
    points: Sequence[tuple[float, float | None]], y: Callable[[float], float]
) -> list[list[tuple[float, float]]]:
    """The points as lines that break where a value is missing."""
    parts: list[list[tuple[float, float]]] = [[]]
    for x, value in points:
        if value is None:
            parts.append([])
        else:
            parts[-1].append((x, y(value)))
    return [part for part in parts if len(part) > 1]
