"""Packages: every event is in one package, a package is complete or does not exist, and any change is detected."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import cli, clock
from feedback_service.config import BadSettings, Settings
from feedback_service.database import transaction
from feedback_service.delivery import outbox, package_file, packaging, relay
from feedback_service.delivery.events import build_response_withdrawn
from feedback_service.delivery.package_file import BadPackage, PackagedEvent
from feedback_service.delivery.packaging import Packager, PackagingInProgress
from feedback_service.models import Centre, Event
from tests.conftest import TimeIs
from tests.delivery.test_schemas import schema_errors
from tests.support import stored
from tests.support.environment import ROOT, build_environment, build_process_environment
from tests.support.receiver import ENCODED_SECRET, SECRET
from tests.support.story import CENTRE, create_centre, create_invitation, send_answer

OTHER = "SN12000008"
EVENING, AFTER_MIDNIGHT = "2026-11-20T21:15:00+02:00", "2026-11-21T00:00:30+02:00"
MADE_AT = datetime(2026, 11, 20, 22, 0, 30, tzinfo=UTC)

on_both_databases = pytest.mark.usefixtures("context")


@pytest.fixture
def packager(settings: Settings, tmp_path: Path) -> Packager:
    """Make a packager from settings."""
    file_settings = replace(settings, central_transport="file", central_secret=(SECRET,))
    packager = packaging.make_packager(file_settings)
    assert packager is not None and file_settings.packages_dir == str(tmp_path / "packages")
    return packager


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the packages."""
    return tmp_path / "packages"


@transaction
def enqueue(tx: Session, n: int = 1, centre: str = CENTRE) -> None:
    """Put ``n`` events of the centre into the outbox."""
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == centre)).one()
    now = clock.now()
    outbox.enqueue_events(
        tx.connection(),
        centre_id,
        [build_response_withdrawn(str(uuid.uuid4()), clock.truncate_to_hour(now))] * n,
        now=now,
    )


def list_packages(folder: Path) -> list[str]:
    """List the names of the files in the folder, except hidden ones."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def read_events(path: Path) -> list[dict[str, Any]]:
    """Check a package and read its events."""
    package_file.check_package(path, [SECRET])
    with zipfile.ZipFile(path) as archive:
        return [json.loads(line) for line in archive.read(package_file.EVENTS_FILE).splitlines()]


def event_states() -> list[str]:
    """Return the states of all events, sorted."""
    return sorted(event.state for event in stored.read_rows(Event))


def make_body(sequence: int, /, **changes: Any) -> str:
    """Make the body of an event; ``changes`` replace its members."""
    members = {
        "specversion": "1.0",
        "id": str(uuid.UUID(int=sequence)),
        "source": f"/centres/{CENTRE}",
        "type": "ua.vidhuk.response.withdrawn.v1",
        "subject": "cf7dfafe",
        "time": "2026-11-20T10:00:00+00:00",
        "sequence": str(sequence),
        "datacontenttype": "application/json",
        "dataschema": "https://vidhuk.example/schemas/ua.vidhuk.response.withdrawn.v1.json",
        "data": {"response_id": "cf7dfafe"},
    }
    return json.dumps(members | changes)


def make_package(folder: Path, *events: PackagedEvent) -> Path:
    """Write a package of these events, or of three."""
    path = folder / "vidhuk-2026-11-20-001.zip"
    packaged = events or [PackagedEvent(CENTRE, number, make_body(number)) for number in (1, 2, 3)]
    package_file.write_package(path, path.stem, MADE_AT.date(), MADE_AT, packaged, [SECRET])
    return path


def rewrite_package(path: Path, change: Callable[[dict[str, bytes]], Mapping[str, bytes]]) -> Path:
    """Replace the members of a package by the result of ``change``."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)
    return path


