"""Where no line exists: packages hold every event once, whole or not at all, and show what was changed."""

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
from tests.delivery.test_schemas import complaints
from tests.support import stored
from tests.support.environment import ROOT, build_environment, build_process_environment
from tests.support.receiver import ENCODED_SECRET, SECRET
from tests.support.story import CENTRE, create_centre, create_invitation, send_answer

OTHER = "SN12000008"
EVENING, AFTER_MIDNIGHT = "2026-11-20T21:15:00+02:00", "2026-11-21T00:00:30+02:00"
MADE_AT = datetime(2026, 11, 20, 22, 0, 30, tzinfo=UTC)

on_both_databases = pytest.mark.usefixtures("context")


@pytest.fixture
def packs(settings: Settings, tmp_path: Path) -> Packager:
    """A packer as the settings make it."""
    told = replace(settings, central_transport="file", central_secret=(SECRET,))
    made = packaging.make_packager(told)
    assert made is not None and told.packages_dir == str(tmp_path / "packages")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where its packages are."""
    return tmp_path / "packages"


@transaction
def promise(tx: Session, n: int = 1, centre: str = CENTRE) -> None:
    """So many events wait in the centre's line."""
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == centre)).one()
    now = clock.now()
    outbox.enqueue_events(
        tx.connection(),
        centre_id,
        [build_response_withdrawn(str(uuid.uuid4()), clock.truncate_to_hour(now))] * n,
        now=now,
    )


def packages(folder: Path) -> list[str]:
    """What lies in the folder for somebody to carry."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def events_in(path: Path) -> list[dict[str, Any]]:
    """The events of a good package."""
    package_file.check_package(path, [SECRET])
    with zipfile.ZipFile(path) as archive:
        return [json.loads(line) for line in archive.read(package_file.EVENTS_FILE).splitlines()]


def states() -> list[str]:
    """What has become of all events."""
    return sorted(event.state for event in stored.read_rows(Event))


def a_body(sequence: int, /, **other: Any) -> str:
    """An event as it travels."""
    usual = {
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
    return json.dumps(usual | other)


def a_package(folder: Path, *events: PackagedEvent) -> Path:
    """A package of these events, or of three."""
    path = folder / "vidhuk-2026-11-20-001.zip"
    packed = events or [PackagedEvent(CENTRE, number, a_body(number)) for number in (1, 2, 3)]
    package_file.write_package(path, path.stem, MADE_AT.date(), MADE_AT, packed, [SECRET])
    return path


def rewritten(path: Path, change: Callable[[dict[str, bytes]], Mapping[str, bytes]]) -> Path:
    """The package with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)
    return path


@on_both_databases
def test_a_day_is_packed_when_it_is_over(packs: Packager, folder: Path, time_is: TimeIs) -> None:
    time_is(EVENING)
    create_centre()
    send_answer(create_invitation().token, {"off.nps": 9, "off.staff": "great"})
    assert packs.deliver_all() == 0
    assert states() == ["pending", "pending"]

    time_is(AFTER_MIDNIGHT)
    promise()  # tomorrow's
    assert packs.deliver_all() == 1
    assert packs.deliver_all() == 0

    assert packages(folder) == ["vidhuk-2026-11-20-001.zip"]
    case, answer = events_in(folder / "vidhuk-2026-11-20-001.zip")
    assert (case["type"], case["sequence"]) == ("ua.vidhuk.case.status.v1", "1")
    assert (answer["type"], answer["sequence"]) == ("ua.vidhuk.response.recorded.v1", "2")
    assert not complaints("envelope", case) and not complaints("envelope", answer)
    assert states() == ["delivered", "delivered", "pending"]
    kept = {str(event.id): event for event in stored.read_rows(Event)}[answer["id"]]
    assert kept.body is not None and json.loads(kept.body) == answer
    assert (kept.attempts, kept.due_at, kept.delivered_at) == (1, None, clock.now())


@on_both_databases
def test_numbers_go_on_without_a_gap_from_package_to_package(
    packs: Packager, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "MAX_EVENTS", 12)
    monkeypatch.setattr(packaging, "PORTION", 5)
    create_centre()
    create_centre(OTHER)
    promise(17)
    promise(10, OTHER)

    made = packs.make_packages(until=clock.now())

    assert [package_file.check_package(path, [SECRET]).centres for path in made] == [
        {CENTRE: ((1, 12),)},
        {CENTRE: ((13, 17),), OTHER: ((1, 7),)},
        {OTHER: ((8, 10),)},
    ]
    assert [path.stem[-4:] for path in made] == ["-001", "-002", "-003"]
    assert len({event["id"] for path in made for event in events_in(path)}) == 27
    assert states() == ["delivered"] * 27


