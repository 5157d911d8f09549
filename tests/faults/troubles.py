"""What else can befall an installation under load: whatever it is, words are kept and it recovers by itself.

This takes minutes, so ``make faults`` runs it and ``make test`` does not.
"""

import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.crowd import Crowd
from tests.faults.installation import CENTRES, Installation
from tests.faults.rounds import audited
from tests.support.database import FreshDatabase

MATRIX: tuple[dict[str, Any], ...] = (
    *({"mode": "status", "status": status} for status in (400, 401, 403, 404, 408, 409, 410, 413, 415)),
    *({"mode": "status", "status": status} for status in (422, 425, 429, 500, 501, 502, 503, 504, 418)),
    {"mode": "status", "status": 429, "retry_after": "1"},
    {"mode": "status", "status": 503, "retry_after": "in a while"},
    {"mode": "status", "status": 503, "retry_after": "-5"},
    {"mode": "status", "status": 503, "retry_after": format_datetime(datetime.now(UTC))},
    *({"mode": "redirect", "status": status} for status in (301, 302, 303, 307, 308)),
    {"mode": "slow", "seconds": 1.0},
    {"mode": "timeout", "seconds": 9.0},
    *({"mode": mode} for mode in ("reset_before", "reset_after", "reset_midway", "drip")),
    *({"mode": mode} for mode in ("missing_ids", "wrong_ids", "duplicate_ids")),
    *({"mode": mode, "stores": True} for mode in ("missing_ids", "wrong_ids")),
    *({"mode": mode, "stores": stores} for mode in ("garbage", "empty", "huge") for stores in (False, True)),
    {"mode": "poison", "every": 3, "status": 422},
    {"mode": "poison", "every": 4, "status": 413},
    {"mode": "reject", "every": 3},
)  # fmt: skip
PARTS = 4  # in which they come
SMALL = 4 * 1024 * 1024  # bytes of a disk that is soon full


@contextmanager
def busy(ours: Installation, seed: int = 3) -> Iterator[None]:
    """There is a load, and something is acknowledged before and after what the block does."""
    with Crowd(ours.url, ours.key, CENTRES, ours.journal, seed=seed):
        served(ours)
        yield
        served(ours)


def served(ours: Installation, n: int = 5) -> None:
    """So many more things have been acknowledged."""
    before = ours.journal.said["acknowledged"]
    until(lambda: ours.journal.said["acknowledged"] >= before + n)


def delivers_again(ours: Installation) -> None:
    """Something more has arrived."""
    before = ours.arrived()
    until(lambda: ours.arrived() > before)


def until(so: Callable[[], bool], seconds: float = 60) -> None:
    """It is so."""
    ends = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < ends, "it did not come true"
        time.sleep(0.02)


def replies(ours: Installation, seconds: float) -> list[httpx.Response]:
    """What a case system hears meanwhile that reports a case of its own in vain."""
    heard = []
    ends = time.monotonic() + seconds
    with httpx.Client(base_url=ours.url, timeout=30, trust_env=False) as http:
        while time.monotonic() < ends:
            heard.append(http.post(f"/C/{CENTRES[0]}", data={"off.nps": "9", "finish": "1"}))
            time.sleep(0.1)
    return heard


def assert_words_kept(ours: Installation) -> None:
    """The auditor has nothing to say."""
    verdict, _ = audited(ours)
    assert verdict.kept, verdict.told()
    assert verdict.acknowledged["answer"] > 0


@pytest.mark.parametrize("part", range(PARTS))
def test_however_the_receiver_misbehaves_everything_arrives_once(
    tmp_path: Path, fresh_database: FreshDatabase, part: int
) -> None:
    database = fresh_database("sqlite")
    with Installation(tmp_path, "sqlite", database=database, relay=["hurried"]) as ours:
        with busy(ours):
            for mood in MATRIX[part::PARTS]:
                ours.misbehave(times=1, **mood)
                until(ours.behaves)
                delivers_again(ours)  # so that the next trouble is a new one
        assert_words_kept(ours)