@on_both_databases
def test_a_day_is_packed_when_it_is_over(packager: Packager, folder: Path, time_is: TimeIs) -> None:
    time_is(EVENING)
    create_centre()
    send_answer(create_invitation().token, {"off.nps": 9, "off.staff": "great"})
    assert packager.deliver_all() == 0
    assert event_states() == ["pending", "pending"]

    time_is(AFTER_MIDNIGHT)
    enqueue()  # tomorrow's
    assert packager.deliver_all() == 1
    assert packager.deliver_all() == 0

    assert list_packages(folder) == ["vidhuk-2026-11-20-001.zip"]
    case, answer = read_events(folder / "vidhuk-2026-11-20-001.zip")
    assert (case["type"], case["sequence"]) == ("ua.vidhuk.case.status.v1", "1")
    assert (answer["type"], answer["sequence"]) == ("ua.vidhuk.response.recorded.v1", "2")
    assert not schema_errors("envelope", case) and not schema_errors("envelope", answer)
    assert event_states() == ["delivered", "delivered", "pending"]
    event = {str(event.id): event for event in stored.read_rows(Event)}[answer["id"]]
    assert stored.open_event(event).data == answer["data"]
    assert (event.attempts, event.due_at, event.delivered_at) == (1, None, clock.truncate_to_hour(clock.now()))


@on_both_databases
def test_numbers_continue_without_a_gap_from_package_to_package(
    packager: Packager, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "MAX_EVENTS", 12)
    monkeypatch.setattr(packaging, "BATCH_SIZE", 5)
    create_centre()
    create_centre(OTHER)
    enqueue(17)
    enqueue(10, OTHER)

    paths = packager.make_packages(until=clock.now())

    assert [package_file.check_package(path, [SECRET]).centres for path in paths] == [
        {CENTRE: ((1, 12),)},
        {CENTRE: ((13, 17),), OTHER: ((1, 7),)},
        {OTHER: ((8, 10),)},
    ]
    assert [path.stem[-4:] for path in paths] == ["-001", "-002", "-003"]
    assert len({event["id"] for path in paths for event in read_events(path)}) == 27
    assert event_states() == ["delivered"] * 27


@on_both_databases
def test_a_name_is_not_used_twice_even_if_packages_are_moved_away(packager: Packager, folder: Path) -> None:
    create_centre()
    enqueue()
    [first] = packager.make_packages(until=clock.now())
    first.unlink()
    enqueue()

    [second] = packager.make_packages(until=clock.now())

    assert second.stem == first.stem[:-3] + "002"
    assert package_file.check_package(second, [SECRET]).centres == {CENTRE: ((2, 2),)}


