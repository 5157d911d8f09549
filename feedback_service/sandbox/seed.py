"""Demo data: the last 90 days of a made-up town, with its cases and people's answers.

Everything is stored by the flow, as it would have been on those days. Only the clock is turned back.
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
from feedback_service.cases.register import CaseUpdate, ServiceRef
from feedback_service.counts import counted_days
from feedback_service.database import OptimisticTransaction, transaction
from feedback_service.errors import Conflict
from feedback_service.flow import answers, maintenance, registers, uninvited_answers
from feedback_service.flow.cases import register_cases
from feedback_service.flow.uninvited_answers import AssistedAnswer
from feedback_service.imports import ImportedRow
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre
from feedback_service.sandbox import demo_data
from feedback_service.surveys.answers import JsonSubmission

DAYS_COVERED = 90
BATCH_SIZE = 100  # cases, or answers, in one transaction
WEEKDAY_WEIGHTS = (10, 8, 8, 8, 9, 4, 0)  # Monday to Sunday
OPENING_TIME, CLOSING_TIME = time(8, 30), time(18, 30)

# Share of the invited people who answer; far more than in life, so that a small town has figures to show.
ANSWERING_SHARE = 0.42
OPENING_ONLY_SHARE = 0.10
ABANDONING_SHARE = 0.03
HALL_ANSWERS_PER_CASE = 0.04  # answers by the hall's poster, for each case
ASSISTED_ANSWERS_PER_CASE = 0.03  # answers on paper and by phone, for each case
MOOD_CONSISTENCY = 0.8  # how often one's answer follows one's mood
SECOND_SCREEN_SHARE = 0.75  # share of those who answer that see the second screen through


@dataclass(frozen=True, slots=True)
class DemoAnswer:
    """What a person answers, when, and by which source. A draft is never sent."""

    answered_at: datetime
    client_id: uuid.UUID
    answers: Mapping[str, object]
    source: str
    language: str
    is_draft: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """A case, and what its person does with the invitation: answers it, opens it, or neither."""

    case_update: CaseUpdate
    answer: DemoAnswer | None
    opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything to store: visits by their time, and answers without an invitation."""

    visits: tuple[Visit, ...]
    hall_answers: tuple[DemoAnswer, ...]
    assisted_answers: tuple[tuple[DemoAnswer, demo_data.DemoService], ...]


def seed_demo_data(cases: int, seed: int) -> str:
    """Add so many cases to the town's centre, with answers; return its code.

    The same day and seed give the same data.
    """
    now = clock.now()
    _ensure_demo_centre()
    demo_plan = make_plan(cases, seed, now)
    answers_with_tokens: list[tuple[DemoAnswer, str | None]] = list(_register_cases(demo_plan.visits, now))
    answers_with_tokens += [(answer, None) for answer in demo_plan.hall_answers]
    answers_with_tokens.sort(key=lambda pair: pair[0].answered_at)
    for start in range(0, len(answers_with_tokens), BATCH_SIZE):
        _submit_answers(answers_with_tokens[start : start + BATCH_SIZE])
    for answer, service in demo_plan.assisted_answers:
        _record_assisted_answer(answer, service)
    _reopen_days({clock.kyiv_day(answer.answered_at) for answer, _ in answers_with_tokens}, clock.kyiv_day(now))
    maintenance.complete_abandoned_drafts()
    return demo_data.CENTRE


def make_plan(cases: int, seed: int, now: datetime) -> Plan:
    """Draw who comes, when, and what they answer; the same for the same arguments."""
    rng = random.Random(seed)
    completion_times = sorted(_draw_completion_times(rng, cases, now))
    visits = [
        _draw_visit(rng, f"ДЕМО-{clock.kyiv_day(now)}-{seed}-{number}", at, now)
        for number, at in enumerate(completion_times, 1)
    ]
    hall_answers = (
        _draw_answer(rng, at, demo_data.OFFLINE_SHARES, "qr_hall")
        for at in completion_times
        if rng.random() < HALL_ANSWERS_PER_CASE
    )
    assisted_sources = ("phone_interview", "paper_box")
    assisted_answers = (
        (_draw_answer(rng, at, demo_data.OFFLINE_SHARES, rng.choice(assisted_sources)), _draw_service(rng))
        for at in completion_times
        if rng.random() < ASSISTED_ANSWERS_PER_CASE
    )
    return Plan(tuple(visits), tuple(hall_answers), tuple(assisted_answers))


# Drawing -----------------------------------------------------------------------------------------------------


def _draw_completion_times(rng: random.Random, count: int, now: datetime) -> list[datetime]:
    """Draw when cases end: in opening hours of the last days, more often on Mondays, never after ``now``."""
    days = [clock.kyiv_day(now) - timedelta(days=days_back) for days_back in range(DAYS_COVERED)]
    opening_hours = [(_kyiv_datetime(day, OPENING_TIME), min(_kyiv_datetime(day, CLOSING_TIME), now)) for day in days]
    weights = [
        WEEKDAY_WEIGHTS[day.weekday()] if opens < closes else 0
        for day, (opens, closes) in zip(days, opening_hours, strict=True)
    ]
    chosen_hours = rng.choices(opening_hours, weights=weights, k=count)
    return [opens + rng.random() * (closes - opens) for opens, closes in chosen_hours]


