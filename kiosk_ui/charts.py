"""Charts, drawn from plain values without scripts or inline styles.

``charts.css`` gives the colours by class, so they follow the reader's theme and contrast. A shape or hatching repeats
what a colour says. Each chart is an image with a title and a description, and the page shows its table beneath.
Texts are already in the reader's language.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt

from markupsafe import Markup

from feedback_service.figures.funnel_plot import Limits, Place
from kiosk_ui import svg
from kiosk_ui.svg import ChartText

WIDTH = 420
_LEFT_MARGIN, _RIGHT_MARGIN, _TOP_MARGIN, _BOTTOM_MARGIN = 44, 12, 14, 30

NumberFormat = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A week or month of a trend: its value and control limits in percent, ``None`` where there is none."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    signal: bool


@dataclass(frozen=True, slots=True)
class ParetoBar:
    """A bar of a Pareto chart: ``n`` gives its length, ``value_text`` stands at its end."""

    label: str
    n: int
    value_text: str


@dataclass(frozen=True, slots=True)
class FunnelDot:
    """A group in a funnel plot: ``n`` is its size, ``value`` is in percent, ``zone`` is its place to the limits."""

    label: str
    n: int
    value: float
    zone: Place


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """A value with its interval and its text; the numbers are ``None`` where the value is not shown."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    value_text: str


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A cell of a heat map: ``strength`` is between 0 and 1, or ``None`` where the value is not shown."""

    strength: float | None
    value_text: str
    name: str


def draw_trend(text: ChartText, points: Sequence[TrendPoint], mean: float | None, format_value: NumberFormat) -> Markup:
    """Draw a line of values over a band of control limits. A point with a signal is a diamond."""
    height = 220
    known_values = [value for point in points for value in (point.value, point.high) if value is not None]
    scale_top = _round_up_scale(max([*known_values, mean or 0.0]))
    y = _plot_y(height, scale_top)
    step = (WIDTH - _LEFT_MARGIN - _RIGHT_MARGIN) / max(len(points), 1)

    def x(index: float) -> float:
        return _LEFT_MARGIN + step * (index + 0.5)

    elements = _scale_lines(y, scale_top, format_value)
    for index, point in enumerate(points):
        if point.low is not None and point.high is not None:
            left, right, low_y, high_y = x(index - 0.5), x(index + 0.5), y(point.low), y(point.high)
            elements += [
                svg.draw_element("rect", "band", x=left, y=high_y, width=step, height=low_y - high_y),
                svg.draw_line("limit", left, low_y, right, low_y),
                svg.draw_line("limit", left, high_y, right, high_y),
            ]
    if mean is not None:
        elements.append(svg.draw_line("mean", _LEFT_MARGIN, y(mean), WIDTH - _RIGHT_MARGIN, y(mean)))
    line = [None if point.value is None else (x(n), y(point.value)) for n, point in enumerate(points)]
    elements += [svg.draw_path("value", segment) for segment in _split_at_gaps(line)]
    for index, point in enumerate(points):
        if point.value is not None:
            mark = svg.draw_mark("diamond" if point.signal else "circle", x(index), y(point.value))
            elements.append(svg.add_title(f"{point.label}: {format_value(point.value)}", mark))
    for index in _pick_indexes(len(points), 4):
        anchor = "start" if index == 0 else "end" if index == len(points) - 1 else "middle"
        label_x = x(index) + {"start": -step / 2, "middle": 0, "end": step / 2}[anchor]
        elements.append(svg.draw_text(label_x, height - 10, points[index].label, anchor))
    return svg.draw_image("trend", text, WIDTH, height, elements)


def draw_pareto(text: ChartText, bars: Sequence[ParetoBar]) -> Markup:
    """Draw horizontal bars in the given order, each with its label above it."""
    max_count = max((bar.n for bar in bars), default=1) or 1
    row_height, elements = 40, []
    for index, bar in enumerate(bars):
        top, length = index * row_height, max((WIDTH - 110) * bar.n / max_count, 2)
        box = svg.draw_element("rect", "bar", x=0, y=top + 18, width=length, height=14)
        elements += [
            svg.draw_text(0, top + 13, _shorten_text(bar.label, 46), "start", "name"),
            svg.add_title(f"{bar.label}: {bar.value_text}", box),
            svg.draw_text(length + 6, top + 30, bar.value_text, "start"),
        ]
    return svg.draw_image("pareto", text, WIDTH, max(row_height * len(bars), 1), elements)


def draw_funnel(
    text: ChartText, dots: Sequence[FunnelDot], limits: Sequence[Limits], target: float, format_value: NumberFormat
) -> Markup:
    """Draw groups by size and value, with the limits (0 to 1, at least of one size) that chance alone explains.

    A circle is inside the limits, a triangle beyond those of 95 %, a square beyond those of 99.8 %.
    """
    height = 280
    scale_top = _round_up_scale(max([min(limits[0].high * 100 * 1.6, 100.0), *(dot.value for dot in dots)]))
    y = _plot_y(height, scale_top)
    low, high = sqrt(limits[0].n), sqrt(limits[-1].n)
    low, high = (low, high) if high > low else (low - 1, high + 1)
    left, plot_width = _LEFT_MARGIN + 10, WIDTH - _LEFT_MARGIN - _RIGHT_MARGIN - 20

    def x(n: float) -> float:
        return left + plot_width * (sqrt(n) - low) / (high - low)

    elements = [
        *_scale_lines(y, scale_top, format_value),
        svg.draw_line("mean", _LEFT_MARGIN, y(target), WIDTH - _RIGHT_MARGIN, y(target)),
    ]
    for css_class, values in (
        ("limit outer", [limit.outer_low for limit in limits]),
        ("limit outer", [limit.outer_high for limit in limits]),
        ("limit", [limit.low for limit in limits]),
        ("limit", [limit.high for limit in limits]),
    ):
        curve = [(x(limit.n), y(value * 100)) for limit, value in zip(limits, values, strict=True)]
        elements.append(svg.draw_path(css_class, curve))
    shapes = {"inside": "circle", "beyond_95": "triangle", "beyond_998": "square"}
    for dot in dots:
        mark = svg.draw_mark(shapes[dot.zone], x(dot.n), y(dot.value))
        elements.append(svg.add_title(f"{dot.label}: {format_value(dot.value)}, n = {dot.n}", mark))
    beyond = sorted((dot for dot in dots if dot.zone != "inside"), key=lambda dot: -dot.value)
    for dot in beyond[:6]:
        offset, anchor = (-8, "end") if x(dot.n) > WIDTH * 0.6 else (8, "start")
        label = _shorten_text(dot.label, 22)
        elements.append(svg.draw_text(x(dot.n) + offset, y(dot.value) + 4, label, anchor, "name"))
    elements += [
        svg.draw_text(x(limits[0].n), height - 10, str(limits[0].n), "start"),
        svg.draw_text(x(limits[-1].n), height - 10, str(limits[-1].n), "end"),
    ]
    return svg.draw_image("funnel", text, WIDTH, height, elements)


def draw_intervals(
    text: ChartText, bars: Sequence[IntervalBar], marks: Sequence[float], format_value: NumberFormat
) -> Markup:
    """Draw values with their intervals on one scale, from the first to the last of ``marks``, with labels above."""
    row_height, elements = 46, []
    low, high = marks[0], marks[-1]
    bottom = row_height * len(bars) + 6

    def x(value: float) -> float:
        return 20 + (WIDTH - 40) * (min(max(value, low), high) - low) / (high - low)

    for mark in marks:
        elements += [
            svg.draw_line("rule", x(mark), 0, x(mark), bottom),
            svg.draw_text(x(mark), bottom + 16, format_value(mark), "middle"),
        ]
    for index, bar in enumerate(bars):
        top, label = index * row_height, f"{bar.label}: {bar.value_text}"
        elements.append(svg.draw_text(0, top + 14, _shorten_text(label, 48), "start", "name"))
        if bar.low is not None and bar.high is not None and bar.value is not None:
            elements += [
                svg.draw_line("whisker", x(bar.low), top + 30, x(bar.high), top + 30),
                svg.draw_line("whisker", x(bar.low), top + 25, x(bar.low), top + 35),
                svg.draw_line("whisker", x(bar.high), top + 25, x(bar.high), top + 35),
                svg.add_title(label, svg.draw_mark("circle", x(bar.value), top + 30)),
            ]
    return svg.draw_image("intervals", text, WIDTH, bottom + 24, elements)


def draw_heat_map(text: ChartText, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[HeatCell]]]) -> Markup:
    """Draw a grid whose strongest cells are darkest. Each cell shows its value; cells without one are hatched."""
    label_width, header_height, cell_height = 92, 20, 34
    cell_width = (WIDTH - label_width) / max(len(columns), 1)
    elements = [
        svg.draw_text(label_width + cell_width * (index + 0.5), 13, column, "middle")
        for index, column in enumerate(columns)
    ]
    for row_index, (name, cells) in enumerate(rows):
        top = header_height + cell_height * row_index
        elements.append(svg.draw_text(0, top + 21, _shorten_text(name, 16), "start", "name"))
        for index, cell in enumerate(cells):
            left = label_width + cell_width * index
            if cell.strength is None:
                css_class = "heat none"
                content = svg.draw_line("hatch", left + 4, top + cell_height - 5, left + cell_width - 4, top + 5)
            else:
                css_class = f"heat heat-{min(int(cell.strength * 5), 4)}"
                text_class = "in strong" if cell.strength >= 0.8 else "in"
                content = svg.draw_text(left + cell_width / 2, top + 21, cell.value_text, "middle", text_class)
            width, height = cell_width - 2, cell_height - 2
            box = svg.draw_element("rect", css_class, x=left + 1, y=top + 1, width=width, height=height, rx=3)
            elements += [svg.add_title(f"{cell.name}: {cell.value_text}", box), content]
    return svg.draw_image("grid", text, WIDTH, header_height + cell_height * len(rows), elements)


def _plot_y(height: float, scale_top: float) -> Callable[[float], float]:
    """Return the function from a value to its y; values above the scale lie at its top."""
    plot_height = height - _TOP_MARGIN - _BOTTOM_MARGIN
    return lambda value: _TOP_MARGIN + plot_height * (1 - min(value, scale_top) / scale_top)


def _scale_lines(y: Callable[[float], float], scale_top: float, format_value: NumberFormat) -> list[Markup]:
    """Draw horizontal lines with their values at the left."""
    elements = []
    for value in (0.0, scale_top * 0.5, scale_top):
        elements += [
            svg.draw_line("rule", _LEFT_MARGIN, y(value), WIDTH - _RIGHT_MARGIN, y(value)),
            svg.draw_text(_LEFT_MARGIN - 6, y(value) + 4, format_value(value), "end"),
        ]
    return elements


def _shorten_text(text: str, max_length: int) -> str:
    return text if len(text) <= max_length else f"{text[: max_length - 1].rstrip()}…"


def _round_up_scale(value: float) -> float:
    """Return a round number of percent somewhat above the value, as the top of a scale."""
    return next((top for top in (1, 2, 4, 6, 10, 20, 30, 40, 60, 80) if value <= top * 0.97), 100)


def _pick_indexes(total: int, max_count: int) -> list[int]:
    """Return the first index, the last, and some evenly between, at most ``max_count``."""
    if total <= 1:
        return [0] * total
    count = min(max_count, total)
    return sorted({round((total - 1) * step / (count - 1)) for step in range(count)})


def _split_at_gaps(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Split the points into lines that break where a point is missing."""
    stretches = groupby(points, key=lambda point: point is None)
    lines = [[point for point in stretch if point is not None] for _is_gap, stretch in stretches]
    return [line for line in lines if len(line) > 1]
