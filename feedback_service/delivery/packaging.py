"""Packs what waits for the central system, where no line to it exists: who makes packages, of what, and when.

Events count as delivered once a package that holds them is durably on disk. Whoever dies between the two packs
the same events again: the receiver drops repeats by their id. So nothing is lost, and nothing needs a lease.
"""

import fcntl
import os
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, time, timedelta
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.database import reading, transaction
from feedback_service.delivery import numbering, package_file
from feedback_service.delivery.package_file import PackagedEvent
from feedback_service.logs import log
from feedback_service.models import Centre, Event

MAX_EVENTS = 50_000  # events in one package
BATCH_SIZE = 500  # events of one transaction; writers of SQLite wait for it
CHECK_SECONDS = 60.0  # seconds until one looks again whether a day is over
LOCK_FILE = ".lock"  # who holds it makes packages; it remembers the last number given
SUFFIX, UNFINISHED_SUFFIX = ".zip", ".part"
NAME_PATTERN = r"vidhuk-\d{4}-\d\d-\d\d-(\d{3,18})"

EventIdsByCentre = dict[uuid.UUID, list[uuid.UUID]]  # events that are in a package, by centre


class PackagingInProgress(Exception):
    """Somebody else makes packages in that folder just now."""


class Packager:
    """Somebody who makes packages in one folder, one after the other."""

    def __init__(self, folder: Path, public_url: str, secrets: tuple[bytes, ...]) -> None:
        self._folder = folder
        self._public_url = public_url
        self._secrets = secrets

    def close(self) -> None:
        """Nothing is held open between packages."""

    def run(self, stop: threading.Event) -> None:
        """Every day is packed when it is over, until ``stop``; what fails is logged and tried again."""
        while not stop.is_set():
            try:
                self.deliver_all()
            except Exception as error:  # the disk may be full, the database away
                log.critical("package not made", exc_info=error)
            stop.wait(CHECK_SECONDS)

    def deliver_all(self) -> int:
        """All that waited when the last day in Kyiv ended is packed; tells how many packages that took."""
        midnight = datetime.combine(clock.kyiv_day(clock.now()), time(0), tzinfo=clock.KYIV)
        with suppress(PackagingInProgress):
            return len(self.make_packages(until=midnight - timedelta(microseconds=1)))
        return 0

    def make_packages(self, *, until: datetime) -> list[Path]:
        """All that waits since ``until`` or longer is packed; the packages, named by the day of ``until``.

        Raises ``PackagingInProgress``, and ``OSError`` if they cannot be written; then nothing counts as delivered
        that is not in a whole package.
        """
        packages: list[Path] = []
        if not _list_waiting_centres(until):
            return packages
        with _exclusive_lock(self._folder) as lock:
            while _list_waiting_centres(until) and (path := self._make_package(lock, until)):
                packages.append(path)
        return packages

    def _make_package(self, lock: int, until: datetime) -> Path | None:
        day, now = clock.kyiv_day(until), clock.now().astimezone(clock.KYIV)
        number = _read_last_number(self._folder, lock) + 1
        name = f"vidhuk-{day}-{number:03}"
        unfinished, path = self._folder / f"{name}{UNFINISHED_SUFFIX}", self._folder / f"{name}{SUFFIX}"
        packed_ids: EventIdsByCentre = {}
        try:
            contents = package_file.write_package(
                unfinished, name, day, now, self._read_waiting_events(until, packed_ids), self._secrets
            )
            if not contents.events:
                return None
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)
        _sync_folder(self._folder)
        _store_last_number(lock, number)
        for centre_id, ids in packed_ids.items():
            for start in range(0, len(ids), BATCH_SIZE):
                mark_delivered(centre_id, ids[start : start + BATCH_SIZE])
        log.info("package made", package=name, n=contents.events)
        return path

    def _read_waiting_events(self, until: datetime, packed_ids: EventIdsByCentre) -> Iterator[PackagedEvent]:
        """The events that wait, centre by centre, as many as a package may hold; noted in ``packed_ids``."""
        room = MAX_EVENTS
        for centre_id in _list_waiting_centres(until):
            after = None
            while room and (
                batch := take_events(centre_id, until, after, min(room, BATCH_SIZE), self._public_url)
            ):
                for event_id, _, event in batch:
                    packed_ids.setdefault(centre_id, []).append(event_id)
                    yield event
                room -= len(batch)
                after = (batch[-1][1], batch[-1][0])


