"""Somebody else is quicker: what was read while nobody was kept waiting is no longer so when it is written."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service.database import transaction
from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.errors import AlreadyAnswered, InvitationCancelled
from feedback_service.flow.answers import RecordedAnswer, SentAnswer, save_draft, submit_answer
from feedback_service.models import DraftAnswer, Invitation, Response
from feedback_service.surveys.answers import Answers, JsonSubmission
from feedback_service.surveys.questionnaires import Questionnaire
from tests.support import stored
from tests.support.story import (
    begin_answer,
    create_centre,
    create_invitation,
    make_case_update,
    register_case,
    send_answer,
)

pytestmark = pytest.mark.usefixtures("context")

ME, SOMEBODY = uuid.uuid4(), uuid.uuid4()


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


@dataclass(frozen=True)
class InterruptedSubmission(JsonSubmission):
    """While it is checked, somebody else writes, once: after the story has read, and before it writes."""

    interruptions: list[Callable[[], object]]

    def read_answers(self, questionnaire: Questionnaire) -> Answers:
        while self.interruptions:
            self.interruptions.pop()()
        return super().read_answers(questionnaire)


def meanwhile(interrupt: Callable[[], object], answers: dict[str, object]) -> JsonSubmission:
    """Return a submission of these answers; ``interrupt`` is called while it is checked."""
    return InterruptedSubmission(answers, [interrupt])


def finish(token: str, submission: JsonSubmission) -> RecordedAnswer:
    """Submit."""
    return submit_answer(token, SentAnswer(client_id=ME, submission=submission, language="uk", source="qr_case"))


def tap(token: str, submission: JsonSubmission) -> object:
    """Choose something."""
    return save_draft(token, SentAnswer(client_id=ME, submission=submission, language="uk", source="qr_case"))


def begun(before: dict[str, object]) -> str:
    """A link that I chose these answers by, if any."""
    token = create_invitation().token
    if before:
        begin_answer(token, before, ME)
    return token


@transaction
def note_started(tx: Session) -> None:
    """Invitations are noted as begun, and nothing is kept of it."""
    tx.execute(update(Invitation).values(started=True))


@pytest.mark.parametrize("started", [False, True])
def test_of_two_answers_sent_at_once_the_first_is_stored(started: bool) -> None:
    token = create_invitation().token
    if started:
        note_started()

    with pytest.raises(AlreadyAnswered):
        finish(token, meanwhile(lambda: send_answer(token, {"off.nps": 2}, SOMEBODY), {"off.nps": 9}))

    assert stored.read_answers() == {("off.nps", "2")}
    assert len(stored.read_rows(Response)) == len(stored.read_event_data(RESPONSE_RECORDED)) == 1


def test_an_answer_sent_twice_gets_the_same_receipt() -> None:
    token = create_invitation().token
    first: list[RecordedAnswer] = []

    second = finish(token, meanwhile(lambda: first.append(send_answer(token, {"off.nps": 9}, ME)), {"off.nps": 9}))

    assert (second.receipt, second.repeated) == (first[0].receipt, True)
    assert len(stored.read_rows(Response)) == 1


def test_a_tap_during_somebody_elses_submission_is_refused() -> None:
    token = create_invitation().token

    with pytest.raises(AlreadyAnswered):
        tap(token, meanwhile(lambda: send_answer(token, {"off.nps": 2}, SOMEBODY), {"off.nps": 9}))

    assert not stored.read_rows(DraftAnswer)


def test_a_repeated_tap_during_somebody_elses_submission_is_refused() -> None:
    token = create_invitation().token
    begin_answer(token, {"off.nps": 9}, ME)

    with pytest.raises(AlreadyAnswered):
        tap(token, meanwhile(lambda: send_answer(token, {"off.premises": "good"}, SOMEBODY), {"off.staff": "great"}))

    assert stored.read_answers() == {("off.nps", "9"), ("off.premises", "good")}
    assert not stored.read_rows(DraftAnswer)


def test_of_two_clients_that_tap_at_once_the_first_to_be_stored_keeps_the_question() -> None:
    token = create_invitation().token
    begin_answer(token, {"off.nps": 9}, ME)

    tap(
        token,
        meanwhile(lambda: begin_answer(token, {"off.staff": "good"}, SOMEBODY), {"off.nps": 8, "off.staff": "great"}),
    )
    finish(token, JsonSubmission({}))

    assert stored.read_answers() == {("off.nps", "8"), ("off.staff", "good")}


@pytest.mark.slow
@pytest.mark.parametrize("before", [{}, {"off.quality": "good"}])
def test_a_tap_that_comes_while_one_sends_counts(before: dict[str, object]) -> None:
    token = begun(before)

    finish(token, meanwhile(lambda: begin_answer(token, {"off.staff": "great"}, ME), {"off.nps": 9}))

    assert stored.read_answers() == {("off.nps", "9"), ("off.staff", "great"), *before.items()}
    assert not stored.read_rows(DraftAnswer)


@pytest.mark.parametrize("before", [{}, {"off.quality": "good"}])
def test_of_two_taps_at_once_none_is_lost(before: dict[str, object]) -> None:
    token = begun(before)

    tap(token, meanwhile(lambda: begin_answer(token, {"off.staff": "great"}, ME), {"off.nps": 9}))
    finish(token, JsonSubmission({}))

    assert stored.read_answers() == {("off.nps", "9"), ("off.staff", "great"), *before.items()}


@pytest.mark.parametrize("step", [finish, tap])
def test_what_is_cancelled_while_one_answers_is_not_answered(
    step: Callable[[str, JsonSubmission], object],
) -> None:
    token = create_invitation(case_number="1").token

    with pytest.raises(InvitationCancelled):
        step(
            token,
            meanwhile(lambda: register_case(make_case_update("cancelled", case_number="1")), {"off.nps": 9}),
        )

    assert not stored.read_rows(Response) and not stored.read_rows(DraftAnswer)
