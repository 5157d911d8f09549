"""One invitation gives one answer, however often and wherever it is sent, on several workers at once."""

import uuid
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.support.database import FreshDatabase
from tests.support.outside import (
    CENTRE,
    ClientPool,
    add_centre,
    add_key,
    make_case,
    open_client,
    register_case,
    submit_form,
    survey_path,
)
from tests.support.server import RunningService

ROUNDS = 20
AT_ONCE = 100
CLIENTS = 5


def press(phone: httpx.Client, what: tuple[str, str]) -> httpx.Response:
    """Send an answer to a survey as a client."""
    path, client = what
    return submit_form(phone, path, {"off.nps": "9"}, client)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_hundred_submissions_at_once_leave_one_answer(
    tmp_path: Path, fresh_database: FreshDatabase, dialect: str
) -> None:
    with RunningService(tmp_path, fresh_database(dialect), workers=4) as service:
        add_centre(service)
        key = add_key(service, "cases:write", "summaries:read")
        with open_client(service, key) as case_system, ClientPool(service, AT_ONCE // 2) as crowd:
            for number in range(ROUNDS):
                path = survey_path(register_case(case_system, make_case(f"race/{number}")))
                clients = [str(uuid.uuid4()) for _ in range(CLIENTS)]
                who = [clients[press % CLIENTS] for press in range(AT_ONCE)]

                replies = crowd.run_all(press, [(path, client) for client in who])

                winners = {c for c, reply in zip(who, replies, strict=True) if reply.status_code == 303}
                receipts = {reply.headers["location"] for reply in replies if reply.status_code == 303}
                assert Counter(reply.status_code for reply in replies) == {303: 20, 409: 80}
                assert len(winners) == len(receipts) == 1

            summary = case_system.get("/api/v1/summaries", params={"centre": CENTRE}).json()
    assert summary["funnel"]["answered"] == ROUNDS
    assert summary["indicators"][0]["n"] == summary["indicators"][0]["promoters"] == ROUNDS
