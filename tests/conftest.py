"""Fixtures for all tests. Databases are real, migrated by the real command, and empty for each test."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from feedback_service import clock, logs
from feedback_service.config import Settings
from tests.support import browser as browsers
from tests.support.application import Applications, build_application, release_application
from tests.support.browser import PHONE, NewPage
from tests.support.database import FreshDatabase, PostgresDatabases, SharedDatabase, SqliteDatabases
from tests.support.environment import build_environment
from tests.support.markers import find_markers
from tests.support.postgres import PostgresServer

TimeIs = Callable[[datetime | str], datetime]
logs.configure_logging()  # structlog's default formats every object behind an error, which takes seconds


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """Migrated SQLite files."""
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresDatabases]:
    """Migrated databases of a PostgreSQL server that lives as long as this test worker."""
    with PostgresServer() as server:
        databases = PostgresDatabases(server, tmp_path_factory.mktemp("postgresql"))
        yield databases
        databases.close()


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Callable[[str], SqliteDatabases | PostgresDatabases]:
    """``databases("postgresql")`` makes databases of that kind; PostgreSQL starts only when a test needs it."""

    def databases_of(dialect: str) -> SqliteDatabases | PostgresDatabases:
        fixture = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}[dialect]
        made: SqliteDatabases | PostgresDatabases = request.getfixturevalue(fixture)
        return made

    return databases_of


@pytest.fixture(scope="session")
def fresh_database(databases: Callable[[str], SqliteDatabases | PostgresDatabases]) -> FreshDatabase:
    """``fresh_database("postgresql")`` is the address of a migrated database for the caller alone."""
    return lambda dialect: databases(dialect).create_database()


@pytest.fixture(scope="session")
def shared_database(databases: Callable[[str], SqliteDatabases | PostgresDatabases]) -> SharedDatabase:
    """``shared_database("sqlite")`` is the address of an empty migrated database, which later tests use again."""
    return lambda dialect: databases(dialect).empty_shared_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, shared_database: SharedDatabase) -> str:
    """The address of an empty migrated database; the test runs once on each engine."""
    return shared_database(request.param)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings with the test's database and data folder."""
    return Settings.from_env(build_environment(tmp_path, database_url))


@pytest.fixture(scope="session")
def applications() -> Applications:
    """The applications of this test worker."""
    return Applications()


@pytest.fixture
def app(request: pytest.FixtureRequest, settings: Settings, applications: Applications) -> Iterator[Flask]:
    """The whole application with the test's settings. No context is pushed: see ``context``.

    Tests share it. A test that changes the application itself, or looks at what an application does in the
    background, is marked ``own_application``.
    """
    is_own = request.node.get_closest_marker("own_application") is not None
    app = build_application(settings) if is_own else applications.lend(settings)
    yield app
    release_application(app)


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    """The application's context, for tests that call the flow and the rooms themselves."""
    with app.app_context():
        yield


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application, without a network."""
    return app.test_client()


@pytest.fixture
def time_is(monkeypatch: pytest.MonkeyPatch) -> TimeIs:
    """``time_is("2026-11-20T10:15+02:00")`` stops the service's clock at that instant; may be called again."""

    def stop_clock(instant: datetime | str) -> datetime:
        at = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        if at.tzinfo is None:
            raise ValueError("an instant needs its offset")
        at = at.astimezone(UTC)
        monkeypatch.setattr(clock, "now", lambda: at)
        return at

    return stop_clock


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, started once for this test worker."""
    with browsers.launch_browser() as browser:
        yield browser


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """``new_page(locale="en-GB", color_scheme="dark", java_script_enabled=False)``: a new visitor."""
    with browsers.open_visitor_pages(browser) as new_page:
        yield new_page


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A visitor at a desk, 1280 by 800."""
    return new_page()


@pytest.fixture
def phone(new_page: NewPage) -> Page:
    """A visitor with a phone, 360 by 740, touch."""
    return new_page(**PHONE)


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by the rule of ``tests.support.markers``."""
    for item in items:
        assert isinstance(item, pytest.Function)
        for name in find_markers(item):
            item.add_marker(name)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A test that did not run fails the run: nothing is skipped silently."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and exitstatus == pytest.ExitCode.OK:
        reporter.write_line("Some tests were skipped, so this run counts as failed.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
