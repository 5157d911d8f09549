"""A database that is away fills no log: one line at once, then one a minute, and one when it is back."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from feedback_service.database.outages import OutageLog


class Clock:
    """A clock that a test moves."""

    seconds = 1000.0

    def monotonic(self) -> float:
        """Return the time of the test."""
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the log of outages."""
    clock = Clock()
    monkeypatch.setattr("feedback_service.database.outages.time", clock)
    return clock


def fail_every_half_second(outages: OutageLog, clock: Clock, seconds: int) -> list[Any]:
    """Note failures for so long; return the log lines."""
    with capture_logs() as lines:
        for _ in range(seconds * 2):
            outages.note_failure("OperationalError", "08006", may_write=False)
            clock.seconds += 0.5
    return lines


def test_an_hour_without_a_database_is_told_once_a_minute(clock: Clock) -> None:
    lines = fail_every_half_second(OutageLog(), clock, 3600)

    assert {line["event"] for line in lines} == {"database unavailable"}
    assert len(lines) == 60
    assert "omitted" not in lines[0]
    assert lines[1]["omitted"] == 119


def test_its_return_is_told_once(clock: Clock) -> None:
    outages = OutageLog()
    fail_every_half_second(outages, clock, 3)

    with capture_logs() as lines:
        outages.note_success(has_written=False)
        outages.note_success(has_written=True)

    assert [line["event"] for line in lines] == ["database available again"]


def test_reading_does_not_prove_that_a_full_disk_takes_writes_again(clock: Clock) -> None:
    outages = OutageLog()

    with capture_logs() as lines:
        outages.note_failure("OperationalError", "SQLITE_FULL", may_write=True)
        outages.note_success(has_written=False)
        assert len(lines) == 1
        outages.note_success(has_written=True)

    assert len(lines) == 2


def test_another_failure_within_the_minute_is_told_too(clock: Clock) -> None:
    outages = OutageLog()

    with capture_logs() as lines:
        for code in ("08006", "57P03", "08006"):
            outages.note_failure("OperationalError", code, may_write=True)

    assert [line["code"] for line in lines] == ["08006", "57P03"]
