"""Short codes guessed by many at once."""

import threading

import pytest
from flask import Flask

from feedback_service.cases import invitations
from feedback_service.errors import NotFound, TooManyGuesses
from feedback_service.flow import receipts
from feedback_service.models import ShortCodeGuesses
from tests.support import stored
from tests.support.story import create_centre, create_invitation

LIMIT, PEOPLE, CODES = 10, 8, 4


def test_the_limit_of_wrong_codes_holds_when_many_guess_at_once(
    app: Flask, context: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "MAX_WRONG_GUESSES", LIMIT)
    create_centre()
    code = create_invitation().short_code
    wrong = code[:-4] + ("0000" if not code.endswith("0000") else "1111")
    start, outcomes = threading.Barrier(PEOPLE), list[type[Exception]]()

    def guess() -> None:
        with app.app_context():
            start.wait()
            for _ in range(CODES):
                try:
                    receipts.find_token_by_short_code(wrong)
                except Exception as refusal:
                    outcomes.append(type(refusal))

    people = [threading.Thread(target=guess) for _ in range(PEOPLE)]
    for person in people:
        person.start()
    for person in people:
        person.join()

    assert sorted(outcomes, key=str) == [NotFound] * LIMIT + [TooManyGuesses] * (PEOPLE * CODES - LIMIT)
    assert [counted.wrong for counted in stored.read_rows(ShortCodeGuesses)] == [LIMIT]
