"""The summary of a period: funnel, figures, and the same by group, with nothing in it about too few people."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback_service.database import reading
from feedback_service.errors import NotFound
from feedback_service.indicators import library, rollups, scoring
from feedback_service.indicators.scoring import Figures
from feedback_service.indicators.statistics import percent
from feedback_service.indicators.suppression import withhold
from feedback_service.indicators.tallies import (
    ANSWERS_BY,
    HEADLINES,
    INVITATIONS_BY,
    INVITED,
    PEOPLE,
    WHOLE,
)
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
# How an answer reached us, more coarsely than its source.
CHANNELS: Mapping[str, str] = {
    "qr_case": "phone",
    "sms_viber": "phone",
    "tablet_hall": "tablet",
    "phone_interview": "assisted",
    "paper_box": "assisted",
    "diia_centers_map": "assisted",
    "qr_hall": "hall",
    "tablet_walkup": "hall",
}
BY = (
    *SPANS,
    *("service", "provider", "source", "channel", "workplace", "front_office", "language", "part_of_week"),
)
INVITED_BY = ("service", "provider", "workplace", "front_office")  # what an invitation's case knows
UNINVITED = ("source", "channel", "language", "part_of_week")  # what an invitation does not know


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
class Part:
    """Some of what the centres do: services, providers, windows … by the keys of their groups.

    ``among``: the groups that whoever reads it may read as well, ``None`` for all there are; what is withheld of it
    among them is withheld when it is read alone.
    """

    by: str
    keys: frozenset[Key]
    among: frozenset[Key] | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a summary is asked about."""

    centres: Collection[uuid.UUID]
    first: date
    last: date
    front_office: str | None
    by: str | None
    part: Part | None

    def read_by(self, ways: Collection[str]) -> str:
        """By what the sums are told apart that it is made of."""
        if self.by is not None and self.by in ways:
            return self.by
        return self.part.by if self.part is not None and self.part.by in ways else WHOLE


def read(
    tx: Session,
    *,
    centres: Collection[str],
    first: date,
    last: date,
    front_office: str | None = None,
    source: str | None = None,
    by: str | None = None,
    min_group: int,
    part: Part | None = None,
    questions: Collection[str] | None = None,
    funnel: bool = True,
) -> dict[str, object]:
    """What the centres' answers of a period (both days included) say, pooled; in the shape of GET /summaries.

    ``source``, ``front_office`` and ``part`` narrow it, ``by`` (one of ``BY``) adds groups. Without ``source`` the
    sources count that the methodology in force on the last day names. Who needs less says which ``questions`` and
    whether the ``funnel``: other questions are left out, the funnel is as if nobody had been invited. Raises
    ``NotFound`` if there is no such centre, ``ValueError`` for a word that means nothing, or a part told apart by
    something else.
    """
    for word, known in ((front_office, FRONT_OFFICES), (source, SOURCES), (by, BY)):
        if word is not None and word not in known:
            raise ValueError(f"{word!r} is none of {', '.join(sorted(known))}")
    if part is not None and by in ANSWERS_BY and by != part.by:
        raise ValueError(f"a part by {part.by} cannot be told apart by {by}")
    asked = _Asked(_ids(tx, set(centres)), first, last, front_office, by, part)
    methodology = library.in_force(tx.connection(), last)
    counting = {source} if source else methodology.sources
    wanted = {PEOPLE, scoring.REASONS, *methodology.loyalty.questions.values()}.union(
        *methodology.words.values()
    )
    if questions is not None:
        wanted &= {PEOPLE, *questions}
    sources = SOURCES if by == "source" and not source else counting
    counts, beside = _counts(tx, asked, wanted, sources, counting)
    # Invitations have no source: each group of by=source tells the funnel that source= tells.
    funnels = _funnels(tx, replace(asked, by=None) if by in UNINVITED else asked) if funnel else {}
    whole_funnel = sum(funnels.values(), Funnel())
    if by in UNINVITED:
        funnels = dict.fromkeys(counts, whole_funnel)

    keys = _in_order(counts.keys() | funnels.keys())
    apart = [key for key in keys if by == "source" and key not in counting]
    told = withhold({key: _respondents(counts[key]) for key in keys}, min_group=min_group, apart=apart)
    whole = _added(counts[key] for key in keys if key not in apart)

    unseen, unseen_offices = _unseen(part, beside, min_group)
    suppressed = told.whole or unseen

    def figures_of(counted: Counts, withheld: Collection[str]) -> Figures:
        return scoring.figures(counted, methodology, {*withheld, *unseen_offices}, questions)

    figures = Figures([], [], []) if suppressed else figures_of(whole, told.front_offices)
    return {
        "period": {"from": first.isoformat(), "to": last.isoformat()},
        "methodology": {"id": methodology.id, "status": methodology.status},
        **({"suppressed": True} if suppressed else {}),
        **_members(Funnel() if unseen else whole_funnel, figures),
        "groups": [
            {"key": key, "suppressed": True}
            if unseen or key in told.groups
            else {"key": key, "suppressed": False}
            | _members(funnels.get(key, Funnel()), figures_of(counts[key], told.cells[key]))
            for key in keys
            if by is not None
        ],
    }


summary = reading(read)


def _ids(tx: Session, codes: Collection[str]) -> Sequence[uuid.UUID]:
    ids = tx.scalars(select(Centre.id).where(Centre.code.in_(codes))).all()
    if len(ids) != len(codes):
        raise NotFound()
    return ids


