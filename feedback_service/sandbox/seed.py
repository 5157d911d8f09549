"""Fills a database with the made-up town's last 90 days: what a case system told, and what people answered.

Everything goes through the flow, as it would have gone on those days; only the clock is turned back.
"""

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import invitations
from feedback_service.cases.registry import CaseReport, ServiceRef
from feedback_service.cases.tokens import keyring
from feedback_service.counts import rollups
from feedback_service.database import OptimisticTransaction, transaction
from feedback_service.errors import Conflict
from feedback_service.files import Row
from feedback_service.flow import cases as cases_flow
from feedback_service.flow import direct, maintenance, registers
from feedback_service.flow.answers import finish_within, keep_begun_within
from feedback_service.flow.direct import AssistedAnswer, record_in_hall_within
from feedback_service.models import Centre
from feedback_service.sandbox import town
from feedback_service.surveys.answers import check

DAYS = 90
PORTION = 100  # stories told in one transaction
BUSY = (10, 8, 8, 8, 9, 4, 0)  # Monday to Sunday
OPENS, CLOSES = time(8, 30), time(18, 30)

ANSWERS = 0.42  # share of the invited who answer; far more than in life, so that a small town shows figures
OPENS_ONLY = 0.10
LEAVES_BEGUN = 0.03
IN_THE_HALL = 0.04  # answers by the hall's poster, for each case
ASSISTED = 0.03  # answers on paper and by phone, for each case
OF_ONE_MOOD = 0.8  # how often one's answer follows one's mood
GOES_ON = 0.75  # share of those who answer that see the second screen through


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says, when, and how it reaches us; ``begun``: never sent, only tapped."""

    at: datetime
    client: uuid.UUID
    given: Mapping[str, object]
    source: str
    language: str
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """A case at its centre, and what its person does with the invitation."""

    report: CaseReport
    answer: Answer | None
    opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will have happened: visits by their time, and answers that came without an invitation."""

    visits: tuple[Visit, ...]
    in_hall: tuple[Answer, ...]
    assisted: tuple[tuple[Answer, town.DemoService], ...]


def sow(cases: int, seed: int) -> str:
    """The town's centre has so many more cases, with answers; returns its code. The same day and seed, the same."""
    now = clock.now()
    _settle()
    made = plan(cases, seed, now)
    stories: list[tuple[Answer, str | None]] = list(_registered(made.visits, now))
    stories += [(answer, None) for answer in made.in_hall]
    stories.sort(key=lambda story: story[0].at)
    for start in range(0, len(stories), PORTION):
        _tell(stories[start : start + PORTION])
    for answer, service in made.assisted:
        _type_in(answer, service)
    _reopen({clock.kyiv_day(answer.at) for answer, _ in stories}, clock.kyiv_day(now))
    maintenance.complete_left_answers()
    return town.CENTRE


def plan(cases: int, seed: int, now: datetime) -> Plan:
    """Decide who comes, when, and what they say; the same for the same arguments."""
    dice = random.Random(seed)
    moments = sorted(_moments(dice, cases, now))
    visits = [
        _visit(dice, f"ДЕМО-{clock.kyiv_day(now)}-{seed}-{number}", at, now)
        for number, at in enumerate(moments, 1)
    ]
    hall = (_answer(dice, at, town.OFFLINE, "qr_hall") for at in moments if dice.random() < IN_THE_HALL)
    assisted = (
        (_answer(dice, at, town.OFFLINE, dice.choice(("phone_interview", "paper_box"))), _service(dice))
        for at in moments
        if dice.random() < ASSISTED
    )
    return Plan(tuple(visits), tuple(hall), tuple(assisted))


# Deciding -----------------------------------------------------------------------------------------------------


def _moments(dice: random.Random, n: int, now: datetime) -> list[datetime]:
    """When cases end: in opening hours of the last days, more on Mondays, never after now."""
    days = [clock.kyiv_day(now) - timedelta(days=back) for back in range(DAYS)]
    hours = [(_at(day, OPENS), min(_at(day, CLOSES), now)) for day in days]
    weights = [
        BUSY[day.weekday()] if opens < closes else 0 for day, (opens, closes) in zip(days, hours, strict=True)
    ]
    chosen = dice.choices(hours, weights=weights, k=n)
    return [opens + dice.random() * (closes - opens) for opens, closes in chosen]


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, tzinfo=clock.KYIV)


