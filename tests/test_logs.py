"""Log lines name events and quote nobody."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask

from feedback_service import logs

SECRET = "Оксана просила передзвонити"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Collect the log in a stream; the log of before works again after the test."""
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level, structlog.get_config()
    logs.configure_logging(stream)
    yield stream
    root.handlers[:], level, config = before
    root.setLevel(level)
    structlog.configure(**config)


def only_line(written: io.StringIO) -> dict[str, Any]:
    """Return the only line of the log."""
    [line] = written.getvalue().splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def stumble() -> None:
    """Fail with a message that quotes a person."""
    raise ValueError(SECRET)


@pytest.mark.parametrize("whose", ["ours", "foreign"])
def test_an_exception_is_its_type_and_places_and_never_its_message(written: io.StringIO, whose: str) -> None:
    try:
        stumble()
    except ValueError as error:
        if whose == "ours":
            logs.log.error("duty failed", exc_info=error)
        else:
            logging.getLogger("library").error("%s went wrong", "it", exc_info=sys.exc_info())

    told = only_line(written)
    assert told["error"] == "ValueError"
    assert "stumble" in told["places"][-1]
    assert "Оксана" not in written.getvalue()


def test_a_foreign_record_keeps_its_template_without_what_fills_it(written: io.StringIO) -> None:
    logging.getLogger("library").warning("could not send %s to %s", SECRET, "somebody")
    assert only_line(written)["event"] == "could not send %s to %s"


def test_a_foreign_record_without_a_template_keeps_its_first_words(written: io.StringIO) -> None:
    logging.getLogger("library").warning(f"could not send {SECRET}")
    assert only_line(written)["event"] == "could not send"


def test_a_failed_request_is_logged_without_its_address(written: io.StringIO) -> None:
    app = Flask("survey")

    @app.get("/S/<token>")
    def asked(token: str) -> str:
        stumble()
        return token

    assert app.test_client().get("/S/K7Q27K3M9QXTK7Q27K3M9QXTAA").status_code == 500

    assert only_line(written)["event"] == "Exception on"
    assert "K7Q2" not in written.getvalue()
