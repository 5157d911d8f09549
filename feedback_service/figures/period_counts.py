"""Reads the counts that a summary is made of, grouped as it asks."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback_service.counts import rollups, tallies
from feedback_service.counts.live import GroupCounts
from feedback_service.counts.rollups import WantedCounts
from feedback_service.counts.tallies import ANSWERS_BY, INVITATIONS_BY, INVITED, PEOPLE, WHOLE
from feedback_service.errors import NotFound
from feedback_service.figures.shapes import (
    CHANNEL_OF_SOURCE,
    GROUPINGS,
    GROUPINGS_OF_ANSWERS_ONLY,
    SPANS,
    FigureQuery,
    Funnel,
    Key,
)
from feedback_service.indicators import published
from feedback_service.indicators.methodology import Methodology
from feedback_service.models import Centre, Service
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES

Counts = Counter[tuple[str, str, str]]  # by front office, question and value
Questions = Literal["all", "headlines", "overall"]


@dataclass(frozen=True, slots=True)
class CountingPlan:
    """Whose answers are counted, and how they are grouped; ``centres`` are codes by id."""

    centres: Mapping[uuid.UUID, str]
    query: FigureQuery
    by: str | None

    def holds_group(self, by: str, name: Key) -> bool:
        """Whether a group of sums stored ``by`` this way belongs to the subset."""
        subset = self.query.subset
        return subset is None or subset.by != by or name in subset.keys


@dataclass(frozen=True, slots=True)
class PeriodCounts:
    """Everything that a summary is made of, read once.

    ``by_group`` has one group with the key ``None`` if no grouping was asked for; only then ``by_source`` holds the
    same answers by source. ``counted_sources`` count in the whole. ``respondents_beside`` has the number of people
    who answered, by front office, in each of the groups that the subset is a part of.
    """

    plan: CountingPlan
    questions: Collection[str] | None
    methodology: Methodology
    counted_sources: Collection[str]
    by_group: Mapping[Key, Counts]
    by_source: Mapping[str, Counts]
    respondents_beside: Mapping[Key, Counter[str]]
    funnels: Mapping[Key, Funnel]


def count_period(
    tx: Session, query: FigureQuery, *, by: str | None = None, questions: Questions = "all", funnel: bool = True
) -> PeriodCounts:
    """Read all counts of a summary; arguments and errors are those of ``summaries.read_summary``."""
    subset = query.subset
    for word, known in ((query.front_office, FRONT_OFFICES), (query.source, SOURCES), (by, GROUPINGS)):
        if word is not None and word not in known:
            raise ValueError(f"{word!r} is none of {', '.join(sorted(known))}")
    if subset is not None and by in ANSWERS_BY and by != subset.by:
        raise ValueError(f"a part by {subset.by} cannot be told apart by {by}")
    plan = CountingPlan(_read_centres(tx, query.centres), query, by)
    methodology = published.read_in_force(tx.connection(), query.last)
    counting = {query.source} if query.source else methodology.sources
    wanted = _choose_questions(methodology, questions)
    sources = SOURCES if by == "source" and not query.source else counting
    by_key, beside = _count_answers(tx, plan, wanted, sources, counting)
    by_source = {str(source): counts for source, counts in by_key.items()} if by is None else {}
    by_group: Mapping[Key, Counts] = {None: sum_counts(by_key.values())} if by is None and by_key else by_key
    return PeriodCounts(
        plan=plan,
        questions=None if questions == "all" else wanted,
        methodology=methodology,
        counted_sources=counting,
        by_group=by_group,
        by_source=by_source,
        respondents_beside=beside,
        funnels=_count_funnels(tx, plan) if funnel else {},
    )


def _read_centres(tx: Session, codes: Collection[str]) -> dict[uuid.UUID, str]:
    rows = tx.execute(select(Centre.id, Centre.code).where(Centre.code.in_(codes)))
    centres = {id: code for id, code in rows}
    if len(centres) != len(codes):
        raise NotFound()
    return centres


def _choose_questions(methodology: Methodology, questions: Questions) -> frozenset[str]:
    """The ids of the questions that are counted; ``PEOPLE`` is always among them."""
    if questions == "overall":
        return frozenset((PEOPLE, *(overall.id for overall in methodology.overall.values())))
    if questions == "headlines":
        return methodology.headline_questions | {PEOPLE}
    figures = {PEOPLE, methodology.reasons, *methodology.loyalty.questions.values()}
    return frozenset(figures.union(*methodology.words.values()))


def _count_answers(
    tx: Session, plan: CountingPlan, wanted: Collection[str], sources: Collection[str], counting: Collection[str]
) -> tuple[dict[Key, Counts], dict[Key, Counter[str]]]:
    """How many people answered, and what, in each group; and how many answered in the groups beside the subset.

    Without a grouping the answers come by source.
    """
    query, stored = plan.query, _choose_stored(tx, plan, ANSWERS_BY)
    name_of, key_of = _group_names(tx, plan, stored.by), _group_keys(plan)
    headlines = tallies.headline_questions().issuperset(wanted)
    # A service of three years has some 200,000 counts: the inner loop makes no keys.
    sums: defaultdict[tuple[Key, str, str], dict[str, int]] = defaultdict(dict)
    beside: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for group in rollups.read_answers(tx, stored, headlines=headlines):
        name = name_of(group.key)
        inside = plan.holds_group(stored.by, name)
        for front_office, by_source in group.counts.items():
            if query.front_office not in (None, front_office):
                continue
            if query.subset is not None:
                answered = (by_source[source][PEOPLE][""] for source in by_source.keys() & counting)
                beside[name][front_office] += sum(answered)
            for source in by_source.keys() & sources if inside else ():
                key = key_of(name, group, front_office, source)
                for question, values in by_source[source].items():
                    if question in wanted:
                        into = sums[key, front_office, question]
                        for value, n in values.items():
                            into[value] = into.get(value, 0) + n
    counts: defaultdict[Key, Counts] = defaultdict(Counter)
    for (key, front_office, question), by_value in sums.items():
        for value, n in by_value.items():
            counts[key][front_office, question, value] = n
    return dict(counts), dict(beside)


def _count_funnels(tx: Session, plan: CountingPlan) -> dict[Key, Funnel]:
    """The funnel of each group's cases; of groups that only answers know, one funnel with the key ``None``."""
    if plan.by in GROUPINGS_OF_ANSWERS_ONLY:
        plan = CountingPlan(plan.centres, plan.query, None)
    query, stored = plan.query, _choose_stored(tx, plan, INVITATIONS_BY)
    name_of, key_of = _group_names(tx, plan, stored.by), _group_keys(plan)
    front_offices = query.front_office is not None or plan.by == "front_office"
    funnels: defaultdict[Key, Funnel] = defaultdict(Funnel)
    for group in rollups.read_invitations(tx, stored, front_offices=front_offices, each_day=plan.by in SPANS):
        name = name_of(group.key)
        if not plan.holds_group(stored.by, name):
            continue
        for front_office, by_source in group.counts.items():
            if query.front_office in (None, front_office):
                steps = by_source[""][INVITED]
                key = None if plan.by is None else key_of(name, group, front_office, "")
                funnels[key] += Funnel(steps["invited"], **steps)
    return dict(funnels)


