"""The command line: what an operator types, and what comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock, flow
from feedback_service.access import devices, keys
from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.db import db, transaction
from feedback_service.errors import NotFound
from feedback_service.flow import sign_in
from feedback_service.indicators import summaries
from feedback_service.models import Centre, CountedDay, Event, JournalEntry, Service
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.environment import ROOT, environment, process_environment
from tests.support.receiver import SECRET, WRITTEN, Receiver
from tests.support.story import CENTRE, a_centre, invited, minutes_later, sent, tapped

ADD = (
    *("centre", "add", "SN05000001", "--name", "ЦНАП міста Вінниця"),
    *("--edrpou", "00032112", "--katottg", "UA05020030010063857"),
)
COMMANDS = [
    *(
        "centre add",
        "centre import",
        "service import",
        "key add",
        "key revoke",
        "questionnaire load",
        "methodology load",
    ),
    *("user add", "user list", "user link", "user disable", "user enable", "user second-factor reset"),
    "journal check",
    *("device add", "device code", "device list", "device revoke", "device import"),
    *("package make", "package check", "demo seed", "relay", "worker", "recount", "purge", "summary"),
]
NEED_NO_WORDS = ("user list", "journal check", "package make", "relay", "worker", "recount", "purge")


class Operator:
    """Somebody at a terminal."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def types(self, *words: str, enters: str | None = None) -> Result:
        """The command's outcome, whatever it is."""
        return self._app.test_cli_runner().invoke(args=list(words), input=enters)

    def does(self, *words: str, enters: str | None = None) -> str:
        """What a command that must succeed printed."""
        result = self.types(*words, enters=enters)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    def fails(self, *words: str, code: int = 1, enters: str | None = None) -> str:
        """The one sentence of a command that must fail."""
        result = self.types(*words, enters=enters)
        assert result.exit_code == code, result.output
        assert result.stderr.count("\n") == 1
        return str(result.stderr).strip()


@pytest.fixture
def operator(app: Flask) -> Operator:
    """An operator of the application under test."""
    return Operator(app)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(operator: Operator, command: str) -> None:
    assert "Usage:" in operator.does(*command.split(), "--help")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "words",
    [
        *(command.split() for command in COMMANDS if command not in NEED_NO_WORDS),
        ["worker", "--twice"],
        ["relay", "--never"],
        ["centre", "ad"],
        ["centre", "import", "/no/such/file"],
        ["summary", "--centre", "SN05000001", "--from", "yesterday"],
        ["summary", "--centre", "SN05000001", "--from", "2026-02-02", "--to", "2026-02-01"],
        ["key", "add", "--centre", "SN05000001", "--scope", "everything"],
        ["user", "add", "olena@rada.example", "--role", "emperor", "--scope", "*"],
        ["demo", "seed", "--cases", "0"],
    ],
    ids=" ".join,
)
def test_a_command_called_wrongly_says_so_in_one_sentence(operator: Operator, words: list[str]) -> None:
    assert "--help" in operator.fails(*words, code=2)


def test_a_centre_is_added_with_who_answers_for_personal_data(operator: Operator, context: None) -> None:
    operator.does(*ADD, "--controller", "Вінницька міська рада", "--contact", "dpo@rada.example")

    [centre] = stored.rows(Centre)
    assert (centre.code, centre.controller, centre.contact) == (
        *("SN05000001", "Вінницька міська рада", "dpo@rada.example"),
    )


def test_a_centre_is_not_added_twice_nor_mistyped(operator: Operator) -> None:
    assert "00032113" in operator.fails(*("00032113" if word == "00032112" else word for word in ADD))
    operator.does(*ADD)
    assert "SN05000001" in operator.fails(*ADD)


def test_a_tablet_is_let_in_watched_given_another_code_and_shut_out(
    operator: Operator, context: None
) -> None:
    a_centre()
    add = ("device", "add", "--centre", CENTRE, "--name", "Вікно 3", "--mode")
    assert "workplace" in operator.fails(*add, "desk")
    assert "SN05000009" in operator.fails("device", "add", "--centre", "SN05000009", *add[4:], "hall")

    code = operator.does(*add, "desk", "--workplace", "window-3").splitlines()[-1]

    assert flow.pair(code).workplace == "window-3"
    told = json.loads(operator.does("device", "list", "--centre", CENTRE))
    assert (told["name"], told["mode"], told["revoked_at"]) == ("Вікно 3", "desk", None)
    again = operator.does("device", "code", told["id"], "--centre", CENTRE).splitlines()[-1]
    key = flow.pair(again).key
    operator.does("device", "revoke", told["id"], "--centre", CENTRE)
    tablet = devices.find(key)
    assert tablet is not None and tablet.revoked_at is not None
    assert "nothing here" in operator.fails("device", "revoke", told["id"], "--centre", "SN05000009")


