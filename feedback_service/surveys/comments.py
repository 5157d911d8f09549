"""Search in comments, without circumstances that could lead to an author (decision 11).

Staff who served a person know the day, the service, the front office and perhaps the source. So a search by these
shows comments only if at least ``min_group`` people answered in the same circumstances. A comment is shown with its
month and service, with its month, or with neither, by the same rule. Nobody at the window knew what the author wrote
or chose (words, reasons, language), so a search by these has no limit.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from feedback_service.errors import N_, Invalid
from feedback_service.models import Comment, Response, Service
from feedback_service.surveys.search_stems import search_prefixes

# Comments that an export reads together. Each may need two counts, and SQLite joins at most 500 in one query.
EXPORT_BATCH = 200
UNKNOWN_PLACE = N_("The list has no such place. Open its first page.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFilter:
    """Circumstances that staff may know: days (both included), and others if they are given.

    ``service`` is a key of the summaries: the national code, or the local one if there is no national one.
    """

    first: date
    last: date
    front_office: str | None = None
    service: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentFilter:
    """The comments to read: ``poor`` and ``breach`` only with such answers, ``reasons`` with any of these."""

    answer_filter: AnswerFilter
    language: str | None = None
    reasons: frozenset[str] = frozenset()
    poor: bool = False
    breach: bool = False
    text: str = ""
    set_aside: bool = False


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment with its author's answers, and with circumstances only if they cannot lead to the author.

    ``month`` is the first day of the month, ``service`` a title. ``front_office`` is shown with the month.
    """

    id: uuid.UUID
    text: str
    language: str
    answers: Mapping[str, Sequence[str]]
    set_aside: bool
    questionnaire: str
    month: date | None
    front_office: str | None
    service: str | None