@on_both_databases
def test_a_name_is_not_given_twice_though_packages_are_carried_away(packs: Packager, folder: Path) -> None:
    create_centre()
    promise()
    [first] = packs.make_packages(until=clock.now())
    first.unlink()
    promise()

    [second] = packs.make_packages(until=clock.now())

    assert second.stem == first.stem[:-3] + "002"
    assert package_file.check_package(second, [SECRET]).centres == {CENTRE: ((2, 2),)}


@on_both_databases
def test_who_dies_before_the_events_are_settled_packs_them_again(
    packs: Packager, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    create_centre()
    promise(3)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(packaging, "mark_delivered", die)
        packs.make_packages(until=clock.now())
    assert states() == ["pending"] * 3

    [again] = packs.make_packages(until=clock.now())

    first, second = (folder / name for name in packages(folder))
    assert second == again
    assert events_in(first) == events_in(second)
    assert states() == ["delivered"] * 3


@on_both_databases
def test_a_full_disk_loses_nothing_and_leaves_nothing_half(
    packs: Packager, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    create_centre()
    promise(3)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "fsync", full)
        packs.make_packages(until=clock.now())
    assert packages(folder) == []
    assert states() == ["pending"] * 3

    [path] = packs.make_packages(until=clock.now())
    assert package_file.check_package(path, [SECRET]).centres == {CENTRE: ((1, 3),)}


@on_both_databases
def test_what_a_courier_holds_is_not_packed_but_goes_later_if_it_did_not_arrive(
    packs: Packager, time_is: TimeIs
) -> None:
    began = time_is(EVENING)
    create_centre()
    promise(2)
    [centre] = stored.read_rows(Centre)
    assert relay.claim_batch(centre.id, "https://vidhuk.example") is not None
    promise(2)

    [first] = packs.make_packages(until=clock.now())
    time_is(began + timedelta(seconds=11))
    [second] = packs.make_packages(until=clock.now())

    assert package_file.check_package(first, [SECRET]).centres == {CENTRE: ((3, 4),)}
    assert package_file.check_package(second, [SECRET]).centres == {CENTRE: ((1, 2),)}


@on_both_databases
def test_only_one_makes_packages_in_a_folder(packs: Packager, folder: Path) -> None:
    create_centre()
    promise()
    folder.mkdir()
    with open(folder / packaging.LOCK_FILE, "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(PackagingInProgress):
            packs.make_packages(until=clock.now())
        assert packs.deliver_all() == 0

    assert len(packs.make_packages(until=clock.now())) == 1


@on_both_databases
def test_the_packer_goes_on_after_a_failure(packs: Packager, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    tried: list[int] = []

    def fail() -> int:
        tried.append(1)
        if len(tried) == 2:
            stop.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packaging, "CHECK_SECONDS", 0)
    monkeypatch.setattr(packs, "deliver_all", fail)
    packs.run(stop)

    assert len(tried) == 2


KILLED = """
import os, sys, time
from datetime import timedelta
from feedback_service import clock
from feedback_service.app import create_app
from feedback_service.config import Settings, settings
from feedback_service.delivery import package_file
from feedback_service.delivery import packaging

real = getattr(package_file if sys.argv[1] == "write" else packaging, sys.argv[1])
def slow(*args, **kwargs):
    done = real(*args, **kwargs) if sys.argv[1] != "mark_delivered" else None
    print("there", flush=True)
    time.sleep(60)
setattr(package_file if sys.argv[1] == "write" else packaging, sys.argv[1], slow)
with create_app(Settings.from_env(os.environ)).app_context():
    packaging.by_hand(settings()).make(until=clock.now())
"""


@on_both_databases
@pytest.mark.parametrize(
    ("moment", "left"), [("take", 0), ("write", 0), ("_remember", 1), ("mark_delivered", 1)]
)
def test_a_killed_packer_leaves_whole_packages_and_loses_nothing(
    packs: Packager, folder: Path, tmp_path: Path, database_url: str, moment: str, left: int
) -> None:
    create_centre()
    promise(3)
    told = build_environment(tmp_path, database_url) | {"FEEDBACK_CENTRAL_SECRET": ENCODED_SECRET}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, moment],
        cwd=ROOT,
        env=build_process_environment(os.environ, told),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
    whole = [path for path in folder.glob("*.zip") if events_in(path)]
    assert len(whole) == left == len(list(folder.glob("*.zip")))
    assert states() == ["pending"] * 3

    [path] = packs.make_packages(until=clock.now())

    assert len(list(folder.glob("*.zip"))) == left + 1
    assert not list(folder.glob("*.part"))
    assert sorted(event["sequence"] for event in events_in(path)) == ["1", "2", "3"]
    assert states() == ["delivered"] * 3


def test_a_package_is_for_its_owner_only(tmp_path: Path) -> None:
    assert a_package(tmp_path).stat().st_mode & 0o777 == 0o600


def test_whoever_knows_the_old_or_the_new_secret_can_check_a_package(tmp_path: Path) -> None:
    path = tmp_path / "vidhuk-2026-11-20-001.zip"
    events = [PackagedEvent(CENTRE, 1, a_body(1))]
    new = bytes(32)
    package_file.write_package(path, path.stem, MADE_AT.date(), MADE_AT, events, [new, SECRET])

    assert package_file.check_package(path, [new]) == package_file.check_package(path, [SECRET])
    with pytest.raises(BadPackage, match="no secret of ours"):
        package_file.check_package(path, [b"another secret of thirty-two byt"])


def test_holes_in_the_numbers_are_named_and_two_events_of_one_number_refused(tmp_path: Path) -> None:
    (tmp_path / "holes").mkdir()
    holed = a_package(tmp_path / "holes", *(PackagedEvent(CENTRE, n, a_body(n)) for n in (1, 2, 7)))
    assert package_file.check_package(holed, [SECRET]).centres == {CENTRE: ((1, 2), (7, 7))}

    again = a_body(2, id=str(uuid.uuid4()))
    doubled = a_package(tmp_path, PackagedEvent(CENTRE, 2, a_body(2)), PackagedEvent(CENTRE, 2, again))
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
def test_what_is_no_event_is_found_though_signed(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadPackage, match="line 1 is no event of ours"):
        package_file.check_package(
            a_package(tmp_path, PackagedEvent(CENTRE, 1, a_body(1, **wrong))), [SECRET]
        )


def without(name: str) -> Callable[[dict[str, bytes]], Mapping[str, bytes]]:
    """All members but one."""
    return lambda members: {other: members[other] for other in members if other != name}


def replaced(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], Mapping[str, bytes]]:
    """The members, one with other content."""
    return lambda members: members | {name: members[name].replace(old, new, 1)}


