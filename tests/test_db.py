"""What a story may rely on: told whole or not at all, told again after a lost race, refused when it cannot be."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
from feedback_service.links import Link, Tx, link_of, postgresql, swift, together
from feedback_service.statements import Ready
from sqlalchemy import Engine, Integer, bindparam, event, func, literal_column, select, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from feedback_service import clock, db
from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import NotDurable, reading, table, transaction
from feedback_service.errors import LostRace, Unavailable
from feedback_service.models import Centre, CodeGuesses, Document
from tests.support import stored
from tests.support.database import FreshDatabase
from tests.support.environment import ROOT, environment, process_environment
from tests.support.story import CENTRE, a_centre

in_a_context = pytest.mark.usefixtures("context")
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
WAIT = 0.3


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits as long as in production."""
    monkeypatch.setattr(db, "LOCK_WAIT_SECONDS", WAIT)


class Teller:
    """Tells a story that stumbles the first ``stumbles`` times, and counts the tellings."""

    def __init__(self, stumble: Callable[[Any], object], stumbles: int) -> None:
        self.tellings = 0
        self._stumble, self._stumbles = stumble, stumbles

    def tell(self) -> None:
        """The centre's name is changed, unless the story stumbles."""
        self._story()

    @property
    def _story(self) -> Callable[[], None]:
        """Told by a Session."""

        @transaction
        def story(tx: Session) -> None:
            self.tellings += 1
            tx.scalars(select(Centre)).one().name = "Нова назва"
            tx.flush()
            if self.tellings <= self._stumbles:
                self._stumble(tx)

        return story


class SwiftTeller(Teller):
    """The same story told by a Link."""

    @property
    def _story(self) -> Callable[[], None]:
        @swift
        def story(tx: Link) -> None:
            self.tellings += 1
            with together(tx) as lot:
                RENAMED.run(lot, {"called": "Нова назва"})
                if self.tellings <= self._stumbles:
                    self._stumble(lot)

        return story


RENAMED = Ready(update(table(Centre)).values(name=bindparam("called")))
RENAMED_FROM = Ready(
    update(table(Centre)).where(table(Centre).c.name == bindparam("before")).values(name=bindparam("called"))
)
HANG_UP = Ready(select(func.pg_terminate_backend(func.pg_backend_pid())))


def count_guesses(tx: Tx) -> tuple[Ready, dict[str, Any]]:
    """How a centre's guesses are counted; it has one count of them."""
    [[centre]] = Ready(select(table(Centre).c.id)).rows(tx, {})
    counted = {"centre_id": centre, "window_began_at": clock.now(), "wrong": 1}
    return Ready.insert(table(CodeGuesses), *counted), counted


def count_guesses_twice(tx: Tx) -> None:
    """The second count finds the first one there."""
    write, counted = count_guesses(tx)
    write.run(tx, counted)
    write.run(tx, counted)


def count_guesses_in_one_go(tx: Tx) -> None:
    """The same, as many rows of one statement."""
    write, counted = count_guesses(tx)
    write.run_all(tx, [counted, counted])


def find_it_taken(tx: Link) -> None:
    """A row that this story relies on is no longer as it was read."""
    RENAMED_FROM.run(tx, {"called": "Нова назва", "before": "Ще інша назва"}, or_lost=True)


def keep_the_promise_of_another(tx: Session) -> None:
    """A centre's code is unique; there is one already."""
    tx.add(Centre(id=uuid.uuid4(), code=CENTRE, prefix="0000", name="Б", edrpou="0" * 8, katottg="U" * 19))
    tx.flush()


def fall_out_of_line(tx: Session) -> None:
    """PostgreSQL cannot put this transaction in line with the others."""
    tx.execute(text("DO $$ BEGIN RAISE EXCEPTION 'приватне' USING ERRCODE = '40001'; END $$"))


def lose(tx: Tx) -> None:
    """A conditional update changed nothing."""
    raise LostRace()


def break_a_check(tx: Session) -> None:
    """No document is of this kind."""
    today = clock.kyiv_day(clock.now())
    tx.add(Document(kind="poem", id="1", effective_from=today, body={}, loaded_at=clock.now()))
    tx.flush()


def point_nowhere(tx: Session) -> None:
    """There is no such centre."""
    tx.add(CodeGuesses(centre_id=uuid.uuid4(), window_began_at=clock.now(), wrong=1))
    tx.flush()


@contextmanager
def somebody_writes(database_url: str) -> Iterator[None]:
    """Another program holds what every story here needs."""
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
    a_centre()
    teller = Teller(stumble, stumbles=1)

    teller.tell()

    assert teller.tellings == 2
    assert [centre.name for centre in stored.rows(Centre)] == ["Нова назва"]