@on_both_databases
def test_a_packager_that_dies_before_it_marks_events_packs_them_again(
    packager: Packager, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    create_centre()
    enqueue(3)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(packaging, "mark_delivered", die)
        packager.make_packages(until=clock.now())
    assert event_states() == ["pending"] * 3

    [again] = packager.make_packages(until=clock.now())

    first, second = (folder / name for name in list_packages(folder))
    assert second == again
    assert read_events(first) == read_events(second)
    assert event_states() == ["delivered"] * 3


@on_both_databases
def test_a_full_disk_loses_no_event_and_leaves_no_incomplete_package(
    packager: Packager, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    create_centre()
    enqueue(3)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "fsync", fail)
        packager.make_packages(until=clock.now())
    assert list_packages(folder) == []
    assert event_states() == ["pending"] * 3

    [path] = packager.make_packages(until=clock.now())
    assert package_file.check_package(path, [SECRET]).centres == {CENTRE: ((1, 3),)}


@on_both_databases
def test_events_that_a_relay_has_claimed_are_packed_later_if_they_did_not_arrive(
    packager: Packager, time_is: TimeIs
) -> None:
    evening = time_is(EVENING)
    create_centre()
    enqueue(2)
    [centre] = stored.read_rows(Centre)
    assert relay.claim_batch(centre.id, "https://vidhuk.example") is not None
    enqueue(2)

    [first] = packager.make_packages(until=clock.now())
    time_is(evening + timedelta(seconds=11))
    [second] = packager.make_packages(until=clock.now())

    assert package_file.check_package(first, [SECRET]).centres == {CENTRE: ((3, 4),)}
    assert package_file.check_package(second, [SECRET]).centres == {CENTRE: ((1, 2),)}


@on_both_databases
def test_only_one_packager_works_in_a_folder(packager: Packager, folder: Path) -> None:
    create_centre()
    enqueue()
    folder.mkdir()
    with open(folder / packaging.LOCK_FILE, "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(PackagingInProgress):
            packager.make_packages(until=clock.now())
        assert packager.deliver_all() == 0

    assert len(packager.make_packages(until=clock.now())) == 1


@on_both_databases
def test_the_packager_continues_after_a_failure(packager: Packager, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    attempts: list[int] = []

    def fail() -> int:
        attempts.append(1)
        if len(attempts) == 2:
            stop.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packaging, "CHECK_SECONDS", 0)
    monkeypatch.setattr(packager, "deliver_all", fail)
    packager.run(stop)

    assert len(attempts) == 2


KILLED = """
import os, sys, time
from datetime import timedelta
from feedback_service import clock
from feedback_service.app import create_app
from feedback_service.config import Settings, current_settings
from feedback_service.delivery import package_file
from feedback_service.delivery import packaging

module = package_file if sys.argv[1] == "write_package" else packaging
real = getattr(module, sys.argv[1])
def slow(*args, **kwargs):
    result = real(*args, **kwargs) if sys.argv[1] != "mark_delivered" else None
    print("waiting", flush=True)
    time.sleep(60)
setattr(module, sys.argv[1], slow)
with create_app(Settings.from_env(os.environ)).app_context():
    packaging.make_manual_packager(current_settings()).make_packages(until=clock.now())
"""


@on_both_databases
@pytest.mark.parametrize(
    ("function", "left"),
    [("take_events", 0), ("write_package", 0), ("_store_last_number", 1), ("mark_delivered", 1)],
)
def test_a_killed_packager_leaves_complete_packages_and_loses_no_event(
    packager: Packager, folder: Path, tmp_path: Path, database_url: str, function: str, left: int
) -> None:
    create_centre()
    enqueue(3)
    environment = build_environment(tmp_path, database_url) | {"FEEDBACK_CENTRAL_SECRET": ENCODED_SECRET}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, function],
        cwd=ROOT,
        env=build_process_environment(os.environ, environment),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGKILL)
    complete = [path for path in folder.glob("*.zip") if read_events(path)]
    assert len(complete) == left == len(list(folder.glob("*.zip")))
    assert event_states() == ["pending"] * 3

    [path] = packager.make_packages(until=clock.now())

    assert len(list(folder.glob("*.zip"))) == left + 1
    assert not list(folder.glob("*.part"))
    assert sorted(event["sequence"] for event in read_events(path)) == ["1", "2", "3"]
    assert event_states() == ["delivered"] * 3


