"""What the demo central system has received, in a file of its own: it outlives any end of the process."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS events (
  arrival INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  subject TEXT NOT NULL,
  type TEXT NOT NULL,
  time TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  data TEXT NOT NULL,
  received_at TEXT NOT NULL,
  times INTEGER NOT NULL DEFAULT 1,
  UNIQUE (source, id)
);
-- Unbroken stretches of sequence numbers: between two of them is a gap.
CREATE TABLE IF NOT EXISTS stretches (
  source TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (source, first)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sources (
  source TEXT PRIMARY KEY,
  late INTEGER NOT NULL DEFAULT 0,      -- came after one with a higher number
  doubled INTEGER NOT NULL DEFAULT 0,   -- another event had the number already
  repeats INTEGER NOT NULL DEFAULT 0,   -- the same event came again
  changed INTEGER NOT NULL DEFAULT 0    -- came again, but said something else
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS types (
  source TEXT NOT NULL, type TEXT NOT NULL, events INTEGER NOT NULL, PRIMARY KEY (source, type)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusals (
  reason TEXT PRIMARY KEY, times INTEGER NOT NULL, last_at TEXT NOT NULL, last_detail TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pulse (second INTEGER PRIMARY KEY, events INTEGER NOT NULL);
"""
SAID = ("subject", "type", "time", "sequence", "data")  # what may not differ when an event comes again
LISTED = 'arrival, source, id, subject, type, "time", sequence, data, received_at, times'
MOST_GAPS = 20  # told for each centre


@dataclass(frozen=True, slots=True)
class Taken:
    """The ids of a batch, as they are answered."""

    accepted: tuple[str, ...]
    duplicates: tuple[str, ...]