def test_a_file_that_no_tablet_saved_is_refused_in_one_sentence(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "queue.json"
    for text in ("{}", "[]", '{"vidhuk": "tablet-queue", "device": "x", "items": []}'):
        file.write_text(text)
        assert operator.fails("device", "import", str(file)) == "Error: This is no file that a tablet saved."


def test_a_user_is_added_with_a_password_that_no_shell_keeps(operator: Operator, context: None) -> None:
    a_centre()
    add = ("user", "add", "Olena@rada.example", "--role", "head", "--scope", CENTRE, "--password-stdin")

    assert "12 characters" in operator.fails(*add, enters="коротке\n")
    operator.does(*add, enters="три сосни біля ставка\n")

    assert sign_in.sign_in("olena@rada.example", "три сосни біля ставка")
    assert "e-mail" in operator.fails(*add, enters="три сосни біля ставка\n")
    assert operator.does("user", "list").split("\t")[:3] == ["olena@rada.example", "head", CENTRE]


def test_a_user_without_a_password_chooses_one_by_the_link_on_the_last_line(
    operator: Operator, context: None
) -> None:
    a_centre()
    added = operator.does("user", "add", "taras@rada.example", "--role", "administrator", "--scope", CENTRE)
    link = added.splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8000/admin/set-password/")
    newer = operator.does("user", "link", "taras@rada.example").splitlines()[-1]

    assert sign_in.whose_link(newer.rsplit("/", 1)[-1]) == "taras@rada.example"
    with pytest.raises(NotFound):
        sign_in.whose_link(link.rsplit("/", 1)[-1])


@pytest.mark.parametrize(
    ("role", "scope"),
    [("head", "SN77777777"), ("oblast", "Вінницька"), ("ministry", CENTRE), ("administrator", "*")],
)
def test_a_user_whose_role_reaches_nothing_is_not_added(operator: Operator, role: str, scope: str) -> None:
    said = operator.fails("user", "add", "olena@rada.example", "--role", role, "--scope", scope)
    assert scope in said and "%(" not in said


def test_a_user_is_switched_off_and_on_again(operator: Operator, context: None) -> None:
    a_centre()
    add = ("user", "add", "olena@rada.example", "--role", "head", "--scope", CENTRE)
    operator.does(*add)
    operator.does("user", "disable", "olena@rada.example")
    assert "disabled" in operator.does("user", "list")
    operator.does("user", "enable", "OLENA@rada.example")
    assert "disabled" not in operator.does("user", "list")
    operator.does("user", "second-factor", "reset", "olena@rada.example")
    assert "no user" in operator.fails("user", "disable", "nobody@rada.example")


def test_the_journal_is_checked_and_says_where_it_is_broken(operator: Operator, context: None) -> None:
    a_centre()
    for number in range(3):
        operator.does(*("user", "add", f"u{number}@rada.example", "--role", "head", "--scope", CENTRE))
    [centre] = stored.rows(Centre)
    [line] = operator.does("journal", "check").splitlines()
    assert line.split("\t")[:2] == [str(centre.id), "3"]

    _forge()

    result = operator.types("journal", "check")
    assert result.exit_code == 1
    assert f"{centre.id}\tbroken at entry 2" in result.stderr


@transaction
def _forge(tx: Session) -> None:
    tx.execute(update(JournalEntry).where(JournalEntry.number == 2).values(email="somebody@else.example"))


def test_files_of_centres_and_services_are_imported(
    operator: Operator, context: None, tmp_path: Path
) -> None:
    centres, services = tmp_path / "centres.csv", tmp_path / "services.json"
    centres.write_text(
        "code;name;edrpou;katottg\nSN05000001;ЦНАП міста Вінниця;00032112;UA05020030010063857\n"
    )
    services.write_text('[{"code": "00034", "title": "Реєстрація місця проживання"}]')

    assert operator.does("centre", "import", str(centres)).startswith("1 added")
    assert operator.does("centre", "import", str(centres)).startswith("0 added, 0 changed, 1 unchanged")
    assert operator.does("service", "import", str(services), "--centre", "SN05000001").startswith("1 added")

    assert [service.title for service in stored.rows(Service)] == ["Реєстрація місця проживання"]


def test_a_row_not_taken_is_named_and_makes_the_command_fail(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "centres.csv"
    file.write_text(
        "code,name,edrpou,katottg\nSN05000001,А,00032113,UA05020030010063857\nSN05000002,Б,1,UA05020030010063857\n"
    )

    result = operator.types("centre", "import", str(file))

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Warning, line 2: The check digit of the ЄДРПОУ 00032113 does not fit.",
        "Not taken, line 3: The ЄДРПОУ '1' is not eight digits.",
    ]
    assert result.stdout == "1 added, 0 changed, 0 unchanged, 1 not taken.\n"


@pytest.mark.parametrize("command", ["questionnaire", "methodology"])
def test_a_file_that_is_no_document_is_refused(operator: Operator, tmp_path: Path, command: str) -> None:
    file = tmp_path / "document.json"
    file.write_text('{"version": 1, "version": 2}')
    assert "named twice" in operator.fails(command, "load", str(file))
    file.write_text("{}")
    assert "breaks a rule" in operator.fails(command, "load", str(file))


def test_documents_are_loaded(operator: Operator) -> None:
    folder = ROOT / "feedback_service"
    questionnaire = folder / "surveys" / "questionnaires" / "offline-2026.1.json"
    methodology = folder / "indicators" / "methodologies" / "864-2021.json"

    assert "offline-2026.1" in operator.does("questionnaire", "load", str(questionnaire))
    assert "864-2021" in operator.does("methodology", "load", str(methodology))


def test_a_key_is_printed_alone_on_the_last_line(operator: Operator, context: None) -> None:
    operator.does(*ADD)

    printed = operator.does(
        "key", "add", "--centre", "SN05000001", "--scope", "cases:write", "--scope", "cases:read"
    )

    holder = keys.find(printed.splitlines()[-1])
    assert holder is not None
    assert set(holder.scopes) == {"cases:write", "cases:read"}


def test_a_key_for_a_centre_that_does_not_exist_is_refused(operator: Operator) -> None:
    assert "SN05000009" in operator.fails("key", "add", "--centre", "SN05000009", "--scope", "cases:write")


def test_a_revoked_key_lets_nobody_in(operator: Operator, app: Flask) -> None:
    operator.does(*ADD)
    scope = ("--scope", "summaries:read")
    key = operator.does("key", "add", "--centre", "SN05000001", *scope).splitlines()[-1]
    address, header = "/api/v1/summaries?centre=SN05000001", {"Authorization": f"Bearer {key}"}
    assert app.test_client().get(address, headers=header).status_code == 200

    assert key not in operator.does("key", "revoke", "--key-stdin", enters=f"{key}\n")

    assert app.test_client().get(address, headers=header).status_code == 401
    assert key not in operator.fails("key", "revoke", "--key-stdin", enters=key)


def test_the_worker_does_once_what_is_due(operator: Operator, context: None, time_is: TimeIs) -> None:
    time_is("2026-03-02T10:00+02:00")
    a_centre()
    tapped(invited().token, {"off.nps": 9})
    time_is("2026-03-03T10:00+02:00")

    operator.does("worker", "--once")

    assert stored.answers() == {("off.nps", "9")}
    assert [row.day for row in stored.rows(CountedDay) if row.closed] == [date(2026, 3, 2)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_ends_in_order_when_told(
    database_url: str, tmp_path: Path, context: None, number: signal.Signals
) -> None:
    a_centre()
    tapped(invited().token, {"off.nps": 9})
    own = environment(tmp_path, database_url) | {"FEEDBACK_PARTIAL_MINUTES": "1"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        cwd=ROOT,
        env=process_environment(os.environ, own),
        stderr=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stderr is not None
        assert "worker started" in worker.stderr.readline()
        worker.send_signal(number)
        _, said = worker.communicate(timeout=20)
    assert worker.returncode == 0, said


def test_recounting_proves_that_stored_figures_are_those_of_the_answers(
    operator: Operator, context: None, time_is: TimeIs
) -> None:
    time_is("2026-03-02T10:00+02:00")
    a_centre()
    sent(invited().token, {"off.nps": 9})
    time_is("2026-03-03T10:00+02:00")

    assert operator.does("recount") == "1 days recounted.\n"
    operator.does("recount", "--check")


def test_a_summary_is_the_json_of_the_api_and_says_that_the_methodology_is_not_confirmed(
    operator: Operator, settings: Settings, context: None, time_is: TimeIs
) -> None:
    time_is("2026-03-02T10:00+02:00")
    a_centre()
    for score in (10, 10, 9, 8, 7, 3):
        sent(invited().token, {"off.nps": score})

    result = operator.types("summary", "--centre", CENTRE.lower(), "--from", "2026-03-01")

    told = json.loads(result.stdout)
    assert told.pop("without_signals")["signalled"] == 0
    assert told == summaries.summary(
        centres={CENTRE}, first=date(2026, 3, 1), last=date(2026, 3, 2), min_group=settings.min_group
    )
    assert "Методика не підтверджена" in result.stderr
    assert json.loads(operator.does("summary", "--centre", CENTRE))["period"]["from"] == "2026-01-01"


def test_a_summary_of_a_centre_that_does_not_exist_is_refused(operator: Operator) -> None:
    assert operator.fails("summary", "--centre", "SN05000009") == "Error: There is no centre SN05000009."


def test_purging_tells_how_much_is_gone(
    operator: Operator, settings: Settings, context: None, time_is: TimeIs
) -> None:
    time_is("2026-03-02T10:00+02:00")
    a_centre()
    sent(invited().token, {"off.nps": 9, "any.comment": "Дякую"})
    time_is(minutes_later(timedelta(days=settings.retention_days + 1) / timedelta(minutes=1)))

    assert operator.does("purge") == "1 comments and 1 cases deleted.\n"


def test_a_database_that_was_never_migrated_is_named_as_the_reason(tmp_path: Path) -> None:
    from feedback_service.app import create_app

    operator = Operator(
        create_app(Settings.from_env(environment(tmp_path, f"sqlite:///{tmp_path / 'new.db'}")))
    )

    assert "db upgrade" in operator.fails(*ADD)


def test_a_demonstration_is_sown(operator: Operator, context: None) -> None:
    operator.does("demo", "seed", "--cases", "30", "--seed", "7")

    printed = json.loads(operator.does("summary", "--centre", "SN05990001"))
    today = clock.kyiv_day(clock.now())
    assert printed["period"]["to"] == today.isoformat()
    assert len(stored.rows(Centre)) == 1


def test_relay_once_carries_what_is_due(settings: Settings) -> None:
    with Receiver() as central:
        app = create_app(replace(settings, central_url=central.url, central_secret=(SECRET,)))
        with app.app_context():
            a_centre()
            invited()
        told = Operator(app).does("relay", "--once")
        with app.app_context():
            [event] = stored.rows(Event)
            db.engine.dispose()

    assert told.endswith("1 batches carried.\n")
    assert event.state == "delivered"


def test_without_a_central_system_events_wait(operator: Operator, context: None) -> None:
    a_centre()
    invited()

    told = operator.types("relay", "--once")
    operator.does("worker", "--once")

    assert (told.exit_code, told.stderr) == (
        0,
        "FEEDBACK_CENTRAL_URL is not set: nothing is sent, events wait.\n",
    )
    assert [event.state for event in stored.rows(Event)] == ["pending"]


def test_the_worker_delivers_within_seconds_and_ends_when_told(
    tmp_path: Path, settings: Settings, context: None
) -> None:
    a_centre()
    with Receiver() as central:
        told = environment(tmp_path, settings.database_url)
        told |= {"FEEDBACK_CENTRAL_URL": central.url, "FEEDBACK_CENTRAL_SECRET": WRITTEN}
        worker = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
            cwd=ROOT,
            env=process_environment(os.environ, told),
            stderr=subprocess.PIPE,
            text=True,
        )
        with worker:
            assert worker.stderr is not None
            assert "worker started" in worker.stderr.readline()
            invited()
            deadline = time.monotonic() + 10
            while not central.book and time.monotonic() < deadline:
                time.sleep(0.05)
            worker.send_signal(signal.SIGTERM)
            _, said = worker.communicate(timeout=20)
    assert worker.returncode == 0, said
    assert len(central.book) == 1
    assert "events delivered" in said