def _in_order(keys: Iterable[Key]) -> list[Key]:
    """The keys as a reply tells them; of equally small groups the first is withheld, so it has to be the same one."""
    return sorted(keys, key=lambda key: (key is None, key or ""))


def _unseen(
    part: Part | None, beside: Mapping[Key, Counter[str]], min_group: int
) -> tuple[bool, frozenset[str]]:
    """Whether the part is withheld among the groups beside it, and which of its front offices are."""
    if part is None:
        return False, frozenset()
    among = beside.keys() if part.among is None else beside.keys() & part.among
    if part.keys >= among:
        return False, frozenset()  # it is all that its reader sees
    told = withhold({key: beside[key] for key in _in_order(among)}, min_group=min_group)
    cells = (told.cells.get(key, frozenset()) for key in part.keys)
    return not told.groups.isdisjoint(part.keys), told.front_offices.union(*cells)


def _counts(
    tx: Session, asked: _Asked, wanted: Collection[str], sources: Collection[str], counting: Collection[str]
) -> tuple[defaultdict[Key, Counts], dict[Key, Counter[str]]]:
    """How many people answered, and what, in each group; and how many answered in each group beside the part."""
    by = asked.read_by(ANSWERS_BY)
    name_of = _names(tx, asked, by)
    key_of = _keys(asked)
    # A service of three years is some 200,000 counts: the inner loop makes no keys.
    sums: defaultdict[tuple[Key, str, str], dict[str, int]] = defaultdict(dict)
    beside: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for one in rollups.answers(
        tx,
        asked.centres,
        asked.first,
        asked.last,
        by,
        daily=asked.by in ("day", "week"),
        headlines=HEADLINES.issuperset(wanted),
        only=_only(tx, asked, by),
    ):
        name = name_of(one.key)
        here = _in_part(asked, by, name)
        for front_office, by_source in one.counts.items():
            if asked.front_office not in (None, front_office):
                continue
            if asked.part is not None:
                answered = (by_source[source][PEOPLE][""] for source in by_source.keys() & counting)
                beside[name][front_office] += sum(answered)
            for source in by_source.keys() & sources if here else ():
                key = key_of(name, one.day, front_office, source)
                for question, values in by_source[source].items():
                    if question in wanted:
                        into = sums[key, front_office, question]
                        for value, n in values.items():
                            into[value] = into.get(value, 0) + n
    counts: defaultdict[Key, Counts] = defaultdict(Counter)
    for (key, front_office, question), by_value in sums.items():
        for value, n in by_value.items():
            counts[key][front_office, question, value] = n
    return counts, beside


def _only(tx: Session, asked: _Asked, by: str) -> Collection[str] | None:
    """The keys of the sums that the part is made of; ``None``: all."""
    if asked.part is None or asked.part.by != by:
        return None
    if by != "service":
        return [key or "" for key in asked.part.keys]
    code = func.coalesce(func.nullif(Service.code, ""), Service.local_code)
    services = select(Service.id).where(Service.centre_id.in_(asked.centres), code.in_(asked.part.keys))
    return [id.hex for id in tx.scalars(services)] + [""]


def _funnels(tx: Session, asked: _Asked) -> dict[Key, Funnel]:
    """The funnel of each group's cases."""
    by = asked.read_by(INVITATIONS_BY)
    name_of, key_of = _names(tx, asked, by), _keys(asked)
    funnels: defaultdict[Key, Funnel] = defaultdict(Funnel)
    for one in rollups.invitations(
        tx,
        asked.centres,
        asked.first,
        asked.last,
        by,
        daily=asked.by in ("day", "week"),
        each_day=asked.by in SPANS,
        front_offices=asked.front_office is not None or asked.by == "front_office",
        only=_only(tx, asked, by),
    ):
        name = name_of(one.key)
        if not _in_part(asked, by, name):
            continue
        for front_office, by_source in one.counts.items():
            if asked.front_office in (None, front_office):
                steps = by_source[""][INVITED]
                funnels[key_of(name, one.day, front_office, "")] += Funnel(steps["invited"], **steps)
    return dict(funnels)


def _in_part(asked: _Asked, by: str, name: Key) -> bool:
    return asked.part is None or asked.part.by != by or name in asked.part.keys


def _names(tx: Session, asked: _Asked, by: str) -> Callable[[str], Key]:
    """What the keys of sums are called: a service by its code."""
    if by != "service":
        return lambda key: key or None
    services = select(Service.id, Service.code, Service.local_code)
    rows = tx.execute(services.where(Service.centre_id.in_(asked.centres)))
    codes = {id.hex: code or local_code for id, code, local_code in rows}
    return lambda key: codes.get(key) or None


def _keys(asked: _Asked) -> Callable[[Key, date, str, str], Key]:
    """Which group counts of this name, day, front office and source belong to."""
    span = SPANS.get(asked.by or "")
    if span is not None:
        return lambda name, day, front_office, source: span(day)
    places: Mapping[str | None, Callable[[Key, date, str, str], Key]] = {
        None: lambda name, day, front_office, source: None,
        "source": lambda name, day, front_office, source: source,
        "channel": lambda name, day, front_office, source: CHANNELS[source],
        "front_office": lambda name, day, front_office, source: front_office,
    }
    return places.get(asked.by, lambda name, day, front_office, source: name)


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