@pytest.mark.parametrize(
    "change",
    [
        replaced(package_file.EVENTS_FILE, b"cf7dfafe", b"cf7dfaff"),
        replaced(package_file.EVENTS_FILE, a_body(3).encode() + b"\n", b""),
        replaced(package_file.EVENTS_FILE, b"\n", b"\n\n"),
        lambda members: (
            members
            | {package_file.EVENTS_FILE: members[package_file.EVENTS_FILE] + a_body(4).encode() + b"\n"}
        ),
        lambda members: members | {package_file.EVENTS_FILE: b"\xff\n"},
        lambda members: members | {package_file.EVENTS_FILE: b"[" * 100_000},
        replaced(package_file.MANIFEST_FILE, b'"events": 3', b'"events": 2'),
        replaced(package_file.MANIFEST_FILE, b"-001", b"-002"),
        replaced(package_file.MANIFEST_FILE, b"made_at", b"made"),
        lambda members: members | {package_file.MANIFEST_FILE: b"not JSON"},
        replaced(package_file.SIGNATURE_FILE, b"v1,", b"v1,A"),
        replaced(package_file.SIGNATURE_FILE, b"-001", b"-002"),
        lambda members: members | {package_file.SIGNATURE_FILE: b"{}"},
        without(package_file.EVENTS_FILE),
        without(package_file.MANIFEST_FILE),
        without(package_file.SIGNATURE_FILE),
        lambda members: members | {"more.txt": b"?"},
    ],
)
def test_a_package_that_was_changed_is_found(
    tmp_path: Path, change: Callable[[dict[str, bytes]], Mapping[str, bytes]]
) -> None:
    path = a_package(tmp_path)
    package_file.check_package(path, [SECRET])

    with pytest.raises(BadPackage):
        package_file.check_package(rewritten(path, change), [SECRET])


