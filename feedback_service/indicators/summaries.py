"""The summary of a period: funnel, figures, and the same by group, with nothing in it about too few people."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.db import reading
from feedback_service.errors import NotFound
from feedback_service.indicators import library, rollups, scoring
from feedback_service.indicators.methodology import Methodology
from feedback_service.indicators.rollups import Told
from feedback_service.indicators.scoring import Figures
from feedback_service.indicators.statistics import percent
from feedback_service.indicators.suppression import withhold
from feedback_service.indicators.tallies import ANSWERS_BY, INVITATIONS_BY, INVITED, PEOPLE, WHOLE
from feedback_service.models import Centre, Service
from feedback_service.words import FRONT_OFFICES, SOURCES

Key = str | None  # of a group; there is none where, say, the workplace is not known
Counts = Counter[tuple[str, str, str]]  # front office, question, value


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


SPANS: Mapping[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": _week,
    "month": lambda day: f"{day:%Y-%m}",
    "quarter": lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
}
BY = (*SPANS, "service", "provider", "source", "workplace", "front_office", "language", "part_of_week")
UNINVITED = ("source", "language", "part_of_week")  # what an invitation does not know


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
    funnels = _funnels(tx, replace(asked, by=None) if by in UNINVITED else asked)
    funnel = sum(funnels.values(), Funnel())
    if by in UNINVITED:
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
    """How many people answered, and what, in each group."""
    wanted = {PEOPLE, scoring.REASONS, *methodology.loyalty.questions.values()}.union(
        *methodology.words.values()
    )
    by = asked.by if asked.by is not None and asked.by in ANSWERS_BY else WHOLE
    key_of = _keys(tx, asked)
    # A service of three years is some 200,000 counts: the inner loop makes no keys.
    sums: defaultdict[tuple[Key, str, str], dict[str, int]] = defaultdict(dict)
    for one in rollups.answers(
        tx, asked.centres, asked.first, asked.last, by, daily=asked.by in ("day", "week")
    ):
        for front_office, by_source in one.counts.items():
            if asked.front_office not in (None, front_office):
                continue
            for source in by_source.keys() & sources:
                key = key_of(one, front_office, source)
                for question, values in by_source[source].items():
                    if question in wanted:
                        into = sums[key, front_office, question]
                        for value, n in values.items():
                            into[value] = into.get(value, 0) + n
    counts: defaultdict[Key, Counts] = defaultdict(Counter)
    for (key, front_office, question), by_value in sums.items():
        for value, n in by_value.items():
            counts[key][front_office, question, value] = n
    return counts


def _funnels(tx: Session, asked: _Asked) -> dict[Key, Funnel]:
    """The funnel of each group's cases."""
    by = asked.by if asked.by is not None and asked.by in INVITATIONS_BY else WHOLE
    key_of = _keys(tx, asked)
    funnels: defaultdict[Key, Funnel] = defaultdict(Funnel)
    for one in rollups.invitations(
        tx,
        asked.centres,
        asked.first,
        asked.last,
        by,
        daily=asked.by in ("day", "week"),
        front_offices=asked.front_office is not None or asked.by == "front_office",
    ):
        for front_office, by_source in one.counts.items():
            if asked.front_office in (None, front_office):
                steps = by_source[""][INVITED]
                funnels[key_of(one, front_office, "")] += Funnel(steps["invited"], **steps)
    return dict(funnels)


def _keys(tx: Session, asked: _Asked) -> Callable[[Told, str, str], Key]:
    """How to name the group that a front office's and source's part of a tally belongs to."""
    if asked.by is None:
        return lambda told, front_office, source: None
    if asked.by in SPANS:
        span = SPANS[asked.by]
        return lambda told, front_office, source: span(told.day)
    if asked.by == "source":
        return lambda told, front_office, source: source
    if asked.by == "front_office":
        return lambda told, front_office, source: front_office
    if asked.by == "service":
        services = select(Service).where(Service.centre_id.in_(asked.centres))
        codes = {service.id.hex: service.code or service.local_code for service in tx.scalars(services)}
        return lambda told, front_office, source: codes.get(told.key) or None
    return lambda told, front_office, source: told.key or None


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
