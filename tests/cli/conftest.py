"""Somebody at a terminal, and what everybody types first."""

import pytest
from click.testing import Result
from flask import Flask

from feedback_service import cli
from feedback_service.sandbox import commands

ADD = (
    *("centre", "add", "SN05000001", "--name", "ЦНАП міста Вінниця"),
    *("--edrpou", "00032112", "--katottg", "UA05020030010063857"),
)


class Operator:
    """Somebody at a terminal."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        cli.register(app)
        commands.register(app)

    def types(self, *words: str, enters: str | None = None) -> Result:
        """The command's outcome, whatever it is."""
        return self._app.test_cli_runner().invoke(args=list(words), input=enters)

    def does(self, *words: str, enters: str | None = None) -> str:
        """What a command that must succeed printed."""
        result = self.types(*words, enters=enters)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    def fails(self, *words: str, code: int = 1, enters: str | None = None) -> str:
        """The one sentence of a command that must fail."""
        result = self.types(*words, enters=enters)
        assert result.exit_code == code, result.output
        assert result.stderr.count("\n") == 1
        return str(result.stderr).strip()


@pytest.fixture
def operator(app: Flask) -> Operator:
    """An operator of the application under test."""
    return Operator(app)