def make_packager(settings: Settings) -> Packager | None:
    """The packer, if the settings say that events travel in packages."""
    return make_manual_packager(settings) if settings.central_transport == "file" else None


def make_manual_packager(settings: Settings) -> Packager:
    """A packer for an operator, however events travel otherwise."""
    return Packager(Path(settings.packages_dir), settings.public_url, settings.central_secret)


@reading
def _list_waiting_centres(tx: Session, until: datetime) -> list[uuid.UUID]:
    """The centres with events that wait since then or longer, by code."""
    has_waiting = select(Event.id).where(Event.centre_id == Centre.id, Event.due_at <= until).exists()
    return list(tx.scalars(select(Centre.id).where(has_waiting).order_by(Centre.code)))


@transaction
def take_events(
    tx: Session,
    centre_id: uuid.UUID,
    until: datetime,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    public_url: str,
) -> list[tuple[uuid.UUID, datetime, PackagedEvent]]:
    """The centre's next events that wait, each with its number and body for ever, and since when they wait."""
    sequence = numbering.lock_sequence(tx, centre_id, clock.now())
    if sequence is None:  # a courier is at it: what it leaves goes into the next package
        return []
    rows = numbering.lock_due_events(tx, centre_id, until, limit, after)
    centre = tx.get_one(Centre, centre_id)
    numbered = numbering.number_events(
        [row for row in rows if row.body is None], centre, sequence, public_url
    )
    numbering.store_numbered(tx, centre_id, numbered)
    new_events = {
        numbered_event["event"]: PackagedEvent(
            centre.code, numbered_event["sequence"], numbered_event["body"]
        )
        for numbered_event in numbered
    }
    return [
        (row.id, row.due_at, new_events.get(row.id) or PackagedEvent(centre.code, row.sequence, row.body))
        for row in rows
    ]


@transaction
def mark_delivered(tx: Session, centre_id: uuid.UUID, ids: list[uuid.UUID]) -> None:
    """These events are delivered; what became of one meanwhile counts."""
    now = clock.now()
    statement = update(Event).where(Event.centre_id == centre_id, Event.id.in_(ids), Event.state == "pending")
    delivered_values = {
        "state": "delivered",
        "delivered_at": now,
        "due_at": None,
        "claim": None,
        "reason": None,
    }
    tx.execute(
        statement.values({"attempts": Event.attempts + 1, "last_attempt_at": now} | delivered_values),
        execution_options={"synchronize_session": False},
    )


@contextmanager
def _exclusive_lock(folder: Path) -> Iterator[int]:
    """Nobody else makes packages in that folder; what somebody left unfinished there is gone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sync_folder(folder.parent)
    lock = os.open(folder / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PackagingInProgress() from error
        for unfinished in folder.glob(f"vidhuk-*{UNFINISHED_SUFFIX}"):
            unfinished.unlink()
        yield lock
    finally:
        os.close(lock)


def _read_last_number(folder: Path, lock: int) -> int:
    """The highest number that a package had, even if all were carried away; 0 before the first."""
    names = [path.stem for path in folder.glob(f"vidhuk-*{SUFFIX}")]
    numbers = [int(match[1]) for name in names if (match := re.fullmatch(NAME_PATTERN, name))]
    return max([int(os.pread(lock, 32, 0) or 0), *numbers])


def _store_last_number(lock: int, number: int) -> None:
    os.pwrite(lock, f"{number:020}".encode(), 0)
    os.fsync(lock)


def _sync_folder(folder: Path) -> None:
    """The names in the folder are durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
