"""The figures without answers that may not be a visitor's own: a second total beside the one that counts."""

from collections import Counter
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.counts import tallies
from feedback_service.figures.period_counts import Counts, PeriodCounts, count_period
from feedback_service.figures.shapes import FigureQuery, Summary, WithoutSignals
from feedback_service.figures.summaries import count_respondents, summarise_counts
from feedback_service.figures.suppression import withhold_small_groups
from feedback_service.indicators.scoring import compute_figures
from feedback_service.models import Response, Signal
from feedback_service.vocabulary import FRONT_OFFICES

WITH, WITHOUT = "with", "without"


def read_summary_with_and_without_signals(
    tx: Session, query: FigureQuery, *, min_group: int, by: str | None = None
) -> tuple[Summary, WithoutSignals]:
    """A summary, and what the same answers say without those that carry a signal; errors as in ``read_summary``.

    Beside groups the second total is withheld: a reader who knows which groups can carry signals would learn about
    them by subtraction.
    """
    counted = count_period(tx, query, by=by)
    summary = summarise_counts(counted, min_group=min_group)
    if by is not None or query.subset is not None:
        return summary, WithoutSignals(0, None)
    return summary, _subtract_signalled(counted, _count_signalled(tx, counted), min_group)


def _subtract_signalled(counted: PeriodCounts, signalled: dict[str, Counts], min_group: int) -> WithoutSignals:
    """The figures of the answers without a signal; ``signalled`` has the others by source.

    Both parts are shown as two groups of one whole: where either is too small, nothing is shown, since the whole is
    shown elsewhere. The whole of each source is shown elsewhere too, so none of them may have such parts either.
    """
    whole = sum(counted.by_source.values(), Counter()), sum(signalled.values(), Counter())
    parts = [(counted.by_source.get(source, Counter()), counts) for source, counts in signalled.items()]
    suppressions = []
    for all_counts, signalled_counts in (whole, *parts):
        with_signal = count_respondents(signalled_counts)
        groups = {WITH: with_signal, WITHOUT: count_respondents(all_counts) - with_signal}
        suppressions.append(withhold_small_groups(groups, min_group=min_group))
    if any(suppression.whole or suppression.groups for suppression in suppressions):
        return WithoutSignals(0, None)
    withheld_offices = frozenset[str]().union(
        *(suppression.front_offices.union(*suppression.cells.values()) for suppression in suppressions)
    )
    people = count_respondents(whole[1])
    return WithoutSignals(
        signalled=sum(n for front_office, n in people.items() if front_office not in withheld_offices),
        figures=compute_figures(whole[0] - whole[1], counted.methodology, withheld_offices),
    )


def _count_signalled(tx: Session, counted: PeriodCounts) -> dict[str, Counts]:
    """The counts of answers with a signal, by source, straight from the answers: they are few."""
    query = counted.plan.query
    offices: Collection[str] = (query.front_office,) if query.front_office else FRONT_OFFICES
    of_centres = Signal.centre_id.in_(list(counted.plan.centres))
    odd = select(Signal.centre_id, Signal.response_id).where(of_centres).distinct().subquery()
    responses = select(Response.source, Response.front_office, Response.answers).where(
        Response.centre_id == odd.c.centre_id,
        Response.id == odd.c.response_id,
        Response.answered_on.between(query.first, query.last),
        Response.front_office.in_(offices),
        Response.source.in_(counted.counted_sources),
        Response.withdrawn_on.is_(None),
    )
    tally: tallies.NestedCounts = {}
    for source, front_office, answers in tx.execute(responses):
        tallies.count_answer(tally, front_office, source, answers)
    counts: dict[str, Counts] = {}
    for (front_office, source, question, value), n in tallies.iterate_cells(tally):
        counts.setdefault(source, Counter())[front_office, question, value] = n
    return counts
