"""Comments as the head of a centre reads them: found, but never beside what would lead to their author.

Whoever served a person knows the day, the service, the front office and perhaps the channel. So comments picked
by these are shown only where at least ``least`` people answered alike, and what stands beside a comment is as fine
as that rule allows: its month and service, its month, or nothing. What the author said (words, reasons, language)
was known to nobody at the window and narrows freely. The decision is docs/decisions/0011.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from feedback_service.models import Comment, Response, Service
from feedback_service.surveys.folding import beginnings

PORTION = (
    200  # comments of an export told together: each may want two counts, and SQLite joins 500 in a question
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What a desk may know of a person: answers of these days (both included), and more if it is said.

    ``service`` is a group key of the summaries: the national code, or the local one where there is none.
    """

    first: date
    last: date
    front_office: str | None = None
    service: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which comments to read: ``poor``, ``breach``: only beside such answers; ``reasons``: any of these named."""

    of: Slice
    language: str | None = None
    reasons: frozenset[str] = frozenset()
    poor: bool = False
    breach: bool = False
    text: str = ""
    set_aside: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A comment, what its author answered, and as much of its circumstances as leads to nobody.

    ``month`` is the first day of the month; ``service`` the title; ``front_office`` goes with the month.
    """

    id: uuid.UUID
    text: str
    language: str
    answers: Mapping[str, Sequence[str]]
    set_aside: bool
    questionnaire: str
    month: date | None = None
    front_office: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of comments, the newest first; ``withheld``: so few people answered that none may be shown."""

    comments: tuple[Told, ...] = ()
    following: uuid.UUID | None = None  # the last one shown, where more come after it
    total: int | None = None  # of the first page: how many there are on all
    withheld: bool = False


def find(
    tx: Session,
    centre_id: uuid.UUID,
    wanted: Wanted,
    *,
    least: int,
    limit: int,
    after: uuid.UUID | None = None,
) -> Found:
    """The newest comments, ``limit`` at most, or those that come after that one."""
    services = _services(tx, centre_id, wanted.of.service)
    alike = _alike_at_most(tx, centre_id, wanted.of, services, least)
    if alike < least:  # whatever words are looked for: "found but withheld" would tell what somebody wrote
        return Found(total=0, withheld=alike > 0)
    query = _found(centre_id, wanted, services)
    if after is None:
        query = query.add_columns(func.count().over().label("total"))
    else:
        query = query.where(_later(tx, centre_id, after))
    newest_first = query.order_by(Comment.answered_on.desc(), Comment.response_id.desc())
    rows = tx.execute(newest_first.limit(limit + 1)).all()
    shown = [row.response_id for row in rows[:limit]]
    return Found(
        _told(tx, centre_id, wanted.of, services, shown, least),
        shown[-1] if len(rows) > limit else None,
        (rows[0].total if rows else 0) if after is None else None,
    )


def every(tx: Session, centre_id: uuid.UUID, wanted: Wanted, *, least: int) -> Iterator[Told]:
    """All of them, page after page, as ``find`` would show them; for exports."""
    after: uuid.UUID | None = None
    while True:
        found = find(tx, centre_id, wanted, least=least, limit=PORTION, after=after)
        yield from found.comments
        after = found.following
        if after is None:
            return


def set_aside(tx: Session, centre_id: uuid.UUID, response_id: uuid.UUID, *, aside: bool) -> bool | None:
    """The comment is set aside, or back among the others; whether that is new, ``None`` if there is no such one."""
    query = select(Comment).where(Comment.centre_id == centre_id, Comment.response_id == response_id)
    comment = tx.scalar(query.with_for_update())
    if comment is None:
        return None
    new = comment.set_aside != aside
    comment.set_aside = aside
    return new


# ---- which ---------------------------------------------------------------------------------------------------


def _found(centre_id: uuid.UUID, wanted: Wanted, services: Collection[uuid.UUID] | None) -> Select[Any]:
    query = select(Comment.response_id).where(
        *_of_slice(Comment, centre_id, wanted.of, services),
        Comment.set_aside.is_(wanted.set_aside),
        *(or_(*(Comment.folded.like(f"%{each}%") for each in word)) for word in beginnings(wanted.text)),
    )
    if wanted.language:
        query = query.where(Comment.language == wanted.language)
    if wanted.poor:
        query = query.where(Comment.poor)
    if wanted.breach:
        query = query.where(Comment.breach)
    if wanted.reasons:
        named = (Comment.reasons.contains(f" {reason} ", autoescape=True) for reason in wanted.reasons)
        query = query.where(or_(*named))
    return query


def _of_slice(
    of: type[Comment] | type[Response],
    centre_id: uuid.UUID,
    slice: Slice,
    services: Collection[uuid.UUID] | None,
) -> Iterator[ColumnElement[bool]]:
    """What is true of the slice's comments, or of its answers."""
    yield of.centre_id == centre_id
    yield of.answered_on.between(slice.first, slice.last)
    if slice.front_office:
        yield of.front_office == slice.front_office
    if slice.source:
        yield of.source == slice.source
    if services is not None:
        yield of.service_id.in_(services)


