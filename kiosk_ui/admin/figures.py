"""The figures: the overview, what is behind it told apart, sources compared, and every table to take away."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Response, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from feedback_service import clock, exports
from feedback_service.access import roles
from feedback_service.errors import ChangedMeanwhile, Invalid, NotFound
from feedback_service.exports import ExportTable
from feedback_service.figures.breakdown import Breakdown
from feedback_service.figures.channel_comparison import ChannelComparison
from feedback_service.figures.overview import Overview, Trend
from feedback_service.flow import dashboard, explanations
from feedback_service.flow.dashboard import Heading
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.vocabulary import PARTS_OF_DAY
from kiosk_ui import charts
from kiosk_ui.admin import labels, tables
from kiosk_ui.admin.admission import SIGNED_IN, centre_of, needs, sight, visitor
from kiosk_ui.admin.forms import form_errors
from kiosk_ui.admin.layout import back_to, show
from kiosk_ui.admin.view_query import PARTS, Asked, asked, presets
from kiosk_ui.languages import format_number


@dataclass(frozen=True, slots=True)
class Shown:
    """A table of a page with the chart above it and the addresses of its exports."""

    table: ExportTable
    chart: Markup | None
    exports: tuple[tuple[str, str], ...]


@needs(SIGNED_IN)
def home() -> ResponseReturnValue:
    """One screen: is something urgent, are we rated, how are we doing, what hurts, does the ministry get it."""
    here = _asked()
    if here is None:
        return show("admin/home.html", sight=sight())
    read = dashboard.read_overview_page(visitor(), here.view, here.centre.code if here.centre else None)
    overview, published = read.overview, read.questionnaires
    drawn = {
        "reasons": _pareto(overview, published),
        **{f"trend-{trend.front_office}": _trend(trend) for trend in overview.trends},
    }
    shown = {
        name: Shown(made(overview, published), drawn.get(name), _exports(here, name))
        for name, made in tables.OF_OVERVIEW.items()
    }
    return _show(
        "admin/overview.html",
        here,
        read.heading,
        overview=overview,
        shown=shown,
        questions=labels.question_texts(published),
        alarms=read.alarms,
        sums=read.delivery_totals,
        paused=read.channel_paused,
        tablets=read.tablets_with_warnings,
        comments=_comments(here),
    )


def _comments(here: Asked) -> str | None:
    """Where one reads what displeased people wrote whose answers are shown here; ``None`` if there is no such page."""
    by = here.chosen[0] if here.chosen else None
    if (
        here.centre is None
        or by not in (None, "service", "language")
        or not visitor().has_right(roles.COMMENTS)
    ):
        return None
    return f"{url_for('admin.comments', centre=here.centre.code)}?{here.address(centre=None, poor=1)}"


@needs(roles.AGGREGATES)
def breakdown() -> ResponseReturnValue:
    """The figures told apart ``by`` service, provider, window, time of the week, language or source."""
    here = _asked()
    if here is None:
        return show("admin/home.html", sight=sight())
    by, here = _told_apart(here)
    read = dashboard.read_breakdown_page(here.view, by)
    parts = []
    for part in read.breakdowns:
        if part.groups:
            drawn, table = _heat(part) if by == "part_of_week" else _funnel(part), tables.broken_down(part)
            parts.append((part, Shown(table, drawn, _exports(here, table.name))))

    def linked(key: str | None) -> str | None:
        """Where one group is looked at alone."""
        if key is None or by not in PARTS:
            return None
        return f"{url_for('admin.home')}?{here.address(**{by: key})}"

    return _show("admin/breakdown.html", here, read.heading, by=by, parts_shown=parts, linked=linked)


@needs(roles.AGGREGATES)
def compared() -> ResponseReturnValue:
    """The same questions by phone, by tablet and asked by staff, and why they differ."""
    if _asked() is None:
        return show("admin/home.html", sight=sight())
    return _compared()


@needs(roles.EXPLANATIONS)
def explain() -> ResponseReturnValue:
    """A new version of the explanation is kept, unless somebody else wrote one meanwhile: then both are shown."""
    here = _asked()
    if here is None or here.centre is None:
        raise NotFound()
    view, typed = here.view, request.form.get("text", "")
    seen = request.form.get("after", "0")
    try:
        explanations.add_explanation(
            visitor(),
            here.centre.code,
            view.first,
            view.last,
            explanation=typed,
            after_version=int(seen) if seen.isdecimal() and len(seen) < 9 else 0,
        )
    except Invalid as refusal:
        return _compared(422, typed=typed, errors=form_errors(refusal))
    except ChangedMeanwhile:
        return _compared(409, typed=typed, changed=True)
    query = {"centre": here.centre.code, "from": view.first.isoformat(), "to": view.last.isoformat()}
    return back_to("admin.compared", **query, saved="")


@needs(roles.AGGREGATES)
def export() -> ResponseReturnValue:
    """A ``table`` of the figures as a file: ``csv``, ``xlsx`` or ``json`` by ``format``."""
    here, kind = _asked(), request.args.get("format", "csv")
    made = _table(here, request.args.get("table", "offices")) if here is not None else None
    if made is None or kind not in exports.FORMATS:
        raise NotFound()
    form = exports.FORMATS[kind]
    response = Response(stream_with_context(form.write(made)), content_type=form.type)
    assert here is not None
    period = f"{here.view.first}_{here.view.last}"
    response.headers["Content-Disposition"] = f'attachment; filename="vidhuk-{made.name}-{period}.{kind}"'
    return response


def _told_apart(here: Asked) -> tuple[str, Asked]:
    """By what the address wants the view told apart; something near, and a sentence, if it cannot be."""
    by = request.args.get("by", "") or here.breakdowns[0]
    if by in here.breakdowns:
        return by, here
    first = here.breakdowns[0]
    sentence = _(
        "The figures cannot be told apart like that here; they are by %(what)s.",
        what=_(labels.BREAKDOWN_LABELS[first]),
    )
    return first, replace(here, corrections=(*here.corrections, sentence))


def _table(here: Asked, name: str) -> ExportTable | None:
    """The table of that name as the view's pages show it."""
    if name in tables.OF_OVERVIEW:
        overview, published = dashboard.read_overview(here.view)
        return tables.OF_OVERVIEW[name](overview, published)
    kind, _, office = name.rpartition("-")
    if kind in ("channels", "differences"):
        make = tables.compared if kind == "channels" else tables.differences
        channels = dashboard.read_channels(here.view)
        return next((make(part) for part in channels if part.front_office == office), None)
    if kind in here.breakdowns:
        parts = dashboard.read_breakdown_page(here.view, kind).breakdowns
        return next((tables.broken_down(part) for part in parts if part.front_office == office), None)
    return None