def _kyiv_datetime(day: date, time_of_day: time) -> datetime:
    return datetime.combine(day, time_of_day, tzinfo=clock.KYIV)


def _draw_service(rng: random.Random) -> demo_data.DemoService:
    return rng.choices(demo_data.SERVICES, weights=[service.weight for service in demo_data.SERVICES])[0]


def _draw_visit(rng: random.Random, case_number: str, at: datetime, now: datetime) -> Visit:
    service = _draw_service(rng)
    online = rng.random() < service.online_share
    status = rng.choices(("completed", "refused", "in_progress"), weights=(92, 5, 3))[0]
    case_update = CaseUpdate(
        centre=demo_data.CENTRE,
        case_number=case_number,
        service=ServiceRef(**service.names),
        front_office="online" if online else "offline",
        status=status,
        status_at=at,
        registered_at=at - rng.random() * timedelta(days=12),
        provider_edrpou=service.provider,
        workplace=None if online else rng.choice(demo_data.WORKPLACES),
        workplace_kind=None if online else "centre",
    )
    answered_at = at + timedelta(minutes=rng.expovariate(1 / 40), days=rng.choice((0, 0, 0, 0, 1, 2, 5)))
    behaviour = rng.choices(
        ("answers", "abandons", "opens", "nothing"),
        weights=(
            ANSWERING_SHARE,
            ABANDONING_SHARE,
            OPENING_ONLY_SHARE,
            1 - ANSWERING_SHARE - ABANDONING_SHARE - OPENING_ONLY_SHARE,
        ),
    )[0]
    source = rng.choices(("qr_case", "sms_viber", "tablet_hall"), weights=(72, 18, 0 if online else 10))[0]
    is_affected = is_in_trouble(service.code, at, now) and rng.random() < demo_data.SUBSIDY_TROUBLE.share
    questions = demo_data.ONLINE_SHARES if online else demo_data.OFFLINE_SHARES
    answer = _draw_answer(rng, answered_at, questions, source, is_affected=is_affected)
    if status == "in_progress" or answered_at > now:
        return Visit(case_update, None, None)
    if behaviour == "abandons":
        first_answer = next(iter(answer.answers.items()))
        answer = replace(answer, answers=dict([first_answer]), is_draft=True)
    return Visit(
        case_update,
        answer if behaviour in ("answers", "abandons") else None,
        answered_at if behaviour == "opens" else None,
    )


def is_in_trouble(service: str, at: datetime, now: datetime) -> bool:
    """Tell whether the town's trouble with this service had begun at that time."""
    trouble = demo_data.SUBSIDY_TROUBLE
    return service == trouble.service and now - at < timedelta(days=trouble.days)


def _draw_answer(
    rng: random.Random,
    at: datetime,
    questions: Mapping[str, Mapping[str, float]],
    source: str,
    *,
    is_affected: bool = False,
) -> DemoAnswer:
    """Draw one person's answers by one mood, so that they fit together; each question keeps its shares.

    A person who ``is_affected`` by the town's trouble is in the worst mood, and says why.
    """
    mood = 1.0 if is_affected else rng.random()
    sees_second_screen = is_affected or rng.random() < SECOND_SCREEN_SHARE
    choices: dict[str, str] = {}
    for position, (question, shares) in enumerate(questions.items()):
        answer_mood = mood if is_affected or rng.random() < MOOD_CONSISTENCY else rng.random()
        if position == 0 or (sees_second_screen and rng.random() < 0.9):
            choices[question] = _choose_by_mood(answer_mood, shares)
    answers: dict[str, object] = {
        question: int(value) if value.isdecimal() else value for question, value in choices.items()
    }
    if sees_second_screen:
        is_poor = not demo_data.POOR_ANSWERS.isdisjoint(choices.values())
        answers |= _draw_second_screen(rng, questions, is_poor=is_poor, is_affected=is_affected)
    language = "en" if rng.random() < 0.03 else "uk"
    return DemoAnswer(at, uuid.UUID(int=rng.getrandbits(128), version=4), answers, source, language)


def _choose_by_mood(mood: float, shares: Mapping[str, float]) -> str:
    """Return the answer of a person in that mood, from 0 (the best) to 1 (the worst)."""
    remaining_weight = mood * sum(shares.values())
    for value, share in shares.items():
        remaining_weight -= share
        if remaining_weight < 0:
            return value
    return value


