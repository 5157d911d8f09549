"""Makes the summary of a period: funnel, figures and groups, without figures of too few people."""

from collections import Counter
from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.counts.tallies import PEOPLE
from feedback_service.figures.period_counts import Counts, PeriodCounts, Questions, count_period, sum_counts
from feedback_service.figures.shapes import (
    GROUPINGS_OF_ANSWERS_ONLY,
    FigureQuery,
    Funnel,
    Group,
    GroupContent,
    Key,
    Summary,
)
from feedback_service.figures.suppression import withhold_small_groups
from feedback_service.indicators.scoring import Figures, compute_figures
from feedback_service.models import Centre, Service
from feedback_service.vocabulary import FRONT_OFFICES


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

    whole = sum_counts(by_group[key] for key in keys if key not in apart and key in by_group)
    return Summary(
        first=query.first,
        last=query.last,
        methodology=counted.methodology,
        suppressed=suppressed,
        funnel=Funnel() if is_subset_withheld else whole_funnel,
        figures=Figures() if suppressed else figures_of(whole, withheld.front_offices),
        groups=tuple(group_of(key) for key in keys) if by is not None else (),
    )


def count_respondents(counts: Counts) -> Counter[str]:
    """How many people answered about each front office."""
    return Counter({front_office: counts[front_office, PEOPLE, ""] for front_office in FRONT_OFFICES})


def read_service_titles(tx: Session, centres: Collection[str]) -> dict[str, str]:
    """The titles of the centres' services, by the key of their group."""
    services = select(Service.code, Service.local_code, Service.title)
    services = services.join(Centre, Centre.id == Service.centre_id).where(Centre.code.in_(centres))
    rows = tx.execute(services.order_by(Service.code, Service.local_code))
    return {code or local_code: title for code, local_code, title in rows}


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
