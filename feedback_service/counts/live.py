"""What answers and invitations add up to, straight from them."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_service.counts import tallies
from feedback_service.counts.tallies import ANSWERS_BY, INVITED, PEOPLE, STEPS, WHOLE, Counts
from feedback_service.models import Case, Invitation, Response
from feedback_service.surveys.questionnaires import front_office_of

_OF_CASE: Mapping[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
    WHOLE: literal(""),
    "service": Case.service_id,
    "provider": Case.provider_edrpou,
    "workplace": Case.workplace,
}


class GroupCounts(NamedTuple):
    """What one group of a day or month, told by its first day, adds up to."""

    centre_id: uuid.UUID
    day: date
    key: str
    counts: Counts


def count_people(told: Iterable[GroupCounts]) -> list[GroupCounts]:
    """How many people answered, of all groups of a centre and day together: the values of ``PEOPLE`` are their keys."""
    found: dict[tuple[uuid.UUID, date], Counts] = {}
    for one in told:
        counts = found.setdefault((one.centre_id, one.day), {})
        for front_office, by_source in one.counts.items():
            for source, by_question in by_source.items():
                numbers = counts.setdefault(front_office, {}).setdefault(source, {}).setdefault(PEOPLE, {})
                numbers[one.key] = numbers.get(one.key, 0) + by_question[PEOPLE][""]
    return [GroupCounts(*cell, "", counts) for cell, counts in found.items()]


def split_groups(told: GroupCounts) -> Iterator[GroupCounts]:
    """The groups that were told together by ``count_people``, each with how many answered."""
    found: defaultdict[str, Counts] = defaultdict(dict)
    for (front_office, source, _, key), n in tallies.iterate_cells(told.counts):
        found[key].setdefault(front_office, {})[source] = {PEOPLE: {"": n}}
    for key, counts in found.items():
        yield told._replace(key=key, counts=counts)


def count_answers(
    tx: Session, days: Mapping[uuid.UUID, Collection[date]], by: Iterable[str]
) -> dict[str, list[GroupCounts]]:
    """What these days of centres add up to in several ways, straight from the answers.

    Answers that were taken back count nowhere.
    """
    facts = select(
        Response.centre_id,
        Response.answered_on,
        Response.front_office,
        Response.source,
        Response.service_id,
        Response.provider_edrpou,
        Response.workplace,
        Response.part_of_day,
        Response.language,
        Response.answers,
    ).where(Response.withdrawn_on.is_(None))
    keys = {name: ANSWERS_BY[name] for name in by}
    found: dict[str, dict[tuple[uuid.UUID, date, str], Counts]] = {name: {} for name in keys}
    for begin, end in _join_days(set[date]().union(*days.values())):
        centres = [centre for centre, theirs in days.items() if any(begin <= day <= end for day in theirs)]
        these = (Response.centre_id.in_(centres), Response.answered_on.between(begin, end))
        for one in tx.execute(facts.where(*these)):
            if one.answered_on in days[one.centre_id]:
                for name, key in keys.items():
                    counts = found[name].setdefault((one.centre_id, one.answered_on, key(one)), {})
                    tallies.count_answer(counts, one.front_office, one.source, one.answers)
    return {
        name: [GroupCounts(*cell, counts) for cell, counts in groups.items()]
        for name, groups in found.items()
    }


def _join_days(days: Collection[date]) -> Iterator[tuple[date, date]]:
    """The days as few stretches: one with a week's gap is read in one go."""
    begin = end = None
    for day in sorted(days):
        if begin is None or end is None:
            begin = day
        elif day - end > timedelta(days=7):
            yield begin, end
            begin = day
        end = day
    if begin is not None and end is not None:
        yield begin, end


def count_invitations(
    tx: Session,
    centres: Collection[uuid.UUID],
    first: date,
    last: date,
    by: str,
    *,
    front_offices: bool = True,
    each_day: bool = True,
) -> Iterator[GroupCounts]:
    """What became of the invitations issued on these days, straight from them; all told of the first if not of each."""
    asked = Invitation.questionnaire if front_offices else literal("")
    day_of = Invitation.issued_on if each_day else literal(first)
    cell = (Invitation.centre_id, day_of, _OF_CASE[by], asked)
    counted = (
        func.count(),
        func.count().filter(Invitation.opened),
        func.count().filter(Invitation.started),
        func.count(Invitation.answered_on),
    )
    # Not by what is the same for all: SQLite would sort all rows by it.
    differing = (column for column in cell if not isinstance(column, BindParameter))
    query = select(*cell, *counted).select_from(Invitation).group_by(*differing)
    if by != WHOLE:
        query = query.join(Case, (Case.centre_id == Invitation.centre_id) & (Case.id == Invitation.case_id))
    within = (Invitation.centre_id.in_(centres), Invitation.issued_on.between(first, last))
    groups: dict[tuple[uuid.UUID, date, str], Counts] = {}
    for centre_id, day, key, questionnaire, *numbers in tx.execute(query.where(*within)):
        name = key.hex if isinstance(key, uuid.UUID) else key or ""
        counts = groups.setdefault((centre_id, day, name), {})
        steps = dict(zip(STEPS, numbers, strict=True))
        tallies.add_counts(counts, {front_office_of(questionnaire): {"": {INVITED: steps}}})
    for group, counts in groups.items():
        yield GroupCounts(*group, counts)
