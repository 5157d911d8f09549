"""What machines that watch over the service are told."""

import os
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db, transaction
from tests.conftest import TimeIs
from tests.support import story
from tests.support.database import FreshDatabase
from tests.support.environment import build_environment
from tests.support.server import RunningService


def gauges(client: FlaskClient) -> dict[str, float]:
    """Every sample of ``/metrics`` without labels."""
    told = client.get("/metrics").text
    return {name: float(value) for name, value in re.findall(r"^(vidhuk_\w+) (\S+)$", told, re.MULTILINE)}


def test_a_migrated_service_is_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "alive"}
    assert client.get("/readyz").get_json() == {"status": "ready"}


def test_a_service_behind_its_migrations_is_not_ready(app: Flask, client: FlaskClient) -> None:
    @transaction
    def move(tx: Session, revision: str) -> str:
        found: str = tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        tx.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
        return found

    with app.app_context():
        real = move("0000")
        try:
            reply = client.get("/readyz", headers={"Accept-Language": "en"})
        finally:
            move(real)
    assert (reply.status_code, reply.mimetype) == (503, "application/problem+json")
    assert "db upgrade" in reply.get_json()["detail"]
    assert int(reply.headers["Retry-After"]) > 0


def assert_not_ready(client: FlaskClient, reason: str) -> None:
    """The service says that it is not ready, and why."""
    reply = client.get("/readyz?lang=en")
    assert reply.status_code == 503
    assert reason in reply.get_json()["detail"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_service_whose_disk_is_full_is_not_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def report_full_disk(folder: str) -> os.statvfs_result:
        return os.statvfs_result((4096, 4096, 10**6, 0, 0, 10**6, 10**5, 10**5, 0, 255))

    monkeypatch.setattr(os, "statvfs", report_full_disk)
    assert_not_ready(client, "disk is full")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("is_file", [True, False])
def test_a_service_whose_database_files_are_read_only_is_not_ready(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, is_file: bool
) -> None:
    def may_access(path: str, mode: int) -> bool:  # root, who may run the tests, may write to every file
        return Path(path).is_file() != is_file

    monkeypatch.setattr(os, "access", may_access)
    assert_not_ready(client, "read-only")


def test_a_service_whose_server_takes_no_writes_is_not_ready(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    url = fresh_database("postgresql")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as operator:
        [name] = operator.execute("SELECT quote_ident(current_database())").fetchone() or ("",)
        operator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    app = create_app(Settings.from_env(build_environment(tmp_path, url)))
    assert_not_ready(app.test_client(), "takes no writes")
    with app.app_context():
        db.engine.dispose()


def test_a_service_whose_database_went_away_is_alive_and_not_ready(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    app = create_app(Settings.from_env(build_environment(tmp_path, f"sqlite:///{folder}/feedback.db")))
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    metrics = client.get("/metrics")
    assert metrics.status_code == 200, "what the process knows is wanted most when the database is away"
    assert gauges(client)["vidhuk_database_up"] == 0
    assert "vidhuk_requests_total" in metrics.text and "vidhuk_events_pending" not in metrics.text
    assert client.get("/api/v1/summaries", headers={"Authorization": "Bearer vdk_" + "A" * 43}).status_code == 503
    with app.app_context():
        db.engine.dispose()


def test_metrics_show_the_backlog(app: Flask, client: FlaskClient, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    with app.app_context():
        story.create_centre()
        story.begin_answer(story.create_invitation().token, {"off.nps": 7})
        typed_in = story.send_answer(story.create_invitation().token, {"off.nps": 7})
        assert typed_in.receipt
        time_is(clock.now() + timedelta(minutes=10))

    told = gauges(client)

    assert told["vidhuk_events_pending"] == 3  # two cases, one answer
    assert told["vidhuk_event_oldest_pending_seconds"] == 600
    assert told["vidhuk_answers_begun"] == 1
    assert told["vidhuk_recounts_pending"] == 0
    assert (told["vidhuk_database_up"], told["vidhuk_events_overdue"]) == (1, 0)


def test_an_event_that_nobody_took_for_30_days_is_counted(app: Flask, client: FlaskClient, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    with app.app_context():
        story.create_centre()
        story.create_invitation()
    time_is("2026-12-20T12:00+02:00")
    assert gauges(client)["vidhuk_events_overdue"] == 0
    time_is("2026-12-20T12:01+02:00")
    assert gauges(client)["vidhuk_events_overdue"] == 1


def count_requests(client: FlaskClient) -> dict[str, float]:
    """The requests counted so far, by their labels."""
    told = client.get("/metrics").text
    return {labels: float(n) for labels, n in re.findall(r"^vidhuk_requests_total\{(.*)\} (\S+)$", told, re.MULTILINE)}


def test_requests_are_counted_by_route_and_never_by_address(client: FlaskClient) -> None:
    token = uuid.uuid4().hex[:26].upper()
    client.get(f"/api/v1/cases/{uuid.uuid4()}")
    client.get(f"/nothing/{token}")
    told = client.get("/metrics").text
    assert 'vidhuk_requests_total{method="GET",route="/api/v1/cases/<uuid:case_id>",status="401"}' in told
    assert token not in told


def test_metrics_do_not_tell_an_answer_from_a_look(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        story.create_centre()
        invitation = story.create_invitation()
    address = f"/S/{invitation.token}"

    def labels_after(*requests: Callable[[], Any]) -> set[str]:
        before = count_requests(client)
        for request in requests:
            request()
        return {labels for labels, n in count_requests(client).items() if n != before.get(labels)}

    looked = labels_after(lambda: client.get(address))
    answer = {"off.nps": "9", "client_id": str(uuid.uuid4()), "finish": "1"}
    answered = labels_after(lambda: client.post(address, data=answer))
    by_tablet = labels_after(lambda: client.post("/api/v1/kiosk/responses", json={"responses": []}))

    one_row = 'method="any",route="applicants",status="served"'
    own = 'method="GET",route="/metrics",status="200"'
    assert looked - {own} == answered - {own} == by_tablet - {own} == {one_row}
    assert "/S/<token>" not in client.get("/metrics").text, "the times of requests tell no route either"


def test_metrics_count_all_processes_together(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    with RunningService(tmp_path, fresh_database("sqlite"), workers=2) as service:
        for _ in range(40):
            httpx.get(f"{service.url}/api/v1/nothing", trust_env=False)
        told = httpx.get(f"{service.url}/metrics", trust_env=False).text
    [counted] = re.findall(r'vidhuk_requests_total\{method="GET",route="none",status="404"\} (\S+)', told)
    assert float(counted) == 40


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own process counts for itself, whatever the machine says."""
    monkeypatch.delitem(os.environ, "PROMETHEUS_MULTIPROC_DIR", raising=False)