class Book:
    """The file and everything that is written in it or read from it; threads may share one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._mine = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._opened()) as connection:
            connection.executescript(TABLES)

    def take(self, events: Sequence[dict[str, Any]], now: datetime) -> Taken:
        """New events are on the disk; the others are counted as repeats."""
        accepted: dict[str, None] = {}
        duplicates: dict[str, None] = {}
        with self._change() as tx:
            for event in events:
                (accepted if _note(tx, event, now) else duplicates)[event["id"]] = None
            if accepted:
                tx.execute(
                    "INSERT INTO pulse VALUES (?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events",
                    (int(now.timestamp()), len(accepted)),
                )
        return Taken(tuple(accepted), tuple(each for each in duplicates if each not in accepted))

    def refused(self, reason: str, detail: str, now: datetime, times: int = 1) -> None:
        """A request, or so many events, was not taken for that reason."""
        with self._change() as tx:
            tx.execute(
                "INSERT INTO refusals VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " times = times + excluded.times, last_at = excluded.last_at, last_detail = excluded.last_detail",
                (reason, times, _written(now), detail),
            )

    def received(self, *, after: int, limit: int) -> list[dict[str, Any]]:
        """Events in the order of their arrival, from the one after ``after``."""
        rows = self._read(
            f"SELECT {LISTED} FROM events WHERE arrival > ? ORDER BY arrival LIMIT ?", after, limit
        )
        return [_event(row) for row in rows]

    def latest(self, limit: int) -> list[dict[str, Any]]:
        """The last events, the newest first."""
        return [
            _event(row)
            for row in self._read(f"SELECT {LISTED} FROM events ORDER BY arrival DESC LIMIT ?", limit)
        ]

    def summary(self) -> dict[str, Any]:
        """How many of what, and what is missing: gaps are inclusive pairs of sequence numbers, the first 20."""
        tx = self._connection()
        tx.execute("BEGIN")  # all of it is true at one instant
        try:
            return self._summary()
        finally:
            tx.execute("COMMIT")

    def pulse(self, now: datetime, seconds: int) -> list[int]:
        """How many new events each of the last seconds brought, the oldest first."""
        last = int(now.timestamp())
        rows = self._read("SELECT second, events FROM pulse WHERE second > ?", last - seconds)
        found = {row["second"]: row["events"] for row in rows}
        return [found.get(second, 0) for second in range(last - seconds + 1, last + 1)]

    def _summary(self) -> dict[str, Any]:
        by_type: dict[str, int] = {}
        centres: dict[str, dict[str, Any]] = {}
        for row in self._read("SELECT * FROM sources ORDER BY source"):
            centres[row["source"]] = dict(row) | {"events": 0} | self._numbers(row["source"])
        for row in self._read("SELECT * FROM types ORDER BY type"):
            by_type[row["type"]] = by_type.get(row["type"], 0) + row["events"]
            centres[row["source"]]["events"] += row["events"]
        for centre in centres.values():
            centre["missing"] = centre["highest"] - (centre["events"] - centre["doubled"])
        totals = {
            name: sum(centre[name] for centre in centres.values())
            for name in ("events", "repeats", "changed", "late", "doubled", "missing")
        }
        refusals = self._read("SELECT * FROM refusals ORDER BY last_at DESC")
        return totals | {
            "by_type": by_type,
            "centres": [*centres.values()],
            "refused": [dict(row) for row in refusals],
        }

    def _numbers(self, source: str) -> dict[str, Any]:
        """The highest sequence number of a centre, and its first gaps."""
        last = "SELECT last FROM stretches WHERE source = ? ORDER BY first DESC LIMIT 1"
        stretches = "SELECT first, last FROM stretches WHERE source = ? ORDER BY first LIMIT ?"
        gaps, before = [], 0
        for row in self._read(stretches, source, MOST_GAPS + 1):
            if row["first"] > before + 1:
                gaps.append([before + 1, row["first"] - 1])
            before = row["last"]
        return {"highest": self._read(last, source)[0]["last"], "gaps": gaps[:MOST_GAPS]}

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            tx = self._connection()
            tx.execute("BEGIN IMMEDIATE")
            try:
                yield tx
                tx.execute("COMMIT")
            except BaseException:
                if tx.in_transaction:
                    tx.execute("ROLLBACK")
                raise

    def _read(self, query: str, *values: int | str) -> list[sqlite3.Row]:
        return self._connection().execute(query, values).fetchall()

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = self._opened()
        connection: sqlite3.Connection = self._mine.connection
        return connection

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _note(tx: sqlite3.Connection, event: dict[str, Any], now: datetime) -> bool:
    """Whether the event is new; it is written down then, and counted either way."""
    source, sequence = event["source"], int(event["sequence"])
    said = {name: event[name] for name in SAID} | {
        "sequence": sequence,
        "data": json.dumps(event["data"], ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    }
    tx.execute("INSERT INTO sources (source) VALUES (?) ON CONFLICT DO NOTHING", (source,))
    known = tx.execute("SELECT * FROM events WHERE source = ? AND id = ?", (source, event["id"])).fetchone()
    if known is not None:
        tx.execute("UPDATE events SET times = times + 1 WHERE arrival = ?", (known["arrival"],))
        changed = any(known[name] != value for name, value in said.items())
        tx.execute(
            "UPDATE sources SET repeats = repeats + 1, changed = changed + ? WHERE source = ?",
            (changed, source),
        )
        return False
    tx.execute(
        'INSERT INTO events (source, id, received_at, subject, type, "time", sequence, data)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (source, event["id"], _written(now), *said.values()),
    )
    tx.execute(
        "INSERT INTO types VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET events = events + 1",
        (source, event["type"]),
    )
    _number(tx, source, sequence)
    return True


def _number(tx: sqlite3.Connection, source: str, number: int) -> None:
    """The sequence number joins the stretches beside it; one out of turn or given before is counted."""
    below = tx.execute(
        "SELECT first, last FROM stretches WHERE source = ? AND first <= ? ORDER BY first DESC LIMIT 1",
        (source, number),
    ).fetchone()
    if below is not None and below["last"] >= number:
        tx.execute("UPDATE sources SET doubled = doubled + 1 WHERE source = ?", (source,))
        return
    above = tx.execute(
        "SELECT first, last FROM stretches WHERE source = ? AND first > ? ORDER BY first LIMIT 1",
        (source, number),
    ).fetchone()
    first = last = number
    if below is not None and below["last"] == number - 1:
        first = below["first"]
    if above is not None:
        tx.execute("UPDATE sources SET late = late + 1 WHERE source = ?", (source,))
        if above["first"] == number + 1:
            last = above["last"]
            tx.execute("DELETE FROM stretches WHERE source = ? AND first = ?", (source, above["first"]))
    tx.execute(
        "INSERT INTO stretches VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last",
        (source, first, last),
    )


def _event(row: sqlite3.Row) -> dict[str, Any]:
    return dict(row) | {"sequence": str(row["sequence"]), "data": json.loads(row["data"])}


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