def _service(dice: random.Random) -> town.DemoService:
    return dice.choices(town.SERVICES, weights=[service.weight for service in town.SERVICES])[0]


def _visit(dice: random.Random, number: str, at: datetime, now: datetime) -> Visit:
    service = _service(dice)
    online = dice.random() < service.online
    status = dice.choices(("completed", "refused", "in_progress"), weights=(92, 5, 3))[0]
    report = CaseReport(
        centre=town.CENTRE,
        case_number=number,
        service=ServiceRef(service.code, service.local_code, service.title),
        front_office="online" if online else "offline",
        status=status,
        status_at=at,
        registered_at=at - dice.random() * timedelta(days=12),
        provider_edrpou=service.provider,
        workplace=None if online else dice.choice(town.WORKPLACES),
        workplace_kind=None if online else "centre",
    )
    later = at + timedelta(minutes=dice.expovariate(1 / 40), days=dice.choice((0, 0, 0, 0, 1, 2, 5)))
    does = dice.choices(
        ("answers", "begins", "opens", "nothing"),
        weights=(ANSWERS, LEAVES_BEGUN, OPENS_ONLY, 1 - ANSWERS - LEAVES_BEGUN - OPENS_ONLY),
    )[0]
    source = dice.choices(("qr_case", "sms_viber", "tablet_hall"), weights=(72, 18, 0 if online else 10))[0]
    suffers = in_trouble(service.code, at, now) and dice.random() < town.TROUBLE.share
    answer = _answer(dice, later, town.ONLINE if online else town.OFFLINE, source, suffers=suffers)
    if status == "in_progress" or later > now:
        return Visit(report, None, None)
    if does == "begins":
        first = next(iter(answer.given.items()))
        answer = replace(answer, given=dict([first]), begun=True)
    return Visit(
        report, answer if does in ("answers", "begins") else None, later if does == "opens" else None
    )


def in_trouble(service: str, at: datetime, now: datetime) -> bool:
    """Whether the town's trouble was there already."""
    return service == town.TROUBLE.service and now - at < timedelta(days=town.TROUBLE.days)


def _answer(
    dice: random.Random,
    at: datetime,
    questions: Mapping[str, Mapping[str, float]],
    source: str,
    *,
    suffers: bool = False,
) -> Answer:
    """One person's answers, drawn together by one mood: each question keeps its shares all the same.

    Who ``suffers`` from the town's trouble is in the worst of moods, and says why.
    """
    mood, goes_on = 1.0 if suffers else dice.random(), suffers or dice.random() < GOES_ON
    single: dict[str, str] = {}
    for place, (question, shares) in enumerate(questions.items()):
        felt = mood if suffers or dice.random() < OF_ONE_MOOD else dice.random()
        if place == 0 or (goes_on and dice.random() < 0.9):
            single[question] = _felt(felt, shares)
    given: dict[str, object] = {
        question: int(value) if value.isdecimal() else value for question, value in single.items()
    }
    if goes_on:
        given |= _more(dice, questions, poor=not town.POOR.isdisjoint(single.values()), suffers=suffers)
    language = "en" if dice.random() < 0.03 else "uk"
    return Answer(at, uuid.UUID(int=dice.getrandbits(128), version=4), given, source, language)


def _felt(mood: float, shares: Mapping[str, float]) -> str:
    """The answer of somebody in that mood, 0 the best, 1 the worst."""
    left = mood * sum(shares.values())
    for value, share in shares.items():
        left -= share
        if left < 0:
            return value
    return value


