"""A person answers by an invitation."""

import json
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from feedback_service.app import create_app
from feedback_service.cases import invitations
from feedback_service.config import Settings
from feedback_service.database import db, deferred_writes, transaction
from feedback_service.delivery.events import RESPONSE_RECORDED
from feedback_service.errors import (
    AlreadyAnswered,
    BegunElsewhere,
    Conflict,
    Invalid,
    InvitationCancelled,
    NotFound,
    OtherAnswer,
    Unavailable,
)
from feedback_service.flow import answers, cases, receipts
from feedback_service.flow.answers import RecordedAnswer, SentAnswer, Survey
from feedback_service.models import Comment, DraftAnswer, Invitation, Response, Signal
from feedback_service.surveys.answers import FormSubmission
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.looks import visit_survey
from tests.support.story import (
    CENTRE,
    begin_answer,
    create_centre,
    create_invitation,
    make_case_update,
    make_sent_answer,
    minutes_later,
    register_case,
    send_answer,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


def test_an_answer_is_stored_with_its_event_and_spends_the_invitation() -> None:
    invitation = create_invitation()

    send_answer(
        invitation.token,
        {"off.nps": 9, "off.staff": "great", "any.reasons": ["seats"], "any.breach": ["none"]},
    )

    assert stored.read_answers() == {
        ("off.nps", "9"),
        ("off.staff", "great"),
        ("any.reasons", "seats"),
        ("any.breach", "none"),
    }
    [event] = stored.read_event_data(RESPONSE_RECORDED)
    assert event["answers"] == [
        {"question": "off.nps", "value": 9},
        {"question": "off.staff", "value": "great"},
    ]
    assert (event["reasons"], event["breach"], event["comment_present"]) == (["seats"], [], False)
    with pytest.raises(AlreadyAnswered):
        send_answer(invitation.token, {"off.nps": 1})


def test_the_same_client_gets_the_same_receipt_and_changes_nothing() -> None:
    invitation, client = create_invitation(), uuid.uuid4()
    first = send_answer(invitation.token, {"off.nps": 9}, client)

    again = send_answer(invitation.token, {"off.nps": 0}, client)

    assert (again.id, again.receipt, again.repeated) == (first.id, first.receipt, True)
    assert stored.read_answers() == {("off.nps", "9")}


def test_a_refused_answer_leaves_the_invitation_open() -> None:
    invitation = create_invitation()

    with pytest.raises(Invalid):
        send_answer(invitation.token, {"off.nps": 11})
    with pytest.raises(Invalid):
        send_answer(invitation.token, {})

    send_answer(invitation.token, {"off.nps": 10})
    assert stored.read_answers() == {("off.nps", "10")}


def test_looking_spends_nothing_and_only_a_person_counts_as_having_opened() -> None:
    invitation = create_invitation()

    answers.open_survey(invitation.token, mark_opened=False)
    assert not stored.read_rows(Invitation)[0].opened

    visit_survey(invitation.token)
    assert stored.read_rows(Invitation)[0].opened
    assert not stored.read_rows(Invitation)[0].started


def test_a_first_tap_is_kept_and_joined_by_what_comes_later() -> None:
    invitation = create_invitation()
    client = begin_answer(invitation.token, {"off.nps": 9})
    assert answers.open_survey(invitation.token, mark_opened=False).has_draft

    send_answer(invitation.token, {"off.staff": "good"}, client)

    assert stored.read_answers() == {("off.nps", "9"), ("off.staff", "good")}
    assert stored.read_rows(DraftAnswer) == []


def test_what_a_whole_form_leaves_out_is_taken_back() -> None:
    invitation = create_invitation()
    client = begin_answer(invitation.token, {"off.nps": 9})
    begin_answer(invitation.token, {"off.staff": "good", "any.comment": "передумаю"}, client)

    send_answer(invitation.token, {"off.premises": "great"}, client, replaces_all_but_first=True)

    assert stored.read_answers() == {("off.nps", "9"), ("off.premises", "great")}
    assert stored.read_comments() == []


def test_nothing_that_is_stored_tells_what_was_tapped_first() -> None:
    token, everything = (
        create_invitation().token,
        {"off.nps": 9, "off.staff": "great", "any.reasons": ["seats", "queue"]},
    )
    client = begin_answer(token, {"off.staff": "great"})
    send_answer(token, everything, client)
    send_answer(create_invitation().token, everything)

    step_by_step, at_once = (json.dumps(response.answers) for response in stored.read_rows(Response))
    assert step_by_step == at_once


def test_a_tap_left_alone_becomes_final_on_the_day_it_was_made(time_is: TimeIs) -> None:
    time_is("2026-11-20T23:50:00+02:00")
    invitation = create_invitation()
    begin_answer(invitation.token, {"off.nps": 9})

    time_is(minutes_later(29))
    assert answers.submit_abandoned_drafts() == 0
    time_is(minutes_later(2))
    assert answers.submit_abandoned_drafts() == 1

    [response] = stored.read_rows(Response)
    assert response.answered_on == date(2026, 11, 20)
    assert stored.read_answers() == {("off.nps", "9")}
    assert answers.submit_abandoned_drafts() == 0
    with pytest.raises(AlreadyAnswered) as refusal:
        answers.open_survey(invitation.token, mark_opened=False)
    assert refusal.value.on == date(2026, 11, 20)


def test_a_tap_counts_even_if_the_invitation_is_cancelled_meanwhile(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    case = register_case(make_case_update())
    assert case.invitation is not None
    begin_answer(case.invitation.token, {"off.nps": 3})
    cases.cancel_invitation(case.id, {CENTRE})
    with pytest.raises(InvitationCancelled):
        send_answer(case.invitation.token, {"off.staff": "good"})

    time_is(minutes_later(31))
    answers.submit_abandoned_drafts()

    assert stored.read_answers() == {("off.nps", "3")}


def test_who_comes_back_too_late_learns_it_and_holds_the_receipt(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    invitation = create_invitation()
    client = begin_answer(invitation.token, {"off.nps": 9})

    time_is(minutes_later(31))
    late = send_answer(invitation.token, {"off.staff": "awful"}, client)

    assert late.was_abandoned
    assert stored.read_answers() == {("off.nps", "9")}
    assert receipts.read_receipt(late.receipt).answered_on == date(2026, 11, 20)
    assert send_answer(invitation.token, {}, client) == late


def test_somebody_else_with_the_link_cannot_add_to_an_answer() -> None:
    invitation = create_invitation()
    send_answer(invitation.token, {"off.nps": 9})

    with pytest.raises(AlreadyAnswered):
        begin_answer(invitation.token, {"off.nps": 0})


OTHERS = [{"off.nps": 10}, {"off.nps": 10, "off.staff": "great"}, {"off.staff": "great"}, {}, {"any.reasons": []}]


@pytest.mark.parametrize("sends", [False, True])
@pytest.mark.parametrize("other", OTHERS)
def test_whatever_another_client_sends_what_was_tapped_first_stands(
    time_is: TimeIs, other: dict[str, object], sends: bool
) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    invitation = create_invitation()
    begin_answer(invitation.token, {"off.nps": 2, "any.reasons": ["queue"]})

    with suppress(BegunElsewhere):
        (send_answer if sends else begin_answer)(invitation.token, other, replaces_all_but_first=True)
    time_is(minutes_later(31))
    answers.submit_abandoned_drafts()

    assert {("off.nps", "2"), ("any.reasons", "queue")} == stored.read_answers() - {("off.staff", "great")}


def test_another_client_adds_and_changes_only_its_own() -> None:
    invitation, other = create_invitation(), uuid.uuid4()
    first = begin_answer(invitation.token, {"off.nps": 2})
    begin_answer(invitation.token, {"off.staff": "great", "any.comment": "чуже"}, other)
    begin_answer(invitation.token, {"off.staff": "good"}, other)
    with pytest.raises(BegunElsewhere) as refusal:
        begin_answer(invitation.token, {"off.staff": "awful", "any.comment": "моє"}, first)

    send_answer(invitation.token, {"off.nps": 3, "off.staff": "awful"}, first)

    assert [error.pointer for error in refusal.value.errors] == ["/answers/any.comment", "/answers/off.staff"]
    assert stored.read_answers() == {("off.nps", "3"), ("off.staff", "good")}
    assert stored.read_comments() == ["чуже"]


@pytest.mark.parametrize("sends", [False, True])
@pytest.mark.parametrize("nothing", [{}, {"off.nps": 10}, {"any.reasons": []}])
def test_another_client_with_nothing_of_its_own_ends_no_answer(nothing: dict[str, object], sends: bool) -> None:
    invitation = create_invitation()
    first = begin_answer(invitation.token, {"off.nps": 2})
    [before] = stored.read_rows(DraftAnswer)

    with pytest.raises(BegunElsewhere):
        (send_answer if sends else begin_answer)(invitation.token, nothing)

    assert [draft.touched_at for draft in stored.read_rows(DraftAnswer)] == [before.touched_at]
    send_answer(invitation.token, {"off.staff": "good"}, first)
    assert stored.read_answers() == {("off.nps", "2"), ("off.staff", "good")}
    assert stored.read_rows(Signal) == []


def test_another_client_finishes_what_it_took_part_in() -> None:
    invitation, other = create_invitation(), uuid.uuid4()
    begin_answer(invitation.token, {"off.nps": 2})
    begin_answer(invitation.token, {"off.staff": "good"}, other)

    send_answer(invitation.token, {}, other)

    assert stored.read_answers() == {("off.nps", "2"), ("off.staff", "good")}


@pytest.mark.parametrize("guess", range(11))
def test_nobody_learns_by_guessing_what_was_tapped(guess: int) -> None:
    invitation = create_invitation()
    begin_answer(invitation.token, {"off.nps": 2})

    with pytest.raises(BegunElsewhere):
        send_answer(invitation.token, {"off.nps": guess})
    assert send_answer(invitation.token, {"off.nps": guess, "off.staff": "good"}).others_stay


def test_who_finishes_learns_that_an_answer_of_another_client_stays() -> None:
    invitation, other = create_invitation(), uuid.uuid4()
    first = begin_answer(invitation.token, {"off.nps": 2})

    survey = answers.save_draft(invitation.token, make_sent_answer({"off.nps": 10, "off.staff": "good"}, other))
    recorded = send_answer(invitation.token, {"off.nps": 10, "off.premises": "good"}, other)

    assert isinstance(survey, Survey)
    assert survey.taken == {"off.nps"}
    assert recorded.others_stay
    with pytest.raises(AlreadyAnswered):
        begin_answer(invitation.token, {"off.process": "good"}, first)


@pytest.mark.parametrize(
    ("added", "finished", "signals"),
    [(False, False, []), (True, False, ["continued_elsewhere"]), (False, True, ["continued_elsewhere"])],
)
def test_an_answer_in_which_another_client_took_part_carries_a_signal(
    added: bool, finished: bool, signals: list[str]
) -> None:
    invitation, other = create_invitation(), uuid.uuid4()
    first = begin_answer(invitation.token, {"off.nps": 2})
    if added:
        begin_answer(invitation.token, {"off.staff": "great"}, other)

    if finished:
        send_answer(invitation.token, {"off.premises": "good"}, other)
    else:
        send_answer(invitation.token, {}, first)

    assert [signal.reason for signal in stored.read_rows(Signal)] == signals


def test_only_who_began_an_answer_takes_it_back() -> None:
    by_first, by_other = create_invitation(), create_invitation()
    client = begin_answer(by_first.token, {"off.nps": 2})
    begin_answer(by_first.token, {"off.staff": "good"})
    begin_answer(by_other.token, {"off.nps": 3})
    receipt, foreign = (
        send_answer(by_first.token, {}, client).receipt,
        send_answer(by_other.token, {"off.staff": "awful"}).receipt,
    )

    with pytest.raises(Conflict):
        receipts.withdraw_answer(foreign)

    assert not receipts.read_receipt(foreign).may_withdraw
    assert receipts.withdraw_answer(receipt).withdrawn_on is not None
    assert stored.read_answers() == {("off.nps", "3"), ("off.staff", "awful")}


def test_a_draft_that_others_added_to_becomes_the_answer_of_who_began_it(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    invitation, other = create_invitation(), uuid.uuid4()
    first = begin_answer(invitation.token, {"off.nps": 2})
    begin_answer(invitation.token, {"off.staff": "good"}, other)
    time_is(minutes_later(31))

    with pytest.raises(AlreadyAnswered):
        begin_answer(invitation.token, {"off.process": "good"}, other)

    assert send_answer(invitation.token, {}, first).was_abandoned
    assert stored.read_answers() == {("off.nps", "2"), ("off.staff", "good")}


def test_an_empty_field_takes_back_what_the_same_client_tapped() -> None:
    invitation = create_invitation()
    client = begin_answer(invitation.token, {"off.nps": 9, "any.reasons": ["queue"], "any.comment": "ні"})
    fields = {"off.nps": ["9"], "off.staff": ["great"]}
    for blank in ({}, {"off.staff": [""]}):
        answers.save_draft(
            invitation.token,
            SentAnswer(client_id=client, submission=FormSubmission(fields | blank), language="uk", source="qr_case"),
        )

    send_answer(invitation.token, {"any.reasons": [], "any.comment": " "}, client)

    assert stored.read_answers() == {("off.nps", "9")}
    assert stored.read_comments() == []


def test_a_repeat_with_other_answers_is_refused_where_that_is_asked_for(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    sent, left, client = create_invitation().token, create_invitation().token, uuid.uuid4()
    said: dict[str, object] = {"off.nps": 2, "any.reasons": ["queue", "seats"], "any.comment": "Так"}
    send_answer(sent, said, client)
    begin_answer(left, said, client)
    time_is(minutes_later(31))

    for token in (sent, left):
        for other in ({"off.nps": 3}, said | {"any.comment": "Ні"}, said | {"off.staff": "good"}, {"off.nps": 2}):
            with pytest.raises(OtherAnswer):
                send_answer(token, other, client, refuses_other_answer=True)
        assert send_answer(
            token, said | {"any.reasons": ["seats", "queue"]}, client, refuses_other_answer=True
        ).repeated


@transaction
def delete_comments(tx: Session) -> None:
    """Delete all comments, as their age does."""
    tx.execute(delete(Comment))


def test_a_comment_that_a_repeat_adds_makes_it_another_answer() -> None:
    token, client = create_invitation().token, uuid.uuid4()
    send_answer(token, {"off.nps": 2}, client)

    with pytest.raises(OtherAnswer):
        send_answer(token, {"off.nps": 2, "any.comment": "Так"}, client, refuses_other_answer=True)


def test_a_repeat_stays_one_when_its_comment_was_deleted_by_age(time_is: TimeIs) -> None:
    at = time_is("2023-11-20T10:00:00+02:00")
    token, client = create_invitation().token, uuid.uuid4()
    said: dict[str, object] = {"off.nps": 2, "any.comment": "Так"}
    send_answer(token, said, client)
    delete_comments()
    time_is(at + timedelta(days=1096))

    assert send_answer(token, said, client, refuses_other_answer=True).repeated
    with pytest.raises(OtherAnswer):
        send_answer(token, said | {"off.nps": 3}, client, refuses_other_answer=True)


def test_a_tap_after_sending_leads_back_to_the_receipt() -> None:
    invitation = create_invitation()
    client = begin_answer(invitation.token, {"off.nps": 9})
    recorded = send_answer(invitation.token, {}, client)

    again = answers.save_draft(invitation.token, make_sent_answer({"off.nps": 0}, client))

    assert isinstance(again, RecordedAnswer)
    assert again.receipt == recorded.receipt


def test_the_questionnaire_is_the_one_of_the_day_the_invitation_was_issued() -> None:
    survey = answers.open_survey(create_invitation(front_office="online").token, mark_opened=False)

    assert isinstance(survey, Survey)
    assert survey.questionnaire.front_office == "online"
    assert survey.questionnaire.first_question.id == "on.nps"


def test_only_the_masked_comment_is_kept() -> None:
    send_answer(create_invitation().token, {"any.comment": "Подзвоніть мені: 067 123 45 67"})

    [kept] = stored.read_comments()
    assert "067" not in kept
    assert "Подзвоніть мені" in kept


def test_nothing_in_a_response_leads_to_its_case() -> None:
    case = register_case(make_case_update())
    assert case.invitation is not None
    recorded = send_answer(case.invitation.token, {"off.nps": 9})

    [response], [invitation] = stored.read_rows(Response), stored.read_rows(Invitation)

    assert recorded.id.version == 4
    shared = {repr(value) for value in vars(response).values()} & {
        repr(value) for name, value in vars(invitation).items() if name not in ("centre_id", "questionnaire")
    }
    assert shared <= {"None", repr(response.answered_on)}


@pytest.mark.parametrize("token", ["", "A", "0" * 26, "A" * 26, "'; --", "Ї" * 26])
def test_an_unknown_token_opens_nothing(token: str) -> None:
    with pytest.raises(NotFound):
        answers.open_survey(token, mark_opened=True)


def test_a_token_may_be_typed_in_small_letters() -> None:
    invitation = create_invitation()

    assert answers.open_survey(invitation.token.lower(), mark_opened=False).service == "Реєстрація місця проживання"


def test_an_answer_begun_by_a_message_stays_one_of_messages() -> None:
    invitation, client = create_invitation(), uuid.uuid4()
    answers.save_draft(invitation.token, make_sent_answer({"off.nps": 9}, client, source="sms_viber"))

    send_answer(invitation.token, {"off.staff": "good"}, client)

    assert [response.source for response in stored.read_rows(Response)] == ["sms_viber"]


def test_a_tap_too_late_leads_to_the_receipt_whether_or_not_the_worker_came_by(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    invitation = create_invitation()
    client = begin_answer(invitation.token, {"off.nps": 9})
    time_is(minutes_later(31))

    outcomes = [answers.save_draft(invitation.token, make_sent_answer({"off.nps": 0}, client)) for _ in range(2)]

    assert all(isinstance(outcome, RecordedAnswer) and outcome.was_abandoned for outcome in outcomes)
    assert outcomes[0] == outcomes[1]
    assert stored.read_answers() == {("off.nps", "9")}


def test_an_answer_that_cannot_be_read_holds_up_no_other(time_is: TimeIs, capsys: pytest.CaptureFixture[str]) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    broken, sound = create_invitation(), create_invitation()
    begin_answer(broken.token, {"off.nps": 1})
    spoil_begun_answers()
    time_is(minutes_later(1))
    begin_answer(sound.token, {"off.nps": 9})

    time_is(minutes_later(31))
    answers.submit_abandoned_drafts()

    assert stored.read_answers() == {("off.nps", "9")}
    assert len(stored.read_rows(DraftAnswer)) == 1
    assert answers.submit_abandoned_drafts() == 0, "it has another turn, but not at once"


@transaction
def spoil_begun_answers(tx: Session) -> None:
    tx.execute(update(DraftAnswer).values(answers={"of": "another release"}))


def test_a_tap_counts_even_if_the_key_of_its_link_was_dropped(settings: Settings, time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    begin_answer(create_invitation().token, {"off.nps": 9})

    time_is(minutes_later(31))
    with create_app(replace(settings, token_keys=(b"new" * 12,))).app_context():
        answers.submit_abandoned_drafts()
        db.engine.dispose()

    assert stored.read_answers() == {("off.nps", "9")}


def test_a_look_is_noted_within_a_second() -> None:
    answers.open_survey(create_invitation().token, mark_opened=True)

    wait_until(lambda: stored.read_rows(Invitation)[0].opened)  # by itself; a busy machine only begins it later
    assert deferred_writes.DELAY_SECONDS < 1


def test_looks_that_cannot_be_noted_hold_up_nobody_and_later_ones_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(*_: object) -> None:
        raise Unavailable(retry_after=5)

    with monkeypatch.context() as while_busy:
        while_busy.setattr(invitations, "mark_opened", busy)
        visit_survey(create_invitation().token)
    assert not stored.read_rows(Invitation)[0].opened

    visit_survey(create_invitation().token)
    assert [invitation.opened for invitation in stored.read_rows(Invitation)].count(True) == 1