def _later(tx: Session, centre_id: uuid.UUID, after: uuid.UUID) -> ColumnElement[bool]:
    """Whatever comes after that comment in the order shown; its answer's tombstone keeps its place."""
    day = tx.scalar(select(Response.answered_on).where(Response.centre_id == centre_id, Response.id == after))
    if day is None:
        return literal(True)
    same_day = and_(Comment.answered_on == day, Comment.response_id < after)
    return and_(Comment.answered_on <= day, or_(Comment.answered_on < day, same_day))


def _services(tx: Session, centre_id: uuid.UUID, key: str | None) -> list[uuid.UUID] | None:
    if key is None:
        return None
    named = or_(Service.code == key, and_(Service.code == "", Service.local_code == key))
    return list(tx.scalars(select(Service.id).where(Service.centre_id == centre_id, named)))


# ---- how many answered alike -----------------------------------------------------------------------------------


def _alike(
    of: type[Comment] | type[Response],
    centre_id: uuid.UUID,
    slice: Slice,
    services: Collection[uuid.UUID] | None,
    least: int,
) -> Select[Any]:
    """A row for each of the slice's comments or answers, of which no more than ``least`` are looked at."""
    alike = select(literal(1)).where(*_of_slice(of, centre_id, slice, services))
    if of is Response:
        alike = alike.where(Response.withdrawn_on.is_(None))
    return alike.limit(least)


def _alike_at_most(
    tx: Session, centre_id: uuid.UUID, slice: Slice, services: Collection[uuid.UUID] | None, least: int
) -> int:
    """How many people answered, counted up to ``least``; comments alone may tell, and sooner."""
    found = 0
    for of in (Comment, Response):
        found = len(tx.execute(_alike(of, centre_id, slice, services, least)).all())
        if found >= least:
            break
    return found


# ---- what stands beside ----------------------------------------------------------------------------------------


def _told(
    tx: Session,
    centre_id: uuid.UUID,
    of: Slice,
    services: Collection[uuid.UUID] | None,
    ids: Sequence[uuid.UUID],
    least: int,
) -> tuple[Told, ...]:
    if not ids:
        return ()
    same = and_(Response.centre_id == Comment.centre_id, Response.id == Comment.response_id)
    its = and_(Service.centre_id == Response.centre_id, Service.id == Response.service_id)
    query = (
        select(Comment, Response, Service.title)
        .join(Response, same)
        .outerjoin(Service, its)
        .where(Comment.centre_id == centre_id, Comment.response_id.in_(ids))
    )
    rows = {comment.response_id: (comment, response, title) for comment, response, title in tx.execute(query)}
    shared = _shared(tx, centre_id, of, services, [response for _, response, _ in rows.values()], least)
    told = []
    for id in ids:
        comment, response, title = rows[id]
        beside: dict[str, Any] = {}
        month, front_office = _month(response.answered_on), response.front_office
        if (month, front_office, None) in shared:
            beside = {"month": month, "front_office": front_office}
            if (month, front_office, response.service_id) in shared:
                beside["service"] = title
        told.append(
            Told(
                id=id,
                text=comment.text,
                language=response.language,
                answers=response.answers,
                set_aside=comment.set_aside,
                questionnaire=response.questionnaire,
                **beside,
            )
        )
    return tuple(told)


Circumstances = tuple[date, str, uuid.UUID | None]  # month, front office, service


def _shared(
    tx: Session,
    centre_id: uuid.UUID,
    of: Slice,
    services: Collection[uuid.UUID] | None,
    responses: Iterable[Response],
    least: int,
) -> set[Circumstances]:
    """Months with front offices, without and with a service, in which at least so many people answered.

    Only days within the slice count: of what is shown for two days nothing finer may be told by its month.
    """
    asked: set[Circumstances] = set()
    for response in responses:
        month = _month(response.answered_on)
        asked |= {(month, response.front_office, service) for service in (None, response.service_id)}
    numbered = list(asked)
    counts = []
    for number, (month, front_office, service) in enumerate(numbered):
        within = replace(
            of,
            first=max(of.first, month),
            last=min(of.last, _month(month + timedelta(31)) - timedelta(1)),
            front_office=front_office,
        )
        of_services = services if service is None else [service]
        few = _alike(Response, centre_id, within, of_services, least).subquery()
        counts.append(select(literal(number).label("number"), func.count().label("n")).select_from(few))
    told = union_all(*counts).subquery()
    enough = tx.scalars(select(told.c.number).where(told.c.n >= least))
    return {numbered[number] for number in enough}


def _month(day: date) -> date:
    return day.replace(day=1)
