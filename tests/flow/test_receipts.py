"""A receipt takes an answer back; a typed short code leads to its survey, and guessing is limited."""

import threading
from datetime import date

import pytest
from flask import Flask

from feedback_service.cases import short_codes as code_guesses
from feedback_service.delivery.events import RESPONSE_WITHDRAWN
from feedback_service.errors import NotFound, TooManyGuesses
from feedback_service.flow import receipts, short_codes
from feedback_service.models import CountedDay, ShortCodeGuesses
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.story import create_centre, create_invitation, minutes_later, send_answer

pytestmark = pytest.mark.usefixtures("context")

LIMIT, PEOPLE, CODES = 10, 8, 4


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


def test_the_limit_of_wrong_codes_holds_when_many_guess_at_once(
    app: Flask, context: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_guesses, "MAX_WRONG_GUESSES", LIMIT)
    code = create_invitation().short_code
    wrong = code[:-4] + ("0000" if not code.endswith("0000") else "1111")
    start, outcomes = threading.Barrier(PEOPLE), list[type[Exception]]()

    def guess() -> None:
        with app.app_context():
            start.wait()
            for _ in range(CODES):
                try:
                    short_codes.find_token_by_short_code(wrong)
                except Exception as refusal:
                    outcomes.append(type(refusal))

    people = [threading.Thread(target=guess) for _ in range(PEOPLE)]
    for person in people:
        person.start()
    for person in people:
        person.join()

    assert sorted(outcomes, key=str) == [NotFound] * LIMIT + [TooManyGuesses] * (PEOPLE * CODES - LIMIT)
    assert [counted.wrong for counted in stored.read_rows(ShortCodeGuesses)] == [LIMIT]


def test_an_author_takes_the_answer_back() -> None:
    recorded = send_answer(create_invitation().token, {"off.nps": 0, "any.comment": "Погано"})

    thanks = receipts.withdraw_answer(recorded.receipt)

    assert thanks.withdrawn_on is not None
    assert (stored.read_answers(), stored.read_comments()) == (set(), [])
    assert receipts.withdraw_answer(recorded.receipt) == thanks
    assert stored.read_event_data(RESPONSE_WITHDRAWN) == [{"response_id": str(recorded.id)}]


def test_taking_back_an_old_answer_reopens_its_day(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    recorded = send_answer(create_invitation().token, {"off.nps": 0})
    assert stored.read_rows(CountedDay) == []

    time_is("2026-11-23T10:00:00+02:00")
    receipts.withdraw_answer(recorded.receipt)

    assert [(day.day, day.closed) for day in stored.read_rows(CountedDay)] == [(date(2026, 11, 20), False)]


@pytest.mark.parametrize("typed", ["{code}", "{lower}", " {spaced} ", "{bare}"])
def test_a_short_code_is_found_however_it_is_typed(typed: str) -> None:
    invitation = create_invitation()
    code = invitation.short_code

    found = short_codes.find_token_by_short_code(
        typed.format(code=code, lower=code.lower(), spaced=code.replace("-", " "), bare=code.replace("-", ""))
    )

    assert found == invitation.token


def test_wrong_codes_are_counted_for_the_centre_and_then_must_wait(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:00:00+02:00")
    code = create_invitation().short_code
    wrong = code[:-4] + ("0000" if not code.endswith("0000") else "1111")

    for _ in range(30):
        with pytest.raises(NotFound):
            short_codes.find_token_by_short_code(wrong)
    with pytest.raises(TooManyGuesses):
        short_codes.find_token_by_short_code(wrong)

    time_is(minutes_later(10))
    with pytest.raises(NotFound):
        short_codes.find_token_by_short_code(wrong)


def test_a_right_code_is_found_while_wrong_ones_wait_so_nobody_keeps_a_centre_s_people_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(code_guesses, "MAX_WRONG_GUESSES", 1)
    invitation = create_invitation()
    code = invitation.short_code
    wrong = code[:-4] + ("0000" if not code.endswith("0000") else "1111")
    for refusal in (NotFound, TooManyGuesses):
        with pytest.raises(refusal):
            short_codes.find_token_by_short_code(wrong)

    assert short_codes.find_token_by_short_code(code) == invitation.token
    with pytest.raises(TooManyGuesses):
        short_codes.find_token_by_short_code(wrong)


def test_a_short_code_may_be_typed_on_a_ukrainian_keyboard() -> None:
    code = create_invitation().short_code

    assert short_codes.find_token_by_short_code(code.translate(str.maketrans("ABEKMHPCTXY10", "АВЕКМНРСТХУІО")))