@in_a_context
@pytest.mark.parametrize("stumble", [count_guesses_twice, count_guesses_in_one_go, find_it_taken, lose])
@pytest.mark.parametrize(("stumbles", "tellings"), [(1, 2), (99, db.ATTEMPTS)])
def test_a_swift_story_is_told_again_as_often(
    stumble: Callable[[Link], object], stumbles: int, tellings: int
) -> None:
    a_centre()
    teller = SwiftTeller(stumble, stumbles)

    with nullcontext() if stumbles == 1 else pytest.raises(Unavailable):
        teller.tell()

    assert teller.tellings == tellings
    assert ("Нова назва" in [centre.name for centre in stored.rows(Centre)]) is (stumbles == 1)


@in_a_context
def test_a_swift_story_that_fails_leaves_nothing_and_the_next_one_is_whole() -> None:
    a_centre()

    def fail(tx: Link) -> None:
        raise ArithmeticError

    teller = SwiftTeller(fail, stumbles=1)
    with pytest.raises(ArithmeticError):
        teller.tell()
    assert "Нова назва" not in [centre.name for centre in stored.rows(Centre)]
    teller.tell()

    assert [centre.name for centre in stored.rows(Centre)] == ["Нова назва"]


@in_a_context
@on_postgresql
def test_a_story_that_fell_out_of_line_is_told_again() -> None:
    a_centre()
    teller = Teller(fall_out_of_line, stumbles=1)

    teller.tell()

    assert teller.tellings == 2


@in_a_context
@pytest.mark.parametrize("stumble", [keep_the_promise_of_another, count_guesses_in_one_go, lose])
def test_a_story_that_loses_every_race_is_refused_for_a_second_and_changed_nothing(
    stumble: Callable[[Session], object],
) -> None:
    a_centre()
    teller = Teller(stumble, stumbles=99)

    with pytest.raises(Unavailable) as refusal:
        teller.tell()

    assert (refusal.value.status, refusal.value.retry_after) == (503, 1)
    assert teller.tellings == db.ATTEMPTS
    assert "Нова назва" not in [centre.name for centre in stored.rows(Centre)]


@in_a_context
@pytest.mark.parametrize("stumble", [break_a_check, point_nowhere])
def test_a_story_that_breaks_another_rule_is_at_fault_and_not_told_again(
    stumble: Callable[[Session], object],
) -> None:
    a_centre()
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
@pytest.mark.parametrize("told_by", [Teller, SwiftTeller])
def test_a_story_waits_for_a_lock_only_so_long_and_is_refused(
    database_url: str, told_by: type[Teller]
) -> None:
    a_centre()
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
    a_centre()
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
def test_no_free_connection_is_a_refusal() -> None:
    @reading
    def crowded(tx: Session) -> None:
        raise NoConnectionFree("QueuePool limit reached")

    with pytest.raises(Unavailable):
        crowded()


@in_a_context
@on_postgresql
@pytest.mark.parametrize("told_by", [Teller, SwiftTeller])
@pytest.mark.parametrize("is_told", [True, False])
def test_a_connection_that_breaks_is_a_refusal_and_the_next_story_has_another(
    told_by: type[Teller], is_told: bool
) -> None:
    a_centre()

    def hang_up(tx: Tx) -> None:
        if not is_told:  # as when the other machine is without power: no last word comes
            with socket.socket(fileno=os.dup(link_of(tx).driver.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
        HANG_UP.rows(tx, {})

    teller = told_by(hang_up, stumbles=1)
    with pytest.raises(Unavailable):
        teller.tell()
    teller.tell()

    assert teller.tellings == 2


@in_a_context
@on_postgresql
@pytest.mark.parametrize("is_swift", [True, False])
def test_a_connection_that_broke_while_nobody_used_it_is_no_refusal(
    is_swift: bool, database_url: str
) -> None:
    def served_by(tx: Tx) -> int:
        [[process]] = Ready(select(func.pg_backend_pid())).rows(tx, {})
        return int(process)

    story: Callable[[], int] = swift(served_by) if is_swift else transaction(served_by)
    first = story()
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as operator:
        operator.execute("SELECT pg_terminate_backend(%s)", [first])
        while operator.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [first]).fetchone():
            time.sleep(0.01)

    assert story() != first


@in_a_context
@pytest.mark.parametrize("is_swift", [True, False])
@pytest.mark.parametrize("is_one_of_many", [True, False])
def test_a_drivers_error_is_told_as_sqlalchemy_tells_it(is_swift: bool, is_one_of_many: bool) -> None:
    wrong = Ready(select(literal_column("nothing")))

    def ask(tx: Tx) -> None:
        if is_one_of_many:
            with together(tx) as lot:
                wrong.run(lot, {})
        else:
            wrong.rows(tx, {})

    story: Callable[[], None] = swift(ask) if is_swift else transaction(ask)
    with pytest.raises(DBAPIError, match="nothing"):
        story()


@in_a_context
@on_postgresql
def test_a_connection_prepares_no_more_statements_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "MOST_PREPARED", 3)
    asked = [Ready(select(bindparam("value", type_=Integer), literal_column(str(n)))) for n in range(10)]
    prepared = Ready(select(func.count()).select_from(text("pg_prepared_statements")))

    @swift
    def ask(tx: Link) -> list[tuple[Any, ...]]:
        return [*(one.rows(tx, {"value": 7})[0] for one in asked), *prepared.rows(tx, {})]

    for _ in range(3):
        *answers, (number,) = ask()
        assert answers == [(7, n) for n in range(10)]
        assert number <= 3


