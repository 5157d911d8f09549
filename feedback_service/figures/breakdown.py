"""A front office by service, window, time of the week …: groups are placed in a funnel plot, never ranked.

A funnel plot shows shares against the number of answers; it has nothing to do with the funnel of invitations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from feedback_service.figures.bad_answers import count_bad_answers
from feedback_service.figures.comparison import Share
from feedback_service.figures.funnel_plot import Limits, Place, compute_curve, locate_group
from feedback_service.figures.overview import list_front_offices
from feedback_service.figures.shapes import (
    GROUPINGS_OF_INVITATIONS,
    FigureQuery,
    Group,
    Key,
    Summary,
)
from feedback_service.indicators.scoring import LoyaltyIndex
from feedback_service.vocabulary import PARTS_OF_DAY

BREAKDOWNS = ("service", "provider", "workplace", "part_of_week", "language", "source")


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The figures of one group about one front office; ``suppressed`` says that so few answered that there are none.

    ``place`` is the group's place in the funnel plot, ``response_rate`` is in percent.
    """

    key: Key
    title: str | None
    suppressed: bool
    index: LoyaltyIndex | None = None
    bad: Share | None = None
    place: Place | None = None
    response_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The groups of a front office, the bad answers of the whole, and the limits of the funnel plot around it."""

    by: str
    front_office: str
    groups: tuple[GroupFigures, ...]
    whole: Share | None
    curve: tuple[Limits, ...]


def make_breakdowns(query: FigureQuery, by: str, summary: Summary, titles: Mapping[str, str]) -> list[Breakdown]:
    """Each front office of the query by one of ``BREAKDOWNS``, from the summary with the same grouping.

    ``titles`` names groups by their keys.
    """
    return [_make_breakdown(name, by, summary, titles) for name in list_front_offices(query)]


def _make_breakdown(front_office: str, by: str, summary: Summary, titles: Mapping[str, str]) -> Breakdown:
    whole = count_bad_answers(summary.figures, summary.methodology, front_office)
    target = whole.count / whole.n if whole is not None and whole.n else None
    groups = []
    for group in sorted(summary.groups, key=_time_of_week) if by == "part_of_week" else summary.groups:
        title = titles.get(group.key or "")
        content = group.content
        index = content.figures.find_index(front_office) if content is not None else None
        if content is None or index is None:
            groups.append(GroupFigures(group.key, title, suppressed=True))
            continue
        bad = count_bad_answers(content.figures, summary.methodology, front_office)
        if not index.n and not (bad and bad.n):
            continue
        groups.append(
            GroupFigures(
                key=group.key,
                title=title,
                suppressed=False,
                index=index,
                bad=bad,
                place=locate_group(bad, target) if bad is not None and bad.n and target is not None else None,
                response_rate=content.funnel.response_rate if by in GROUPINGS_OF_INVITATIONS else None,
            )
        )
    sizes = [each.bad.n for each in groups if each.bad is not None and each.bad.n]
    curve = tuple(compute_curve(sizes, target)) if target is not None else ()
    return Breakdown(by, front_office, tuple(groups), whole, curve)


def _time_of_week(group: Group) -> tuple[str, int]:
    """The order of groups by time: Monday morning first, answers without a time last."""
    weekday, _, part = (group.key or "8-").partition("-")
    return weekday, PARTS_OF_DAY.index(part) if part in PARTS_OF_DAY else 0
