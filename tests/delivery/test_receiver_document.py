"""The receiver that the documentation shows takes what we send, once, and only from who has the secret."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feedback_service.delivery.transports.https import HttpsTransport
from tests.support.environment import ROOT
from tests.support.receiver import ENCODED_SECRET, SECRET

EVENTS = [json.dumps({"id": name, "source": "/centres/SN12000007", "data": {"назва": "Ґанок"}}) for name in "ab"]


@pytest.fixture
def receiver_url(tmp_path: Path) -> Iterator[str]:
    """The address of the running receiver."""
    command = [sys.executable, str(ROOT / "docs" / "receiver.py"), "0", str(tmp_path / "events.db")]
    environment = os.environ | {"CENTRAL_SECRET": ENCODED_SECRET}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def test_the_receiver_of_the_documentation_stores_each_event_once_and_names_it(
    receiver_url: str, tmp_path: Path
) -> None:
    with closing(HttpsTransport(receiver_url, [SECRET])) as transport:
        first, second = transport.send(EVENTS[:1]), transport.send(EVENTS)

    assert first.is_success and first.accepted == {"a"}
    assert second.is_success and second.accepted == {"a", "b"}
    with closing(sqlite3.connect(tmp_path / "events.db")) as database:
        stored = database.execute("SELECT id, event FROM events ORDER BY id").fetchall()
    assert [(name, json.loads(event)) for name, event in stored] == list(
        zip("ab", map(json.loads, EVENTS), strict=True)
    )


def test_the_receiver_of_the_documentation_takes_two_signatures_and_refuses_a_strangers(receiver_url: str) -> None:
    with (
        closing(HttpsTransport(receiver_url, [b"n" * 32, SECRET])) as rotating,
        closing(HttpsTransport(receiver_url, [b"s" * 32])) as stranger,
        closing(HttpsTransport(f"{receiver_url}/elsewhere", [SECRET])) as lost,
    ):
        assert rotating.send(EVENTS).is_success
        assert (stranger.send(EVENTS).status, lost.send(EVENTS).status) == (401, 404)


def test_the_receiver_of_the_documentation_refuses_what_is_no_list_of_events(receiver_url: str) -> None:
    with closing(HttpsTransport(receiver_url, [SECRET])) as transport:
        assert [transport.send([body]).status for body in ("1", "{}", "nonsense", '{"id": 7}')] == [400] * 4


def test_the_document_shows_the_answer_that_the_service_reads() -> None:
    text = (ROOT / "docs" / "receiver.md").read_text()
    for fact in ("application/cloudevents-batch+json", "webhook-signature", '"duplicates"', "8 s"):
        assert fact in text
