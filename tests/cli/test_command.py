"""Every command has a help text, and reports a failure in one sentence."""

from pathlib import Path

import pytest

from feedback_service.app import create_app
from feedback_service.config import Settings
from tests.cli.conftest import ADD_CENTRE, Operator
from tests.support.environment import build_environment

COMMANDS = [
    *("centre add", "centre import", "service import", "key add", "key revoke"),
    *("questionnaire load", "methodology load"),
    *("user add", "user list", "user link", "user disable", "user enable", "user second-factor reset"),
    "journal check",
    *("device add", "device code", "device list", "device revoke", "device import"),
    *("package make", "package check", "demo seed", "relay", "worker", "recount", "purge", "summary"),
]
WITHOUT_ARGUMENTS = ("user list", "journal check", "package make", "relay", "worker", "recount", "purge")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text(operator: Operator, command: str) -> None:
    assert "Usage:" in operator.run_successfully(*command.split(), "--help")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "arguments",
    [
        *(command.split() for command in COMMANDS if command not in WITHOUT_ARGUMENTS),
        ["worker", "--twice"],
        ["relay", "--never"],
        ["centre", "ad"],
        ["centre", "import", "/no/such/file"],
        ["summary", "--centre", "SN05000001", "--from", "yesterday"],
        ["summary", "--centre", "SN05000001", "--from", "2026-02-02", "--to", "2026-02-01"],
        ["key", "add", "--centre", "SN05000001", "--scope", "everything"],
        ["user", "add", "olena@rada.example", "--role", "emperor", "--scope", "*"],
        ["demo", "seed", "--cases", "0"],
    ],
    ids=" ".join,
)
def test_a_command_called_wrongly_says_so_in_one_sentence(operator: Operator, arguments: list[str]) -> None:
    assert "--help" in operator.run_failing(*arguments, code=2)


def test_a_database_that_was_never_migrated_is_named_as_the_reason(tmp_path: Path) -> None:
    environment = build_environment(tmp_path, f"sqlite:///{tmp_path / 'new.db'}")
    operator = Operator(create_app(Settings.from_env(environment)))

    assert "db upgrade" in operator.run_failing(*ADD_CENTRE)
