"""One running service for all visits; every test gets a case of its own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.models import Response
from tests.browser.kiosk import LANDSCAPE, NewTablet, Since, pair, pairing_code
from tests.support import story
from tests.support.browser import NewPage
from tests.support.database import FreshDatabase
from tests.support.server import Service
from tests.support.stored import rows

Invited = Callable[..., str]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, fresh_database: FreshDatabase) -> Iterator[Service]:
    """The service as production runs it, with one centre."""
    with Service(tmp_path_factory.mktemp("service"), fresh_database("sqlite")) as service:
        yield service


@pytest.fixture(scope="session")
def beside(service: Service) -> Iterator[Flask]:
    """The same application on the same data, for telling what happened before a visit."""
    app = create_app(Settings.from_env(service.environment))
    with app.app_context():
        story.a_centre()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def invited(service: Service, beside: Flask) -> Invited:
    """``invited()`` completes a case and tells the address of its survey."""

    def complete(**facts: object) -> str:
        with beside.app_context():
            return f"{service.url}/S/{story.invited(**facts).token}"

    return complete


@pytest.fixture
def answered(service: Service, beside: Flask) -> Invited:
    """``answered({"off.nps": 9})`` has answered; the path of the receipt."""

    def complete(answers: dict[str, object], **facts: object) -> str:
        with beside.app_context():
            return f"{service.url}/R/{story.sent(story.invited(**facts).token, answers).receipt}"

    return complete


@pytest.fixture
def new_tablet(new_page: NewPage, service: Service, beside: Flask) -> NewTablet:
    """``new_tablet("desk", **PORTRAIT)`` is paired and waits for somebody."""

    def new_tablet(mode: str = "hall", **options: Any) -> Page:
        page = new_page(**(LANDSCAPE | options))
        pair(page, service.url, pairing_code(beside, mode))
        return page

    return new_tablet


@pytest.fixture
def since(beside: Flask) -> Since:
    """``since()`` tells the answers that arrived since the test began."""
    with beside.app_context():
        before = {row.id for row in rows(Response)}

    def arrived() -> list[Response]:
        with beside.app_context():
            return [row for row in rows(Response) if row.id not in before]

    return arrived
