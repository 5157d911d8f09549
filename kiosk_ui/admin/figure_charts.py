"""The charts of the pages with figures: figures and labels put into the shapes that ``kiosk_ui.charts`` draws."""

from collections.abc import Sequence

from flask_babel import gettext as _
from markupsafe import Markup

from feedback_service.figures.breakdown import Breakdown
from feedback_service.figures.channel_comparison import ChannelComparison
from feedback_service.figures.overview import Overview, Trend
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.vocabulary import PARTS_OF_DAY
from kiosk_ui import charts
from kiosk_ui.admin import labels
from kiosk_ui.languages import format_number
from kiosk_ui.svg import ChartText


def draw_trend_chart(trend: Trend) -> Markup | None:
    """Draw the share of bad answers over time, or ``None`` if nobody answered."""
    if not any(bad is not None and bad.n for bad in trend.bad):
        return None
    points = [
        charts.TrendPoint(
            label=labels.period_label(trend.by, key),
            value=bad.share if bad else None,
            low=None if point.low is None else point.low * 100,
            high=None if point.high is None else point.high * 100,
            signal=point.limit_exceeded is not None,
        )
        for key, bad, point in zip(trend.keys, trend.bad, trend.chart.points, strict=True)
    ]
    signals = sum(point.signal for point in points)
    text = ChartText(
        f"trend-{trend.front_office}",
        _("Share of bad answers over time: %(office)s", office=labels.office_label(trend.front_office)),
        _(
            "%(periods)s periods, %(signals)s of them beyond the control limits. The same numbers are in the table.",
            periods=format_number(len(points)),
            signals=format_number(signals),
        ),
    )
    mean = None if trend.chart.mean is None else trend.chart.mean * 100
    return charts.draw_trend(text, points, mean, _format_axis_value)


def draw_reason_chart(overview: Overview, questionnaires: Sequence[Questionnaire]) -> Markup | None:
    """Draw how often each of the ten most frequent reasons was named, or ``None`` without any."""
    if not overview.reasons:
        return None
    reason_texts = labels.reason_texts(questionnaires)
    bars = [
        charts.ParetoBar(
            reason_texts.get(reason.name, reason.name),
            reason.n,
            f"{format_number(reason.n)} · {format_number(reason.upto, 0)}\u00a0%",
        )
        for reason in overview.reasons[:10]
    ]
    text = ChartText(
        "pareto",
        _("What was not good, most named first"),
        _("Beside each: how often it was named, and the share that it makes with those above."),
    )
    return charts.draw_pareto(text, bars)


def draw_funnel_chart(breakdown: Breakdown) -> Markup | None:
    """Draw the share of bad answers of each group against its size, or ``None`` where too few answered."""
    overall = breakdown.whole
    if overall is None or overall.share is None or not breakdown.curve:
        return None
    dots = [
        charts.FunnelDot(
            labels.group_label(breakdown.by, group.key, group.title), group.bad.n, group.bad.share or 0.0, group.place
        )
        for group in breakdown.groups
        if group.bad is not None and group.bad.n and group.place is not None
    ]
    text = ChartText(
        f"funnel-{breakdown.front_office}",
        _(
            "Share of bad answers by the number of answers: %(office)s",
            office=labels.office_label(breakdown.front_office),
        ),
        _(
            "The line is the share of all, %(share)s. Within the inner limits 95 %% lie by chance, within the outer "
            "ones 99.8 %%. Triangles are beyond the inner limits, squares beyond the outer ones.",
            share=labels.format_percent(overall.share),
        ),
    )
    return charts.draw_funnel(text, dots, breakdown.curve, 100 * overall.count / overall.n, _format_axis_value)


def draw_week_chart(breakdown: Breakdown) -> Markup:
    """Draw the share of bad answers by weekday and part of the day."""
    groups = {group.key: group for group in breakdown.groups}
    shares = [group.bad.share for group in breakdown.groups if group.bad is not None and group.bad.share is not None]
    highest = max(shares, default=0.0) or 1.0

    def make_cell(key: str) -> charts.HeatCell:
        group = groups.get(key)
        share = group.bad.share if group is not None and group.bad is not None else None
        name = labels.part_of_week_label(key)
        if share is None:
            return charts.HeatCell(None, _("too few answers"), name)
        return charts.HeatCell(share / highest, format_number(share, 1), name)

    rows = [
        (_(labels.PART_OF_DAY_LABELS[part_of_day]), [make_cell(f"{day}-{part_of_day}") for day in range(1, 8)])
        for part_of_day in PARTS_OF_DAY
    ]
    text = ChartText(
        f"heat-{breakdown.front_office}",
        _("Share of bad answers by time of the week: %(office)s", office=labels.office_label(breakdown.front_office)),
        _("In percent. The darker, the more bad answers; hatched: too few answers to show."),
    )
    return charts.draw_heat_map(text, labels.weekday_names(), rows)


def draw_channel_chart(comparison: ChannelComparison) -> Markup:
    """Draw the loyalty index of each channel with its interval of 95 %."""
    bars = []
    for channel in comparison.channels:
        index, name = channel.index, _(labels.CHANNEL_LABELS[channel.name])
        if index is None or index.value is None or index.interval is None:
            missing_text = _(labels.TOO_FEW_TO_SHOW if index is None else labels.NOBODY_ANSWERED)
            bars.append(charts.IntervalBar(name, None, None, None, missing_text))
        else:
            value, (low, high) = float(index.value), index.interval
            value_text = f"{format_number(value, 1)} ({labels.format_interval((low, high))})"
            bars.append(charts.IntervalBar(name, value, low, high, value_text))
    text = ChartText(
        f"channels-{comparison.front_office}",
        _("Loyalty index by the way of asking: %(office)s", office=labels.office_label(comparison.front_office)),
        _("Each with its interval of 95 %, on the scale from −100 to 100."),
    )
    return charts.draw_intervals(text, bars, (-100, 0, 100), format_number)


def _format_axis_value(percent: float) -> str:
    return f"{format_number(percent, 0 if percent == int(percent) else 1)}\u00a0%"
