"""Some kill rounds on each database, and proof that the same harness catches broken builds."""

import json
import random
import time
from pathlib import Path

import pytest

from tests.faults.client_load import ClientLoad
from tests.faults.installation import CENTRES, Installation
from tests.faults.rounds import drain_and_audit, run_kill_rounds
from tests.support.database import FreshDatabase

ROUNDS = 5


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_whoever_dies_nothing_acknowledged_is_lost_or_doubled(
    tmp_path: Path, fresh_database: FreshDatabase, dialect: str
) -> None:
    # PostgreSQL's server is killed too, so the installation starts one of its own.
    database = fresh_database("sqlite") if dialect == "sqlite" else None
    with Installation(tmp_path, dialect, database=database, relay_alterations=["hurried"]) as ours:
        with ClientLoad(ours.url, ours.api_key, CENTRES, ours.journal, seed=7):
            dose = run_kill_rounds(ours, ROUNDS, random.Random(7))
        verdict, _ = drain_and_audit(ours)

    assert verdict.is_kept, verdict.as_report()
    assert dose.killed.total() == ROUNDS
    assert verdict.acknowledged["answer"] > 0


def arrives(ours: Installation) -> None:
    """Wait until more events have arrived."""
    before, ends = ours.count_arrived(), time.monotonic() + 60
    while ours.count_arrived() == before:
        assert time.monotonic() < ends, "nothing arrives any more"
        time.sleep(0.01)


# The last two share an installation: neither can cause what the other is known by.
@pytest.mark.parametrize(
    ("part", "broken", "wrong"),
    [
        ("web", ["acknowledges_early"], {"lost"}),
        ("relay", ["new_id_each_try"], {"doubled"}),
        ("relay", ["delivered_before_sent", "number_given_twice"], {"lost", "number_repeats"}),
    ],
)
def test_broken_builds_are_caught(
    tmp_path: Path, fresh_database: FreshDatabase, part: str, broken: list[str], wrong: set[str]
) -> None:
    web, relay = (broken if part == "web" else []), ["hurried", *(broken if part == "relay" else [])]
    database = fresh_database("sqlite")
    with Installation(
        tmp_path, "sqlite", database=database, relay_count=1, web_alterations=web, relay_alterations=relay
    ) as ours:
        with ClientLoad(ours.url, ours.api_key, CENTRES, ours.journal, seed=11):
            for seed in range(3):
                arrives(ours)  # a broken relay is now on its way to the next mistake
                run_kill_rounds(ours, 1, random.Random(seed), candidates=[part])
        verdict, _ = drain_and_audit(ours)

    assert wrong <= verdict.as_report()["examples"].keys(), json.dumps(verdict.as_report(), indent=1)
