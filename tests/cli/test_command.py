"""Every command explains itself, and fails in one sentence."""

from pathlib import Path

import pytest

from feedback_service.app import create_app
from feedback_service.config import Settings
from tests.cli.conftest import ADD_CENTRE, Operator
from tests.support.environment import build_environment

COMMANDS = [
    *(
        "centre add",
        "centre import",
        "service import",
        "key add",
        "key revoke",
        "questionnaire load",
        "methodology load",
    ),
    *("user add", "user list", "user link", "user disable", "user enable", "user second-factor reset"),
    "journal check",
    *("device add", "device code", "device list", "device revoke", "device import"),
    *("package make", "package check", "demo seed", "relay", "worker", "recount", "purge", "summary"),
]
NEED_NO_WORDS = ("user list", "journal check", "package make", "relay", "worker", "recount", "purge")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(operator: Operator, command: str) -> None:
    assert "Usage:" in operator.run_successfully(*command.split(), "--help")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "words",
    [
        *(command.split() for command in COMMANDS if command not in NEED_NO_WORDS),
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
def test_a_command_called_wrongly_says_so_in_one_sentence(operator: Operator, words: list[str]) -> None:
    assert "--help" in operator.run_failing(*words, code=2)


def test_a_database_that_was_never_migrated_is_named_as_the_reason(tmp_path: Path) -> None:

    operator = Operator(
        create_app(Settings.from_env(build_environment(tmp_path, f"sqlite:///{tmp_path / 'new.db'}")))
    )

    assert "db upgrade" in operator.run_failing(*ADD_CENTRE)
