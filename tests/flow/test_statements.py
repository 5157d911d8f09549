"""What the main things people and systems do cost in SQL statements: few, and the same however many cases come."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event

from feedback_service.database import compiled, db
from feedback_service.flow import answers, cases
from feedback_service.flow.answers import opened_invitations
from tests.support.story import (
    CENTRE,
    create_centre,
    create_invitation,
    make_case_update,
    make_sent_answer,
    register_case,
    send_answer,
)

# A deferred write of an earlier test would be counted here.
pytestmark = [pytest.mark.usefixtures("context"), pytest.mark.own_application]

Counted = Callable[[], int]


@contextmanager
def counting() -> Iterator[Counted]:
    """Count statements, one sent with many rows once; where transactions begin and end is not counted."""
    told: list[str] = []
    execute = compiled._execute

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            told.append(statement)

    def noted(connection: Connection, statement: Any, values: Mapping[str, Any]) -> Any:
        told.append(str(statement))
        return execute(connection, statement, values)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "_execute", noted)
            yield lambda: len(told)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture(autouse=True)
def centre(app: Flask, context: None) -> str:
    """A centre, which has served somebody before."""
    code = create_centre()
    register_case(make_case_update())
    return code


def test_a_look_costs_one_statement_and_all_the_first_looks_of_a_moment_one_more() -> None:
    tokens = [create_invitation().token for _ in range(3)]

    with counting() as looks:
        for token in tokens:
            answers.open_survey(token, mark_opened=True)
        assert looks() == 3
        opened_invitations.write_now()
        assert looks() == 4
    with counting() as again:
        answers.open_survey(tokens[0], mark_opened=True)
        opened_invitations.write_now()
        assert again() == 1


def test_the_first_tap_costs_three_statements() -> None:
    token = create_invitation().token

    with counting() as statements:
        answers.save_draft(token, make_sent_answer({"off.nps": 9}))
        assert statements() == 3


def test_an_answer_costs_five_statements_however_many_questions_it_answers() -> None:
    everything: dict[str, object] = {
        "off.nps": 9,
        "off.staff": "great",
        "any.reasons": ["queue", "seats"],
        "any.comment": "Дякую",
    }

    token = create_invitation().token
    send_answer(create_invitation().token, {"off.nps": 10})  # somebody has answered lately, so the methodology is known
    with counting() as statements:
        answers.submit_answer(token, make_sent_answer(everything))
        assert statements() == 5


@pytest.mark.parametrize("number", [1, cases.CASES_AT_ONCE])
def test_all_cases_of_a_portion_cost_as_many_statements_as_one(number: int) -> None:
    reports = [make_case_update() for _ in range(number)]

    with counting() as statements:
        cases.register_cases(reports, {CENTRE})
        assert statements() <= 12


@pytest.mark.slow
def test_a_thousand_cases_cost_the_statements_of_their_portions() -> None:
    reports = [make_case_update() for _ in range(1000)]

    with counting() as statements:
        cases.register_cases(reports, {CENTRE})
        assert statements() <= 12 * 1000 / cases.CASES_AT_ONCE
