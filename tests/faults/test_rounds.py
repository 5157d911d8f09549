"""A short dose of kill rounds on each database, and proof that the same rig catches builds that are broken."""

import json
import random
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd
from tests.faults.installation import CENTRES, Installation
from tests.faults.rounds import audited, kill_rounds
from tests.support.database import FreshDatabase

ROUNDS = 5


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_whoever_dies_nothing_acknowledged_is_lost_or_doubled(
    tmp_path: Path, fresh_database: FreshDatabase, dialect: str
) -> None:
    database = (
        fresh_database("sqlite") if dialect == "sqlite" else None
    )  # the other's server is to be killed too
    with Installation(tmp_path, dialect, database=database, relay=["hurried"]) as ours:
        with Crowd(ours.url, ours.key, CENTRES, ours.journal, seed=7):
            dose = kill_rounds(ours, ROUNDS, random.Random(7))
        verdict, _ = audited(ours)

    assert verdict.kept, verdict.told()
    assert dose.killed.total() == ROUNDS
    assert verdict.acknowledged["answer"] > 0


@pytest.mark.parametrize(
    ("broken", "part", "victim", "wrong"),
    [
        ("acknowledges_early", "web", "web", "lost"),
        ("delivered_before_sent", "relay", "relay", "lost"),
        ("new_id_each_try", "relay", "relay", "doubled"),
        ("number_given_twice", "relay", "relay", "number_repeats"),
    ],
)
def test_a_broken_build_is_caught(
    tmp_path: Path, fresh_database: FreshDatabase, broken: str, part: str, victim: str, wrong: str
) -> None:
    web = [broken] if part == "web" else []
    relay = ["hurried", *([broken] if part == "relay" else [])]
    database = fresh_database("sqlite")
    with Installation(tmp_path, "sqlite", database=database, relays=1, web=web, relay=relay) as ours:
        with Crowd(ours.url, ours.key, CENTRES, ours.journal, seed=11):
            kill_rounds(ours, 3, random.Random(11), among=[victim])
        verdict, _ = audited(ours)

    assert wrong in verdict.told()["examples"], json.dumps(verdict.told(), indent=1)
