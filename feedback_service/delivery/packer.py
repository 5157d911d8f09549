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
from feedback_service.delivery import line, package
from feedback_service.delivery.package import Packed
from feedback_service.logs import log
from feedback_service.models import Centre, Event

MOST = 50_000  # events in one package
PORTION = 500  # events of one transaction; writers of SQLite wait for it
LOOK = 60.0  # seconds until one looks again whether a day is over
LOCK = ".lock"  # who holds it makes packages; it remembers the last number given
SUFFIX, UNFINISHED = ".zip", ".part"
NAME = r"vidhuk-\d{4}-\d\d-\d\d-(\d{3,18})"

Taken = dict[uuid.UUID, list[uuid.UUID]]  # events that are in a package, by centre


class AnotherPacks(Exception):
    """Somebody else makes packages in that folder just now."""


class Packer:
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
            stop.wait(LOOK)

    def deliver_all(self) -> int:
        """All that waited when the last day in Kyiv ended is packed; tells how many packages that took."""
        midnight = datetime.combine(clock.kyiv_day(clock.now()), time(0), tzinfo=clock.KYIV)
        with suppress(AnotherPacks):
            return len(self.make(until=midnight - timedelta(microseconds=1)))
        return 0

    def make(self, *, until: datetime) -> list[Path]:
        """All that waits since ``until`` or longer is packed; the packages, named by the day of ``until``.

        Raises ``AnotherPacks``, and ``OSError`` if they cannot be written; then nothing counts as delivered
        that is not in a whole package.
        """
        made: list[Path] = []
        if not _waiting(until):
            return made
        with _alone(self._folder) as lock:
            while _waiting(until) and (path := self._make_one(lock, until)):
                made.append(path)
        return made

    def _make_one(self, lock: int, until: datetime) -> Path | None:
        day, now = clock.kyiv_day(until), clock.now().astimezone(clock.KYIV)
        number = _last_number(self._folder, lock) + 1
        name = f"vidhuk-{day}-{number:03}"
        unfinished, path = self._folder / f"{name}{UNFINISHED}", self._folder / f"{name}{SUFFIX}"
        taken: Taken = {}
        try:
            contents = package.write(unfinished, name, day, now, self._take(until, taken), self._secrets)
            if not contents.events:
                return None
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)
        _sync(self._folder)
        _remember(lock, number)
        for centre_id, ids in taken.items():
            for first in range(0, len(ids), PORTION):
                settle(centre_id, ids[first : first + PORTION])
        log.info("package made", package=name, n=contents.events)
        return path

    def _take(self, until: datetime, taken: Taken) -> Iterator[Packed]:
        """The events that wait, centre by centre, as many as a package may hold; noted in ``taken``."""
        left = MOST
        for centre_id in _waiting(until):
            after = None
            while left and (portion := take(centre_id, until, after, min(left, PORTION), self._public_url)):
                for id, _, packed in portion:
                    taken.setdefault(centre_id, []).append(id)
                    yield packed
                left -= len(portion)
                after = (portion[-1][1], portion[-1][0])


def packer(settings: Settings) -> Packer | None:
    """The packer, if the settings say that events travel in packages."""
    return by_hand(settings) if settings.central_transport == "file" else None


def by_hand(settings: Settings) -> Packer:
    """A packer for an operator, however events travel otherwise."""
    return Packer(Path(settings.packages_dir), settings.public_url, settings.central_secret)


@reading
def _waiting(tx: Session, until: datetime) -> list[uuid.UUID]:
    """The centres with events that wait since then or longer, by code."""
    waits = select(Event.id).where(Event.centre_id == Centre.id, Event.due_at <= until).exists()
    return list(tx.scalars(select(Centre.id).where(waits).order_by(Centre.code)))


@transaction
def take(
    tx: Session,
    centre_id: uuid.UUID,
    until: datetime,
    after: tuple[datetime, uuid.UUID] | None,
    most: int,
    public_url: str,
) -> list[tuple[uuid.UUID, datetime, Packed]]:
    """The centre's next events that wait, each with its number and body for ever, and since when they wait."""
    queue = line.mine(tx, centre_id, clock.now())
    if queue is None:  # a courier is at it: what it leaves goes into the next package
        return []
    rows = line.due(tx, centre_id, until, most, after)
    centre = tx.get_one(Centre, centre_id)
    written = line.write([row for row in rows if row.body is None], centre, queue, public_url)
    line.keep(tx, centre_id, written)
    fresh = {kept["event"]: Packed(centre.code, kept["sequence"], kept["body"]) for kept in written}
    return [
        (row.id, row.due_at, fresh.get(row.id) or Packed(centre.code, row.sequence, row.body)) for row in rows
    ]


@transaction
def settle(tx: Session, centre_id: uuid.UUID, ids: list[uuid.UUID]) -> None:
    """These events are delivered; what became of one meanwhile counts."""
    now = clock.now()
    packed = update(Event).where(Event.centre_id == centre_id, Event.id.in_(ids), Event.state == "pending")
    arrived = {"state": "delivered", "delivered_at": now, "due_at": None, "claim": None, "reason": None}
    tx.execute(
        packed.values({"attempts": Event.attempts + 1, "last_attempt_at": now} | arrived),
        execution_options={"synchronize_session": False},
    )


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Nobody else makes packages in that folder; what somebody left unfinished there is gone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sync(folder.parent)
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise AnotherPacks() from held
        for left in folder.glob(f"vidhuk-*{UNFINISHED}"):
            left.unlink()
        yield lock
    finally:
        os.close(lock)


def _last_number(folder: Path, lock: int) -> int:
    """The highest number that a package had, even if all were carried away; 0 before the first."""
    names = [path.stem for path in folder.glob(f"vidhuk-*{SUFFIX}")]
    known = [int(match[1]) for name in names if (match := re.fullmatch(NAME, name))]
    return max([int(os.pread(lock, 32, 0) or 0), *known])


def _remember(lock: int, number: int) -> None:
    os.pwrite(lock, f"{number:020}".encode(), 0)
    os.fsync(lock)


def _sync(folder: Path) -> None:
    """The names in the folder are durable."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