@in_a_context
@on_postgresql
def test_a_plan_that_a_migration_made_wrong_fails_once_and_not_for_ever() -> None:
    a_centre()
    named = Ready(select(table(Centre).c.name))

    @swift
    def look(tx: Link) -> list[tuple[Any, ...]]:
        return named.rows(tx, {})

    @transaction
    def retyped(tx: Session) -> None:
        tx.execute(text("ALTER TABLE centres ALTER COLUMN name TYPE varchar(333)"))

    for _ in range(8):
        look()
    retyped()
    with pytest.raises(DBAPIError):
        look()

    assert len(look()) == 1


@in_a_context
def test_who_is_at_it_when_the_engine_lets_go_of_its_connections_is_not_disturbed() -> None:
    a_centre()

    @swift
    def rename(tx: Link) -> None:
        with together(tx) as lot:
            RENAMED.run(lot, {"called": "Нова назва"})
        db.db.engine.dispose()

    rename()

    assert [centre.name for centre in stored.rows(Centre)] == ["Нова назва"]


@in_a_context
@on_postgresql
def test_a_connection_that_breaks_at_a_glance_is_a_refusal_and_the_next_glance_has_another() -> None:
    @swift
    def look(tx: Link, at: Ready) -> list[tuple[Any, ...]]:
        return at.rows(tx, {"name": "TimeZone"})

    with pytest.raises(Unavailable):
        look(HANG_UP)

    assert look(Ready(select(func.current_setting(bindparam("name"))))) == [("UTC",)]


def test_a_statement_that_quotes_a_value_is_never_ready() -> None:
    with closing(sqlite3.connect(":memory:")) as driver, pytest.raises(TypeError, match="a value is part"):
        Ready(select(table(Centre)).where(Centre.name == "А")).rows(Link(driver, sqlite.dialect()), {})


@in_a_context
@on_postgresql
def test_a_story_that_falls_asleep_does_not_keep_others_waiting(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(db, "IDLE_SECONDS", WAIT)
    db.db.engine.dispose()
    a_centre()

    def fall_asleep(tx: Session) -> None:
        time.sleep(WAIT * 2)
        tx.execute(text("SELECT 1"))

    teller = Teller(fall_asleep, stumbles=1)
    with pytest.raises(Unavailable):
        teller.tell()
    teller.tell()


def refused(tmp_path: Path, database_url: str) -> str:
    """What is said when the service does not start with this database."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--once"],
        cwd=ROOT,
        env=process_environment(os.environ, environment(tmp_path, database_url)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    return done.stderr


def test_a_server_that_is_away_at_the_start_is_one_sentence_without_its_address(tmp_path: Path) -> None:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # nobody else gets the port, and nobody listens at it
        port = dead.getsockname()[1]
        said = refused(tmp_path, f"postgresql+psycopg://vidhuk:pa55word@127.0.0.1:{port}/vidhuk")

    assert said.count("\n") == 1
    assert "FEEDBACK_DATABASE_URL" in said
    for secret in ("pa55word", "127.0.0.1", str(port)):
        assert secret not in said


def test_a_file_that_cannot_be_opened_at_the_start_is_one_sentence(tmp_path: Path) -> None:
    assert refused(tmp_path, f"sqlite:///{tmp_path}/missing/feedback.db").count("\n") == 1


def test_a_postgresql_that_acknowledges_before_it_writes_is_refused(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    url = fresh_database("postgresql")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as link:
        [name] = link.execute("SELECT quote_ident(current_database())").fetchone() or ("",)
        link.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())

    with pytest.raises(NotDurable, match="synchronous_commit is off"):
        create_app(Settings.from_env(environment(tmp_path, url)))


def test_a_sqlite_that_will_not_wait_for_the_disk_is_refused(
    tmp_path: Path, fresh_database: FreshDatabase
) -> None:
    def stubborn(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.set_authorizer(
            lambda _action, name, value, *_rest: (
                sqlite3.SQLITE_IGNORE if name == "synchronous" and value else sqlite3.SQLITE_OK
            )
        )

    event.listen(Engine, "connect", stubborn, insert=True)
    try:
        with pytest.raises(NotDurable, match="synchronous is 0"):
            create_app(Settings.from_env(environment(tmp_path, fresh_database("sqlite"))))
    finally:
        event.remove(Engine, "connect", stubborn)
