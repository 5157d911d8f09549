"""An operator at a terminal, and the command that usually comes first."""

import pytest
from click.testing import Result
from flask import Flask

from feedback_service import cli
from feedback_service.sandbox import commands

ADD_CENTRE = (
    *("centre", "add", "SN05000001", "--name", "ЦНАП міста Вінниця"),
    *("--edrpou", "00032112", "--katottg", "UA05020030010063857"),
)


class Operator:
    """An operator at a terminal."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        cli.register(app)
        commands.register(app)

    def run_command(self, *arguments: str, stdin_text: str | None = None) -> Result:
        """Run the command and return its outcome, whatever it is."""
        return self._app.test_cli_runner().invoke(args=list(arguments), input=stdin_text)

    def run_successfully(self, *arguments: str, stdin_text: str | None = None) -> str:
        """Run a command that must succeed; return what it printed."""
        result = self.run_command(*arguments, stdin_text=stdin_text)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    def run_failing(self, *arguments: str, code: int = 1, stdin_text: str | None = None) -> str:
        """Run a command that must fail; return its one sentence."""
        result = self.run_command(*arguments, stdin_text=stdin_text)
        assert result.exit_code == code, result.output
        assert result.stderr.count("\n") == 1
        return str(result.stderr).strip()


@pytest.fixture
def operator(app: Flask) -> Operator:
    """An operator of the application under test."""
    return Operator(app)