@dataclass(frozen=True, slots=True)
class CommentPage:
    """A page of comments, the newest first; ``withheld``: too few people answered, so none is shown."""

    comments: tuple[CommentView, ...] = ()
    next_cursor: uuid.UUID | None = None  # the last comment of the page, if more follow
    total: int | None = None  # comments on all pages; only with the first page
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class _AnswerSet:
    """The answers of a centre in the circumstances of a filter; ``service_ids`` are those of its service."""

    centre_id: uuid.UUID
    answer_filter: AnswerFilter
    service_ids: Collection[uuid.UUID] | None

    def conditions(self, model: type[Comment] | type[Response]) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions that comments or responses must meet."""
        answer_filter = self.answer_filter
        yield model.centre_id == self.centre_id
        yield model.answered_on.between(answer_filter.first, answer_filter.last)
        if answer_filter.front_office:
            yield model.front_office == answer_filter.front_office
        if answer_filter.source:
            yield model.source == answer_filter.source
        if self.service_ids is not None:
            yield model.service_id.in_(self.service_ids)

    def select(self, model: type[Comment] | type[Response], limit: int) -> Select[Any]:
        """Select one row for each comment or response, at most ``limit``."""
        query = select(literal(1)).where(*self.conditions(model))
        if model is Response:
            query = query.where(Response.withdrawn_on.is_(None))
        return query.limit(limit)

    def count(self, tx: Session, limit: int) -> int:
        """Return how many people answered, counted up to ``limit``; comments first, because they are fewer."""
        comments = len(tx.execute(self.select(Comment, limit)).all())
        return comments if comments >= limit else len(tx.execute(self.select(Response, limit)).all())


def find_comments(
    tx: Session,
    centre_id: uuid.UUID,
    comment_filter: CommentFilter,
    *,
    min_group: int,
    limit: int,
    after: uuid.UUID | None = None,
) -> CommentPage:
    """Return the newest comments, at most ``limit``, or those that follow the comment ``after``.

    Raises ``Invalid`` if the centre never had the comment ``after``: the first page instead would look like the next.
    """
    service_ids = _find_service_ids(tx, centre_id, comment_filter.answer_filter.service)
    answer_set = _AnswerSet(centre_id, comment_filter.answer_filter, service_ids)
    similar = answer_set.count(tx, min_group)
    if similar < min_group:  # the same for all words searched: a difference would show what a person wrote
        return CommentPage(total=0, withheld=similar > 0)
    query = _comment_query(answer_set, comment_filter)
    if after is None:
        query = query.add_columns(func.count().over().label("total"))
    else:
        query = query.where(_comes_after(tx, centre_id, after))
    newest_first = query.order_by(Comment.answered_on.desc(), Comment.response_id.desc())
    rows = tx.execute(newest_first.limit(limit + 1)).all()
    shown_ids = [row.response_id for row in rows[:limit]]
    return CommentPage(
        _view_comments(tx, answer_set, shown_ids, min_group),
        shown_ids[-1] if len(rows) > limit else None,
        (rows[0].total if rows else 0) if after is None else None,
    )


def iterate_comments(
    tx: Session, centre_id: uuid.UUID, comment_filter: CommentFilter, *, min_group: int
) -> Iterator[CommentView]:
    """Yield all comments as ``find_comments`` shows them, batch by batch; for exports."""
    after: uuid.UUID | None = None
    while True:
        page = find_comments(tx, centre_id, comment_filter, min_group=min_group, limit=EXPORT_BATCH, after=after)
        yield from page.comments
        after = page.next_cursor
        if after is None:
            return


def set_comment_aside(tx: Session, centre_id: uuid.UUID, response_id: uuid.UUID, *, is_aside: bool) -> bool | None:
    """Set the comment aside or back. Returns whether that changed it, ``None`` if there is no such comment."""
    query = select(Comment).filter_by(centre_id=centre_id, response_id=response_id)
    comment = tx.scalar(query.with_for_update())
    if comment is None:
        return None
    is_new = comment.set_aside != is_aside
    comment.set_aside = is_aside
    return is_new


# ---- the query -----------------------------------------------------------------------------------------------


def _comment_query(answer_set: _AnswerSet, comment_filter: CommentFilter) -> Select[Any]:
    query = select(Comment.response_id).where(*answer_set.conditions(Comment))
    query = query.where(Comment.set_aside.is_(comment_filter.set_aside))
    for prefixes in search_prefixes(comment_filter.text):
        query = query.where(or_(*(Comment.folded.like(f"%{prefix}%") for prefix in prefixes)))
    if comment_filter.language:
        query = query.where(Comment.language == comment_filter.language)
    if comment_filter.poor:
        query = query.where(Comment.poor)
    if comment_filter.breach:
        query = query.where(Comment.breach)
    if comment_filter.reasons:
        conditions = (Comment.reasons.contains(f" {reason} ", autoescape=True) for reason in comment_filter.reasons)
        query = query.where(or_(*conditions))
    return query


def _comes_after(tx: Session, centre_id: uuid.UUID, after: uuid.UUID) -> ColumnElement[bool]:
    """Return the condition that a comment follows this one, whose response stays even after a withdrawal."""
    day = tx.scalar(select(Response.answered_on).where(Response.centre_id == centre_id, Response.id == after))
    if day is None:
        raise Invalid.for_field("/after", UNKNOWN_PLACE)
    same_day = and_(Comment.answered_on == day, Comment.response_id < after)
    return and_(Comment.answered_on <= day, or_(Comment.answered_on < day, same_day))


def _find_service_ids(tx: Session, centre_id: uuid.UUID, key: str | None) -> list[uuid.UUID] | None:
    if key is None:
        return None
    has_key = or_(Service.code == key, and_(Service.code == "", Service.local_code == key))
    return list(tx.scalars(select(Service.id).where(Service.centre_id == centre_id, has_key)))


# ---- comments with their circumstances -------------------------------------------------------------------------


def _view_comments(
    tx: Session, answer_set: _AnswerSet, response_ids: Sequence[uuid.UUID], min_group: int
) -> tuple[CommentView, ...]:
    if not response_ids:
        return ()
    same_response = and_(Response.centre_id == Comment.centre_id, Response.id == Comment.response_id)
    same_service = and_(Service.centre_id == Response.centre_id, Service.id == Response.service_id)
    query = (
        select(Comment, Response, Service.title)
        .join(Response, same_response)
        .outerjoin(Service, same_service)
        .where(Comment.centre_id == answer_set.centre_id, Comment.response_id.in_(response_ids))
    )
    rows = {comment.response_id: (comment, response, title) for comment, response, title in tx.execute(query)}
    responses = [response for _, response, _ in rows.values()]
    shared = _shared_circumstances(tx, answer_set, responses, min_group)
    views = []
    for response_id in response_ids:
        comment, response, title = rows[response_id]
        month, front_office = _first_of_month(response.answered_on), response.front_office
        shows_month = (month, front_office, None) in shared
        shows_service = shows_month and (month, front_office, response.service_id) in shared
        views.append(
            CommentView(
                id=response_id,
                text=comment.text,
                language=response.language,
                answers=response.answers,
                set_aside=comment.set_aside,
                questionnaire=response.questionnaire,
                month=month if shows_month else None,
                front_office=front_office if shows_month else None,
                service=title if shows_service else None,
            )
        )
    return tuple(views)


Circumstances = tuple[date, str, uuid.UUID | None]  # month, front office, service


def _shared_circumstances(
    tx: Session, answer_set: _AnswerSet, responses: Iterable[Response], min_group: int
) -> set[Circumstances]:
    """Return the circumstances of these responses in which at least ``min_group`` people answered.

    Only days of the filter count: a search over two days must not show more than these two days allow.
    """
    circumstances: set[Circumstances] = set()
    for response in responses:
        month = _first_of_month(response.answered_on)
        circumstances |= {(month, response.front_office, service) for service in (None, response.service_id)}
    numbered = list(circumstances)
    counts = []
    for number, (month, front_office, service) in enumerate(numbered):
        answer_filter = answer_set.answer_filter
        narrowed_filter = replace(
            answer_filter,
            first=max(answer_filter.first, month),
            last=min(answer_filter.last, _first_of_month(month + timedelta(31)) - timedelta(1)),
            front_office=front_office,
        )
        service_ids = answer_set.service_ids if service is None else [service]
        narrowed = _AnswerSet(answer_set.centre_id, narrowed_filter, service_ids)
        limited = narrowed.select(Response, min_group).subquery()
        counts.append(select(literal(number).label("number"), func.count().label("n")).select_from(limited))
    counted = union_all(*counts).subquery()
    enough = tx.scalars(select(counted.c.number).where(counted.c.n >= min_group))
    return {numbered[number] for number in enough}


def _first_of_month(day: date) -> date:
    return day.replace(day=1)
