"""The overview of an administrator: how the centres do now, beside the period before and over time.

Everything is made from summaries, so each figure equals that of GET /summaries for the same period and filters, and
what a summary withholds is withheld here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from feedback_service.figures.bad_answers import count_bad_answers
from feedback_service.figures.comparison import Difference, Share, compare_indices, compare_shares
from feedback_service.figures.control_chart import Chart, compute_chart
from feedback_service.figures.shapes import SPANS, FigureQuery, Group, Key, Summary
from feedback_service.indicators.scoring import LoyaltyIndex, ReasonFigure
from feedback_service.indicators.statistics import percentage, to_percent
from feedback_service.vocabulary import FRONT_OFFICES

TREND_WEEKS = 26  # of the trend of a short period; the trend of a long one goes by months
LONGEST_BY_WEEK = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class FrontOfficeFigures:
    """The loyalty index and bad answers of a front office, and how both changed; ``None`` where withheld."""

    name: str
    index: LoyaltyIndex | None
    bad: Share | None
    index_change: Difference | None
    bad_change: Difference | None


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """How many answers came by a source, and what share of the invited cases that is, in percent.

    ``counted`` says whether the source counts in the indicators. ``None`` stands for withheld, and of ``of_cases``
    also for nobody invited.
    """

    name: str
    counted: bool
    answers: int | None
    of_cases: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Bad answers week by week or month by month with control limits; ``None`` where they are withheld."""

    front_office: str
    by: str
    keys: tuple[str, ...]
    bad: tuple[Share | None, ...]
    chart: Chart


@dataclass(frozen=True, slots=True)
class ReasonShare:
    """A reason, how often it was named, and the percentage that it and more frequent reasons make of all."""

    name: str
    n: int
    upto: float


@dataclass(frozen=True, slots=True)
class Overview:
    """All figures of one screen."""

    summary: Summary
    before: FigureQuery
    offices: tuple[FrontOfficeFigures, ...]
    sources: tuple[SourceFigures, ...]
    trends: tuple[Trend, ...]
    reasons: tuple[ReasonShare, ...]


def make_overview(query: FigureQuery, by_source: Summary, before: Summary, over_time: Summary) -> Overview:
    """The overview from three summaries: of the query by source, of the period before, and by ``trend_query``."""
    offices = list_front_offices(query)
    by, trend = trend_query(query)
    keys = _list_periods(by, trend, query, over_time.groups)
    counted = by_source.methodology.sources
    return Overview(
        summary=by_source,
        before=query.previous_period(),
        offices=tuple(_compare_with_before(name, by_source, before) for name in offices),
        sources=tuple(_make_source(group, by_source, counted) for group in by_source.groups),
        trends=tuple(_make_trend(name, by, keys, over_time) for name in offices),
        reasons=_accumulate_reasons(by_source.figures.reasons),
    )


def trend_query(query: FigureQuery) -> tuple[str, FigureQuery]:
    """By which span the trend goes (week or month), and the longer period that it covers."""
    if query.last - query.first <= LONGEST_BY_WEEK:
        monday = query.last - timedelta(days=query.last.weekday())
        first = min(query.first - timedelta(days=query.first.weekday()), monday - timedelta(weeks=TREND_WEEKS - 1))
        return "week", replace(query, first=first)
    year_ago = query.last.year * 12 + query.last.month - 12
    first = min(query.first.replace(day=1), date(year_ago // 12, year_ago % 12 + 1, 1))
    return "month", replace(query, first=first)


def list_front_offices(query: FigureQuery) -> Sequence[str]:
    """The front offices that the query is about."""
    return FRONT_OFFICES if query.front_office is None else (query.front_office,)


def compare_index(now: LoyaltyIndex | None, before: LoyaltyIndex | None) -> Difference | None:
    """The difference of two loyalty indices; ``None`` where one is withheld."""
    if now is None or before is None:
        return None
    return compare_indices(now, before)


def compare_bad_shares(now: Share | None, before: Share | None) -> Difference | None:
    """The difference of two shares of bad answers; ``None`` where one is withheld."""
    if now is None or before is None:
        return None
    return compare_shares(now, before, more_is="worse")


def _compare_with_before(name: str, now: Summary, before: Summary) -> FrontOfficeFigures:
    index = now.figures.find_index(name)
    bad = count_bad_answers(now.figures, now.methodology, name)
    bad_before = count_bad_answers(before.figures, before.methodology, name)
    return FrontOfficeFigures(
        name=name,
        index=index,
        bad=bad,
        index_change=compare_index(index, before.figures.find_index(name)),
        bad_change=compare_bad_shares(bad, bad_before),
    )


def _make_source(group: Group, summary: Summary, counted: Collection[str]) -> SourceFigures:
    name = str(group.key)
    if group.content is None:
        return SourceFigures(name, name in counted, None, None)
    indices = [indicator.index for indicator in group.content.figures.indicators]
    if any(index is None for index in indices):
        return SourceFigures(name, name in counted, None, None)
    n = sum(index.n for index in indices if index is not None)
    return SourceFigures(name, name in counted, n, percentage(n, summary.funnel.invited))


def _list_periods(by: str, trend: FigureQuery, query: FigureQuery, groups: Sequence[Group]) -> tuple[str, ...]:
    """The weeks or months of the trend, also those without answers; none lies before the first answer and the query."""
    keys = _name_spans(by, trend.first, trend.last)
    answered = {group.key for group in groups}
    begun = next((place for place, key in enumerate(keys) if key in answered), len(keys))
    return keys[min(begun, len(_name_spans(by, trend.first, query.first)) - 1) :]


def _name_spans(by: str, first: date, last: date) -> tuple[str, ...]:
    """Every week or month of the period in order."""
    name = SPANS[by]
    days = ((first + timedelta(days=n)) for n in range((last - first).days + 1))
    return tuple(dict.fromkeys(name(day) for day in days))


def _make_trend(front_office: str, by: str, keys: tuple[str, ...], over_time: Summary) -> Trend:
    groups: Mapping[Key, Group] = {group.key: group for group in over_time.groups}
    bad: list[Share | None] = []
    for key in keys:
        if key not in groups:
            bad.append(Share(0, 0))
        elif (content := groups[key].content) is None:
            bad.append(None)
        else:
            bad.append(count_bad_answers(content.figures, over_time.methodology, front_office))
    chart = compute_chart([share or Share(0, 0) for share in bad])
    return Trend(front_office, by, keys, tuple(bad), chart)


def _accumulate_reasons(reasons: Sequence[ReasonFigure]) -> tuple[ReasonShare, ...]:
    """Each reason with the share that it makes together with those named more often (Pareto)."""
    total, so_far, shares = sum(reason.n for reason in reasons), 0, []
    for reason in reasons:
        so_far += reason.n
        shares.append(ReasonShare(reason.id, reason.n, to_percent(Fraction(so_far, total))))
    return tuple(shares)
