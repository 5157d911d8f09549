"""The tables of the figures. A page shows each beneath its chart, and exports carry the same tables."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask_babel import gettext as _

from feedback_service.exports import CellValue, ExportColumn, ExportTable
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
    rows: list[Row] = []
    for office in overview.offices:
        index = office.index
        row: Row = [_(labels.FRONT_OFFICE_LABELS[office.name])]
        if index is None:
            row += [None] * 7
        else:
            row += [index.n, index.promoters, index.passives, index.detractors, *_index_cells(index)]
        row += [labels.describe_verdict(office.index_change) if index else _(labels.TOO_FEW_TO_SHOW)]
        row += [
            *_bad_share_cells(office.bad),
            labels.describe_verdict(office.bad_change) if office.bad else _(labels.TOO_FEW_TO_SHOW),
        ]
        rows.append(row)
    columns = (
        ("front_office", _("Front office")),
        ("n", _("Answers to the main question")),
        ("promoters", _("Would recommend")),
        ("passives", _("Neutral")),
        ("detractors", _("Would not recommend")),
        ("loyalty_index", _("Loyalty index")),
        ("loyalty_low", _("Lower end, 95 %")),
        ("loyalty_high", _("Upper end, 95 %")),
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
    columns = (
        ("reason", _("Reason")),
        ("n", _("Named")),
        ("upto", _("With those above, %")),
    )
    return _make_table("reasons", _("What was not good"), columns, rows)


def make_question_table(overview: Overview, questionnaires: Sequence[Questionnaire]) -> ExportTable:
    """Make the table of the share of satisfied people, question by question."""
    texts = labels.question_texts(questionnaires)
    rows: list[Row] = []
    for figure in overview.summary.figures.questions:
        if figure.n:
            text, satisfied = texts.get(figure.id, figure.id), figure.share_satisfied
            ends = figure.interval or (None, None)
            rows.append([text, figure.n, satisfied, *ends, figure.share_not_awful])
    columns = (
        ("question", _("Question")),
        ("n", _("Answers")),
        ("share_satisfied", _("Satisfied, %")),
        ("low", _("Lower end, 95 %")),
        ("high", _("Upper end, 95 %")),
        ("share_not_awful", _("Not awful, %")),
    )
    return _make_table("questions", _("Satisfied, question by question"), columns, rows)


def make_trend_table(
    front_office: str, overview: Overview, questionnaires: Sequence[Questionnaire]
) -> ExportTable:
    """Make the table of bad answers of one front office over time, with the control limits."""
    signal_texts = {"high": _("more than chance"), "low": _("fewer than chance"), None: None}
    rows: list[Row] = []
    for trend in overview.trends:
        if trend.front_office != front_office:
            continue
        for key, bad, point in zip(trend.keys, trend.bad, trend.chart.points, strict=True):
            rows.append(
                [
                    labels.long_period_label(trend.by, key),
                    bad.n if bad else None,
                    bad.count if bad else None,
                    bad.share if bad else None,
                    None if point.low is None else round(point.low * 100, 1),
                    None if point.high is None else round(point.high * 100, 1),
                    signal_texts[point.limit_exceeded] if bad else _(labels.TOO_FEW_TO_SHOW),
                ]
            )
    columns = (
        ("period", _("Period")),
        ("n", _("Answers")),
        ("bad", _("Bad answers")),
        ("share", _("Share of bad answers, %")),
        ("limit_low", _("Lower control limit, %")),
        ("limit_high", _("Upper control limit, %")),
        ("signal", _("Signal")),
    )
    title = _("Bad answers over time: %(office)s", office=_(labels.FRONT_OFFICE_LABELS[front_office]))
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
    columns = (("step", _("Step")), ("n", _("Number")))
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
    rows: list[Row] = []
    for group in breakdown.groups:
        row: Row = [labels.group_label(breakdown.by, group.key, group.title), group.key]
        if group.suppressed or group.index is None:
            row += [None] * 8 + [_(labels.TOO_FEW_TO_SHOW)]
        else:
            place = {
                "beyond_998": _("beyond 99.8 %"),
                "beyond_95": _("beyond 95 %"),
                "inside": None,
                None: None,
            }[group.place]
            row += [group.index.n, *_index_cells(group.index)]
            row += [*_bad_share_cells(group.bad)[:3], group.response_rate, place]
        rows.append(row)
    columns = (
        ("group", _(labels.BREAKDOWN_LABELS[breakdown.by])),
        ("key", _("Code")),
        ("n", _("Answers to the main question")),
        ("loyalty_index", _("Loyalty index")),
        ("loyalty_low", _("Lower end, 95 %")),
        ("loyalty_high", _("Upper end, 95 %")),
        *_bad_share_columns()[:3],
        ("response_rate", _("Response rate, %")),
        ("note", _("Note")),
    )
    if (
        breakdown.by not in GROUPINGS_OF_INVITATIONS
    ):  # an invitation has no weekday, so there is no response rate by it
        rows = [[*row[:9], *row[10:]] for row in rows]
        columns = tuple(column for column in columns if column[0] != "response_rate")
    title = (
        f"{_(labels.BREAKDOWN_LABELS[breakdown.by])}: {_(labels.FRONT_OFFICE_LABELS[breakdown.front_office])}"
    )
    return _make_table(f"{breakdown.by}-{breakdown.front_office}", title, columns, rows)


def make_channel_table(comparison: ChannelComparison) -> ExportTable:
    """Make the table of the channels of a front office."""
    rows: list[Row] = []
    for channel in comparison.channels:
        index = channel.index
        row: Row = [_(labels.CHANNEL_LABELS[channel.name])]
        if index is None or channel.bad is None:
            rows.append([*row, *[None] * 9, _(labels.TOO_FEW_TO_SHOW)])
            continue
        note = None if index.n else _(labels.NOBODY_ANSWERED)
        rows.append([*row, index.n, *_index_cells(index), *_bad_share_cells(channel.bad), note])
    columns = (
        ("channel", _("How people were asked")),
        ("n", _("Answers to the main question")),
        ("loyalty_index", _("Loyalty index")),
        ("loyalty_low", _("Lower end, 95 %")),
        ("loyalty_high", _("Upper end, 95 %")),
        *_bad_share_columns(),
        ("note", _("Note")),
    )
    title = _("The same questions: %(office)s", office=_(labels.FRONT_OFFICE_LABELS[comparison.front_office]))
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
        ("index_low", _("Lower end, 95 %")),
        ("index_high", _("Upper end, 95 %")),
        ("index_verdict", _("In words")),
        ("bad", _("Bad answers, percentage points")),
        ("bad_low", _("Lower end, 95 %")),
        ("bad_high", _("Upper end, 95 %")),
        ("bad_verdict", _("In words")),
    )
    title = _(
        "How far apart the sources are: %(office)s",
        office=_(labels.FRONT_OFFICE_LABELS[comparison.front_office]),
    )
    return _make_table(f"differences-{comparison.front_office}", title, columns, rows)


def _index_cells(index: LoyaltyIndex) -> Row:
    """Return the index and both ends of its interval."""
    value = None if index.value is None else float(index.value)
    return [value, *(index.interval or (None, None))]


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
        ("bad_low", _("Lower end, 95 %")),
        ("bad_high", _("Upper end, 95 %")),
    )


def _make_table(
    name: str, title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]
) -> ExportTable:
    return ExportTable(name, title, [ExportColumn(*column) for column in columns], rows)
