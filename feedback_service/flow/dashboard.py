"""Reads the administrators' pages of figures, each in one snapshot, so that all its numbers fit together."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from feedback_service.access import roles
from feedback_service.access.sessions import CurrentUser
from feedback_service.alarm_rows import AlarmSummary
from feedback_service.config import current_settings
from feedback_service.database import reading
from feedback_service.delivery import status as deliveries
from feedback_service.delivery.status import DeliveryTotals
from feedback_service.figures.breakdown import Breakdown, make_breakdowns
from feedback_service.figures.channel_comparison import ChannelComparison, compare_channels
from feedback_service.figures.overview import Overview, make_overview, trend_query
from feedback_service.figures.shapes import FigureQuery, Summary
from feedback_service.figures.summaries import read_service_titles, read_summary
from feedback_service.flow.alarms import read_open_alarms
from feedback_service.flow.explanations import ExplanationVersion, list_explanations
from feedback_service.flow.tablet_health import read_tablets
from feedback_service.indicators.methodology import Methodology
from feedback_service.surveys import published
from feedback_service.surveys.questionnaires import Questionnaire


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of every page of figures; ``chosen_title`` is that of the service, if exactly one is chosen."""

    is_confirmed: bool  # the methodology
    chosen_title: str | None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The first screen. What the user has no right to see is empty, zero or ``None``."""

    heading: Heading
    overview: Overview
    questionnaires: Sequence[Questionnaire]
    alarms: Sequence[AlarmSummary]
    delivery_totals: DeliveryTotals | None
    channel_failing: bool
    tablets_with_warnings: int


@dataclass(frozen=True, slots=True)
class BreakdownPage:
    """The breakdowns of both front offices."""

    heading: Heading
    breakdowns: Sequence[Breakdown]


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """The comparison of channels, and the centre's explanations of the differences, the newest first."""

    heading: Heading
    comparisons: Sequence[ChannelComparison]
    explanations: Sequence[ExplanationVersion]


@reading
def read_overview_page(tx: Session, current_user: CurrentUser, query: FigureQuery, centre: str | None) -> Dashboard:
    """Read the first screen; ``centre`` is the code of the centre if a single one is chosen.

    Raises ``NotFound`` for a centre that the user may not see.
    """
    overview = _read_overview(tx, query)
    may_see_deliveries = current_user.has_right(roles.DELIVERIES)
    tablets = read_tablets(tx, query.centres) if current_user.has_right(roles.DEVICES) else []
    return Dashboard(
        heading=_read_heading(tx, query, overview.summary.methodology),
        overview=overview,
        questionnaires=published.list_published(tx, query.last),
        alarms=read_open_alarms(tx, current_user, centre) if current_user.has_right(roles.ALARMS) else [],
        delivery_totals=deliveries.count_deliveries(tx, query.centres) if may_see_deliveries else None,
        channel_failing=may_see_deliveries and deliveries.is_channel_failing(tx),
        tablets_with_warnings=sum(bool(tablet.warnings) for tablet in tablets),
    )


@reading
def read_overview(tx: Session, query: FigureQuery) -> tuple[Overview, Sequence[Questionnaire]]:
    """Read only the figures of the first screen, and the questionnaires with their texts; exports use it."""
    return _read_overview(tx, query), published.list_published(tx, query.last)


@reading
def read_breakdown_page(tx: Session, query: FigureQuery, by: str) -> BreakdownPage:
    """Read each front office of the query by service, window, time of the week …: one of ``BREAKDOWNS``."""
    summary = read_summary(tx, query, min_group=current_settings().min_group, by=by, questions="headlines")
    titles = read_service_titles(tx, query.centres) if by == "service" else {}
    return BreakdownPage(_read_heading(tx, query, summary.methodology), make_breakdowns(query, by, summary, titles))


@reading
def read_channel_page(tx: Session, current_user: CurrentUser, query: FigureQuery, centre: str | None) -> ChannelPage:
    """Read each front office of the query by channel, and the explanations if a single ``centre`` is chosen.

    Raises ``NotFound`` for a centre that the user may not see.
    """
    summary = _read_by_channel(tx, query)
    explanations = list_explanations(tx, current_user, centre, query.first, query.last) if centre else []
    heading = _read_heading(tx, query, summary.methodology)
    return ChannelPage(heading, compare_channels(query, summary), explanations)


@reading
def read_channels(tx: Session, query: FigureQuery) -> list[ChannelComparison]:
    """Read the comparison of channels without explanations; exports use it."""
    return compare_channels(query, _read_by_channel(tx, query))


list_questionnaires = reading(published.list_published)


def _read_heading(tx: Session, figure_query: FigureQuery, methodology: Methodology) -> Heading:
    subset, title = figure_query.subset, None
    if subset is not None and subset.by == "service" and len(subset.keys) == 1:
        [key] = subset.keys
        title = read_service_titles(tx, figure_query.centres).get(key or "")
    return Heading(methodology.status == "confirmed", title)


def _read_overview(tx: Session, query: FigureQuery) -> Overview:
    min_group = current_settings().min_group
    by, trend_period = trend_query(query)
    before = read_summary(tx, query.previous_period(), min_group=min_group, questions="headlines", funnel=False)
    over_time = read_summary(tx, trend_period, min_group=min_group, by=by, questions="overall", funnel=False)
    return make_overview(
        query,
        by_source=read_summary(tx, query, min_group=min_group, by="source"),
        before=before,
        over_time=over_time,
    )


def _read_by_channel(tx: Session, query: FigureQuery) -> Summary:
    min_group = current_settings().min_group
    return read_summary(tx, query, min_group=min_group, by="channel", questions="headlines", funnel=False)
