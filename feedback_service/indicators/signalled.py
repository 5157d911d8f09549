"""The figures without answers that may not be a visitor's own: the other total, beside the one that counts."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.database import reading
from feedback_service.indicators import library, rollups, scoring, summaries, tallies
from feedback_service.indicators.suppression import withhold
from feedback_service.indicators.tallies import PEOPLE
from feedback_service.models import Centre, Response, Signal
from feedback_service.words import FRONT_OFFICES

Counts = Counter[tuple[str, str, str]]  # front office, question, value
WITH, WITHOUT = "with", "without"


@reading
def both_totals(tx: Session, /, *, by: str | None = None, **asked: Any) -> dict[str, object]:
    """A summary, and what it says without the answers that carry a signal.

    Beside groups that is withheld: who knows which of them can carry signals would learn by subtraction.
    """
    told = summaries.read(tx, by=by, **asked)
    return told | {"without_signals": {"suppressed": True} if by else without_signals(tx, **asked)}


def without_signals(
    tx: Session,
    *,
    centres: Collection[str],
    first: date,
    last: date,
    front_office: str | None = None,
    source: str | None = None,
    min_group: int,
) -> dict[str, object]:
    """How many answers of a period carry a signal, and what all the others say; sources as in a summary.

    Told as one group of two: where either is too small, nothing is, since the whole is told elsewhere. So is each
    source, and so none of them may have two such parts either.
    """
    ids = tx.scalars(select(Centre.id).where(Centre.code.in_(centres))).all()
    methodology = library.in_force(tx.connection(), last)
    sources = {source} if source else methodology.sources
    offices = (front_office,) if front_office else FRONT_OFFICES
    odd = _signalled(tx, ids, first, last, offices, sources)
    told = _all(tx, ids, first, last, offices, sources)
    whole = sum(told.values(), Counts()), sum(odd.values(), Counts())
    judged = [
        withhold({WITH: _people(theirs), WITHOUT: _people(all_) - _people(theirs)}, min_group=min_group)
        for all_, theirs in (whole, *((told[source], odd[source]) for source in odd))
    ]
    if any(one.whole or one.groups for one in judged):
        return {"suppressed": True}
    withheld = frozenset().union(*(one.front_offices.union(*one.cells.values()) for one in judged))
    figures = scoring.figures(whole[0] - whole[1], methodology, withheld)
    return {
        "suppressed": False,
        "signalled": sum(n for office, n in _people(whole[1]).items() if office not in withheld),
        "indicators": figures.indicators,
        "questions": figures.questions,
        "reasons": figures.reasons,
    }


def _people(counts: Counts) -> Counter[str]:
    """How many answered about each front office."""
    return Counter({office: counts[office, PEOPLE, ""] for office in FRONT_OFFICES})


def _all(
    tx: Session,
    ids: Collection[uuid.UUID],
    first: date,
    last: date,
    offices: Collection[str],
    sources: Collection[str],
) -> dict[str, Counts]:
    """What everybody says, by source."""
    counts = {source: Counts() for source in sources}
    for one in rollups.answers(tx, ids, first, last):
        for office in one.counts.keys() & set(offices):
            for source in one.counts[office].keys() & set(sources):
                for question, values in one.counts[office][source].items():
                    for value, n in values.items():
                        counts[source][office, question, value] += n
    return counts


def _signalled(
    tx: Session,
    ids: Collection[uuid.UUID],
    first: date,
    last: date,
    offices: Collection[str],
    sources: Collection[str],
) -> dict[str, Counts]:
    """The same of those with a signal, straight from the answers: they are few."""
    odd = select(Signal.centre_id, Signal.response_id).where(Signal.centre_id.in_(ids)).distinct().subquery()

    query = select(Response.source, Response.front_office, Response.answers).where(
        Response.centre_id == odd.c.centre_id,
        Response.id == odd.c.response_id,
        Response.answered_on.between(first, last),
        Response.front_office.in_(offices),
        Response.source.in_(sources),
        Response.withdrawn_on.is_(None),
    )
    noted: tallies.Counts = {}
    for source, front_office, answers in tx.execute(query):
        tallies.note(noted, front_office, source, answers)
    counts: defaultdict[str, Counts] = defaultdict(Counts)
    for (front_office, source, question, value), n in tallies.cells(noted):
        counts[source][front_office, question, value] = n
    return dict(counts)
