"""``wsgi`` loads for a command, and for a process that answers requests, only what each needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import ROOT, build_environment, build_process_environment


def python(own: dict[str, str], *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python; standard error lists the imported modules, one a line."""
    return subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        cwd=ROOT,
        env=build_process_environment(os.environ, own),
        input=said,
        capture_output=True,
        text=True,
        check=True,
    )


def flask(own: dict[str, str], *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of the service."""
    return python(own, "-m", "flask", "--app", "wsgi", *words, said=said)


@pytest.mark.parametrize("words", [("worker", "--once"), ("recount", "--check"), ("db", "current")])
def test_a_command_loads_neither_pages_nor_api_nor_a_driver_that_it_does_not_use(
    tmp_path: Path, database_url: str, words: tuple[str, ...]
) -> None:
    done = flask(build_environment(tmp_path, database_url), *words)

    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "feedback_service.cli" in imported
    assert imported.isdisjoint({"kiosk_ui", "feedback_service.api", "marshmallow", "babel", "PIL"})
    assert ("psycopg" in imported) == database_url.startswith("postgresql")


def test_what_answers_requests_loads_no_command_and_nothing_that_carries_events(
    tmp_path: Path, database_url: str
) -> None:
    done = python(build_environment(tmp_path, database_url), "-c", "import wsgi")

    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "feedback_service.api" in imported
    assert imported.isdisjoint({"feedback_service.cli", "feedback_service.delivery.relay", "httpcore"})
    assert imported.isdisjoint({"feedback_service.sandbox", "feedback_service.worker"})


@pytest.mark.parametrize(("command", "said"), [("routes", ""), ("shell", "print(app.url_map)")])
def test_flasks_own_commands_know_every_address(tmp_path: Path, database_url: str, command: str, said: str) -> None:
    told = flask(build_environment(tmp_path, database_url), command, said=said).stdout

    assert all(address in told for address in ("/S/<token>", "/admin/", "/api/v1/cases"))


def test_a_command_exists_also_if_an_argument_is_the_name_of_a_flask_command(tmp_path: Path, database_url: str) -> None:
    told = flask(build_environment(tmp_path, database_url), "centre", "add", "--name", "shell", "--help").stdout

    assert "--edrpou" in told


def test_what_a_command_starts_serves_all_and_has_read_ahead(tmp_path: Path, database_url: str) -> None:
    # Flask sets this for itself, and whatever a command starts inherits it.
    of_a_command = build_environment(tmp_path, database_url) | {"FLASK_RUN_FROM_CLI": "true"}

    told = python(of_a_command, "-c", "from wsgi import app; print(app.url_map, len(app.jinja_env.cache) > 10)").stdout

    assert "/S/<token>" in told
    assert told.endswith(" True\n")