def _choose_stored(tx: Session, plan: CountingPlan, ways: Collection[str]) -> WantedCounts:
    """The stored sums that this grouping can be made of; ``ways`` are the ways of storing them."""
    query = plan.query
    candidates = (plan.by, query.subset.by if query.subset else None)
    by = next((by for by in candidates if by is not None and by in ways), WHOLE)
    daily = plan.by in ("day", "week")
    return WantedCounts(list(plan.centres), query.first, query.last, by, daily, _stored_keys(tx, plan, by))


def _stored_keys(tx: Session, plan: CountingPlan, by: str) -> Collection[str] | None:
    """The keys of the stored sums that the subset is made of; ``None`` stands for all."""
    subset = plan.query.subset
    if subset is None or subset.by != by:
        return None
    if by != "service":
        return [key or "" for key in subset.keys]
    code = func.coalesce(func.nullif(Service.code, ""), Service.local_code)
    services = select(Service.id).where(Service.centre_id.in_(list(plan.centres)), code.in_(subset.keys))
    return [id.hex for id in tx.scalars(services)] + [""]


def _group_names(tx: Session, plan: CountingPlan, by: str) -> Callable[[str], Key]:
    """How the keys of stored sums are named in a reply: a service by its code."""
    if by != "service":
        return lambda key: key or None
    services = select(Service.id, Service.code, Service.local_code)
    rows = tx.execute(services.where(Service.centre_id.in_(list(plan.centres))))
    codes = {id.hex: code or local_code for id, code, local_code in rows}
    return lambda key: codes.get(key) or None


def _group_keys(plan: CountingPlan) -> Callable[[Key, GroupCounts, str, str], Key]:
    """The group of the reply that counts of this name, day, centre, front office and source belong to."""
    span = SPANS.get(plan.by or "")
    if span is not None:
        return lambda name, group, front_office, source: span(group.day)
    ways: Mapping[str | None, Callable[[Key, GroupCounts, str, str], Key]] = {
        None: lambda name, group, front_office, source: source,
        "centre": lambda name, group, front_office, source: plan.centres[group.centre_id],
        "source": lambda name, group, front_office, source: source,
        "channel": lambda name, group, front_office, source: CHANNEL_OF_SOURCE[source],
        "front_office": lambda name, group, front_office, source: front_office,
    }
    return ways.get(plan.by, lambda name, group, front_office, source: name)


def sum_counts(groups: Iterable[Counts]) -> Counts:
    """The sum of these counts."""
    total: Counts = Counter()
    for counts in groups:
        total.update(counts)
    return total