def test_a_package_cut_short_anywhere_is_found(tmp_path: Path) -> None:
    path = a_package(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(BadPackage):
            package_file.check_package(path, [SECRET])


@pytest.mark.slow
def test_no_flipped_byte_changes_what_a_good_package_says(tmp_path: Path) -> None:
    path = a_package(tmp_path)
    whole, contents = path.read_bytes(), package_file.check_package(path, [SECRET])
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            assert (
                package_file.check_package(path, [SECRET]) == contents
            )  # a date in the zip's own headers, say
        except BadPackage:
            continue


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_each_number_once_and_never_touch(numbers: set[int]) -> None:
    found = package_file.to_ranges(numbers)

    assert [n for first, last in found for n in range(first, last + 1)] == sorted(numbers)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))


def test_the_file_transport_needs_a_secret_and_no_address(tmp_path: Path) -> None:
    told = build_environment(tmp_path, "sqlite:///feedback.db") | {"FEEDBACK_CENTRAL_TRANSPORT": "file"}
    with pytest.raises(BadSettings, match="FEEDBACK_CENTRAL_SECRET is missing"):
        Settings.from_env(told)
    told["FEEDBACK_CENTRAL_SECRET"] = ENCODED_SECRET
    assert Settings.from_env(told).packages_dir == str(tmp_path / "packages")
    assert Settings.from_env(told | {"FEEDBACK_PACKAGES_DIR": "/srv/out"}).packages_dir == "/srv/out"
    with pytest.raises(BadSettings, match="use https or file"):
        Settings.from_env(told | {"FEEDBACK_CENTRAL_TRANSPORT": "pigeon"})


def test_a_package_is_checked_with_nothing_but_the_secret(tmp_path: Path) -> None:
    path = a_package(tmp_path)

    def checked(**told: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "package", "check", str(path)],
            cwd=ROOT,
            env=build_process_environment(os.environ, {"DATA_DIR": str(tmp_path / "none")} | told),
            capture_output=True,
            text=True,
        )

    good = checked(FEEDBACK_CENTRAL_SECRET=ENCODED_SECRET)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == f"{path.stem} is whole and signed, 3 events: {CENTRE} 1–3.\n"
    assert "FEEDBACK_CENTRAL_SECRET names no secret" in checked().stderr
    path.write_bytes(path.read_bytes()[:-1])
    bad = checked(FEEDBACK_CENTRAL_SECRET=ENCODED_SECRET)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr == f"Error: {path.name} is not good: it cannot be read as a zip file.\n"


@on_both_databases
def test_an_operator_packs_at_any_hour(app: Flask, settings: Settings, folder: Path) -> None:
    cli.register(app)

    def types(*words: str) -> tuple[int, str, str]:
        result = app.test_cli_runner().invoke(args=list(words))
        return result.exit_code, result.stdout, result.stderr

    create_centre()
    promise(2)
    assert types("package", "make") == (
        *(1, "", "Error: FEEDBACK_CENTRAL_SECRET is not set; packages are signed by it.\n"),
    )

    app.config["SETTINGS"] = replace(settings, central_secret=(SECRET,))
    code, told, _ = types("package", "make")
    assert code == 0
    assert package_file.check_package(Path(told.splitlines()[-1]), [SECRET]).centres == {CENTRE: ((1, 2),)}
    assert types("package", "make") == (0, "", "No event waits.\n")

    promise()
    shutil.rmtree(folder)
    folder.write_text("in the way")
    code, _, why = types("package", "make")
    assert code == 1
    assert why == f"Error: No package can be written in {folder}: File exists.\n"


@on_both_databases
def test_the_worker_packs_where_the_settings_say_so(
    app: Flask, settings: Settings, folder: Path, time_is: TimeIs
) -> None:
    app.config["SETTINGS"] = replace(settings, central_transport="file", central_secret=(SECRET,))
    time_is(EVENING)
    create_centre()
    promise(2)
    time_is(AFTER_MIDNIGHT)

    cli.register(app)
    result = app.test_cli_runner().invoke(args=["worker", "--once"])

    assert result.exit_code == 0
    assert packages(folder) == ["vidhuk-2026-11-20-001.zip"]
    assert states() == ["delivered"] * 2
