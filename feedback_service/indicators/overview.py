"""What whoever runs a centre looks at: how we are doing, beside the period before and over time, and where.

Everything here is read from ``summaries``, so each figure equals that of GET /summaries for the same period and
filters, and what a summary withholds is withheld here. Bad answers are those of ``watching``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.database import reading
from feedback_service.indicators import comparison, control, funnel_plot, library, summaries
from feedback_service.indicators.comparison import Difference, Index, Share
from feedback_service.indicators.control import Chart
from feedback_service.indicators.funnel_plot import Limits, Place
from feedback_service.indicators.statistics import Interval, percent, wilson
from feedback_service.indicators.summaries import Key, Part
from feedback_service.indicators.watching import BAD
from feedback_service.models import Centre, Service
from feedback_service.words import FRONT_OFFICES, PARTS_OF_DAY

Reply = Mapping[str, Any]  # a summary, or a group of one

OVERALL = {"offline": "off.quality", "online": "on.overall"}  # the question that bad answers are told of
BREAKDOWNS = ("service", "provider", "workplace", "part_of_week", "language", "source")
WEEKS = 26  # of the trend of a short period; a long one goes by months
SHORT = timedelta(days=183)
CHANNELS = ("phone", "tablet", "assisted")


@dataclass(frozen=True, slots=True)
class View:
    """Which answers are looked at: both days included."""

    centres: frozenset[str]
    first: date
    last: date
    front_office: str | None = None
    source: str | None = None
    part: Part | None = None

    def before(self) -> "View":
        """The period before: whole months before whole months, else as many days."""
        until = self.first - timedelta(days=1)
        if self.first.day == 1 and (self.last + timedelta(days=1)).day == 1:
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
            month = self.first.year * 12 + self.first.month - 1 - months
            return replace(self, first=date(month // 12, month % 12 + 1, 1), last=until)
        return replace(self, first=until - (self.last - self.first), last=until)


@dataclass(frozen=True, slots=True)
class Bad:
    """The share of bad answers to the question about the whole, in percent; of no answers there is none."""

    count: int
    n: int

    @property
    def share(self) -> float | None:
        """In percent, one decimal."""
        return percent(Fraction(self.count, self.n)) if self.n else None

    @property
    def interval(self) -> Interval | None:
        """95 %, Wilson."""
        return wilson(self.count, self.n) if self.n else None


@dataclass(frozen=True, slots=True)
class Office:
    """A front office: its loyalty index and bad answers, and how both changed; ``None`` what is withheld."""

    name: str
    index: Reply | None
    bad: Bad | None
    index_before: Reply | None
    index_change: Difference | None
    bad_change: Difference | None


@dataclass(frozen=True, slots=True)
class Source:
    """How many answers came one way, and that is of how many cases; ``None``: withheld, or nobody was invited."""

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
    bad: tuple[Bad | None, ...]
    chart: Chart


@dataclass(frozen=True, slots=True)
class Reason:
    """What was named, how often, and which share of all that was named it makes with those named more often."""

    name: str
    n: int
    upto: float


@dataclass(frozen=True, slots=True)
class Overview:
    """All of one screen."""

    summary: Reply
    before: View
    offices: tuple[Office, ...]
    sources: tuple[Source, ...]
    trends: tuple[Trend, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One service, window, …: its figures of one front office. ``suppressed``: so few that nothing is told."""

    key: Key
    title: str | None
    suppressed: bool
    index: Reply | None = None
    bad: Bad | None = None
    place: Place | None = None
    response_rate: float | None = None
    invited: int | None = None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A front office told apart, the share of bad answers in the whole, and the funnel around it."""

    by: str
    front_office: str
    groups: tuple[Group, ...]
    whole: Bad | None
    curve: tuple[Limits, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """The same questions asked one way."""

    name: str
    index: Reply | None
    bad: Bad | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ways of asking, and how far apart their answers are."""

    one: str
    other: str
    index: Difference | None
    bad: Difference | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One front office, the same questions by phone, by tablet and asked by staff."""

    front_office: str
    channels: tuple[Channel, ...]
    pairs: tuple[Pair, ...]


@reading
def overview(tx: Session, view: View, *, min_group: int) -> Overview:
    """How the centres of the view are doing."""
    read = partial(_read, tx, min_group=min_group)
    summary = read(view, by="source")
    before = view.before()
    # What lies before the first answer is not worth asking for; figures of nobody compare with nothing.
    earlier = read(before, questions=_HEADLINES, funnel=False)
    counted = library.in_force(tx.connection(), view.last).sources
    return Overview(
        summary=summary,
        before=before,
        offices=tuple(_office(name, summary, earlier) for name in _offices(view)),
        sources=tuple(_source(group, summary, counted) for group in summary["groups"]),
        trends=_trends(read, view),
        reasons=_pareto(summary["reasons"]),
    )


@reading
def breakdown(tx: Session, view: View, by: str, *, min_group: int) -> list[Breakdown]:
    """Each front office of the view told apart by one of ``BREAKDOWNS``."""
    told = _read(tx, view, min_group=min_group, by=by, questions=_HEADLINES)
    titles = _titles(tx, view.centres) if by == "service" else {}
    return [_broken_down(name, told, by, titles) for name in _offices(view)]


@reading
def comparison_of_sources(tx: Session, view: View, *, min_group: int) -> list[Comparison]:
    """Each front office of the view: what people say on their phone, on the tablet and to staff."""
    told = _read(tx, view, min_group=min_group, by="channel", questions=_HEADLINES, funnel=False)
    groups = {group["key"]: group for group in told["groups"]}
    return [_compared(name, groups) for name in _offices(view)]


@reading
def confirmed(tx: Session, day: date) -> bool:
    """Whether the methodology of that day is confirmed by the legal text."""
    return library.in_force(tx.connection(), day).status == "confirmed"


@reading
def titles_of(tx: Session, centres: Collection[str]) -> dict[str, str]:
    """What the centres' services are called, by the key of their group."""
    return _titles(tx, centres)


