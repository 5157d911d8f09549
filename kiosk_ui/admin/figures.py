"""The pages with figures: the overview, breakdowns, channels compared; and every table of them as a file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from feedback_service import clock, exports
from feedback_service.access import roles
from feedback_service.errors import ChangedMeanwhile, Invalid, NotFound
from feedback_service.exports import ExportTable
from feedback_service.flow import dashboard, explanations
from feedback_service.flow.dashboard import Heading
from kiosk_ui.admin import figure_charts, labels, tables
from kiosk_ui.admin.admission import (
    SIGNED_IN,
    current_user,
    current_visibility,
    needs,
    visible_centres,
)
from kiosk_ui.admin.audit_log import note_read, period_parameter
from kiosk_ui.admin.figure_view import SUBSET_ARGUMENTS, FigureView, list_period_presets, read_figure_view
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.paging import cut_page
from kiosk_ui.forms import form_errors, sent_version
from kiosk_ui.pages import respond_with_page


@dataclass(frozen=True, slots=True)
class FigureSection:
    """A table of a page, the chart above it, and its files as pairs of format and address."""

    table: ExportTable
    chart: Markup | None
    exports: Sequence[tuple[str, str]]


@needs(SIGNED_IN)
def home() -> ResponseReturnValue:
    """Show on one screen what is urgent, how many people answer, the indicators, and deliveries."""
    view = _read_view()
    if view is None:
        return _show_home_without_figures()
    page = dashboard.read_overview_page(current_user(), view.query, view.centre.code if view.centre else None)
    overview, questionnaires = page.overview, page.questionnaires
    _note_read(view, "home")
    charts = {
        "reasons": figure_charts.draw_reason_chart(overview, questionnaires),
        **{f"trend-{trend.front_office}": figure_charts.draw_trend_chart(trend) for trend in overview.trends},
    }
    sections = {
        name: _make_section(view, make_table(overview, questionnaires), charts.get(name))
        for name, make_table in tables.OVERVIEW_TABLES.items()
    }
    return _respond_with_figures(
        "admin/overview.html",
        view,
        page.heading,
        overview=overview,
        sections=sections,
        open_alarms=page.alarms,
        delivery_totals=page.delivery_totals,
        is_channel_failing=page.channel_failing,
        tablets_with_warnings=page.tablets_with_warnings,
        comments_url=_comments_url(view),
    )


@needs(roles.AGGREGATES)
def breakdown() -> ResponseReturnValue:
    """Show the figures ``by`` service, provider, window, time of the week, language or source."""
    view = _read_view()
    if view is None:
        return _show_home_without_figures()
    by, view = _read_breakdown(view)
    page = dashboard.read_breakdown_page(view.query, by)
    _note_read(view, "breakdown", by=by)
    draw_chart = figure_charts.draw_week_chart if by == "part_of_week" else figure_charts.draw_funnel_chart
    front_offices = [
        (part, _make_section(view, tables.make_breakdown_table(part), draw_chart(part)))
        for part in page.breakdowns
        if part.groups
    ]

    def group_url(key: str | None) -> str | None:
        """Return the address of the overview of one group alone, if there is one."""
        if key is None or by not in SUBSET_ARGUMENTS:
            return None
        return f"{url_for('admin.home')}?{view.query_string(**{by: key})}"

    return _respond_with_figures(
        "admin/breakdown.html", view, page.heading, by=by, front_offices=front_offices, group_url=group_url
    )


@needs(roles.AGGREGATES)
def compared() -> ResponseReturnValue:
    """Show the same questions by phone, by tablet and asked by staff, and the centre's explanation of differences."""
    view = _read_view()
    return _show_home_without_figures() if view is None else _show_comparison(view)


@needs(roles.EXPLANATIONS)
def explain() -> ResponseReturnValue:
    """Store a new version of the explanation. If somebody else wrote one meanwhile, show both instead."""
    view = _read_view()
    if view is None or view.centre is None:
        raise NotFound()
    first, last = view.query.first, view.query.last
    text = request.form.get("text", "")
    try:
        explanations.add_explanation(
            current_user(), view.centre.code, first, last, explanation=text, after_version=sent_version("after")
        )
    except Invalid as refusal:
        return _show_comparison(view, 422, text, errors=form_errors(refusal))
    except ChangedMeanwhile:
        return _show_comparison(view, 409, text, changed_meanwhile=True)
    arguments = {"centre": view.centre.code, "from": first.isoformat(), "to": last.isoformat()}
    return redirect_to("admin.compared", **arguments, saved="")


@needs(roles.AGGREGATES)
def export() -> ResponseReturnValue:
    """Send a ``table`` of the figures as a file: ``csv``, ``xlsx`` or ``json`` by ``format``."""
    view, format_name = _read_view(), request.args.get("format", "csv")
    if view is None or format_name not in exports.FORMATS:
        raise NotFound()
    table = _find_table(view, request.args.get("table", "offices"))
    if table is None:
        raise NotFound()
    _note_read(view, "export", table=table.name, format=format_name)
    file_name = f"vidhuk-{table.name}-{view.query.first}_{view.query.last}"
    return tables.send_table(table, format_name, file_name)