def _compared(
    status: int = 200, *, typed: str | None = None, errors: Sequence[object] = (), changed: bool = False
) -> Response:
    here = _asked()
    if here is None:
        raise NotFound()
    code = here.centre.code if here.centre else None
    read = dashboard.read_channel_page(visitor(), here.view, code)
    written = read.explanations
    return _show(
        "admin/compared.html",
        here,
        read.heading,
        status,
        parts_shown=[
            (
                part,
                Shown(
                    tables.compared(part), _channels(part), _exports(here, f"channels-{part.front_office}")
                ),
                Shown(tables.differences(part), None, _exports(here, f"differences-{part.front_office}")),
            )
            for part in read.comparisons
            if any(channel.index and channel.index.n for channel in part.channels)
        ],
        written=written,
        typed=typed if typed is not None else (written[0].text if written else ""),
        errors=errors,
        changed=changed,
        saved="saved" in request.args,
        may_write=visitor().has_right(roles.EXPLANATIONS) and here.centre is not None,
    )


def _asked() -> Asked | None:
    """What this address asks for; the journal will name the centre."""
    if not visitor().has_right(roles.AGGREGATES):
        return None
    found = asked(request.args, sight(), clock.kyiv_day(clock.now()))
    if found is not None and found.centre is not None:
        centre_of(found.centre.code)
    return found


def _show(template: str, here: Asked, heading: Heading, status: int = 200, **context: object) -> Response:
    by, key = here.chosen or (None, None)
    return show(
        template,
        status,
        here=here,
        sight=sight(),
        presets=list(presets(clock.kyiv_day(clock.now()))),
        chosen=labels.group_label(by, key, heading.chosen_title) if by else None,
        words=labels,
        confirmed=heading.is_confirmed,
        **context,
    )


def _exports(here: Asked, name: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (kind.upper(), f"{url_for('admin.export')}?{here.address(table=name, format=kind)}")
        for kind in exports.FORMATS
    )


# Charts -------------------------------------------------------------------------------------------------------


def _trend(line: Trend) -> Markup | None:
    if not any(bad is not None and bad.n for bad in line.bad):
        return None
    moments = [
        charts.TrendPoint(
            label=labels.period_label(line.by, key),
            value=bad.share if bad else None,
            low=None if point.low is None else point.low * 100,
            high=None if point.high is None else point.high * 100,
            signal=point.signal is not None,
        )
        for key, bad, point in zip(line.keys, line.bad, line.chart.points, strict=True)
    ]
    signals = sum(moment.signal for moment in moments)
    about = charts.ChartText(
        f"trend-{line.front_office}",
        _(
            "Share of bad answers over time: %(office)s",
            office=_(labels.FRONT_OFFICE_LABELS[line.front_office]),
        ),
        _(
            "%(periods)s periods, %(signals)s of them beyond the control limits. The same numbers are in the table.",
            periods=format_number(len(moments)),
            signals=format_number(signals),
        ),
    )
    mean = None if line.chart.mean is None else line.chart.mean * 100
    return charts.draw_trend(about, moments, mean, _axis)


