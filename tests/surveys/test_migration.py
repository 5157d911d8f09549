"""What was said survives the way down and up again, and is found afterwards as before."""

from pathlib import Path
from typing import Any

import pytest

from feedback_service import flow
from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.db import db
from feedback_service.models import Comment, Response
from tests.support import stored
from tests.support.database import FreshDatabase, flask_db
from tests.support.environment import environment
from tests.support.story import a_centre, invited, sent


def facts() -> list[dict[str, Any]]:
    """Every comment with all that it repeats; the order of reasons means nothing."""
    names = [column.key for column in Comment.__table__.columns]
    rows = sorted(stored.rows(Comment), key=lambda each: each.text)
    return [
        {name: getattr(row, name) for name in names} | {"reasons": set(row.reasons.split())} for row in rows
    ]


def said() -> list[tuple[bool, dict[str, list[str]]]]:
    """What was chosen in every answer, and whether that was taken back; the order of values means nothing."""
    rows = sorted(stored.rows(Response), key=lambda each: each.id)
    return [(row.withdrawn_on is not None, {q: sorted(v) for q, v in row.answers.items()}) for row in rows]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_values_are_the_same_after_the_way_down_and_up(
    dialect: str, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    told = environment(tmp_path, fresh_database(dialect))
    app = create_app(Settings.from_env(told))
    with app.app_context():
        a_centre()
        sent(invited().token, {"off.nps": 9, "off.staff": "great", "any.reasons": ["queue", "seats"]})
        sent(invited().token, {"any.comment": "Дякую"})
        flow.withdraw(sent(invited().token, {"off.nps": 0, "any.breach": ["bribe"]}).receipt)
        before = said()
        db.engine.dispose()

    flask_db(told, "downgrade", "0009")
    flask_db(told, "upgrade")

    with app.app_context():
        after = said()
        db.engine.dispose()
    assert after == before
    assert sorted(after, key=str) == [
        (False, {"any.reasons": ["queue", "seats"], "off.nps": ["9"], "off.staff": ["great"]}),
        (False, {}),
        (True, {}),
    ]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_comments_are_the_same_after_the_way_down_and_up(
    dialect: str, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    told = environment(tmp_path, fresh_database(dialect))
    app = create_app(Settings.from_env(told))
    with app.app_context():
        a_centre()
        sent(invited().token, {"off.nps": 9, "any.comment": "Дякую за об’єкт, тел. 050 123 45 67, ҐАНОК"})
        sent(
            invited().token,
            {"off.staff": "awful", "any.reasons": ["queue", "seats"], "any.comment": "Черга"},
        )
        sent(invited().token, {"any.breach": ["bribe"], "any.comment": "Натякали"}, language="en")
        sent(invited().token, {"any.breach": ["none"], "any.comment": "Нічого такого"})
        before = facts()
        db.engine.dispose()

    flask_db(told, "downgrade", "0003")
    flask_db(told, "upgrade")

    with app.app_context():
        after = facts()
        db.engine.dispose()
    assert after == before
    assert len(after) == 4