@pytest.mark.parametrize(("seconds", "patience"), [(1.0, []), (3.0, ["impatient"])])
def test_a_locked_sqlite_makes_people_wait_or_come_back(
    tmp_path: Path, fresh_database: FreshDatabase, seconds: float, patience: list[str]
) -> None:
    database = fresh_database("sqlite")
    with Installation(
        tmp_path, "sqlite", database=database, web=patience, relay=["hurried", *patience]
    ) as ours:
        with busy(ours), closing(sqlite3.connect(database.removeprefix("sqlite:///"), timeout=30)) as other:
            other.isolation_level = None
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            heard = replies(ours, 0.1) if patience else []
            other.execute("ROLLBACK")
            assert all(reply.status_code == 503 for reply in heard)
            assert all(reply.headers["retry-after"] for reply in heard)
        assert_words_kept(ours)


def test_postgresql_restarts_under_load(tmp_path: Path) -> None:
    with Installation(tmp_path, "postgresql", relay=["hurried"]) as ours:
        assert ours.postgres
        with busy(ours):
            for _ in range(3):
                ours.postgres.stop()
                ours.restore()
                served(ours)
        assert_words_kept(ours)


@pytest.mark.parametrize("fills", ["a small disk", "a limit on files"])
def test_a_full_disk_is_said_and_outlived(tmp_path: Path, fills: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = fills == "a small disk" and os.geteuid() == 0  # others may not mount; they have the limit
    if mounted:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", disk], check=True)
    try:
        with Installation(tmp_path / "ours", "sqlite", data=disk, relay=["hurried"]) as ours:
            with busy(ours):
                (filled(disk) if mounted else limited(ours, disk))
                heard = replies(ours, 1.5)
                assert any(reply.status_code == 503 for reply in heard)
                assert {reply.status_code for reply in heard} <= {303, 503}
                assert all(reply.headers["retry-after"] for reply in heard if reply.status_code == 503)
                if mounted:
                    (disk / "filler").unlink()
                else:
                    ours.web.kill(with_workers=True)
                    ours.restore()
            assert_no_false_yes(ours)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", disk], check=True)
            shutil.rmtree(disk)


def filled(disk: Path) -> None:
    """There is not a byte left."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"0" * 4096)


def limited(ours: Installation, disk: Path) -> None:
    """The service's processes may write no file any longer than its journal is now."""
    most = (disk / "feedback.db-wal").stat().st_size
    for pid in ours.web.workers():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


def assert_no_false_yes(ours: Installation) -> None:
    """As words kept, but for answers in the hall that ``replies`` gave without a journal."""
    verdict, _ = audited(ours)
    wrong = set(verdict.told()["examples"])
    assert wrong <= {"foreign"}, verdict.told()
    assert verdict.acknowledged["answer"] > 0


AHEAD = (timedelta(hours=1), timedelta(days=1))
# Not for relays: trouble that began in the past by a wrong clock counts as old, so they wait up to 5 minutes.
BEHIND = (timedelta(hours=-1), timedelta(days=-1))


@pytest.mark.parametrize(("part", "jumps"), [("web", AHEAD + BEHIND), ("relay", AHEAD)])
def test_a_clock_that_jumps_stops_nothing_for_long(
    tmp_path: Path, fresh_database: FreshDatabase, part: str, jumps: tuple[timedelta, ...]
) -> None:
    clock = tmp_path / "clock"
    jumped(clock, timedelta(0))
    web, relay = (["jumping_clock"] if each == part else [] for each in ("web", "relay"))
    with Installation(
        tmp_path,
        "sqlite",
        database=fresh_database("sqlite"),
        web=web,
        relay=["hurried", *relay],
        JUMPING_CLOCK=str(clock),
    ) as ours:
        with busy(ours):
            for jump in jumps:
                jumped(clock, jump)
                served(ours)
                jumped(clock, timedelta(0))
                served(ours)
        assert_words_kept(ours)


def jumped(clock: Path, jump: timedelta) -> None:
    """The service's clock is off by that much, for all processes at once."""
    fresh = clock.with_suffix(".new")
    fresh.write_text(str(jump.total_seconds()))
    fresh.replace(clock)