def _pareto(overview: Overview, published: Sequence[Questionnaire]) -> Markup | None:
    if not overview.reasons:
        return None
    reason_words = labels.reasons(published)
    bars = [
        charts.ParetoBar(
            reason_words.get(reason.name, reason.name),
            reason.n,
            f"{format_number(reason.n)} · {format_number(reason.upto, 0)}\u00a0%",
        )
        for reason in overview.reasons[:10]
    ]
    about = charts.ChartText(
        "pareto",
        _("What was not good, most named first"),
        _("Beside each: how often it was named, and the share that it makes with those above."),
    )
    return charts.draw_pareto(about, bars)


def _funnel(part: Breakdown) -> Markup | None:
    whole = part.whole
    if whole is None or whole.share is None or not part.curve:
        return None
    dots = [
        charts.FunnelDot(
            labels.group_label(part.by, group.key, group.title),
            group.bad.n,
            group.bad.share or 0.0,
            group.place,
        )
        for group in part.groups
        if group.bad is not None and group.bad.n and group.place is not None
    ]
    limits = [
        charts.FunnelLimits(one.n, one.outer_low * 100, one.low * 100, one.high * 100, one.outer_high * 100)
        for one in part.curve
    ]
    about = charts.ChartText(
        f"funnel-{part.front_office}",
        _(
            "Share of bad answers by the number of answers: %(office)s",
            office=_(labels.FRONT_OFFICE_LABELS[part.front_office]),
        ),
        _(
            "The line is the share of all, %(share)s. Within the inner limits 95 %% lie by chance, within the outer "
            "ones 99.8 %%. Triangles are beyond the inner limits, squares beyond the outer ones.",
            share=labels.format_percent(whole.share),
        ),
    )
    return charts.draw_funnel(about, dots, limits, 100 * whole.count / whole.n, _axis)


def _heat(part: Breakdown) -> Markup:
    groups = {group.key: group for group in part.groups}
    shares = [
        group.bad.share for group in part.groups if group.bad is not None and group.bad.share is not None
    ]
    most = max(shares, default=0.0) or 1.0

    def cell(key: str) -> charts.HeatCell:
        group = groups.get(key)
        share = group.bad.share if group is not None and group.bad is not None else None
        told = _("too few answers") if share is None else labels.format_percent(share)
        return charts.HeatCell(
            None if share is None else share / most,
            told if share is None else format_number(share, 1),
            labels.part_of_week_label(key),
        )

    rows = [
        (_(labels.PART_OF_DAY_LABELS[part_of_day]), [cell(f"{day}-{part_of_day}") for day in range(1, 8)])
        for part_of_day in PARTS_OF_DAY
    ]
    about = charts.ChartText(
        f"heat-{part.front_office}",
        _(
            "Share of bad answers by time of the week: %(office)s",
            office=_(labels.FRONT_OFFICE_LABELS[part.front_office]),
        ),
        _("In percent. The darker, the more bad answers; hatched: too few answers to show."),
    )
    return charts.draw_heat_map(about, labels.weekday_names(), rows)


def _channels(comparison: ChannelComparison) -> Markup:
    spans = []
    for channel in comparison.channels:
        index, name = channel.index, _(labels.CHANNEL_LABELS[channel.name])
        if index is None or index.value is None or index.interval is None:
            instead = _(labels.TOO_FEW_TO_SHOW if index is None else labels.NOBODY_ANSWERED)
            spans.append(charts.IntervalBar(name, None, None, None, instead))
        else:
            value, (low, high) = float(index.value), index.interval
            spelled = f"{format_number(value, 1)} ({labels.format_interval((low, high))})"
            spans.append(charts.IntervalBar(name, value, low, high, spelled))
    about = charts.ChartText(
        f"channels-{comparison.front_office}",
        _(
            "Loyalty index by the way of asking: %(office)s",
            office=_(labels.FRONT_OFFICE_LABELS[comparison.front_office]),
        ),
        _("Each with its interval of 95 %, on the scale from −100 to 100."),
    )
    return charts.draw_intervals(about, spans, (-100, 0, 100), format_number)


def _axis(value: float) -> str:
    return f"{format_number(value, 0 if value == int(value) else 1)}\u00a0%"