def test_a_package_is_for_its_owner_only(tmp_path: Path) -> None:
    assert make_package(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_package_can_be_checked_with_the_old_or_the_new_secret(tmp_path: Path) -> None:
    path = tmp_path / "vidhuk-2026-11-20-001.zip"
    events = [PackagedEvent(CENTRE, 1, make_body(1))]
    new = bytes(32)
    package_file.write_package(path, path.stem, MADE_AT.date(), MADE_AT, events, [new, SECRET])

    assert package_file.check_package(path, [new]) == package_file.check_package(path, [SECRET])
    with pytest.raises(BadPackage, match="no secret of ours"):
        package_file.check_package(path, [b"another secret of thirty-two byt"])


def test_gaps_in_the_numbers_are_named_and_two_events_with_one_number_are_refused(tmp_path: Path) -> None:
    (tmp_path / "gaps").mkdir()
    with_gaps = make_package(tmp_path / "gaps", *(PackagedEvent(CENTRE, n, make_body(n)) for n in (1, 2, 7)))
    assert package_file.check_package(with_gaps, [SECRET]).centres == {CENTRE: ((1, 2), (7, 7))}

    again = make_body(2, id=str(uuid.uuid4()))
    doubled = make_package(tmp_path, PackagedEvent(CENTRE, 2, make_body(2)), PackagedEvent(CENTRE, 2, again))
    with pytest.raises(BadPackage, match="line 2"):
        package_file.check_package(doubled, [SECRET])


@pytest.mark.parametrize(
    "wrong",
    [
        {"specversion": "2"},
        {"id": "7"},
        {"source": "/elsewhere"},
        {"type": "a"},
        {"subject": ""},
        {"time": "2026-11-20T10:00:00"},
        {"sequence": "0"},
        {"sequence": 1},
        {"datacontenttype": "text/plain"},
        {"dataschema": "https://vidhuk.example/schemas/other.json"},
        {"data": []},
        {"extra": "1"},
    ],
    ids=str,
)
def test_a_wrong_event_is_refused_even_if_signed(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadPackage, match="line 1 is no event of ours"):
        package_file.check_package(make_package(tmp_path, PackagedEvent(CENTRE, 1, make_body(1, **wrong))), [SECRET])


def remove_member(name: str) -> Callable[[dict[str, bytes]], Mapping[str, bytes]]:
    """Make a change that removes one member."""
    return lambda members: {other: members[other] for other in members if other != name}


def replace_content(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], Mapping[str, bytes]]:
    """Make a change that replaces part of one member."""
    return lambda members: members | {name: members[name].replace(old, new, 1)}


@pytest.mark.parametrize(
    "change",
    [
        replace_content(package_file.EVENTS_FILE, b"cf7dfafe", b"cf7dfaff"),
        replace_content(package_file.EVENTS_FILE, make_body(3).encode() + b"\n", b""),
        replace_content(package_file.EVENTS_FILE, b"\n", b"\n\n"),
        lambda members: (
            members | {package_file.EVENTS_FILE: members[package_file.EVENTS_FILE] + make_body(4).encode() + b"\n"}
        ),
        lambda members: members | {package_file.EVENTS_FILE: b"\xff\n"},
        lambda members: members | {package_file.EVENTS_FILE: b"[" * 100_000},
        replace_content(package_file.MANIFEST_FILE, b'"events": 3', b'"events": 2'),
        replace_content(package_file.MANIFEST_FILE, b"-001", b"-002"),
        replace_content(package_file.MANIFEST_FILE, b"made_at", b"made"),
        lambda members: members | {package_file.MANIFEST_FILE: b"not JSON"},
        replace_content(package_file.SIGNATURE_FILE, b"v1,", b"v1,A"),
        replace_content(package_file.SIGNATURE_FILE, b"-001", b"-002"),
        lambda members: members | {package_file.SIGNATURE_FILE: b"{}"},
        remove_member(package_file.EVENTS_FILE),
        remove_member(package_file.MANIFEST_FILE),
        remove_member(package_file.SIGNATURE_FILE),
        lambda members: members | {"more.txt": b"?"},
    ],
)
def test_a_changed_package_is_refused(
    tmp_path: Path, change: Callable[[dict[str, bytes]], Mapping[str, bytes]]
) -> None:
    path = make_package(tmp_path)
    package_file.check_package(path, [SECRET])

    with pytest.raises(BadPackage):
        package_file.check_package(rewrite_package(path, change), [SECRET])


