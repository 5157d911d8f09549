"""Threads that write to one SQLite file: in turn, and committed together where they wait for the same turn."""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from feedback_service import turns
from feedback_service.errors import LostRace, Unavailable

PATIENCE = 10.0


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "words.db")
    with closing(sqlite3.connect(path)) as link:
        link.execute("PRAGMA journal_mode = WAL")
        link.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
    return path


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was committed or undone, in order."""
    told: list[str] = []
    end = turns._Shared.end

    def noted(transaction: turns._Shared) -> None:
        end(transaction)
        told.append("undone" if transaction.undone else "committed")

    monkeypatch.setattr(turns._Shared, "end", noted)
    return told


@contextmanager
def connection(file: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as link:
        yield link


def write(file: str, *words: str) -> None:
    """All these words or none."""
    with connection(file) as own, turns.shared(file, PATIENCE, own) as link:
        for word in words:
            link.execute("INSERT INTO words VALUES (?)", [word])


def kept(file: str) -> set[str]:
    with connection(file) as link:
        return {word for (word,) in link.execute("SELECT word FROM words")}


@contextmanager
def somebody_has_the_turn(file: str, others: int) -> Iterator[None]:
    """Another process writes until so many threads of this one wait."""
    with open(f"{file}-turn", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
        await_that(lambda: len(turns._coming) >= others - 1)  # one waits for the file itself


def await_that(it_is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE / 2
    while not it_is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def errors(writers: list[Future[None]]) -> list[type[BaseException] | None]:
    met = [writer.exception(PATIENCE) for writer in writers]
    return [None if error is None else type(error) for error in met]


def test_who_waits_for_the_same_turn_is_committed_together(file: str, commits: list[str]) -> None:
    with ThreadPoolExecutor(4) as threads, somebody_has_the_turn(file, 4):
        writers = [threads.submit(write, file, f"слово {place}") for place in range(4)]

    assert errors(writers) == [None] * 4
    assert kept(file) == {f"слово {place}" for place in range(4)}
    assert commits == ["committed"]


def test_nobody_is_told_before_it_is_committed(file: str) -> None:
    asked, allowed = threading.Event(), threading.Event()

    class Slow(sqlite3.Connection):
        def commit(self) -> None:
            asked.set()
            allowed.wait(PATIENCE)
            super().commit()

    def write_slowly(word: str) -> None:
        slow = sqlite3.connect(file, factory=Slow, isolation_level=None, check_same_thread=False)
        with closing(slow) as own, turns.shared(file, PATIENCE, own) as link:
            link.execute("INSERT INTO words VALUES (?)", [word])

    with ThreadPoolExecutor(4) as threads:
        with somebody_has_the_turn(file, 4):
            writers = [threads.submit(write_slowly, str(place)) for place in range(4)]
        assert asked.wait(PATIENCE)
        told_early = [writer.done() for writer in writers]
        allowed.set()

    assert not any(told_early)
    assert errors(writers) == [None] * 4
    assert kept(file) == {"0", "1", "2", "3"}


def test_who_comes_alone_waits_for_nobody(file: str, commits: list[str]) -> None:
    write(file, "перше")
    write(file, "друге")

    assert kept(file) == {"перше", "друге"}
    assert commits == ["committed"] * 2


def test_who_fails_leaves_nothing_and_the_others_are_to_tell_it_again(file: str) -> None:
    write(file, "було")

    with ThreadPoolExecutor(4) as threads, somebody_has_the_turn(file, 4):
        others = [threads.submit(write, file, f"слово {place}") for place in range(3)]
        failing = threads.submit(write, file, "нове", "було")

    assert errors([failing]) == [sqlite3.IntegrityError]
    told = errors(others)
    assert set(told) <= {None, LostRace}
    written = {f"слово {place}" for place, error in enumerate(told) if error is None}
    assert kept(file) == {"було"} | written


def test_everybody_learns_of_a_commit_that_failed(file: str) -> None:
    class Full(sqlite3.Connection):
        def commit(self) -> None:
            raise sqlite3.OperationalError("disk is full")

    def write_in_vain(word: str) -> None:
        with (
            closing(
                sqlite3.connect(file, factory=Full, isolation_level=None, check_same_thread=False)
            ) as own,
            turns.shared(file, PATIENCE, own) as link,
        ):
            link.execute("INSERT INTO words VALUES (?)", [word])

    with ThreadPoolExecutor(3) as threads, somebody_has_the_turn(file, 3):
        writers = [threads.submit(write_in_vain, str(place)) for place in range(3)]

    assert errors(writers) == [sqlite3.OperationalError] * 3
    assert kept(file) == set()
    write(file, "далі")
    assert kept(file) == {"далі"}


@pytest.mark.parametrize("rolls_back", [True, False])
def test_memory_that_runs_out_at_the_commit_loses_nothing_that_was_acknowledged(
    file: str, rolls_back: bool
) -> None:
    """Python's driver tells of it by ``MemoryError``, which is no error of the database's."""

    class Exhausted(sqlite3.Connection):
        def commit(self) -> None:
            raise MemoryError

        def rollback(self) -> None:
            if not rolls_back:
                raise MemoryError
            super().rollback()

    def write_in_vain(word: str) -> None:
        short = sqlite3.connect(file, factory=Exhausted, isolation_level=None, check_same_thread=False)
        with closing(short) as own, turns.shared(file, PATIENCE, own) as link:
            link.execute("INSERT INTO words VALUES (?)", [word])

    with ThreadPoolExecutor(3) as threads, somebody_has_the_turn(file, 3):
        writers = [threads.submit(write_in_vain, str(place)) for place in range(3)]

    assert errors(writers) == [MemoryError] * 3
    write(file, "далі")
    assert kept(file) == {"далі"}


def test_who_is_interrupted_while_waiting_leaves_no_transaction_open(file: str) -> None:
    class Interrupted:
        """A lock at which Ctrl-C is pressed."""

        release = turns._one_of_us.release

        def acquire(self, timeout: float | None = None) -> bool:
            if timeout is None:
                raise KeyboardInterrupt
            return lock.acquire(timeout=timeout)

    lock = turns._one_of_us
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(turns, "_one_of_us", Interrupted())
        write(file, "ніколи")
    write(file, "далі")

    assert kept(file) == {"далі"}


def test_who_wants_a_turn_of_his_own_does_not_write_in_what_is_open(file: str) -> None:
    inside = threading.Event()

    def alone() -> None:
        with turns.turn(file, PATIENCE), connection(file) as own:
            own.execute("INSERT INTO words VALUES ('окремо')")
            inside.set()

    with ThreadPoolExecutor(5) as threads, somebody_has_the_turn(file, 4):
        writers = [threads.submit(write, file, str(place)) for place in range(4)]
        writers.append(threads.submit(alone))

    assert errors(writers) == [None] * 5
    assert inside.is_set() and kept(file) == {"0", "1", "2", "3", "окремо"}


def test_nobody_waits_for_ever_for_who_never_ends(file: str) -> None:
    def patient(seconds: float) -> None:
        with connection(file) as own, turns.shared(file, seconds, own):
            raise AssertionError("it was not his turn")

    with open(f"{file}-turn", "w") as turn, ThreadPoolExecutor(4) as threads:
        fcntl.flock(turn, fcntl.LOCK_EX)
        writers = [threads.submit(patient, 0.2) for _ in range(4)]
        assert errors(writers) == [Unavailable] * 4


def test_a_turn_that_comes_too_late_is_refused(file: str) -> None:
    def hurried() -> None:
        with connection(file) as own, turns.shared(file, 0.01, own):
            raise AssertionError("it was too late")

    with ThreadPoolExecutor(1) as threads:
        with somebody_has_the_turn(file, 1):
            writer = threads.submit(hurried)
            time.sleep(0.1)
        assert errors([writer]) == [Unavailable]
    write(file, "далі")

    assert kept(file) == {"далі"}


def test_two_files_are_never_written_in_one_transaction(file: str, tmp_path: Path) -> None:
    other = str(tmp_path / "others.db")
    with connection(other) as link:
        link.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")

    with ThreadPoolExecutor(4) as threads, somebody_has_the_turn(file, 4):
        writers = [threads.submit(write, file, "0")]
        await_that(turns._one_of_us.locked)  # else one whose file is free could be first, and wait for nobody
        writers += [threads.submit(write, (file, other)[place % 2], str(place)) for place in (1, 2, 3)]

    assert errors(writers) == [None] * 4
    assert (kept(file), kept(other)) == ({"0", "2"}, {"1", "3"})
