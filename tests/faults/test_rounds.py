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


# Two faults at a time, neither of which can cause what the other is known by.
@pytest.mark.parametrize(
    ("web", "relay", "wrong"),
    [
        (["acknowledges_early"], ["new_id_each_try"], {"lost", "doubled"}),
        ([], ["delivered_before_sent", "number_given_twice"], {"lost", "number_repeats"}),
    ],
)
def test_broken_builds_are_caught(
    tmp_path: Path, fresh_database: FreshDatabase, web: list[str], relay: list[str], wrong: set[str]
) -> None:
    database = fresh_database("sqlite")
    with Installation(
        tmp_path, "sqlite", database=database, relays=1, web=web, relay=["hurried", *relay]
    ) as ours:
        with Crowd(ours.url, ours.key, CENTRES, ours.journal, seed=11):
            for victim in ["web", "relay"] if web else ["relay"]:
                kill_rounds(ours, 3, random.Random(11), among=[victim])
        verdict, _ = audited(ours)

    assert wrong <= verdict.told()["examples"].keys(), json.dumps(verdict.told(), indent=1)