def test_a_truncated_package_is_refused(tmp_path: Path) -> None:
    path = make_package(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(BadPackage):
            package_file.check_package(path, [SECRET])


@pytest.mark.slow
def test_no_flipped_byte_changes_what_a_good_package_says(tmp_path: Path) -> None:
    path = make_package(tmp_path)
    whole, contents = path.read_bytes(), package_file.check_package(path, [SECRET])
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            assert package_file.check_package(path, [SECRET]) == contents  # a date in the zip's own headers, say
        except BadPackage:
            continue


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_each_number_once_and_never_touch(numbers: set[int]) -> None:
    ranges = package_file.to_ranges(numbers)

    assert [n for first, last in ranges for n in range(first, last + 1)] == sorted(numbers)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(ranges))


def test_the_file_transport_needs_a_secret_and_no_address(tmp_path: Path) -> None:
    environment = build_environment(tmp_path, "sqlite:///feedback.db") | {"FEEDBACK_CENTRAL_TRANSPORT": "file"}
    with pytest.raises(BadSettings, match="FEEDBACK_CENTRAL_SECRET is missing"):
        Settings.from_env(environment)
    environment["FEEDBACK_CENTRAL_SECRET"] = ENCODED_SECRET
    assert Settings.from_env(environment).packages_dir == str(tmp_path / "packages")
    assert Settings.from_env(environment | {"FEEDBACK_PACKAGES_DIR": "/srv/out"}).packages_dir == "/srv/out"
    with pytest.raises(BadSettings, match="use https or file"):
        Settings.from_env(environment | {"FEEDBACK_CENTRAL_TRANSPORT": "pigeon"})


def test_a_package_is_checked_with_nothing_but_the_secret(tmp_path: Path) -> None:
    path = make_package(tmp_path)

    def run_check(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "package", "check", str(path)],
            cwd=ROOT,
            env=build_process_environment(os.environ, {"DATA_DIR": str(tmp_path / "none")} | environment),
            capture_output=True,
            text=True,
        )

    good = run_check(FEEDBACK_CENTRAL_SECRET=ENCODED_SECRET)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == f"{path.stem} is whole and signed, 3 events: {CENTRE} 1–3.\n"
    assert "FEEDBACK_CENTRAL_SECRET names no secret" in run_check().stderr
    path.write_bytes(path.read_bytes()[:-1])
    bad = run_check(FEEDBACK_CENTRAL_SECRET=ENCODED_SECRET)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr == f"Error: {path.name} is not good: it cannot be read as a zip file.\n"


@on_both_databases
def test_an_operator_makes_a_package_at_any_hour(app: Flask, settings: Settings, folder: Path) -> None:
    cli.register(app)

    def run_command(*words: str) -> tuple[int, str, str]:
        result = app.test_cli_runner().invoke(args=list(words))
        return result.exit_code, result.stdout, result.stderr

    create_centre()
    enqueue(2)
    assert run_command("package", "make") == (
        *(1, "", "Error: FEEDBACK_CENTRAL_SECRET is not set; packages are signed by it.\n"),
    )

    app.config["SETTINGS"] = replace(settings, central_secret=(SECRET,))
    code, output, _ = run_command("package", "make")
    assert code == 0
    assert package_file.check_package(Path(output.splitlines()[-1]), [SECRET]).centres == {CENTRE: ((1, 2),)}
    assert run_command("package", "make") == (0, "", "No event waits.\n")

    enqueue()
    shutil.rmtree(folder)
    folder.write_text("in the way")
    code, _, error = run_command("package", "make")
    assert code == 1
    assert error == f"Error: No package can be written in {folder}: File exists.\n"


@on_both_databases
def test_the_worker_packs_where_the_settings_say_so(
    app: Flask, settings: Settings, folder: Path, time_is: TimeIs
) -> None:
    app.config["SETTINGS"] = replace(settings, central_transport="file", central_secret=(SECRET,))
    time_is(EVENING)
    create_centre()
    enqueue(2)
    time_is(AFTER_MIDNIGHT)

    cli.register(app)
    result = app.test_cli_runner().invoke(args=["worker", "--once"])

    assert result.exit_code == 0
    assert list_packages(folder) == ["vidhuk-2026-11-20-001.zip"]
    assert event_states() == ["delivered"] * 2