def _draw_second_screen(
    rng: random.Random, questions: Mapping[str, Mapping[str, float]], *, is_poor: bool, is_affected: bool
) -> dict[str, object]:
    is_offline = questions is demo_data.OFFLINE_SHARES
    reasons = demo_data.OFFLINE_REASON_WEIGHTS if is_offline else demo_data.ONLINE_REASON_WEIGHTS
    displeased_comments = demo_data.DISPLEASED_COMMENTS
    if is_affected and is_offline:
        reasons, displeased_comments = demo_data.SUBSIDY_TROUBLE.reasons, demo_data.SUBSIDY_TROUBLE.comments
    answers: dict[str, object] = {}
    if is_poor:
        chosen_reasons = rng.choices([*reasons], weights=[*reasons.values()], k=rng.choice((1, 1, 2)))
        answers["any.reasons"] = sorted(set(chosen_reasons))
    if rng.random() < (0.6 if is_affected else 0.3 if is_poor else 0.06):
        answers["any.comment"] = rng.choice(displeased_comments if is_poor else demo_data.PLEASED_COMMENTS)
    if rng.random() < 0.05:
        has_breach = is_poor and rng.random() < 0.5
        answers["any.breach"] = (
            rng.choices([*demo_data.BREACH_WEIGHTS], weights=[*demo_data.BREACH_WEIGHTS.values()])
            if has_breach
            else ["none"]
        )
    return answers


# Storing ------------------------------------------------------------------------------------------------------


def _ensure_demo_centre() -> None:
    """Add the town's centre and services, unless they are there already."""
    with suppress(Conflict):
        registers.add_centre(demo_data.PROFILE)
    rows = [ImportedRow(number, service.names) for number, service in enumerate(demo_data.SERVICES, 1)]
    registers.import_services(rows, demo_data.CENTRE)


def _register_cases(visits: Sequence[Visit], now: datetime) -> Iterator[tuple[DemoAnswer, str | None]]:
    """Register each day's cases in its evening; yield the answers with the tokens of their invitations."""
    for day, visits_of_day in groupby(visits, key=lambda visit: clock.kyiv_day(visit.case_update.status_at)):
        day_visits = list(visits_of_day)
        for start in range(0, len(day_visits), BATCH_SIZE):
            batch = day_visits[start : start + BATCH_SIZE]
            with clock_stopped_at(min(clock.end_of_kyiv_day(day), now)):
                results = register_cases([visit.case_update for visit in batch], {demo_data.CENTRE})
            opened_tokens = []
            for visit, result in zip(batch, results, strict=True):
                if result.case is None or result.case.invitation is None:
                    continue
                if visit.opened_at:
                    opened_tokens.append(result.case.invitation.token)
                if visit.answer:
                    yield visit.answer, result.case.invitation.token
            _mark_opened(opened_tokens)


@transaction
def _mark_opened(tx: Session, tokens: Sequence[str]) -> None:
    key = current_keyring().signing_key
    invitations.mark_opened(tx, [key.hash_secret("token", token) for token in tokens])


@transaction
def _submit_answers(tx: Session, answers_with_tokens: Sequence[tuple[DemoAnswer, str | None]]) -> None:
    """Store answers of many people in one transaction, which waits for the disk once."""
    part_of_tx = OptimisticTransaction(tx.connection(), is_part=True)
    for answer, token in answers_with_tokens:
        options: dict[str, Any] = {
            "client_id": answer.client_id,
            "submission": JsonSubmission(answer.answers),
            "language": answer.language,
        }
        with clock_stopped_at(answer.answered_at):
            if token is None:
                uninvited_answers.record_hall_answer_within(tx, demo_data.CENTRE, **options)
            elif answer.is_draft:
                answers.save_draft_within(part_of_tx, token, source=answer.source, **options)
            else:
                answers.submit_answer_within(part_of_tx, token, source=answer.source, **options)


def _record_assisted_answer(answer: DemoAnswer, service: demo_data.DemoService) -> None:
    assisted_answer = AssistedAnswer(
        centre=demo_data.CENTRE,
        client_id=answer.client_id,
        service=ServiceRef(**service.names),
        front_office="offline",
        source=answer.source,
        answered_on=clock.kyiv_day(answer.answered_at),
        language=answer.language,
        submission=JsonSubmission(answer.answers),
    )
    uninvited_answers.record_assisted_answer(assisted_answer, centres=frozenset({demo_data.CENTRE}))


@transaction
def _reopen_days(tx: Session, days: set[date], today: date) -> None:
    """Have these days counted again: they may have been closed before their answers were stored."""
    centre = tx.scalars(select(Centre).where(Centre.code == demo_data.CENTRE)).one()
    for day in sorted(days):
        counted_days.reopen_past_day(tx.connection(), centre.id, day, today=today)
    counted_days.reopen_invitations(tx, centre.id, since=today - timedelta(days=DAYS_COVERED))


@contextmanager
def clock_stopped_at(at: datetime) -> Iterator[None]:
    """Stop the service's clock at that instant."""
    original_now = clock.now
    clock.now = lambda: at
    try:
        yield
    finally:
        clock.now = original_now