_HEADLINES = frozenset({"off.nps", "on.nps", *OVERALL.values()})


def _read(tx: Session, view: View, *, min_group: int, **how: Any) -> Reply:
    questions = how.pop("questions", None)
    if questions is not None:  # a later methodology may ask the index by another question
        rule = library.in_force(tx.connection(), view.last).loyalty
        questions = {*questions, *rule.questions.values()}
    return summaries.read(
        tx,
        centres=view.centres,
        first=view.first,
        last=view.last,
        front_office=view.front_office,
        source=view.source,
        part=view.part,
        min_group=min_group,
        questions=questions,
        **how,
    )


def _offices(view: View) -> Sequence[str]:
    return FRONT_OFFICES if view.front_office is None else (view.front_office,)


def _index(reply: Reply, front_office: str) -> Reply | None:
    """The front office's indicator, unless it is withheld."""
    if reply.get("suppressed"):
        return None
    for indicator in reply["indicators"]:
        if indicator["front_office"] == front_office and not indicator.get("suppressed"):
            told: Reply = indicator
            return told
    return None


def _bad(reply: Reply, front_office: str) -> Bad | None:
    """The front office's bad answers, unless they are withheld."""
    if reply.get("suppressed"):
        return None
    for question in reply["questions"]:
        if question["id"] == OVERALL[front_office]:
            counts = question["counts"]
            return Bad(sum(counts[word] for word in BAD[question["id"]] if word in counts), question["n"])
    return None


def _office(name: str, now: Reply, before: Reply) -> Office:
    index, index_before = _index(now, name), _index(before, name)
    bad, bad_before = _bad(now, name), _bad(before, name)
    return Office(
        name=name,
        index=index,
        bad=bad,
        index_before=index_before,
        index_change=_index_difference(index, index_before),
        bad_change=_bad_difference(bad, bad_before),
    )


def _index_difference(now: Reply | None, before: Reply | None) -> Difference | None:
    if now is None or before is None:
        return None
    return comparison.indices(
        *(Index(one["promoters"], one["passives"], one["detractors"]) for one in (now, before))
    )


def _bad_difference(now: Bad | None, before: Bad | None) -> Difference | None:
    if now is None or before is None:
        return None
    return comparison.shares(Share(now.count, now.n), Share(before.count, before.n), more_is="worse")


def _source(group: Reply, summary: Reply, counted: Collection[str]) -> Source:
    name, invited = group["key"], summary["funnel"]["invited"]
    if group["suppressed"]:
        return Source(name, name in counted, None, None)
    shown = [one for one in group["indicators"] if not one.get("suppressed")]
    n = sum(one["n"] for one in shown)
    whole = len(shown) == len(group["indicators"])
    return Source(
        name,
        name in counted,
        n if whole else None,
        percent(Fraction(n, invited)) if invited and whole else None,
    )


