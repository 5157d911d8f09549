"""Fixtures for pages, without a network; on SQLite where a test does not name another database."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.kiosk_ui.outline import Outline, check_house_rules
from tests.support import story
from tests.support.database import SharedDatabase

GetPage = Callable[..., Outline]


@pytest.fixture
def database_url(request: pytest.FixtureRequest, shared_database: SharedDatabase) -> str:
    """An empty migrated database."""
    return shared_database(getattr(request, "param", "sqlite"))


@pytest.fixture
def centre(app: Flask) -> str:
    """A centre that serves people."""
    with app.app_context():
        return story.create_centre()


@pytest.fixture
def invited(app: Flask, centre: str) -> Callable[..., str]:
    """``invited()`` completes a case and returns the path of its survey."""

    def complete_case(**facts: object) -> str:
        with app.app_context():
            return f"/S/{story.create_invitation(**facts).token}"

    return complete_case


@pytest.fixture
def get_page(client: FlaskClient) -> GetPage:
    """``get_page(path)`` is the outline of a page that answered 200 (or ``status``) and keeps the house rules."""

    def get_page(path: str, status: int = 200, **options: object) -> Outline:
        reply = client.get(path, **options)
        assert reply.status_code == status, reply.text
        return check_house_rules(reply.text)

    return get_page


@pytest.fixture
def post_page(client: FlaskClient) -> GetPage:
    """``post_page(path, fields)`` is the same for a form that was sent."""

    def post_page(path: str, fields: dict[str, object], status: int = 200) -> Outline:
        reply = client.post(path, data=fields)
        assert reply.status_code == status, reply.text
        return check_house_rules(reply.text)

    return post_page
