"""Charts as SVG, drawn from plain values without scripts or inline styles; every text is escaped.

``charts.css`` gives the colours by class, so they follow the reader's theme and contrast. A shape or hatching repeats
what a colour says. Each chart is an image with a title and a description, and the page shows its table beneath.
Texts are already in the reader's language.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from markupsafe import Markup, escape

WIDTH = 420
_LEFT_MARGIN, _RIGHT_MARGIN, _TOP_MARGIN, _BOTTOM_MARGIN = 44, 12, 14, 30

NumberFormat = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class ChartText:
    """The title of a chart and a description for people who cannot see it; ``id`` is unique on the page."""

    id: str
    title: str
    description: str


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
    zone: Literal["inside", "beyond_95", "beyond_998"]


@dataclass(frozen=True, slots=True)
class FunnelLimits:
    """The limits of a funnel plot for groups of size ``n``, in percent."""

    n: int
    outer_low: float
    low: float
    high: float
    outer_high: float


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


def draw_trend(
    text: ChartText, points: Sequence[TrendPoint], mean: float | None, format_value: NumberFormat
) -> Markup:
    """Draw a line of values over a band of control limits. A point with a signal is a diamond."""
    height = 220
    known_values = [value for point in points for value in (point.value, point.high) if value is not None]
    scale_top = _round_up_scale(max([*known_values, mean or 0.0]))
    step = (WIDTH - _LEFT_MARGIN - _RIGHT_MARGIN) / max(len(points), 1)

    def x(index: float) -> float:
        return _LEFT_MARGIN + step * (index + 0.5)

    def y(value: float) -> float:
        return _TOP_MARGIN + (height - _TOP_MARGIN - _BOTTOM_MARGIN) * (1 - value / scale_top)

    elements = [_scale_lines(height, scale_top, format_value)]
    for index, point in enumerate(points):
        if point.low is not None and point.high is not None:
            elements.append(
                _svg_tag(
                    "rect",
                    "band",
                    x=x(index - 0.5),
                    y=y(point.high),
                    width=step,
                    height=y(point.low) - y(point.high),
                )
            )
            elements += [
                _svg_line("limit", x(index - 0.5), y(position), x(index + 0.5), y(position))
                for position in (point.low, point.high)
            ]
    if mean is not None:
        elements.append(_svg_line("mean", _LEFT_MARGIN, y(mean), WIDTH - _RIGHT_MARGIN, y(mean)))
    elements += [
        _svg_path("value", segment)
        for segment in _split_at_gaps([(x(n), point.value) for n, point in enumerate(points)], y)
    ]
    for index, point in enumerate(points):
        if point.value is not None:
            shape = _diamond_mark if point.signal else _circle_mark
            elements.append(
                _add_title(f"{point.label}: {format_value(point.value)}", shape(x(index), y(point.value)))
            )
    for index in _pick_indexes(len(points), 4):
        anchor = "start" if index == 0 else "end" if index == len(points) - 1 else "middle"
        position = x(index) + {"start": -step / 2, "middle": 0, "end": step / 2}[anchor]
        elements.append(_svg_text(position, height - 10, points[index].label, anchor))
    return _svg_image("trend", text, height, elements)


def draw_pareto(text: ChartText, bars: Sequence[ParetoBar]) -> Markup:
    """Draw horizontal bars in the given order, each with its label above it."""
    max_count = max((bar.n for bar in bars), default=1) or 1
    row_height, elements = 40, []
    for index, bar in enumerate(bars):
        top = index * row_height
        elements.append(_svg_text(0, top + 13, _shorten_text(bar.label, 46), "start", "name"))
        length = max((WIDTH - 110) * bar.n / max_count, 2)
        elements.append(
            _add_title(
                f"{bar.label}: {bar.value_text}",
                _svg_tag("rect", "bar", x=0, y=top + 18, width=length, height=14),
            )
        )
        elements.append(_svg_text(length + 6, top + 30, bar.value_text, "start"))
    return _svg_image("pareto", text, max(row_height * len(bars), 1), elements)


def draw_funnel(
    text: ChartText,
    dots: Sequence[FunnelDot],
    limits: Sequence[FunnelLimits],
    target: float,
    format_value: NumberFormat,
) -> Markup:
    """Draw groups by size and value, with the limits that chance alone explains.

    A circle is inside the limits, a triangle beyond those of 95 %, a square beyond those of 99.8 %.
    """
    height = 280
    scale_top = _round_up_scale(
        max([dot.value for dot in dots] + [min(limit.high * 1.6, 100.0) for limit in limits[:1]])
    )
    low, high = (sqrt(limits[0].n), sqrt(limits[-1].n)) if limits else (0.0, 1.0)
    low, high = (low, high) if high > low else (low - 1, high + 1)

    def x(n: float) -> float:
        return (
            _LEFT_MARGIN + 10 + (WIDTH - _LEFT_MARGIN - _RIGHT_MARGIN - 20) * (sqrt(n) - low) / (high - low)
        )

    def y(value: float) -> float:
        return _TOP_MARGIN + (height - _TOP_MARGIN - _BOTTOM_MARGIN) * (1 - min(value, scale_top) / scale_top)

    elements = [
        _scale_lines(height, scale_top, format_value),
        _svg_line("mean", _LEFT_MARGIN, y(target), WIDTH - _RIGHT_MARGIN, y(target)),
    ]
    for css_class, curves in (
        ("limit outer", [[limit.outer_low for limit in limits], [limit.outer_high for limit in limits]]),
        ("limit", [[limit.low for limit in limits], [limit.high for limit in limits]]),
    ):
        for curve in curves:
            points = [(x(limit.n), y(value)) for limit, value in zip(limits, curve, strict=True)]
            elements.append(_svg_path(css_class, points))
    shapes = {"inside": _circle_mark, "beyond_95": _triangle_mark, "beyond_998": _square_mark}
    for dot in dots:
        shape = shapes[dot.zone](x(dot.n), y(dot.value))
        elements.append(_add_title(f"{dot.label}: {format_value(dot.value)}, n = {dot.n}", shape))
    beyond = sorted((dot for dot in dots if dot.zone != "inside"), key=lambda dot: -dot.value)
    for dot in beyond[:6]:
        is_on_right = x(dot.n) > WIDTH * 0.6
        label_x = x(dot.n) + (-8 if is_on_right else 8)
        elements.append(
            _svg_text(
                label_x,
                y(dot.value) + 4,
                _shorten_text(dot.label, 22),
                "end" if is_on_right else "start",
                "name",
            )
        )
    if limits:
        elements.append(_svg_text(x(limits[0].n), height - 10, str(limits[0].n), "start"))
        elements.append(_svg_text(x(limits[-1].n), height - 10, str(limits[-1].n), "end"))
    return _svg_image("funnel", text, height, elements)


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
            _svg_line("rule", x(mark), 0, x(mark), bottom),
            _svg_text(x(mark), bottom + 16, format_value(mark), "middle"),
        ]
    for index, bar in enumerate(bars):
        top = index * row_height
        elements.append(
            _svg_text(0, top + 14, _shorten_text(f"{bar.label}: {bar.value_text}", 48), "start", "name")
        )
        if bar.low is not None and bar.high is not None and bar.value is not None:
            elements.append(_svg_line("whisker", x(bar.low), top + 30, x(bar.high), top + 30))
            elements += [
                _svg_line("whisker", x(end), top + 25, x(end), top + 35) for end in (bar.low, bar.high)
            ]
            elements.append(
                _add_title(f"{bar.label}: {bar.value_text}", _circle_mark(x(bar.value), top + 30))
            )
    return _svg_image("intervals", text, bottom + 24, elements)


def draw_heat_map(
    text: ChartText, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[HeatCell]]]
) -> Markup:
    """Draw a grid whose strongest cells are darkest. Each cell shows its value; cells without one are hatched."""
    label_width, header_height, cell_height = 92, 20, 34
    cell_width = (WIDTH - label_width) / max(len(columns), 1)
    elements = [
        _svg_text(label_width + cell_width * (column_index + 0.5), 13, column, "middle")
        for column_index, column in enumerate(columns)
    ]
    for row_index, (name, cells) in enumerate(rows):
        top = header_height + cell_height * row_index
        elements.append(_svg_text(0, top + 21, _shorten_text(name, 16), "start", "name"))
        for column_index, cell in enumerate(cells):
            cell_x = label_width + cell_width * column_index
            css_class = (
                "heat none" if cell.strength is None else f"heat heat-{min(int(cell.strength * 5), 4)}"
            )
            box = _svg_tag(
                "rect", css_class, x=cell_x + 1, y=top + 1, width=cell_width - 2, height=cell_height - 2, rx=3
            )
            elements.append(_add_title(f"{cell.name}: {cell.value_text}", box))
            if cell.strength is None:
                elements.append(
                    _svg_line("hatch", cell_x + 4, top + cell_height - 5, cell_x + cell_width - 4, top + 5)
                )
            else:
                strong_class = " strong" if cell.strength >= 0.8 else ""
                elements.append(
                    _svg_text(
                        cell_x + cell_width / 2, top + 21, cell.value_text, "middle", f"in{strong_class}"
                    )
                )
    return _svg_image("grid", text, header_height + cell_height * len(rows), elements)


# SVG elements -------------------------------------------------------------------------------------------------


def _svg_image(css_class: str, text: ChartText, height: float, elements: Sequence[Markup]) -> Markup:
    title_id, description_id = f"{text.id}-title", f"{text.id}-about"
    return Markup(
        '<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-labelledby="{} {}">'
        '<title id="{}">{}</title><desc id="{}">{}</desc>{}</svg>'
    ).format(
        css_class,
        WIDTH,
        _format_coordinate(height),
        title_id,
        description_id,
        title_id,
        text.title,
        description_id,
        text.description,
        Markup().join(elements),
    )


def _scale_lines(height: float, scale_top: float, format_value: NumberFormat) -> Markup:
    """Draw horizontal lines with their values at the left."""
    elements = []
    for fraction in (0, 0.5, 1):
        line_y = _TOP_MARGIN + (height - _TOP_MARGIN - _BOTTOM_MARGIN) * (1 - fraction)
        elements += [
            _svg_line("rule", _LEFT_MARGIN, line_y, WIDTH - _RIGHT_MARGIN, line_y),
            _svg_text(_LEFT_MARGIN - 6, line_y + 4, format_value(scale_top * fraction), "end"),
        ]
    return Markup().join(elements)


def _svg_tag(name: str, css_class: str, **attributes: float) -> Markup:
    attribute_text = " ".join(f'{key}="{_format_coordinate(value)}"' for key, value in attributes.items())
    return Markup(f'<{name} class="{css_class}" {attribute_text}/>')


def _svg_line(css_class: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return _svg_tag("line", css_class, x1=x1, y1=y1, x2=x2, y2=y2)


def _svg_path(css_class: str, points: Sequence[tuple[float, float]]) -> Markup:
    steps = " ".join(
        f"{'L' if index else 'M'}{_format_coordinate(x)} {_format_coordinate(y)}"
        for index, (x, y) in enumerate(points)
    )
    return Markup(f'<path class="{css_class}" d="{steps}"/>')


def _circle_mark(x: float, y: float) -> Markup:
    return _svg_tag("circle", "dot", cx=x, cy=y, r=3.5)


def _diamond_mark(x: float, y: float) -> Markup:
    return _svg_polygon("dot beyond", [(x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y)])


def _triangle_mark(x: float, y: float) -> Markup:
    return _svg_polygon("dot aside", [(x, y - 6), (x + 6, y + 5), (x - 6, y + 5)])


def _square_mark(x: float, y: float) -> Markup:
    return _svg_polygon("dot beyond", [(x - 5, y - 5), (x + 5, y - 5), (x + 5, y + 5), (x - 5, y + 5)])


def _svg_polygon(css_class: str, corners: Sequence[tuple[float, float]]) -> Markup:
    points = " ".join(f"{_format_coordinate(x)},{_format_coordinate(y)}" for x, y in corners)
    return Markup(f'<polygon class="{css_class}" points="{points}"/>')


def _svg_text(x: float, y: float, content: str, anchor: str, css_class: str = "mark") -> Markup:
    return Markup(
        f'<text class="{css_class} {anchor}" x="{_format_coordinate(x)}" y="{_format_coordinate(y)}">'
        f"{escape(content)}</text>"
    )


def _add_title(title: str, element: Markup) -> Markup:
    return Markup(f"<g><title>{escape(title)}</title>{element}</g>")


def _format_coordinate(value: float) -> str:
    """Write a coordinate with at most one decimal."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _shorten_text(text: str, max_length: int) -> str:
    return text if len(text) <= max_length else f"{text[: max_length - 1].rstrip()}…"


def _round_up_scale(value: float) -> float:
    """Return a round number of percent somewhat above the value, as the top of a scale."""
    return next(
        (round_value for round_value in (1, 2, 4, 6, 10, 20, 30, 40, 60, 80) if value <= round_value * 0.97),
        100,
    )


def _pick_indexes(total: int, max_count: int) -> list[int]:
    """Return the first index, the last, and some evenly between, at most ``max_count``."""
    if total <= 1:
        return [0] * total
    count = min(max_count, total)
    return sorted({round((total - 1) * step / (count - 1)) for step in range(count)})


def _split_at_gaps(
    points: Sequence[tuple[float, float | None]], y: Callable[[float], float]
) -> list[list[tuple[float, float]]]:
    """Split the points into lines that break where a value is missing."""
    segments: list[list[tuple[float, float]]] = [[]]
    for x, value in points:
        if value is None:
            segments.append([])
        else:
            segments[-1].append((x, y(value)))
    return [segment for segment in segments if len(segment) > 1]
