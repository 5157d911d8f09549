"""Reads the summary of a period: funnel, figures and groups, without figures of too few people."""

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
    Group,
    GroupContent,
    Key,
    Summary,
)
from feedback_service.figures.suppression import withhold_small_groups
from feedback_service.indicators import published
from feedback_service.indicators.methodology import Methodology
from feedback_service.indicators.scoring import Figures, compute_figures
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


def read_summary(
    tx: Session,
    query: FigureQuery,
    *,
    min_group: int,
    by: str | None = None,
    questions: Questions = "all",
    funnel: bool = True,
) -> Summary:
    """What the centres' answers of a period say, pooled; ``by`` (one of ``GROUPINGS``) adds groups.

    ``questions`` says which questions figures are made of: ``all``, the ``headlines`` (index and overall question)
    or the ``overall`` question alone. Without ``funnel`` the funnel is as if nobody had been invited. Both save time.
    Raises ``NotFound`` if there is no such centre, ``ValueError`` for an unknown word
    or for a subset that cannot be grouped like that.
    """
    return summarise_counts(count_period(tx, query, by=by, questions=questions, funnel=funnel), min_group=min_group)


def count_period(
    tx: Session, query: FigureQuery, *, by: str | None = None, questions: Questions = "all", funnel: bool = True
) -> PeriodCounts:
    """Read all counts of a summary; arguments and errors are those of ``read_summary``."""
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
    by_group: Mapping[Key, Counts] = {None: _add_counts(by_key.values())} if by is None and by_key else by_key
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


def summarise_counts(counted: PeriodCounts, *, min_group: int) -> Summary:
    """The figures of the counts, without what is withheld because fewer than ``min_group`` people answered."""
    query, by, by_group, funnels = counted.plan.query, counted.plan.by, counted.by_group, counted.funnels
    whole_funnel = sum(funnels.values(), Funnel())
    if by in GROUPINGS_OF_ANSWERS_ONLY:
        # Invitations have no source: each group of by=source shows the same funnel as a query with source=.
        funnels = dict.fromkeys(by_group, whole_funnel)
    keys = _sort_keys(by_group.keys() | funnels.keys())
    apart = [key for key in keys if by == "source" and key not in counted.counted_sources]
    respondents = {key: count_respondents(by_group.get(key, Counter())) for key in keys}
    withheld = withhold_small_groups(respondents, min_group=min_group, apart=apart)
    is_subset_withheld, withheld_offices = _withhold_subset(counted, min_group)
    suppressed = withheld.whole or is_subset_withheld

    def figures_of(counts: Counts, cells: Collection[str]) -> Figures:
        return compute_figures(counts, counted.methodology, {*cells, *withheld_offices}, counted.questions)

    def group_of(key: Key) -> Group:
        if is_subset_withheld or key in withheld.groups:
            return Group(key, None)
        figures = figures_of(by_group.get(key, Counter()), withheld.cells[key])
        return Group(key, GroupContent(funnels.get(key, Funnel()), figures))

    whole = _add_counts(by_group[key] for key in keys if key not in apart and key in by_group)
    return Summary(
        first=query.first,
        last=query.last,
        methodology=counted.methodology,
        suppressed=suppressed,
        funnel=Funnel() if is_subset_withheld else whole_funnel,
        figures=Figures() if suppressed else figures_of(whole, withheld.front_offices),
        groups=tuple(group_of(key) for key in keys) if by is not None else (),
    )


def read_service_titles(tx: Session, centres: Collection[str]) -> dict[str, str]:
    """The titles of the centres' services, by the key of their group."""
    services = select(Service.code, Service.local_code, Service.title)
    services = services.join(Centre, Centre.id == Service.centre_id).where(Centre.code.in_(centres))
    rows = tx.execute(services.order_by(Service.code, Service.local_code))
    return {code or local_code: title for code, local_code, title in rows}


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


def _sort_keys(keys: Iterable[Key]) -> list[Key]:
    """The keys in the order of a reply. Of equally small groups the first is withheld, so the order must not vary."""
    return sorted(keys, key=lambda key: (key is None, key or ""))


def _withhold_subset(counted: PeriodCounts, min_group: int) -> tuple[bool, frozenset[str]]:
    """Whether the subset is withheld among the groups beside it, and which of its front offices are."""
    subset, respondents = counted.plan.query.subset, counted.respondents_beside
    if subset is None:
        return False, frozenset()
    among = respondents.keys() if subset.among is None else respondents.keys() & subset.among
    if subset.keys >= among:
        return False, frozenset()  # the subset is all that its reader sees
    withheld = withhold_small_groups({key: respondents[key] for key in _sort_keys(among)}, min_group=min_group)
    cells = (withheld.cells.get(key, frozenset()) for key in subset.keys)
    return not withheld.groups.isdisjoint(subset.keys), withheld.front_offices.union(*cells)


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


def count_respondents(counts: Counts) -> Counter[str]:
    """How many people answered about each front office."""
    return Counter({front_office: counts[front_office, PEOPLE, ""] for front_office in FRONT_OFFICES})


def _add_counts(groups: Iterable[Counts]) -> Counts:
    total: Counts = Counter()
    for counts in groups:
        total.update(counts)
    return total
