"""Counts answers and invitations directly from their rows, without stored sums."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_service.counts import tallies
from feedback_service.counts.tallies import ANSWERS_BY, INVITED, PEOPLE, STEPS, WHOLE, NestedCounts
from feedback_service.models import Case, Invitation, Response
from feedback_service.surveys.questionnaires import front_office_of

_OF_CASE: Mapping[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
    WHOLE: literal(""),
    "service": Case.service_id,
    "provider": Case.provider_edrpou,
    "workplace": Case.workplace,
}


class GroupCounts(NamedTuple):
    """The counts of one group on one day, or in the month that begins with ``day``; ``key`` names the group."""

    centre_id: uuid.UUID
    day: date
    key: str
    counts: NestedCounts


def count_people(groups: Iterable[GroupCounts]) -> list[GroupCounts]:
    """How many people answered in each group, all groups of a centre and day in one row.

    In such a row the values of the question ``PEOPLE`` are the keys of the groups; ``split_groups`` takes it apart.
    """
    by_cell: dict[tuple[uuid.UUID, date], NestedCounts] = {}
    for group in groups:
        counts = by_cell.setdefault((group.centre_id, group.day), {})
        for front_office, by_source in group.counts.items():
            for source, by_question in by_source.items():
                numbers = counts.setdefault(front_office, {}).setdefault(source, {}).setdefault(PEOPLE, {})
                numbers[group.key] = numbers.get(group.key, 0) + by_question[PEOPLE][""]
    return [GroupCounts(*cell, "", counts) for cell, counts in by_cell.items()]


def split_groups(people: GroupCounts) -> Iterator[GroupCounts]:
    """The groups of a row that ``count_people`` made, each with how many people answered."""
    by_key: defaultdict[str, NestedCounts] = defaultdict(dict)
    for (front_office, source, _, key), n in tallies.iterate_cells(people.counts):
        by_key[key].setdefault(front_office, {})[source] = {PEOPLE: {"": n}}
    for key, counts in by_key.items():
        yield people._replace(key=key, counts=counts)


def count_answers(
    tx: Session, days: Mapping[uuid.UUID, Collection[date]], by: Iterable[str]
) -> dict[str, list[GroupCounts]]:
    """The counts of these days of centres, grouped in each of the ways ``by`` (keys of ``ANSWERS_BY``).

    Withdrawn answers are not counted.
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
    key_of = {way: ANSWERS_BY[way] for way in by}
    groups: dict[str, dict[tuple[uuid.UUID, date, str], NestedCounts]] = {way: {} for way in key_of}
    for begin, end in _join_days(set[date]().union(*days.values())):
        centres = [centre for centre, its_days in days.items() if any(begin <= day <= end for day in its_days)]
        within = (Response.centre_id.in_(centres), Response.answered_on.between(begin, end))
        for answer in tx.execute(facts.where(*within)):
            if answer.answered_on in days[answer.centre_id]:
                for way, key in key_of.items():
                    cell = (answer.centre_id, answer.answered_on, key(answer))
                    counts = groups[way].setdefault(cell, {})
                    tallies.count_answer(counts, answer.front_office, answer.source, answer.answers)
    return {way: [GroupCounts(*cell, counts) for cell, counts in cells.items()] for way, cells in groups.items()}


def _join_days(days: Collection[date]) -> Iterator[tuple[date, date]]:
    """The days as few periods (first, last): days at most a week apart are read in one statement."""
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
    """How far the invitations issued from ``first`` to ``last`` went, grouped ``by`` one of ``INVITATIONS_BY``.

    Without ``each_day`` all are counted on the first day; without ``front_offices`` the front office is empty.
    """
    questionnaire_of = Invitation.questionnaire if front_offices else literal("")
    day_of = Invitation.issued_on if each_day else literal(first)
    cell = (Invitation.centre_id, day_of, _OF_CASE[by], questionnaire_of)
    counted = (
        func.count(),
        func.count().filter(Invitation.opened),
        func.count().filter(Invitation.started),
        func.count(Invitation.answered_on),
    )
    # A column that is the same for all rows is left out: SQLite would sort all rows by it.
    differing = (column for column in cell if not isinstance(column, BindParameter))
    query = select(*cell, *counted).select_from(Invitation).group_by(*differing)
    if by != WHOLE:
        query = query.join(Case, (Case.centre_id == Invitation.centre_id) & (Case.id == Invitation.case_id))
    within = (Invitation.centre_id.in_(centres), Invitation.issued_on.between(first, last))
    groups: dict[tuple[uuid.UUID, date, str], NestedCounts] = {}
    for centre_id, day, key, questionnaire, *numbers in tx.execute(query.where(*within)):
        name = key.hex if isinstance(key, uuid.UUID) else key or ""
        counts = groups.setdefault((centre_id, day, name), {})
        steps = dict(zip(STEPS, numbers, strict=True))
        tallies.add_counts(counts, {front_office_of(questionnaire): {"": {INVITED: steps}}})
    for group, counts in groups.items():
        yield GroupCounts(*group, counts)
