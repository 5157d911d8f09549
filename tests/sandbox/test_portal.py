"""The demo portal, beside the service as it really runs."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from feedback_service.sandbox import demo_data, portal
from tests.support import outside
from tests.support.browser import PHONE, NewPage, find_barriers
from tests.support.database import FreshDatabase
from tests.support.server import RunningService


@pytest.fixture(scope="module")
def service(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The service with the town's centre."""
    with RunningService(tmp_path_factory.mktemp("portal"), fresh_database("sqlite"), workers=1) as service:
        outside.add_centre(service, demo_data.CENTRE)
        yield service


@pytest.fixture(scope="module")
def facts(service: RunningService) -> Path:
    """The run.json that a launcher would have left."""
    key = outside.add_key(service, "cases:write", centre=demo_data.CENTRE)
    path = service.data_dir / "run.json"
    public = f"{service.url}/centres/{demo_data.CENTRE}"
    path.write_text(json.dumps({"api_key": key, "centre": demo_data.CENTRE, "public": public}))
    return path


@pytest.fixture
def visitor(service: RunningService, facts: Path) -> FlaskClient:
    """Somebody at the portal."""
    return portal.create_app(service.url, facts).test_client()


@pytest.fixture
def address(service: RunningService, facts: Path) -> Iterator[str]:
    """Where the portal listens."""
    server = make_server("127.0.0.1", 0, portal.create_app(service.url, facts), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/portal"
    server.shutdown()
    thread.join()
    server.server_close()


def asked(address: str) -> str:
    """What the survey at that address asks."""
    reply = httpx.get(address, trust_env=False)
    assert reply.status_code == 200
    return reply.text


def test_a_given_service_leads_straight_into_the_online_survey(visitor: FlaskClient) -> None:
    reply = visitor.post("/portal", data={"then": "survey"})

    assert reply.status_code == 303
    survey = asked(reply.headers["Location"])
    assert "on.nps" in survey
    assert portal.ORDERED_SERVICE.title in survey


def test_a_given_service_shows_a_link_to_the_online_survey(visitor: FlaskClient) -> None:
    page = visitor.post("/portal", data={"then": "link"}).text

    [address] = re.findall(r'class="button" href="([^"]+)"', page)
    assert "on.nps" in asked(address)


def test_each_order_is_a_case_of_its_own(visitor: FlaskClient) -> None:
    ways = [visitor.post("/portal", data={"then": "survey"}).headers["Location"] for _ in range(2)]

    assert ways[0] != ways[1]


@pytest.mark.parametrize(
    ("language", "words"), [("uk", "Послугу надано"), ("en", "Service given"), ("fr", "Послугу надано")]
)
def test_the_portal_speaks_ukrainian_first_and_english_when_asked(
    visitor: FlaskClient, language: str, words: str
) -> None:
    page = visitor.get(f"/portal?lang={language}", headers={"Accept-Language": "en"}).text

    assert words in page
    assert f'<html lang="{language if language == "en" else "uk"}">' in page


def test_the_survey_is_in_the_language_of_the_portal(visitor: FlaskClient) -> None:
    address = visitor.post("/portal?lang=en", data={"then": "survey"}).headers["Location"]

    assert '<html lang="en"' in asked(address)


def test_every_text_is_there_in_both_languages() -> None:
    assert portal.TEXTS["uk"].keys() == portal.TEXTS["en"].keys()


def test_pages_allow_nothing_from_elsewhere(visitor: FlaskClient, service: RunningService) -> None:
    reply = visitor.get("/portal")

    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; form-action 'self' " + service.url)
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert urlsplit(service.url).netloc not in reply.text


@pytest.mark.parametrize("kept", ["", "{}", '{"api_key": "vdk_wrong", "centre": "SN05990001"}'])
def test_without_the_feedback_service_people_are_told_kindly(
    service: RunningService, tmp_path: Path, kept: str
) -> None:
    facts = tmp_path / "run.json"
    facts.write_text(kept)

    reply = portal.create_app(service.url, facts).test_client().post("/portal", data={"then": "survey"})

    assert reply.status_code == 502
    assert portal.TEXTS["uk"]["failed"] in reply.text


def test_a_browser_goes_from_the_portal_into_the_survey(phone: Page, address: str) -> None:
    phone.goto(address)
    phone.get_by_role("button", name="перейти до опитування").click()
    expect(phone).to_have_url(re.compile("/S/"))
    phone.goto(address)
    phone.get_by_role("button", name="показати посилання").click()
    phone.get_by_role("link", name="Оцінити послугу").click()
    expect(phone).to_have_url(re.compile("/S/"))


@pytest.mark.parametrize("lang", ["uk", "en"])
def test_everybody_can_use_the_portal(new_page: NewPage, address: str, lang: str) -> None:
    page = new_page(**{**PHONE, "viewport": {"width": 320, "height": 568}})

    page.goto(f"{address}?lang={lang}")
    for _ in range(2):
        assert find_barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        if button := page.locator("button.second").all():
            button[0].click()
