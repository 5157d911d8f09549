"""Other troubles of an installation under load: nothing acknowledged is lost, and it recovers by itself.

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

from tests.faults.client_load import ClientLoad
from tests.faults.installation import CENTRES, Installation
from tests.faults.rounds import drain_and_audit
from tests.support.database import FreshDatabase

RECEIVER_FAULTS: tuple[dict[str, Any], ...] = (
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
PART_COUNT = 4  # parts into which the troubles are divided
SMALL_DISK_BYTES = 4 * 1024 * 1024  # bytes of a disk that is soon full


@contextmanager
def under_load(installation: Installation, seed: int = 3) -> Iterator[None]:
    """Run a load; things are acknowledged before and after what the block does."""
    with ClientLoad(installation.url, installation.api_key, CENTRES, installation.journal, seed=seed):
        wait_until_served(installation)
        yield
        wait_until_served(installation)


def wait_until_served(installation: Installation, count: int = 5) -> None:
    """Wait until so many more things have been acknowledged."""
    acknowledged_before = installation.journal.counts["acknowledged"]
    wait_until(lambda: installation.journal.counts["acknowledged"] >= acknowledged_before + count)


def wait_for_delivery(installation: Installation) -> None:
    """Wait until more events have arrived."""
    arrived_before = installation.count_arrived()
    wait_until(lambda: installation.count_arrived() > arrived_before)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def collect_replies(installation: Installation, seconds: float) -> list[httpx.Response]:
    """Report a case in vain; return what the case system is answered meanwhile."""
    received_replies = []
    deadline = time.monotonic() + seconds
    with httpx.Client(base_url=installation.url, timeout=30, trust_env=False) as http:
        while time.monotonic() < deadline:
            received_replies.append(http.post(f"/C/{CENTRES[0]}", data={"off.nps": "9", "finish": "1"}))
            time.sleep(0.1)
    return received_replies


def assert_audit_passes(installation: Installation) -> None:
    """Assert that the auditor finds no fault."""
    verdict, _ = drain_and_audit(installation)
    assert verdict.is_kept, verdict.as_report()
    assert verdict.acknowledged["answer"] > 0


@pytest.mark.parametrize("part", range(PART_COUNT))
def test_however_the_receiver_misbehaves_everything_arrives_once(
    tmp_path: Path, fresh_database: FreshDatabase, part: int
) -> None:
    database = fresh_database("sqlite")
    with Installation(tmp_path, "sqlite", database=database, relay_alterations=["hurried"]) as installation:
        with under_load(installation):
            for fault in RECEIVER_FAULTS[part::PART_COUNT]:
                installation.set_receiver_fault(times=1, **fault)
                wait_until(installation.is_receiver_healthy)
                wait_for_delivery(installation)  # so that the next trouble is a new one
        assert_audit_passes(installation)


@pytest.mark.parametrize(("seconds", "patience"), [(1.0, []), (3.0, ["impatient"])])
def test_a_locked_sqlite_makes_people_wait_or_come_back(
    tmp_path: Path, fresh_database: FreshDatabase, seconds: float, patience: list[str]
) -> None:
    database = fresh_database("sqlite")
    with Installation(
        tmp_path,
        "sqlite",
        database=database,
        web_alterations=patience,
        relay_alterations=["hurried", *patience],
    ) as installation:
        with (
            under_load(installation),
            closing(sqlite3.connect(database.removeprefix("sqlite:///"), timeout=30)) as connection,
        ):
            connection.isolation_level = None
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            received_replies = collect_replies(installation, 0.1) if patience else []
            connection.execute("ROLLBACK")
            assert all(reply.status_code == 503 for reply in received_replies)
            assert all(reply.headers["retry-after"] for reply in received_replies)
        assert_audit_passes(installation)


def test_postgresql_restarts_under_load(tmp_path: Path) -> None:
    with Installation(tmp_path, "postgresql", relay_alterations=["hurried"]) as installation:
        assert installation.postgres
        with under_load(installation):
            for _ in range(3):
                installation.postgres.stop()
                installation.restart_stopped()
                wait_until_served(installation)
        assert_audit_passes(installation)


@pytest.mark.parametrize("fills", ["a small disk", "a limit on files"])
def test_a_full_disk_is_said_and_outlived(tmp_path: Path, fills: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    is_mounted = fills == "a small disk" and os.geteuid() == 0  # others may not mount; they have the limit
    if is_mounted:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}", "tmpfs", disk], check=True)
    try:
        with Installation(tmp_path / "ours", "sqlite", data_dir=disk, relay_alterations=["hurried"]) as installation:
            with under_load(installation):
                (fill_disk(disk) if is_mounted else limit_file_size(installation, disk))
                received_replies = collect_replies(installation, 1.5)
                assert any(reply.status_code == 503 for reply in received_replies)
                assert {reply.status_code for reply in received_replies} <= {303, 503}
                assert all(reply.headers["retry-after"] for reply in received_replies if reply.status_code == 503)
                if is_mounted:
                    (disk / "filler").unlink()
                else:
                    installation.web.kill(with_workers=True)
                    installation.restart_stopped()
            assert_no_false_acknowledgement(installation)
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", disk], check=True)
            shutil.rmtree(disk)


def fill_disk(disk: Path) -> None:
    """Fill the disk to the last byte."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"0" * 4096)


def limit_file_size(installation: Installation, disk: Path) -> None:
    """Forbid the service's processes files that are longer than its journal is now."""
    limit = (disk / "feedback.db-wal").stat().st_size
    for pid in installation.web.worker_pids():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))


def assert_no_false_acknowledgement(installation: Installation) -> None:
    """Assert that there is no fault but answers in the hall that ``replies`` gave without a journal."""
    verdict, _ = drain_and_audit(installation)
    faults_found = set(verdict.as_report()["examples"])
    assert faults_found <= {"foreign"}, verdict.as_report()
    assert verdict.acknowledged["answer"] > 0


JUMPS_AHEAD = (timedelta(hours=1), timedelta(days=1))
# Not for relays: trouble that began in the past by a wrong clock counts as old, so they wait up to 5 minutes.
JUMPS_BEHIND = (timedelta(hours=-1), timedelta(days=-1))


@pytest.mark.parametrize(("part", "jumps"), [("web", JUMPS_AHEAD + JUMPS_BEHIND), ("relay", JUMPS_AHEAD)])
def test_a_clock_that_jumps_stops_nothing_for_long(
    tmp_path: Path, fresh_database: FreshDatabase, part: str, jumps: tuple[timedelta, ...]
) -> None:
    clock_file = tmp_path / "clock"
    set_clock_offset(clock_file, timedelta(0))
    web, relay = (["jumping_clock"] if program == part else [] for program in ("web", "relay"))
    with Installation(
        tmp_path,
        "sqlite",
        database=fresh_database("sqlite"),
        web_alterations=web,
        relay_alterations=["hurried", *relay],
        JUMPING_CLOCK=str(clock_file),
    ) as installation:
        with under_load(installation):
            for jump in jumps:
                set_clock_offset(clock_file, jump)
                wait_until_served(installation)
                set_clock_offset(clock_file, timedelta(0))
                wait_until_served(installation)
        assert_audit_passes(installation)


def set_clock_offset(clock_file: Path, offset: timedelta) -> None:
    """Set the service's clock wrong by that much, for all processes at once."""
    temporary_file = clock_file.with_suffix(".new")
    temporary_file.write_text(str(offset.total_seconds()))
    temporary_file.replace(clock_file)
