"""What happens in the made-up town in its last 90 days: who comes, when, and what they answer."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from feedback_service import clock
from feedback_service.cases.register import CaseUpdate
from feedback_service.cases.services import ServiceRef
from feedback_service.sandbox import demo_data

DAYS_COVERED = 90
WEEKDAY_WEIGHTS = (10, 8, 8, 8, 9, 4, 0)  # Monday to Sunday
OPENING_TIME, CLOSING_TIME = time(8, 30), time(18, 30)

# What invited people do. Far more of them answer than in life, so that a small town has figures to show.
BEHAVIOUR_SHARES = {"answers": 0.42, "abandons": 0.03, "opens": 0.10, "nothing": 0.45}
STATUS_SHARES = {"completed": 0.92, "refused": 0.05, "in_progress": 0.03}
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


def _choose(rng: random.Random, weights: Mapping[str, float]) -> str:
    return rng.choices([*weights], [*weights.values()])[0]


def _draw_service(rng: random.Random) -> demo_data.DemoService:
    return rng.choices(demo_data.SERVICES, weights=[service.weight for service in demo_data.SERVICES])[0]


def _draw_visit(rng: random.Random, case_number: str, at: datetime, now: datetime) -> Visit:
    service = _draw_service(rng)
    online = rng.random() < service.online_share
    status = _choose(rng, STATUS_SHARES)
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
    behaviour = _choose(rng, BEHAVIOUR_SHARES)
    source = _choose(rng, {"qr_case": 72, "sms_viber": 18, "tablet_hall": 0 if online else 10})
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
        answers["any.breach"] = [_choose(rng, demo_data.BREACH_WEIGHTS) if has_breach else "none"]
    return answers
