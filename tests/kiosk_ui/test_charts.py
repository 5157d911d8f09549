"""Charts are valid SVG with a title and a description, without inline styles or active content."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from feedback_service.figures.funnel_plot import Limits
from kiosk_ui import charts
from kiosk_ui.assets import STATIC
from kiosk_ui.charts import FunnelDot, HeatCell, IntervalBar, ParetoBar, TrendPoint
from kiosk_ui.svg import ChartText
from tests.support.payloads import PAYLOADS

LIMITS = [Limits(10, 0, 0, 0.1, 0.2), Limits(400, 0.005, 0.01, 0.03, 0.04)]


def format_percent(value: float) -> str:
    return f"{value:.1f} %"


def draw_all_charts(text: str = "Слово") -> dict[str, Markup]:
    """Draw one chart of each kind, with this text wherever a text may be."""
    words = ChartText("id", text, text)
    return {
        "trend": charts.draw_trend(
            words,
            [
                TrendPoint(text, 2.0, 0.0, 6.0, False),
                TrendPoint(text, None, None, None, False),
                TrendPoint(text, 9.0, 0.0, 6.0, True),
            ],
            2.5,
            format_percent,
        ),
        "pareto": charts.draw_pareto(words, [ParetoBar(text, 12, text), ParetoBar(text, 3, text)]),
        "funnel": charts.draw_funnel(
            words,
            [
                FunnelDot(text, 20, 2.0, "inside"),
                FunnelDot(text, 90, 8.0, "beyond_95"),
                FunnelDot(text, 300, 9.0, "beyond_998"),
            ],
            LIMITS,
            2.0,
            format_percent,
        ),
        "intervals": charts.draw_intervals(
            words,
            [IntervalBar(text, 50.0, 40.0, 60.0, text), IntervalBar(text, None, None, None, text)],
            (-100, 0, 100),
            format_percent,
        ),
        "heat": charts.draw_heat_map(
            words, [text, text], [(text, [HeatCell(1.0, text, text), HeatCell(None, text, text)])]
        ),
    }


def parse_chart(chart: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(str(chart))


@pytest.mark.parametrize("name", draw_all_charts())
def test_every_chart_is_an_image_with_a_title_and_a_description(name: str) -> None:
    chart = parse_chart(draw_all_charts()[name])

    assert (chart.tag, chart.get("role")) == ("svg", "img")
    title, about = chart[0], chart[1]
    assert (title.tag, title.text, about.tag, about.text) == ("title", "Слово", "desc", "Слово")
    assert chart.get("aria-labelledby") == f"{title.get('id')} {about.get('id')}"


@pytest.mark.parametrize("name", draw_all_charts())
def test_no_chart_chooses_its_own_colours_or_carries_anything_inline(name: str) -> None:
    styles = {"style", "fill", "stroke", "font-size", "onload", "onclick"}
    elements = list(parse_chart(draw_all_charts()[name]).iter())

    assert len(elements) >= 13
    for element in elements:
        assert not styles & set(element.attrib), element.tag
        assert element.tag not in ("script", "style", "foreignObject", "a", "image", "use")


def test_every_class_of_a_chart_has_a_style() -> None:
    sheet = (STATIC / "charts.css").read_text()
    used = {
        name
        for chart in draw_all_charts().values()
        for element in parse_chart(chart).iter()
        for name in element.get("class", "").split()
    } - {"trend", "funnel", "grid", "mark"}
    assert {name for name in used if f".{name}" not in sheet} == set()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_text_that_would_run_is_only_a_text(payload: str) -> None:
    for name, chart in draw_all_charts(payload).items():
        plain = {element.tag for element in parse_chart(draw_all_charts()[name]).iter()}
        assert {element.tag for element in parse_chart(chart).iter()} <= plain


@pytest.mark.parametrize(
    "drawn",
    [
        lambda: charts.draw_trend(ChartText("id", "t", "d"), [], None, format_percent),
        lambda: charts.draw_trend(
            ChartText("id", "t", "d"), [TrendPoint("м", 0.0, None, None, False)], 0.0, format_percent
        ),
        lambda: charts.draw_pareto(ChartText("id", "t", "d"), []),
        lambda: charts.draw_funnel(
            ChartText("id", "t", "d"), [FunnelDot("a", 9, 0.0, "inside")], LIMITS[:1], 0.0, format_percent
        ),
        lambda: charts.draw_heat_map(ChartText("id", "t", "d"), [], []),
    ],
)
def test_little_or_nothing_can_be_drawn_too(drawn: Callable[[], Markup]) -> None:
    assert parse_chart(drawn()).tag == "svg"


def test_what_is_out_of_the_ordinary_has_another_shape_and_not_only_another_colour() -> None:
    shapes = [
        element.tag for element in parse_chart(draw_all_charts()["trend"]).iter() if "dot" in element.get("class", "")
    ]
    assert sorted(shapes) == ["circle", "polygon"]
    funnel = parse_chart(draw_all_charts()["funnel"])
    corners = [len(element.get("points", "").split()) for element in funnel.iter("polygon")]
    assert sorted(corners) == [3, 4]
    assert len(list(funnel.iter("circle"))) == 1


def test_a_line_breaks_where_a_period_is_not_told() -> None:
    moments = [TrendPoint("м", value, None, None, False) for value in (1.0, 2.0, None, 1.0, 3.0)]
    drawn = parse_chart(charts.draw_trend(ChartText("id", "t", "d"), moments, None, format_percent))
    assert [path.get("class") for path in drawn.iter("path")] == ["value", "value"]


def test_nothing_is_drawn_beside_the_picture() -> None:
    for name, chart in draw_all_charts("Дуже довга назва послуги, яка не вміщається в один рядок діаграми").items():
        image = parse_chart(chart)
        width, height = (float(part) for part in image.get("viewBox", "").split()[2:])
        placed = 0
        for element in image.iter():
            for at, most in (
                ("x", width),
                ("x1", width),
                ("x2", width),
                ("cx", width),
                ("y", height),
                ("cy", height),
            ):
                if element.get(at) is not None:
                    assert -1 <= float(element.get(at, "")) <= most + 1, (name, element.attrib)
                    placed += 1
        assert placed >= 12, name
