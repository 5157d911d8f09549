"""A story is committed whole or not at all, runs again after a lost race, and is refused when the database is away."""

import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Select, bindparam, func, insert, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from feedback_service import clock
from feedback_service.database import (
    OptimisticTransaction,
    db,
    engine,
    execute_write,
    fetch_rows,
    optimistic_transaction,
    reading,
    table_of,
    transaction,
    transactions,
    write_guarded,
)
from feedback_service.errors import LostRace, NotReady, Unavailable
from feedback_service.models import Centre, PublishedDocument, ShortCodeGuesses
from tests.support import stored
from tests.support.story import CENTRE, create_centre

in_a_context = pytest.mark.usefixtures("context")
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
WAIT = 0.3


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits of production."""
    monkeypatch.setattr(engine, "LOCK_WAIT_SECONDS", WAIT)


class Teller:
    """Runs a story that fails the first ``stumbles`` times, and counts the runs."""

    def __init__(self, stumble: Callable[[Any], object], stumbles: int) -> None:
        self.tellings = 0
        self._stumble, self._stumbles = stumble, stumbles

    def tell(self) -> None:
        """Change the name of the centre, unless the story fails."""
        self._story()

    @property
    def _story(self) -> Callable[[], None]:
        """Run with a Session."""

        @transaction
        def story(tx: Session) -> None:
            self.tellings += 1
            tx.scalars(select(Centre)).one().name = "Нова назва"
            tx.flush()
            if self.tellings <= self._stumbles:
                self._stumble(tx)

        return story


class OptimisticTeller(Teller):
    """The same story as an optimistic transaction."""

    @property
    def _story(self) -> Callable[[], None]:
        @optimistic_transaction
        def story(tx: OptimisticTransaction) -> None:
            self.tellings += 1
            with tx.writing() as connection:
                execute_write(connection, RENAMED, {"called": "Нова назва"})
                if self.tellings <= self._stumbles:
                    self._stumble(connection)

        return story


RENAMED = update(table_of(Centre)).values(name=bindparam("called"))
RENAMED_FROM = (
    update(table_of(Centre)).where(table_of(Centre).c.name == bindparam("before")).values(name=bindparam("called"))
)
HANG_UP = select(func.pg_terminate_backend(func.pg_backend_pid()))
COUNTED = insert(table_of(ShortCodeGuesses))


def connection_of(tx: Session | Connection) -> Connection:
    """Return the connection on which a story of either kind writes."""
    return tx if isinstance(tx, Connection) else tx.connection()


def count_of_guesses(connection: Connection) -> dict[str, Any]:
    """Insert the count of a centre's guesses, of which a centre has one."""
    [[centre]] = connection.execute(select(table_of(Centre).c.id))
    return {"centre_id": centre, "window_began_at": clock.now(), "wrong": 1}


def count_guesses_twice(tx: Session | Connection) -> None:
    """Insert it twice: the second one breaks the primary key."""
    counted = count_of_guesses(connection_of(tx))
    execute_write(connection_of(tx), COUNTED, counted)
    execute_write(connection_of(tx), COUNTED, counted)


def count_guesses_in_one_go(tx: Session | Connection) -> None:
    """Insert it twice with one statement of many rows."""
    counted = count_of_guesses(connection_of(tx))
    connection_of(tx).execute(COUNTED, [counted, counted])


def find_it_taken(connection: Connection) -> None:
    """Raise the lost race of a row that is no longer as it was read."""
    write_guarded(connection, RENAMED_FROM, {"called": "Нова назва", "before": "Ще інша назва"})


def keep_the_promise_of_another(tx: Session) -> None:
    """Insert a second centre with a code, which must be unique."""
    tx.add(Centre(id=uuid.uuid4(), code=CENTRE, prefix="0000", name="Б", edrpou="0" * 8, katottg="U" * 19))
    tx.flush()