def _more(
    dice: random.Random, questions: Mapping[str, Mapping[str, float]], *, poor: bool, suffers: bool
) -> dict[str, object]:
    offline = questions is town.OFFLINE
    reasons = town.OFFLINE_REASONS if offline else town.ONLINE_REASONS
    displeased = town.DISPLEASED
    if suffers and offline:
        reasons, displeased = town.TROUBLE.reasons, town.TROUBLE.said
    more: dict[str, object] = {}
    if poor:
        named = dice.choices([*reasons], weights=[*reasons.values()], k=dice.choice((1, 1, 2)))
        more["any.reasons"] = sorted(set(named))
    if dice.random() < (0.6 if suffers else 0.3 if poor else 0.06):
        more["any.comment"] = dice.choice(displeased if poor else town.PLEASED)
    if dice.random() < 0.05:
        breached = poor and dice.random() < 0.5
        more["any.breach"] = (
            dice.choices([*town.BREACHES], weights=[*town.BREACHES.values()]) if breached else ["none"]
        )
    return more


# Telling ------------------------------------------------------------------------------------------------------


def _settle() -> None:
    """The town has its centre and services."""
    with suppress(Conflict):  # it may have been there since an earlier time
        registers.add_centre(town.PROFILE)
    listed = [
        {"code": service.code, "local_code": service.local_code, "title": service.title}
        for service in town.SERVICES
    ]
    registers.import_services([Row(line, cells) for line, cells in enumerate(listed, 1)], town.CENTRE)


def _registered(visits: Sequence[Visit], now: datetime) -> Iterator[tuple[Answer, str | None]]:
    """Register each day's cases on its evening; yields the answers with the tokens they come by."""
    for day, that_day in groupby(visits, key=lambda visit: clock.kyiv_day(visit.report.status_at)):
        todays = list(that_day)
        for start in range(0, len(todays), PORTION):
            portion = todays[start : start + PORTION]
            with time_is(min(clock.end_of_kyiv_day(day), now)):
                results = cases_flow.register_cases([visit.report for visit in portion], {town.CENTRE})
            opened = []
            for visit, result in zip(portion, results, strict=True):
                if result.case is None or result.case.invitation is None:
                    continue
                if visit.opened_at:
                    opened.append(result.case.invitation.token)
                if visit.answer:
                    yield visit.answer, result.case.invitation.token
            _open(opened)


@transaction
def _open(tx: Session, opened: Sequence[str]) -> None:
    invitations.note_opened(tx, [hash for token in opened for hash in keyring().fingerprints("token", token)])


@transaction
def _tell(tx: Session, stories: Sequence[tuple[Answer, str | None]]) -> None:
    """Answers of many people in one transaction; each alone would wait for the disk alone."""
    for answer, token in stories:
        facts: Any = {
            "client_id": answer.client,
            "given": lambda questionnaire, given=answer.given: check(questionnaire, given),
            "language": answer.language,
        }
        with time_is(answer.at):
            if token is None:
                record_in_hall_within(tx, town.CENTRE, **facts)
            else:
                step = keep_begun_within if answer.begun else finish_within
                step(
                    OptimisticTransaction(tx.connection(), is_part=True), token, source=answer.source, **facts
                )


def _type_in(answer: Answer, service: town.DemoService) -> None:
    told = AssistedAnswer(
        centre=town.CENTRE,
        client_id=answer.client,
        service=ServiceRef(service.code, service.local_code, service.title),
        front_office="offline",
        source=answer.source,
        answered_on=clock.kyiv_day(answer.at),
        language=answer.language,
    )
    direct.record_assisted(
        told, given=lambda asked: check(asked, answer.given), centres=frozenset({town.CENTRE})
    )


@transaction
def _reopen(tx: Session, days: set[date], today: date) -> None:
    """Days that the turned-back clock took for open may have been closed already."""
    centre = tx.scalars(select(Centre).where(Centre.code == town.CENTRE)).one()
    for day in sorted(days):
        rollups.reopen_day(tx.connection(), centre.id, day, today=today)
    rollups.reopen_invitations(tx, centre.id, since=today - timedelta(days=DAYS))


@contextmanager
def time_is(at: datetime) -> Iterator[None]:
    """The service's clock stands at that instant."""
    real = clock.now
    clock.now = lambda: at
    try:
        yield
    finally:
        clock.now = real
