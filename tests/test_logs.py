"""Log lines name events and quote nobody; a line that cannot be written is given up."""

import errno
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


@pytest.mark.parametrize(
    ("template", "arguments", "told"),
    [
        ("Worker exiting (pid: %s)", (4711,), "Worker exiting (pid: 4711)"),
        ("Worker (pid:%s) was sent %s!", (4711, "SIGKILL"), "Worker (pid:4711) was sent SIGKILL!"),
        ("Worker (pid:%s) exited with code %s.", (4711, 3), "Worker (pid:4711) exited with code 3."),
        ("Error handling request %s %s", ("GET", "/S/K7Q27K3M9QXT"), "Error handling request %s %s"),
    ],
)
def test_gunicorns_lines_keep_process_ids_codes_and_signals_and_nothing_else(
    written: io.StringIO, template: str, arguments: tuple[object, ...], told: str
) -> None:
    logging.getLogger("gunicorn.error").warning(template, *arguments)
    assert only_line(written)["event"] == told


class FullDisk(io.StringIO):
    """A stream on a disk without space."""

    def write(self, _text: str) -> int:
        """Fail as the system does."""
        raise OSError(errno.ENOSPC, "No space left on device")


def closed_stream() -> io.StringIO:
    """Return a stream that is closed."""
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [FullDisk(), closed_stream()])
def test_a_line_that_cannot_be_written_fails_no_request_and_is_counted(
    written: io.StringIO, stream: io.StringIO
) -> None:
    lost = list[str]()
    logs.configure_logging(stream)
    logs.count_lost_lines(lambda: lost.append("a line"))
    app = Flask("survey")
    logs.log_requests(app)

    @app.get("/")
    def ask() -> str:
        logs.log.warning("from our code")
        logging.getLogger("library").warning("from a library")
        return "answered"

    try:
        reply = app.test_client().get("/")
    finally:
        logs.count_lost_lines(None)

    assert (reply.status_code, reply.text) == (200, "answered")
    assert lost == ["a line"] * 3
