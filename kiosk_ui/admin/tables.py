"""The tables of the figures: a page shows each beneath its chart, and a file holds the same."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import Response, stream_with_context
from flask_babel import gettext as _

from feedback_service.exports import FORMATS, CellValue, ExportColumn, ExportTable
from feedback_service.figures.breakdown import Breakdown
from feedback_service.figures.channel_comparison import ChannelComparison
from feedback_service.figures.comparison import Share
from feedback_service.figures.overview import Overview
from feedback_service.figures.shapes import GROUPINGS_OF_INVITATIONS
from feedback_service.indicators.scoring import LoyaltyIndex
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.vocabulary import FRONT_OFFICES
from kiosk_ui.admin import labels

OverviewTable = Callable[[Overview, Sequence[Questionnaire]], ExportTable]
Row = list[CellValue]


def make_office_table(overview: Overview, questionnaires: Sequence[Questionnaire]) -> ExportTable:
    """Make the table of the loyalty index and the bad answers of both front offices, and how they changed."""
    too_few = _(labels.TOO_FEW_TO_SHOW)
    rows: list[Row] = []
    for office in overview.offices:
        index = office.index
        classes = [index.promoters, index.passives, index.detractors] if index else [None] * 3
        rows.append(
            [
                labels.office_label(office.name),
                index.n if index else None,
                *classes,
                *_index_cells(index),
                labels.describe_verdict(office.index_change) if index else too_few,
                *_bad_share_cells(office.bad),
                labels.describe_verdict(office.bad_change) if office.bad else too_few,
            ]
        )
    columns = (
        ("front_office", _("Front office")),
        ("n", _("Answers to the main question")),
        ("promoters", _("Would recommend")),
        ("passives", _("Neutral")),
        ("detractors", _("Would not recommend")),
        *_index_columns(),
        ("loyalty_compared", _("Loyalty index compared")),
        *_bad_share_columns(),
        ("bad_compared", _("Bad answers compared")),
    )
    return _make_table("offices", _("Indicators of both front offices"), columns, rows)


def make_source_table(overview: Overview, questionnaires: Sequence[Questionnaire]) -> ExportTable:
    """Make the table of how many answers each source brought, and of which share of cases."""
    rows: list[Row] = [
        [
            _(labels.SOURCE_LABELS[source.name]),
            source.answers,
            source.of_cases,
            _("yes") if source.counted else _("no"),
            _(labels.TOO_FEW_TO_SHOW) if source.answers is None else None,
        ]
        for source in overview.sources
    ]
    columns = (
        ("source", _("Source")),
        ("answers", _("Answers")),
        ("of_cases", _("Share of completed cases, %")),
        ("counts", _("In the indicators")),
        ("note", _("Note")),
    )
    return _make_table("sources", _("Where the answers come from"), columns, rows)


def make_reason_table(overview: Overview, questionnaires: Sequence[Questionnaire]) -> ExportTable:
    """Make the table of how often each reason was named."""
    reason_texts = labels.reason_texts(questionnaires)
    rows: list[Row] = [
        [reason_texts.get(reason.name, reason.name), reason.n, reason.upto] for reason in overview.reasons
    ]
    columns = (("reason", _("Reason")), ("n", _("Named")), ("upto", _("With those above, %")))
    return _make_table("reasons", _("What was not good"), columns, rows)


def make_question_table(overview: Overview, questionnaires: Sequence[Questionnaire]) -> ExportTable:
    """Make the table of the share of satisfied people, question by question."""
    texts = labels.question_texts(questionnaires)
    rows: list[Row] = []
    for figure in overview.summary.figures.questions:
        if figure.n:
            ends = figure.interval or (None, None)
            text = texts.get(figure.id, figure.id)
            rows.append([text, figure.n, figure.share_satisfied, *ends, figure.share_not_awful])
    columns = (
        ("question", _("Question")),
        ("n", _("Answers")),
        ("share_satisfied", _("Satisfied, %")),
        *_interval_columns(""),
        ("share_not_awful", _("Not awful, %")),
    )
    return _make_table("questions", _("Satisfied, question by question"), columns, rows)


def make_trend_table(front_office: str, overview: Overview, questionnaires: Sequence[Questionnaire]) -> ExportTable:
    """Make the table of bad answers of one front office over time, with the control limits."""
    signal_texts = {"high": _("more than chance"), "low": _("fewer than chance"), None: None}
    rows: list[Row] = [
        [
            labels.long_period_label(trend.by, key),
            *_bad_share_cells(bad)[:3],
            None if point.low is None else round(point.low * 100, 1),
            None if point.high is None else round(point.high * 100, 1),
            signal_texts[point.limit_exceeded] if bad else _(labels.TOO_FEW_TO_SHOW),
        ]
        for trend in overview.trends
        if trend.front_office == front_office
        for key, bad, point in zip(trend.keys, trend.bad, trend.chart.points, strict=True)
    ]
    columns = (
        ("period", _("Period")),
        ("n", _("Answers")),
        ("bad", _("Bad answers")),
        ("share", _("Share of bad answers, %")),
        ("limit_low", _("Lower control limit, %")),
        ("limit_high", _("Upper control limit, %")),
        ("signal", _("Signal")),
    )
    title = _("Bad answers over time: %(office)s", office=labels.office_label(front_office))
    return _make_table(f"trend-{front_office}", title, columns, rows)


def make_funnel_table(overview: Overview, questionnaires: Sequence[Questionnaire]) -> ExportTable:
    """Make the table of how many invitations came to each step on the way to an answer."""
    steps = overview.summary.funnel
    rows: list[Row] = [
        [_("Cases completed or refused"), steps.completed],
        [_("Invited to rate"), steps.invited],
        [_("Opened the survey"), steps.opened],
        [_("Tapped an answer"), steps.started],
        [_("Answered"), steps.answered],
        [_("Response rate, %"), steps.response_rate],
    ]
    columns = (("step", _("Step")), ("n", _("How many")))
    return _make_table("funnel", _("From a completed case to an answer"), columns, rows)


OVERVIEW_TABLES: Mapping[str, OverviewTable] = {
    "offices": make_office_table,
    "funnel": make_funnel_table,
    "sources": make_source_table,
    **{f"trend-{name}": partial(make_trend_table, name) for name in FRONT_OFFICES},
    "reasons": make_reason_table,
    "questions": make_question_table,
}


def make_breakdown_table(breakdown: Breakdown) -> ExportTable:
    """Make the table of the groups of a front office."""
    place_texts = {"beyond_998": _("beyond 99.8 %"), "beyond_95": _("beyond 95 %"), "inside": None, None: None}
    # An invitation has no weekday, language or source, so there is no response rate by them.
    has_response_rate = breakdown.by in GROUPINGS_OF_INVITATIONS
    rows: list[Row] = []
    for group in breakdown.groups:
        index, label = group.index, labels.group_label(breakdown.by, group.key, group.title)
        figures = [index.n if index else None, *_index_cells(index), *_bad_share_cells(group.bad)[:3]]
        rate = [group.response_rate] if has_response_rate else []
        note = place_texts[group.place] if index else _(labels.TOO_FEW_TO_SHOW)
        rows.append([label, group.key, *figures, *rate, note])
    by_label = _(labels.BREAKDOWN_LABELS[breakdown.by])
    columns = (
        ("group", by_label),
        ("key", _("Code")),
        ("n", _("Answers to the main question")),
        *_index_columns(),
        *_bad_share_columns()[:3],
        *([("response_rate", _("Response rate, %"))] if has_response_rate else []),
        ("note", _("Note")),
    )
    title = f"{by_label}: {labels.office_label(breakdown.front_office)}"
    return _make_table(f"{breakdown.by}-{breakdown.front_office}", title, columns, rows)


def make_channel_table(comparison: ChannelComparison) -> ExportTable:
    """Make the table of the channels of a front office."""
    rows: list[Row] = []
    for channel in comparison.channels:
        name, index, bad = _(labels.CHANNEL_LABELS[channel.name]), channel.index, channel.bad
        if index is None or bad is None:
            rows.append([name, *[None] * 9, _(labels.TOO_FEW_TO_SHOW)])
        else:
            note = None if index.n else _(labels.NOBODY_ANSWERED)
            rows.append([name, index.n, *_index_cells(index), *_bad_share_cells(bad), note])
    columns = (
        ("channel", _("How people were asked")),
        ("n", _("Answers to the main question")),
        *_index_columns(),
        *_bad_share_columns(),
        ("note", _("Note")),
    )
    title = _("The same questions: %(office)s", office=labels.office_label(comparison.front_office))
    return _make_table(f"channels-{comparison.front_office}", title, columns, rows)


def make_difference_table(comparison: ChannelComparison) -> ExportTable:
    """Make the table of the differences between the channels of a front office."""
    rows: list[Row] = []
    for pair in comparison.pairs:
        names = (_(labels.CHANNEL_LABELS[pair.one]), _(labels.CHANNEL_LABELS[pair.other]))
        row: Row = [_("%(one)s less %(other)s", one=names[0], other=names[1])]
        for change in (pair.index, pair.bad):
            if change is None or change.interval is None:
                row += [None, None, None, _(labels.TOO_FEW_TO_COMPARE)]
            else:
                row += [change.points, *change.interval, _(labels.CHANNEL_VERDICTS[change.verdict])]
        rows.append(row)
    columns = (
        ("pair", _("Compared")),
        ("index", _("Loyalty index, points")),
        *_interval_columns("index_"),
        ("index_verdict", _("In words")),
        ("bad", _("Bad answers, percentage points")),
        *_interval_columns("bad_"),
        ("bad_verdict", _("In words")),
    )
    title = _("How far apart the channels are: %(office)s", office=labels.office_label(comparison.front_office))
    return _make_table(f"differences-{comparison.front_office}", title, columns, rows)


def _index_cells(index: LoyaltyIndex | None) -> Row:
    if index is None:
        return [None] * 3
    value = None if index.value is None else float(index.value)
    return [value, *(index.interval or (None, None))]


def _index_columns() -> tuple[tuple[str, str], ...]:
    return (("loyalty_index", _("Loyalty index")), *_interval_columns("loyalty_"))


def _interval_columns(prefix: str) -> tuple[tuple[str, str], ...]:
    return ((f"{prefix}low", _("Lower end, 95 %")), (f"{prefix}high", _("Upper end, 95 %")))


def _bad_share_cells(bad: Share | None) -> Row:
    if bad is None:
        return [None] * 5
    low, high = bad.interval or (None, None)
    return [bad.n, bad.count, bad.share, low, high]


def _bad_share_columns() -> tuple[tuple[str, str], ...]:
    return (
        ("bad_n", _("Answers on quality as a whole")),
        ("bad", _("Bad answers")),
        ("bad_share", _("Share of bad answers, %")),
        *_interval_columns("bad_"),
    )


def send_table(table: ExportTable, format_name: str, file_name: str) -> Response:
    """Send the table as a file in one of ``exports.FORMATS``; ``file_name`` has no ending yet."""
    export_format = FORMATS[format_name]
    response = Response(stream_with_context(export_format.write(table)), content_type=export_format.type)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}.{format_name}"'
    return response


def _make_table(
    name: str, title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]
) -> ExportTable:
    return ExportTable(name, title, [ExportColumn(*column) for column in columns], rows)
