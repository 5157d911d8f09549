"""Comments and answers survive a downgrade and an upgrade, and are found as before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db, transaction
from feedback_service.flow import receipts
from feedback_service.models import Comment, DraftAnswer, Response, Signal
from tests.support import stored
from tests.support.database import FreshDatabase, run_flask_db
from tests.support.environment import build_environment
from tests.support.story import begin_answer, create_centre, create_invitation, send_answer


def facts() -> list[dict[str, Any]]:
    """Return every comment with its columns; the order of reasons has no meaning."""
    names = [column.key for column in Comment.__table__.columns]
    rows = sorted(stored.read_rows(Comment), key=lambda each: each.text)
    return [{name: getattr(row, name) for name in names} | {"reasons": set(row.reasons.split())} for row in rows]


def said() -> list[tuple[bool, dict[str, list[str]]]]:
    """Return the answers of every response and whether it was withdrawn; the order of values has no meaning."""
    rows = sorted(stored.read_rows(Response), key=lambda each: each.id)
    return [(row.withdrawn_on is not None, {q: sorted(v) for q, v in row.answers.items()}) for row in rows]


@pytest.fixture(params=["sqlite", "postgresql"])
def told(request: pytest.FixtureRequest, fresh_database: FreshDatabase, tmp_path: Path) -> dict[str, str]:
    """Return the settings of a service with its own database."""
    return build_environment(tmp_path, fresh_database(request.param))


@pytest.fixture
def own(told: dict[str, str]) -> Flask:
    """Return that service, with a centre."""
    app = create_app(Settings.from_env(told))
    with app.app_context():
        create_centre()
    return app


def before_and_after(
    told: dict[str, str], own: Flask, to: str, look: Callable[[], list[Any]]
) -> tuple[list[Any], list[Any]]:
    """Return what ``look`` sees before a downgrade and an upgrade, and after them."""

    def seen() -> list[Any]:
        with own.app_context():
            found = look()
            db.engine.dispose()
        return found

    before = seen()
    run_flask_db(told, "downgrade", to)
    run_flask_db(told, "upgrade")
    return before, seen()


def test_values_are_the_same_after_the_way_down_and_up(told: dict[str, str], own: Flask) -> None:
    with own.app_context():
        send_answer(create_invitation().token, {"off.nps": 9, "off.staff": "great", "any.reasons": ["queue", "seats"]})
        send_answer(create_invitation().token, {"any.comment": "Дякую"})
        receipts.withdraw_answer(
            send_answer(create_invitation().token, {"off.nps": 0, "any.breach": ["bribe"]}).receipt
        )

    before, after = before_and_after(told, own, "0009", said)

    assert after == before
    assert sorted(after, key=str) == [
        (False, {"any.reasons": ["queue", "seats"], "off.nps": ["9"], "off.staff": ["great"]}),
        (False, {}),
        (True, {}),
    ]


def test_comments_are_the_same_after_the_way_down_and_up(told: dict[str, str], own: Flask) -> None:
    with own.app_context():
        send_answer(
            create_invitation().token,
            {"off.nps": 9, "any.comment": "Дякую за об’єкт, тел. 050 123 45 67, ҐАНОК"},
        )
        send_answer(
            create_invitation().token,
            {"off.staff": "awful", "any.reasons": ["queue", "seats"], "any.comment": "Черга"},
        )
        send_answer(create_invitation().token, {"any.breach": ["bribe"], "any.comment": "Натякали"}, language="en")
        send_answer(create_invitation().token, {"any.breach": ["none"], "any.comment": "Нічого такого"})

    before, after = before_and_after(told, own, "0003", facts)

    assert after == before
    assert len(after) == 4


def test_comments_from_before_are_found_in_spite_of_latin_letters(told: dict[str, str], own: Flask) -> None:
    def folded_words() -> list[str]:
        with own.app_context():
            words = [row.folded for row in stored.read_rows(Comment)]
            db.engine.dispose()
        return words

    with own.app_context():
        send_answer(create_invitation().token, {"any.comment": "Довгa чeргa, мoя пам'ять [ім’я] всё, в gmаil"})
    now = folded_words()
    assert now == [" довга черга моя память все в gmail "]

    run_flask_db(told, "downgrade", "0010")
    assert folded_words() == [" довгa чeргa мoя память всё в gmаil "]

    run_flask_db(told, "upgrade")
    assert folded_words() == now


def begun() -> list[tuple[dict[str, str], list[str]]]:
    """Return the values of every draft, and the signals of all responses."""
    signals = sorted(signal.reason for signal in stored.read_rows(Signal))
    return [(draft.answers["single"], signals) for draft in stored.read_rows(DraftAnswer)]


def test_drafts_stay_on_the_way_down_and_up_and_the_new_signal_goes(told: dict[str, str], own: Flask) -> None:
    with own.app_context():
        draft, finished = create_invitation().token, create_invitation().token
        begin_answer(finished, {"off.nps": 2})
        send_answer(finished, {"off.staff": "good"})
        begin_answer(draft, {"off.nps": 3})
        other = begin_answer(draft, {"off.staff": "good"})
        add_signal()

    before, after = before_and_after(told, own, "0010", begun)

    values = {"off.nps": "3", "off.staff": "good"}
    assert before == [(values, ["continued_elsewhere", "hurried"])]
    assert after == [(values, ["hurried"])]
    with own.app_context():
        begin_answer(draft, {"off.process": "good"}, other)
        assert stored.read_rows(DraftAnswer)[0].owners.keys() == {"off.process"}
        db.engine.dispose()


@transaction
def add_signal(tx: Session) -> None:
    """Add an older signal to the response."""
    [response] = stored.read_rows(Response)
    tx.add(Signal(centre_id=response.centre_id, response_id=response.id, reason="hurried"))
