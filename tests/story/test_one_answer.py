"""One invitation, one answer: whoever presses how often, wherever, on several workers at once."""

import uuid
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.support.database import FreshDatabase
from tests.support.outside import CENTRE, Crowd, a_case, add_centre, add_key, http, path_of, register, send
from tests.support.server import Service

ROUNDS = 20
AT_ONCE = 100
CLIENTS = 5


def press(phone: httpx.Client, what: tuple[str, str]) -> httpx.Response:
    """Send an answer to a survey as a client."""
    path, client = what
    return send(phone, path, {"off.nps": "9"}, client)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_hundred_submissions_at_once_leave_one_answer(
    tmp_path: Path, fresh_database: FreshDatabase, dialect: str
) -> None:
    with Service(tmp_path, fresh_database(dialect), workers=4) as service:
        add_centre(service)
        key = add_key(service, "cases:write", "summaries:read")
        with http(service, key) as case_system, Crowd(service, AT_ONCE // 2) as crowd:
            for number in range(ROUNDS):
                path = path_of(register(case_system, a_case(f"race/{number}")))
                clients = [str(uuid.uuid4()) for _ in range(CLIENTS)]
                who = [clients[press % CLIENTS] for press in range(AT_ONCE)]

                replies = crowd.do(press, [(path, client) for client in who])

                winners = {c for c, reply in zip(who, replies, strict=True) if reply.status_code == 303}
                receipts = {reply.headers["location"] for reply in replies if reply.status_code == 303}
                assert Counter(reply.status_code for reply in replies) == {303: 20, 409: 80}
                assert len(winners) == len(receipts) == 1

            summary = case_system.get("/api/v1/summaries", params={"centre": CENTRE}).json()
    assert summary["funnel"]["answered"] == ROUNDS
    assert summary["indicators"][0]["n"] == summary["indicators"][0]["promoters"] == ROUNDS
