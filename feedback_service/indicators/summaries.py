"""The summary of a period: funnel, figures, and the same by group, with nothing in it about too few people."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, func, outerjoin, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_service.db import reading
from feedback_service.errors import NotFound
from feedback_service.indicators import library, rollups, scoring
from feedback_service.indicators.methodology import Methodology
from feedback_service.indicators.rollups import PEOPLE
from feedback_service.indicators.scoring import Figures
from feedback_service.indicators.statistics import percent
from feedback_service.indicators.suppression import withhold
from feedback_service.models import Case, Centre, Invitation, Response, Service
from feedback_service.words import FRONT_OFFICES, SOURCES

Key = str | None  # of a group; there is none where, say, the workplace is not known
Counts = Counter[tuple[str, str, str]]  # front office, question, value
Column = ColumnElement[Any] | InstrumentedAttribute[Any]


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


SPANS: Mapping[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": _week,
    "month": lambda day: f"{day:%Y-%m}",
    "quarter": lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
}
BY = (*SPANS, "service", "provider", "source", "workplace", "front_office")

_SERVICE_KEY = func.coalesce(func.nullif(Service.code, ""), func.nullif(Service.local_code, ""))
# What the answers are grouped by where roll-ups know too little: straight from the responses.
_OF_RESPONSE: Mapping[str, Column] = {
    "service": _SERVICE_KEY,
    "provider": Response.provider_edrpou,
    "workplace": Response.workplace,
}
_OF_CASE: Mapping[str, Column] = {
    "service": _SERVICE_KEY,
    "provider": Case.provider_edrpou,
    "workplace": Case.workplace,
    "front_office": Case.front_office,
}


@dataclass(frozen=True, slots=True)
class Funnel:
    """The way of the invitations issued in a period, whatever days their answers fall on.

    ``completed`` counts their cases, refused ones too. Each final case is invited once, on the day we hear
    of it, so the two numbers agree; later cancellation takes nothing back, and neither does withdrawal.
    """

    completed: int = 0
    invited: int = 0
    opened: int = 0
    started: int = 0
    answered: int = 0

    def __add__(self, other: "Funnel") -> "Funnel":
        return Funnel(
            self.completed + other.completed,
            self.invited + other.invited,
            self.opened + other.opened,
            self.started + other.started,
            self.answered + other.answered,
        )

    def as_json(self) -> dict[str, object]:
        """The members of a reply; the response rate in percent, ``None`` when nobody was invited."""
        return {
            "completed": self.completed,
            "invited": self.invited,
            "opened": self.opened,
            "started": self.started,
            "answered": self.answered,
            "response_rate": percent(Fraction(self.answered, self.invited)) if self.invited else None,
        }


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a summary is asked about."""

    centres: Collection[uuid.UUID]
    first: date
    last: date
    front_office: str | None
    by: str | None


@reading
def summary(
    tx: Session,
    *,
    centres: Collection[str],
    first: date,
    last: date,
    front_office: str | None = None,
    source: str | None = None,
    by: str | None = None,
    min_group: int,
) -> dict[str, object]:
    """What the centres' answers of a period (both days included) say, pooled; in the shape of GET /summaries.

    ``source`` and ``front_office`` narrow it, ``by`` (one of ``BY``) adds groups. Without ``source`` the
    sources count that the methodology in force on the last day names. Raises ``NotFound`` if there is no
    such centre, ``ValueError`` for a word that means nothing.
    """
    for word, known in ((front_office, FRONT_OFFICES), (source, SOURCES), (by, BY)):
        if word is not None and word not in known:
            raise ValueError(f"{word!r} is none of {', '.join(sorted(known))}")
    asked = _Asked(_ids(tx, set(centres)), first, last, front_office, by)
    methodology = library.in_force(tx, last)
    counting = {source} if source else methodology.sources
    counts = _counts(tx, asked, methodology, SOURCES if by == "source" and not source else counting)
    # Invitations have no source: each group of by=source tells the funnel that source= tells.
    funnels = _funnels(tx, replace(asked, by=None) if by == "source" else asked)
    funnel = sum(funnels.values(), Funnel())
    if by == "source":
        funnels = dict.fromkeys(counts, funnel)

    keys = sorted(counts.keys() | funnels.keys(), key=lambda key: (key is None, key or ""))
    apart = [key for key in keys if by == "source" and key not in counting]
    told = withhold({key: _respondents(counts[key]) for key in keys}, min_group=min_group, apart=apart)
    whole = _added(counts[key] for key in keys if key not in apart)
    figures = Figures([], [], []) if told.whole else scoring.figures(whole, methodology, told.front_offices)
    return {
        "period": {"from": first.isoformat(), "to": last.isoformat()},
        "methodology": {"id": methodology.id, "status": methodology.status},
        **({"suppressed": True} if told.whole else {}),
        **_members(funnel, figures),
        "groups": [
            {"key": key, "suppressed": True}
            if key in told.groups
            else {"key": key, "suppressed": False}
            | _members(funnels.get(key, Funnel()), scoring.figures(counts[key], methodology, told.cells[key]))
            for key in keys
            if by is not None
        ],
    }