def fall_out_of_line(tx: Session) -> None:
    """Raise PostgreSQL's serialization failure."""
    tx.execute(text("DO $$ BEGIN RAISE EXCEPTION 'приватне' USING ERRCODE = '40001'; END $$"))


def lose(tx: object) -> None:
    """Raise the lost race of a conditional update that changed nothing."""
    raise LostRace()


def break_a_check(tx: Session) -> None:
    """Break a check: no document has this kind."""
    today = clock.kyiv_day(clock.now())
    tx.add(PublishedDocument(kind="poem", id="1", effective_from=today, body={}, loaded_at=clock.now()))
    tx.flush()


def point_nowhere(tx: Session) -> None:
    """Break a foreign key: there is no such centre."""
    tx.add(ShortCodeGuesses(centre_id=uuid.uuid4(), window_began_at=clock.now(), wrong=1))
    tx.flush()


@contextmanager
def somebody_writes(database_url: str) -> Iterator[None]:
    """Another program holds the lock that every story here needs."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as link:
            link.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(database_url.replace("+psycopg", "")) as link:
            link.execute("LOCK TABLE centres")
            yield


@in_a_context
@pytest.mark.parametrize("stumble", [keep_the_promise_of_another, count_guesses_in_one_go, lose])
def test_a_story_that_lost_a_race_is_told_again(stumble: Callable[[Session], object]) -> None:
    create_centre()
    teller = Teller(stumble, stumbles=1)

    teller.tell()

    assert teller.tellings == 2
    assert [centre.name for centre in stored.read_rows(Centre)] == ["Нова назва"]


@in_a_context
@pytest.mark.parametrize("stumble", [count_guesses_twice, count_guesses_in_one_go, find_it_taken, lose])
@pytest.mark.parametrize(("stumbles", "tellings"), [(1, 2), (99, transactions.ATTEMPTS)])
def test_an_optimistic_story_is_told_again_as_often(
    stumble: Callable[[Connection], object], stumbles: int, tellings: int
) -> None:
    create_centre()
    teller = OptimisticTeller(stumble, stumbles)

    with nullcontext() if stumbles == 1 else pytest.raises(Unavailable):
        teller.tell()

    assert teller.tellings == tellings
    assert ("Нова назва" in [centre.name for centre in stored.read_rows(Centre)]) is (stumbles == 1)


@in_a_context
def test_an_optimistic_story_that_fails_leaves_nothing_and_the_next_one_is_whole() -> None:
    create_centre()

    def fail(tx: object) -> None:
        raise ArithmeticError

    teller = OptimisticTeller(fail, stumbles=1)
    with pytest.raises(ArithmeticError):
        teller.tell()
    assert "Нова назва" not in [centre.name for centre in stored.read_rows(Centre)]
    teller.tell()

    assert [centre.name for centre in stored.read_rows(Centre)] == ["Нова назва"]


@in_a_context
@on_postgresql
def test_a_story_that_fell_out_of_line_is_told_again() -> None:
    create_centre()
    teller = Teller(fall_out_of_line, stumbles=1)

    teller.tell()

    assert teller.tellings == 2


@in_a_context
@pytest.mark.parametrize("stumble", [keep_the_promise_of_another, count_guesses_in_one_go, lose])
def test_a_story_that_loses_every_race_is_refused_for_a_second_and_changed_nothing(
    stumble: Callable[[Session], object],
) -> None:
    create_centre()
    teller = Teller(stumble, stumbles=99)

    with pytest.raises(Unavailable) as refusal:
        teller.tell()

    assert (refusal.value.status, refusal.value.retry_after) == (503, 1)
    assert teller.tellings == transactions.ATTEMPTS
    assert "Нова назва" not in [centre.name for centre in stored.read_rows(Centre)]


@in_a_context
@pytest.mark.parametrize("stumble", [break_a_check, point_nowhere])
def test_a_story_that_breaks_another_rule_is_at_fault_and_not_told_again(
    stumble: Callable[[Session], object],
) -> None:
    create_centre()
    teller = Teller(stumble, stumbles=99)

    with pytest.raises(IntegrityError):
        teller.tell()

    assert teller.tellings == 1


@in_a_context
def test_a_question_that_makes_no_sense_is_at_fault_and_not_refused() -> None:
    @reading
    def senseless(tx: Session) -> None:
        tx.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(DBAPIError):
        senseless()


@in_a_context
@pytest.mark.parametrize("told_by", [Teller, OptimisticTeller])
def test_a_story_waits_for_a_lock_only_so_long_and_is_refused(database_url: str, told_by: type[Teller]) -> None:
    create_centre()
    teller = told_by(lose, stumbles=0)

    with somebody_writes(database_url):
        began = time.monotonic()
        with pytest.raises(Unavailable) as refusal:
            teller.tell()
        waited = time.monotonic() - began

    assert (refusal.value.status, refusal.value.retry_after) == (503, 5)
    assert WAIT * 0.9 < waited < WAIT + 5
    teller.tell()


@in_a_context
def test_a_refusal_is_logged_once_by_its_code_and_quotes_nothing(database_url: str) -> None:
    create_centre()
    code = "SQLITE_BUSY" if database_url.startswith("sqlite") else "55P03"

    with somebody_writes(database_url), capture_logs() as lines, pytest.raises(Unavailable):
        Teller(lose, stumbles=0).tell()

    assert lines == [
        {
            "event": "database unavailable",
            "error": "OperationalError",
            "code": code,
            "log_level": "warning",
        }
    ]


@in_a_context
def test_a_story_that_meets_the_tables_of_another_release_says_what_to_do() -> None:
    @transaction
    def note_revision(tx: Session, revision: str) -> str:
        before: str = tx.scalars(text("SELECT version_num FROM alembic_version")).one()
        tx.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
        return before

    @reading
    def read_new_column(tx: Session) -> None:
        tx.execute(text("SELECT added_later FROM centres"))

    ours = note_revision("0000")
    try:
        with capture_logs() as lines, pytest.raises(NotReady) as refusal:
            read_new_column()
    finally:
        note_revision(ours)

    assert "db upgrade" in refusal.value.detail
    assert [line["event"] for line in lines] == ["database not ready: run flask --app wsgi db upgrade"]


@in_a_context
def test_no_free_connection_is_a_refusal() -> None:
    @reading
    def crowded(tx: Session) -> None:
        raise NoConnectionFree("QueuePool limit reached")

    with pytest.raises(Unavailable):
        crowded()


@in_a_context
@on_postgresql
@pytest.mark.parametrize("told_by", [Teller, OptimisticTeller])
@pytest.mark.parametrize("is_told", [True, False])
def test_a_connection_that_breaks_is_a_refusal_and_the_next_story_has_another(
    told_by: type[Teller], is_told: bool
) -> None:
    create_centre()

    def hang_up(tx: Session | Connection) -> None:
        if not is_told:  # as when the other machine is without power: no last word comes
            driver: Any = connection_of(tx).connection.driver_connection
            with socket.socket(fileno=os.dup(driver.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
        fetch_rows(connection_of(tx), HANG_UP, {})

    teller = told_by(hang_up, stumbles=1)
    with pytest.raises(Unavailable):
        teller.tell()
    teller.tell()

    assert teller.tellings == 2


@in_a_context
@on_postgresql
@pytest.mark.parametrize("kind", ["optimistic", "transaction", "reading"])
def test_a_connection_that_broke_while_nobody_used_it_is_no_refusal(kind: str, database_url: str) -> None:
    served_by = select(func.pg_backend_pid())
    stories: dict[str, Callable[[], int]] = {
        "optimistic": optimistic_transaction(lambda tx: tx.connection.scalars(served_by).one()),
        "transaction": transaction(lambda tx: tx.scalars(served_by).one()),
        "reading": reading(lambda tx: tx.scalars(served_by).one()),
    }
    story = stories[kind]
    first = story()
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as operator:
        operator.execute("SELECT pg_terminate_backend(%s)", [first])
        while operator.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [first]).fetchone():
            time.sleep(0.01)

    assert story() != first


@in_a_context
@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_drivers_error_is_told_as_sqlalchemy_tells_it(is_compiled: bool) -> None:
    wrong: Select[Any] = select(literal_column("nothing"))

    @optimistic_transaction
    def ask(tx: OptimisticTransaction) -> None:
        if is_compiled:
            fetch_rows(tx.connection, wrong, {})
        else:
            tx.connection.execute(wrong)

    with pytest.raises(DBAPIError, match="nothing") as told:
        ask()
    assert isinstance(told.value, OperationalError | ProgrammingError)


@in_a_context
@on_postgresql
def test_a_plan_that_a_migration_made_wrong_fails_once_and_not_for_ever(database_url: str) -> None:
    create_centre()
    named = select(table_of(Centre).c.name)

    @optimistic_transaction
    def look(tx: OptimisticTransaction) -> list[tuple[Any, ...]]:
        return fetch_rows(tx.connection, named, {})

    for _ in range(8):
        look()
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as migration:
        migration.execute("ALTER TABLE centres ALTER COLUMN name TYPE varchar(333)")
    with pytest.raises(DBAPIError):
        look()

    assert len(look()) == 1


@in_a_context
@on_postgresql
def test_a_connection_that_breaks_at_a_glance_is_a_refusal_and_the_next_glance_has_another() -> None:
    @optimistic_transaction
    def look(tx: OptimisticTransaction, at: Select[Any]) -> list[tuple[Any, ...]]:
        return fetch_rows(tx.connection, at, {"name": "TimeZone"})

    with pytest.raises(Unavailable):
        look(HANG_UP)

    assert look(select(func.current_setting(bindparam("name")))) == [("UTC",)]


@in_a_context
@on_postgresql
def test_a_story_that_falls_asleep_does_not_keep_others_waiting(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(engine, "IDLE_SECONDS", WAIT)
    db.engine.dispose()
    create_centre()

    def fall_asleep(tx: Session) -> None:
        time.sleep(WAIT * 2)
        tx.execute(text("SELECT 1"))

    teller = Teller(fall_asleep, stumbles=1)
    with pytest.raises(Unavailable):
        teller.tell()
    teller.tell()


@in_a_context
def test_an_optimistic_story_keeps_no_writer_waiting_while_it_thinks() -> None:
    create_centre()

    @optimistic_transaction
    def think(tx: OptimisticTransaction) -> None:
        [[name]] = fetch_rows(tx.connection, select(table_of(Centre).c.name), {})
        Teller(lose, stumbles=0).tell()  # somebody else writes meanwhile
        with tx.writing() as connection:
            execute_write(connection, RENAMED, {"called": f"{name}, перейменований"})

    think()

    assert [centre.name.endswith("перейменований") for centre in stored.read_rows(Centre)] == [True]


@in_a_context
def test_what_an_optimistic_story_relied_on_is_read_anew_after_a_lost_race() -> None:
    create_centre()
    others = [Teller(lose, stumbles=0)]

    @optimistic_transaction
    def rename(tx: OptimisticTransaction) -> None:
        [[name]] = fetch_rows(tx.connection, select(table_of(Centre).c.name), {})
        if others:
            others.pop().tell()
        with tx.writing() as connection:
            write_guarded(connection, RENAMED_FROM, {"before": name, "called": f"{name} ще раз"})

    rename()

    assert [centre.name for centre in stored.read_rows(Centre)] == ["Нова назва ще раз"]


@in_a_context
def test_part_of_a_transaction_is_committed_with_the_whole() -> None:
    create_centre()

    @transaction
    def fail_at_the_end(tx: Session) -> None:
        with OptimisticTransaction(tx.connection(), is_part=True).writing() as connection:
            execute_write(connection, RENAMED, {"called": "Нова назва"})
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail_at_the_end()

    assert "Нова назва" not in [centre.name for centre in stored.read_rows(Centre)]
