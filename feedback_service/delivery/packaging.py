"""Packaging: writes waiting events into package files, where no connection to the central system exists.

Events count as delivered when a package that holds them is durably on disk. A process that dies between these two
steps leaves the events waiting, and they are packed again; the receiver drops repeats by their id. So no event is
lost, and no lease is needed.
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

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.database import reading, transaction
from feedback_service.delivery import numbering, outbox, package_file
from feedback_service.delivery.package_file import PackagedEvent
from feedback_service.logs import log
from feedback_service.models import Centre, Event

MAX_EVENTS = 50_000  # events in one package
BATCH_SIZE = 500  # events of one transaction; writers of SQLite wait for it
CHECK_SECONDS = 60.0  # how often ``run`` looks whether a day is over
LOCK_FILE = ".lock"  # locked by the one process that makes packages; it stores the last number used
SUFFIX, UNFINISHED_SUFFIX = ".zip", ".part"
NAME_PATTERN = r"vidhuk-\d{4}-\d\d-\d\d-(\d{3,18})"

Position = tuple[datetime, uuid.UUID]  # of an event among those that wait: since when it is due, and its id
EventIdsByCentre = dict[uuid.UUID, list[uuid.UUID]]  # events that are in a package, by centre


class PackagingInProgress(Exception):
    """Another process makes packages in the folder at the moment."""


class Packager:
    """Makes packages in one folder, one after the other; it may take the place of a ``Relay``."""

    def __init__(self, folder: Path, public_url: str, secrets: tuple[bytes, ...]) -> None:
        self._folder = folder
        self._public_url = public_url
        self._secrets = secrets

    def close(self) -> None:
        """Do nothing: no connection is open."""

    def run(self, stop: threading.Event) -> None:
        """Pack every day when it is over, until ``stop`` is set; log a failure and try again."""
        while not stop.is_set():
            try:
                self.deliver_all()
            except Exception as error:  # the disk may be full, the database unreachable
                log.critical("package not made", exc_info=error)
            stop.wait(CHECK_SECONDS)

    def deliver_all(self) -> int:
        """Pack all events that waited when the last day in Kyiv ended, and return the number of packages."""
        midnight = datetime.combine(clock.kyiv_day(clock.now()), time(0), tzinfo=clock.KYIV)
        with suppress(PackagingInProgress):
            return len(self.make_packages(until=midnight - timedelta(microseconds=1)))
        return 0

    def find_failure(self) -> None:
        """Return nothing: a failure is raised."""

    def make_packages(self, *, until: datetime) -> list[Path]:
        """Pack all events that are due by ``until``, and return the packages, named by the day of ``until``.

        Raises ``PackagingInProgress``, and ``OSError`` if a package cannot be written; then only events of complete
        packages count as delivered.
        """
        packages: list[Path] = []
        if not _list_waiting_centres(until):
            return packages
        with _exclusive_lock(self._folder) as lock:
            while _list_waiting_centres(until) and (path := self._make_package(lock, until)):
                packages.append(path)
        return packages

    def _make_package(self, lock: int, until: datetime) -> Path | None:
        """Make one package: write it, rename it when it is complete, then mark its events as delivered."""
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
        """Yield waiting events, centre by centre, up to the size of a package; add their ids to ``packed_ids``."""
        remaining = MAX_EVENTS
        for centre_id in _list_waiting_centres(until):
            after = None
            while remaining:
                batch, after = take_events(centre_id, until, after, min(remaining, BATCH_SIZE), self._public_url)
                if after is None:
                    break
                for event_id, event in batch:
                    packed_ids.setdefault(centre_id, []).append(event_id)
                    yield event
                remaining -= len(batch)


def make_packager(settings: Settings) -> Packager | None:
    """Make a packager if the settings name packages as the way to the central system."""
    return make_manual_packager(settings) if settings.central_transport == "file" else None


def make_manual_packager(settings: Settings) -> Packager:
    """Make a packager for an operator's command, whatever way the settings name."""
    return Packager(Path(settings.packages_dir), settings.public_url, settings.central_secret)


@reading
def _list_waiting_centres(tx: Session, until: datetime) -> list[uuid.UUID]:
    """List the centres with events that are due by ``until``, sorted by code."""
    has_waiting = select(Event.id).where(Event.centre_id == Centre.id, Event.due_at <= until).exists()
    return list(tx.scalars(select(Centre.id).where(has_waiting).order_by(Centre.code)))


@transaction
def take_events(
    tx: Session,
    centre_id: uuid.UUID,
    until: datetime,
    after: Position | None,
    limit: int,
    public_url: str,
) -> tuple[list[tuple[uuid.UUID, PackagedEvent]], Position | None]:
    """Number the centre's next waiting events; return them with their ids, and the position behind which others wait.

    Returns nothing while a relay is working on the centre, and where no other event waits.
    """
    sequence = numbering.lock_sequence(tx, centre_id)
    if sequence is None:  # a relay is working on it: what it does not deliver goes into the next package
        return [], None
    rows = numbering.lock_due_events(tx, centre_id, until, limit, after)
    centre = tx.get_one(Centre, centre_id)
    numbered = numbering.number_events(tx, rows, centre, sequence, public_url)
    batch = [(event.row.id, PackagedEvent(centre.code, event.sequence, event.body)) for event in numbered]
    return batch, (rows[-1].due_at, rows[-1].id) if rows else None


@transaction
def mark_delivered(tx: Session, centre_id: uuid.UUID, ids: list[uuid.UUID]) -> None:
    """Mark events as delivered, except those whose state has changed meanwhile."""
    outbox.mark_delivered(tx, centre_id, ids, Event.state == "pending", now=clock.now())


@contextmanager
def _exclusive_lock(folder: Path) -> Iterator[int]:
    """Lock the folder against other processes, and delete unfinished packages; raise ``PackagingInProgress``."""
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
    """Return the highest number of a package so far, even if the files were moved away; 0 before the first."""
    names = [path.stem for path in folder.glob(f"vidhuk-*{SUFFIX}")]
    numbers = [int(match[1]) for name in names if (match := re.fullmatch(NAME_PATTERN, name))]
    return max([int(os.pread(lock, 32, 0) or 0), *numbers])


def _store_last_number(lock: int, number: int) -> None:
    os.pwrite(lock, f"{number:020}".encode(), 0)
    os.fsync(lock)


def _sync_folder(folder: Path) -> None:
    """Make the names of the files in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