def _ids(tx: Session, codes: Collection[str]) -> Sequence[uuid.UUID]:
    ids = tx.scalars(select(Centre.id).where(Centre.code.in_(codes))).all()
    if len(ids) != len(codes):
        raise NotFound()
    return ids


def _counts(
    tx: Session, asked: _Asked, methodology: Methodology, sources: Collection[str]
) -> defaultdict[Key, Counts]:
    """How many people answered, and what, in each group: from roll-ups, or from the answers themselves."""
    wanted = {PEOPLE, scoring.REASONS, *methodology.loyalty.questions.values()}.union(
        *methodology.words.values()
    )
    of_response = _OF_RESPONSE.get(asked.by or "")
    if of_response is not None:
        told = rollups.tally(
            (of_response.label("key"), Response.front_office, Response.source),
            Response.centre_id.in_(asked.centres),
            Response.answered_on.between(asked.first, asked.last),
            of=outerjoin(Response, Service, _same_service(Response)),
        ).subquery()
        column = told.c.key
    else:
        told = rollups.counted(asked.centres, asked.first, asked.last)
        column = told.c.source if asked.by == "source" else told.c.front_office
        column = told.c.day if asked.by in SPANS else column
    cell = (column, told.c.front_office, told.c.question, told.c.value)
    query = (
        select(*cell, func.sum(told.c.n))
        .where(told.c.source.in_(sources), told.c.question.in_(wanted))
        .group_by(*cell)
    )
    if asked.front_office:
        query = query.where(told.c.front_office == asked.front_office)
    counts: defaultdict[Key, Counts] = defaultdict(Counter)
    for found, front_office, question, value, n in tx.execute(query):
        counts[_key(asked.by, found)][front_office, question, value] += int(n)
    return counts


def _funnels(tx: Session, asked: _Asked) -> dict[Key, Funnel]:
    """The funnel of each group's cases."""
    column = _OF_CASE.get(asked.by or "", Invitation.issued_on)
    query = (
        select(
            column,
            func.count(),
            func.count().filter(Invitation.opened),
            func.count().filter(Invitation.started),
            func.count(Invitation.answered_on),
        )
        .select_from(Invitation)
        .where(Invitation.centre_id.in_(asked.centres), Invitation.issued_on.between(asked.first, asked.last))
        .group_by(column)
    )
    if asked.by in _OF_CASE or asked.front_office:
        query = query.join(Case, (Case.centre_id == Invitation.centre_id) & (Case.id == Invitation.case_id))
    if asked.by == "service":
        query = query.join(Service, _same_service(Case))
    if asked.front_office:
        query = query.where(Case.front_office == asked.front_office)
    funnels: defaultdict[Key, Funnel] = defaultdict(Funnel)
    for found, invited, opened, started, answered in tx.execute(query):
        funnels[_key(asked.by, found)] += Funnel(invited, invited, opened, started, answered)
    return dict(funnels)


def _same_service(of: type[Case] | type[Response]) -> ColumnElement[bool]:
    return (Service.centre_id == of.centre_id) & (Service.id == of.service_id)


def _key(by: str | None, found: Any) -> Key:
    """The key of the group that a found value belongs to."""
    if by is None:
        return None
    key: Key = SPANS[by](found) if by in SPANS else found
    return key


def _respondents(counts: Counts) -> dict[str, int]:
    return {front_office: counts[front_office, PEOPLE, ""] for front_office in FRONT_OFFICES}


def _added(groups: Iterable[Counts]) -> Counts:
    added: Counts = Counter()
    for counts in groups:
        added.update(counts)
    return added


def _members(funnel: Funnel, figures: Figures) -> dict[str, object]:
    """The members that a whole period and a group have in common."""
    return {
        "funnel": funnel.as_json(),
        "indicators": figures.indicators,
        "questions": figures.questions,
        "reasons": figures.reasons,
    }