def _read_view() -> FigureView | None:
    """Return the view that the address asks for, ``None`` for a user who may see no figures or no centre."""
    if not current_user().has_right(roles.AGGREGATES):
        return None
    return read_figure_view(request.args, current_visibility(), clock.kyiv_day(clock.now()))


def _note_read(view: FigureView, page: str, **more: str) -> None:
    """Note for the audit log who read which figures; called when they are read, so a refusal is not noted."""
    query = view.query
    chosen_group = {} if view.chosen_group is None else {view.chosen_group[0]: view.chosen_group[1]}
    period = period_parameter(query.first, query.last)
    parameters = {"period": period, "front_office": query.front_office, "source": query.source, **chosen_group, **more}
    note_read(page, query.centres, parameters)


def _read_breakdown(view: FigureView) -> tuple[str, FigureView]:
    """Return the breakdown that the address asks for; if it cannot be made, another one and a sentence about it."""
    by = request.args.get("by", "") or view.breakdowns[0]
    if by in view.breakdowns:
        return by, view
    first = view.breakdowns[0]
    correction = _(
        "The figures cannot be told apart like that here; they are by %(what)s.", what=_(labels.BREAKDOWN_LABELS[first])
    )
    return first, replace(view, corrections=(*view.corrections, correction))


def _find_table(view: FigureView, name: str) -> ExportTable | None:
    """Return the table of this name as the pages show it."""
    if name in tables.OVERVIEW_TABLES:
        overview, questionnaires = dashboard.read_overview(view.query)
        return tables.OVERVIEW_TABLES[name](overview, questionnaires)
    kind, _hyphen, front_office = name.rpartition("-")
    if kind in ("channels", "differences"):
        make_table = tables.make_channel_table if kind == "channels" else tables.make_difference_table
        comparisons = dashboard.read_channels(view.query)
        return next((make_table(part) for part in comparisons if part.front_office == front_office), None)
    parts = dashboard.read_breakdown_page(view.query, kind).breakdowns if kind in view.breakdowns else ()
    own_parts = (part for part in parts if part.front_office == front_office)
    return next((tables.make_breakdown_table(part) for part in own_parts), None)


def _comments_url(view: FigureView) -> str | None:
    """Return the page with the comments of displeased people on the answers of this view, ``None`` if there is none."""
    by = view.chosen_group[0] if view.chosen_group else None
    may_read = current_user().has_right(roles.COMMENTS)
    if view.centre is None or by not in (None, "service", "language") or not may_read:
        return None
    page_url = url_for("admin.comments", centre=view.centre.code)
    return f"{page_url}?{view.query_string(centre=None, poor=1)}"


def _show_comparison(
    view: FigureView, status: int = 200, explanation_text: str | None = None, **context: object
) -> Response:
    """Show the channels compared. ``explanation_text`` is what was typed, if it was not stored."""
    page = dashboard.read_channel_page(current_user(), view.query, view.centre.code if view.centre else None)
    _note_read(view, "compared")
    if explanation_text is None:
        explanation_text = page.explanations[0].text if page.explanations else ""
    front_offices = []
    for part in page.comparisons:
        if any(channel.index and channel.index.n for channel in part.channels):
            channels = _make_section(view, tables.make_channel_table(part), figure_charts.draw_channel_chart(part))
            front_offices.append((part, channels, _make_section(view, tables.make_difference_table(part))))
    return _respond_with_figures(
        "admin/compared.html",
        view,
        page.heading,
        status,
        front_offices=front_offices,
        explanations=page.explanations,
        explanation_text=explanation_text,
        saved="saved" in request.args,
        may_explain=current_user().has_right(roles.EXPLANATIONS) and view.centre is not None,
        **context,
    )


def _show_home_without_figures() -> Response:
    return respond_with_page("admin/home.html", centre_page=cut_page(visible_centres()))


def _respond_with_figures(
    template: str, view: FigureView, heading: Heading, status: int = 200, **context: object
) -> Response:
    by, key = view.chosen_group or (None, None)
    return respond_with_page(
        template,
        status,
        view=view,
        visible_centres=visible_centres(),
        period_presets=list(list_period_presets(clock.kyiv_day(clock.now()))),
        chosen_group=labels.group_label(by, key, heading.chosen_title) if by else None,
        labels=labels,
        confirmed=heading.is_confirmed,
        **context,
    )


def _make_section(view: FigureView, table: ExportTable, chart: Markup | None = None) -> FigureSection:
    queries = ((name.upper(), view.query_string(table=table.name, format=name)) for name in exports.FORMATS)
    return FigureSection(table, chart, [(label, f"{url_for('admin.export')}?{query}") for label, query in queries])
