"""Stores the made-up town by the flow, as it would have been stored on those days. Only the clock is turned back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import invitations
from feedback_service.cases.services import ServiceRef
from feedback_service.counts import counted_days
from feedback_service.database import OptimisticTransaction, transaction
from feedback_service.errors import Conflict
from feedback_service.flow import answers, maintenance, registers, service_import, uninvited_answers
from feedback_service.flow.answers import SentAnswer
from feedback_service.flow.cases import register_cases
from feedback_service.flow.uninvited_answers import AssistedAnswer
from feedback_service.imports import ImportedRow
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre
from feedback_service.sandbox import demo_data
from feedback_service.sandbox.demo_plan import DAYS_COVERED, DemoAnswer, Visit, make_plan
from feedback_service.surveys.answers import JsonSubmission

BATCH_SIZE = 100  # cases, or answers, in one transaction


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


def _ensure_demo_centre() -> None:
    """Add the town's centre and services, unless they are there already."""
    with suppress(Conflict):
        registers.add_centre(demo_data.PROFILE)
    rows = [ImportedRow(number, service.names) for number, service in enumerate(demo_data.SERVICES, 1)]
    service_import.import_services(rows, demo_data.CENTRE)


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
        client_id, submission, language = answer.client_id, JsonSubmission(answer.answers), answer.language
        sent = SentAnswer(client_id=client_id, submission=submission, language=language, source=answer.source)
        with clock_stopped_at(answer.answered_at):
            if token is None:
                uninvited_answers.record_hall_answer_within(
                    tx, demo_data.CENTRE, client_id=client_id, submission=submission, language=language
                )
            elif answer.is_draft:
                answers.save_draft_within(part_of_tx, token, sent)
            else:
                answers.submit_answer_within(part_of_tx, token, sent)


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
