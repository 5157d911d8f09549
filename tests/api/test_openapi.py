"""The description of the door: current, and true for every example; readable by people in both languages."""

import html
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from feedback_service.delivery.events import RESPONSE_WITHDRAWN, build_body
from feedback_service.delivery.transports.https import MEDIA_TYPE
from feedback_service.delivery.webhook_signature import sign_request
from tests.api.conftest import OPENAPI_DOCUMENT, Caller
from tests.kiosk_ui.outline import check_house_rules
from tests.support.database import FreshDatabase, SharedDatabase
from tests.support.environment import ROOT, build_process_environment
from tests.support.outside import add_centre, add_key
from tests.support.server import RunningService


@pytest.fixture
def database_url(shared_database: SharedDatabase) -> str:
    """An empty migrated database; its make does not matter here."""
    return shared_database("sqlite")


def test_the_committed_file_is_what_the_door_serves(stranger: Caller) -> None:
    assert stranger.get("/openapi.json").json == OPENAPI_DOCUMENT


def test_the_file_is_written_and_compared_without_any_setting(tmp_path: Path) -> None:
    def run(*arguments: str) -> int:
        command = [sys.executable, "-m", "feedback_service.api", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=build_process_environment(os.environ, {}), capture_output=True
        ).returncode

    written = tmp_path / "openapi.json"
    assert run("--check", str(written)) == 1
    assert run(str(written)) == 0
    assert written.read_text() == (ROOT / "docs" / "openapi.json").read_text()
    assert run("--check", str(written)) == 0
    written.write_text("{}")
    assert run("--check", str(written)) == 1


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation: its address, its method, what is said of it."""
    return [
        (path, method, told) for path, methods in OPENAPI_DOCUMENT["paths"].items() for method, told in methods.items()
    ]


def test_every_example_fits_its_own_schema() -> None:
    examples = 0
    for _, _, told in operations():
        body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in body:
            shape = {**body["schema"], "components": OPENAPI_DOCUMENT["components"]}
            assert list(Draft202012Validator(shape).iter_errors(body["example"])) == []
            examples += 1
    assert examples == 8


def test_a_client_can_page_wait_and_find_its_key_by_what_is_described() -> None:
    for path, method, told in operations():
        replies = told["responses"]
        assert list(replies["503"]["headers"]) == ["Retry-After"], f"{method} {path}"
        assert replies["500"]["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
        if told["security"]:
            assert list(replies["401"]["headers"]) == ["WWW-Authenticate"]
    assert list(OPENAPI_DOCUMENT["paths"]["/api/v1/deliveries"]["get"]["responses"]["200"]["headers"]) == ["Link"]


def test_every_format_is_a_registered_one() -> None:
    formats = set(re.findall(r'"format": "([^"]+)"', json.dumps(OPENAPI_DOCUMENT)))

    assert formats <= {"uuid", "uri", "date", "date-time", "float"}


def test_the_request_with_events_is_described_as_it_is_sent() -> None:
    told = OPENAPI_DOCUMENT["webhooks"]["events"]["post"]
    [(media_type, body)] = told["requestBody"]["content"].items()
    event = build_body(
        id="0199a1b2-0000-7000-8000-000000000001", centre="SN12000007", type=RESPONSE_WITHDRAWN, subject="x",
        time=datetime(2026, 11, 20, 10, tzinfo=UTC), sequence=1, public_url="https://vidhuk.example",
        data={"response_id": "b1960a64-8a78-467f-9e8b-098667ae8ebc"},
    )  # fmt: skip
    signed = sign_request("msg_1", datetime.now(UTC), b"[]", [b"k" * 32])
    batch_schema = {**body["schema"], "components": OPENAPI_DOCUMENT["components"]}

    assert MEDIA_TYPE.startswith(media_type)
    assert {parameter["name"] for parameter in told["parameters"]} == signed.keys()
    assert list(Draft202012Validator(batch_schema).iter_errors([json.loads(event)])) == []
    assert list(Draft202012Validator(batch_schema).iter_errors([json.loads(event) | {"data": {}}])) != []


def test_names_of_operations_are_unique() -> None:
    names = [told["operationId"] for _, _, told in operations()]
    assert len(set(names)) == len(names)


def test_nothing_that_callers_get_is_closed_to_growth() -> None:
    shapes = OPENAPI_DOCUMENT["components"]["schemas"]

    assert {"CaseRequest", "Case"} <= shapes.keys()
    for name, shape in shapes.items():
        assert (shape.get("additionalProperties") is False) is name.endswith("Request")


@pytest.mark.parametrize(("query", "language"), [("", "uk"), ("?lang=uk", "uk"), ("?lang=en", "en")])
def test_the_page_names_every_operation_in_the_readers_language(client: FlaskClient, query: str, language: str) -> None:
    reply = client.get(f"/api/v1/docs{query}", headers={"Accept-Language": "fr"})
    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    assert "script" not in reply.headers["Content-Security-Policy"].replace("default-src 'none'", "")
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert f'<html lang="{language}">' in reply.text
    page = html.unescape(reply.text)
    for path, _, told in operations():
        assert path in page
        assert (told["summary"] in page) is (language == "en")
    assert "<script" not in page and "style=" not in page
    check_house_rules(reply.text)
    assert client.get("/docs.css").mimetype == "text/css"


@pytest.mark.parametrize("path", ["/api/v1/docs", "/problems/not-found"])
@pytest.mark.parametrize(
    ("query", "accepts", "language"),
    [("", "en-US, uk;q=0.5", "en"), ("", "uk-UA, en;q=0.8", "uk"), ("?lang=uk", "en", "uk"), ("?lang=en", "uk", "en")],
)
def test_a_page_about_the_api_follows_the_browser_unless_its_address_names_a_language(
    client: FlaskClient, path: str, query: str, accepts: str, language: str
) -> None:
    reply = client.get(f"{path}{query}", headers={"Accept-Language": accepts})

    assert f'<html lang="{language}">' in reply.text
    assert "Accept-Language" in reply.headers["Vary"]


def test_the_quick_start_works_as_printed(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service:
        add_centre(service, "SN12000007")
        key = add_key(service, "cases:write", "responses:write", "summaries:read", centre="SN12000007")
        told = {"api_key": key, "centre": "SN12000007"}
        (tmp_path / "run.json").write_text(json.dumps(told))
        page = subprocess.run(["curl", "-sS", f"{service.url}/api/v1/docs"], capture_output=True, text=True).stdout
        [printed] = re.findall(r'<pre id="quick-start"[^>]*><code>(.*?)</code></pre>', page, re.DOTALL)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", html.unescape(printed)],
            cwd=tmp_path,
            env=os.environ | {"DATA_DIR": str(tmp_path), "no_proxy": "127.0.0.1"},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr + done.stdout
    case, survey, recorded, summary = (json.loads(line) for line in done.stdout.splitlines())
    assert case["invitation"]["state"] == "issued"
    assert survey["version"] == "offline-2026.1"
    assert set(recorded) == {"id", "receipt"}
    assert summary["funnel"]["answered"] == 1