def _trends(read: Callable[..., Reply], view: View) -> tuple[Trend, ...]:
    if view.last - view.first <= SHORT:
        by, monday = "week", view.last - timedelta(days=view.last.weekday())
        first = min(view.first - timedelta(days=view.first.weekday()), monday - timedelta(weeks=WEEKS - 1))
    else:
        year_ago = view.last.year * 12 + view.last.month - 12
        by = "month"
        first = min(view.first.replace(day=1), date(year_ago // 12, year_ago % 12 + 1, 1))
    told = read(replace(view, first=first), by=by, questions=[*OVERALL.values()], funnel=False)
    groups = {group["key"]: group for group in told["groups"]}
    keys = _keys(by, first, view.last)
    begun = next((place for place, key in enumerate(keys) if key in groups), len(keys))
    keys = keys[
        min(begun, len(_keys(by, first, view.first)) - 1) :
    ]  # nothing is drawn before the first answer
    return tuple(_trend(name, by, keys, groups) for name in _offices(view))


def _keys(by: str, first: date, last: date) -> tuple[str, ...]:
    """Every week or month of the period, those without answers too."""
    name = summaries.SPANS[by]
    days = ((first + timedelta(days=n)) for n in range((last - first).days + 1))
    return tuple(dict.fromkeys(name(day) for day in days))


def _trend(front_office: str, by: str, keys: tuple[str, ...], groups: Mapping[Key, Reply]) -> Trend:
    bad = tuple(_bad(groups[key], front_office) if key in groups else Bad(0, 0) for key in keys)
    periods = [Share(one.count, one.n) if one is not None else Share(0, 0) for one in bad]
    return Trend(front_office, by, keys, bad, control.chart(periods))


def _pareto(reasons: Sequence[Reply]) -> tuple[Reason, ...]:
    total, so_far, told = sum(reason["n"] for reason in reasons), 0, []
    for reason in reasons:
        so_far += reason["n"]
        told.append(Reason(reason["id"], reason["n"], percent(Fraction(so_far, total))))
    return tuple(told)


def _broken_down(front_office: str, told: Reply, by: str, titles: Mapping[str, str]) -> Breakdown:
    whole = _bad(told, front_office)
    target = whole.count / whole.n if whole is not None and whole.n else None
    groups = []
    for group in sorted(told["groups"], key=_in_time) if by == "part_of_week" else told["groups"]:
        title = titles.get(group["key"] or "")
        index, bad = _index(group, front_office), _bad(group, front_office)
        if group["suppressed"] or index is None:
            groups.append(Group(group["key"], title, True))
            continue
        if not index["n"] and not (bad and bad.n):
            continue
        funnel = group["funnel"]
        rated = by in summaries.INVITED_BY and bool(funnel["invited"])
        groups.append(
            Group(
                key=group["key"],
                title=title,
                suppressed=False,
                index=index,
                bad=bad,
                place=funnel_plot.place(Share(bad.count, bad.n), target)
                if bad is not None and bad.n and target is not None
                else None,
                response_rate=funnel["response_rate"] if rated else None,
                invited=funnel["invited"] if rated else None,
            )
        )
    sizes = [group.bad.n for group in groups if group.bad is not None and group.bad.n]
    curve = tuple(funnel_plot.curve(sizes, target)) if target is not None else ()
    return Breakdown(by, front_office, tuple(groups), whole, curve)


def _in_time(group: Reply) -> tuple[str, int]:
    """Monday morning first, what has no time last."""
    weekday, _, part = (group["key"] or "8-").partition("-")
    return weekday, PARTS_OF_DAY.index(part) if part in PARTS_OF_DAY else 0


def _compared(front_office: str, groups: Mapping[Key, Reply]) -> Comparison:
    channels = {
        name: Channel(
            name,
            _index(groups[name], front_office) if name in groups else None,
            _bad(groups[name], front_office) if name in groups else None,
        )
        for name in CHANNELS
    }
    pairs = [
        Pair(
            one,
            other,
            _index_difference(channels[one].index, channels[other].index),
            _bad_difference(channels[one].bad, channels[other].bad),
        )
        for one, other in (("phone", "tablet"), ("phone", "assisted"), ("tablet", "assisted"))
    ]
    return Comparison(front_office, tuple(channels.values()), tuple(pairs))


def _titles(tx: Session, centres: Collection[str]) -> dict[str, str]:
    query = select(Service.code, Service.local_code, Service.title).join(
        Centre, Centre.id == Service.centre_id
    )
    rows = tx.execute(query.where(Centre.code.in_(centres)).order_by(Service.code, Service.local_code))
    return {code or local_code: title for code, local_code, title in rows}
