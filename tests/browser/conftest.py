"""One running service for all tests; every test gets a case of its own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.models import Response
from tests.browser.kiosk import LANDSCAPE, NewTablet, ReadNewResponses, create_pairing_code, pair_tablet
from tests.support import story
from tests.support.browser import NewPage
from tests.support.database import FreshDatabase
from tests.support.server import RunningService
from tests.support.stored import read_rows

AddressFactory = Callable[..., str]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, fresh_database: FreshDatabase) -> Iterator[RunningService]:
    """The service as production runs it, with one centre."""
    with RunningService(tmp_path_factory.mktemp("service"), fresh_database("sqlite")) as service:
        yield service


@pytest.fixture(scope="session")
def beside(service: RunningService) -> Iterator[Flask]:
    """The same application on the same data, for what happened before a visit."""
    app = create_app(Settings.from_env(service.environment))
    with app.app_context():
        story.create_centre()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def invited(service: RunningService, beside: Flask) -> AddressFactory:
    """``invited()`` completes a case and returns the address of its survey."""

    def complete_case(**facts: object) -> str:
        with beside.app_context():
            return f"{service.url}/S/{story.create_invitation(**facts).token}"

    return complete_case


@pytest.fixture
def answered(service: RunningService, beside: Flask) -> AddressFactory:
    """``answered({"off.nps": 9})`` submits an answer and returns the address of its receipt."""

    def submit_answer(answers: dict[str, object], **facts: object) -> str:
        with beside.app_context():
            return f"{service.url}/R/{story.send_answer(story.create_invitation(**facts).token, answers).receipt}"

    return submit_answer


@pytest.fixture
def new_tablet(new_page: NewPage, service: RunningService, beside: Flask) -> NewTablet:
    """``new_tablet("desk", **PORTRAIT)`` is the page of a paired tablet."""

    def new_tablet(mode: str = "hall", **options: Any) -> Page:
        page = new_page(**(LANDSCAPE | options))
        pair_tablet(page, service.url, create_pairing_code(beside, mode))
        return page

    return new_tablet


@pytest.fixture
def since(beside: Flask) -> ReadNewResponses:
    """``since()`` returns the answers that arrived since the test began."""
    with beside.app_context():
        ids_before = {row.id for row in read_rows(Response)}

    def read_new_responses() -> list[Response]:
        with beside.app_context():
            return [row for row in read_rows(Response) if row.id not in ids_before]

    return read_new_responses
