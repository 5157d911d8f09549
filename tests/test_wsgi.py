"""What the ``flask`` command starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import ROOT, environment, process_environment


def flask(own: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """What came of the command; on standard error, one a line, what was imported for it."""
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env=process_environment(os.environ, own),
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize("words", [("worker", "--once"), ("recount", "--check"), ("db", "current")])
def test_a_command_is_done_without_pages_and_api(
    tmp_path: Path, database_url: str, words: tuple[str, ...]
) -> None:
    done = flask(environment(tmp_path, database_url), *words)

    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "feedback_service.cli" in imported
    assert imported.isdisjoint({"kiosk_ui", "feedback_service.api", "marshmallow", "PIL"})


def test_flasks_own_commands_know_every_address(tmp_path: Path, database_url: str) -> None:
    told = flask(environment(tmp_path, database_url), "routes").stdout

    assert {"/S/<token>", "/admin/", "/api/v1/cases"} <= set(told.split())
