"""Elements of SVG images; every text is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

# The shapes of marks beside the circle: their class, and their corners as seen from the middle.
_POLYGONS: Mapping[str, tuple[str, Sequence[tuple[float, float]]]] = {
    "diamond": ("dot beyond", ((0, -7), (7, 0), (0, 7), (-7, 0))),
    "triangle": ("dot aside", ((0, -6), (6, 5), (-6, 5))),
    "square": ("dot beyond", ((-5, -5), (5, -5), (5, 5), (-5, 5))),
}


@dataclass(frozen=True, slots=True)
class ChartText:
    """The title of a chart and a description for people who cannot see it; ``id`` is unique on the page."""

    id: str
    title: str
    description: str


def draw_image(css_class: str, text: ChartText, width: float, height: float, elements: Iterable[Markup]) -> Markup:
    """Draw an image of these elements, with its title and description."""
    title_id, description_id = escape(f"{text.id}-title"), escape(f"{text.id}-about")
    return Markup(
        f'<svg class="chart {css_class}" viewBox="0 0 {width} {_format_coordinate(height)}" role="img" '
        f'aria-labelledby="{title_id} {description_id}"><title id="{title_id}">{escape(text.title)}</title>'
        f'<desc id="{description_id}">{escape(text.description)}</desc>{Markup().join(elements)}</svg>'
    )


def draw_element(name: str, css_class: str, content: str | None = None, **attributes: float | str) -> Markup:
    """Draw an element; texts of ``attributes`` must need no escaping."""
    values = ((key, each if isinstance(each, str) else _format_coordinate(each)) for key, each in attributes.items())
    opening = f'<{name} class="{css_class}" ' + " ".join(f'{key}="{value}"' for key, value in values)
    return Markup(f"{opening}/>" if content is None else f"{opening}>{escape(content)}</{name}>")


def draw_line(css_class: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """Draw a straight line."""
    return draw_element("line", css_class, x1=x1, y1=y1, x2=x2, y2=y2)


def draw_path(css_class: str, points: Iterable[tuple[float, float]]) -> Markup:
    """Draw a line through these points."""
    corners = " L".join(f"{_format_coordinate(x)} {_format_coordinate(y)}" for x, y in points)
    return draw_element("path", css_class, d=f"M{corners}")


def draw_mark(shape: str, x: float, y: float) -> Markup:
    """Draw the mark of a value: a circle, diamond, triangle or square."""
    if shape == "circle":
        return draw_element("circle", "dot", cx=x, cy=y, r=3.5)
    css_class, corners = _POLYGONS[shape]
    points = " ".join(f"{_format_coordinate(x + dx)},{_format_coordinate(y + dy)}" for dx, dy in corners)
    return draw_element("polygon", css_class, points=points)


def draw_text(x: float, y: float, content: str, anchor: str, css_class: str = "mark") -> Markup:
    """Draw a text that starts, ends or has its middle at ``x``."""
    return draw_element("text", f"{css_class} {anchor}", content, x=x, y=y)


def add_title(title: str, element: Markup) -> Markup:
    """Give an element a title, which a pointer shows."""
    return Markup(f"<g><title>{escape(title)}</title>{element}</g>")


def _format_coordinate(value: float) -> str:
    """Write a coordinate with at most one decimal."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
