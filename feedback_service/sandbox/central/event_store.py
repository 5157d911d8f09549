"""Stores what the demo central system received in a file of its own, which outlives the process."""

import json
import sqlite3
import threading
from collections import Counter
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
# An event that comes again must not differ in these.
COMPARED_FIELDS = ("subject", "type", "time", "sequence", "data")
MOST_GAPS = 20  # listed for each centre


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """The ids of a batch, as the reply lists them."""

    accepted: tuple[str, ...]
    duplicates: tuple[str, ...]


class EventStore:
    """The file with all received events; threads may share one store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._write_lock = threading.Lock()
        self._thread_local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open_connection()) as connection:
            connection.executescript(TABLES)

    def store_events(self, events: Sequence[dict[str, Any]], now: datetime) -> BatchReceipt:
        """Store new events on the disk; count the others as repeats."""
        accepted: dict[str, None] = {}
        duplicates: dict[str, None] = {}
        with self._write_transaction() as tx:
            for event in events:
                (accepted if _store_event(tx, event, now) else duplicates)[event["id"]] = None
            if accepted:
                tx.execute(
                    "INSERT INTO pulse VALUES (?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events",
                    (int(now.timestamp()), len(accepted)),
                )
        return BatchReceipt(tuple(accepted), tuple(event_id for event_id in duplicates if event_id not in accepted))

    def record_refusal(self, reason: str, detail: str, now: datetime, times: int = 1) -> None:
        """Count a refused request, or so many refused events, by reason."""
        with self._write_transaction() as tx:
            tx.execute(
                "INSERT INTO refusals VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " times = times + excluded.times, last_at = excluded.last_at, last_detail = excluded.last_detail",
                (reason, times, _format_instant(now), detail),
            )

    def list_events(self, *, after: int, limit: int) -> list[dict[str, Any]]:
        """Return events in the order of their arrival, from the one after ``after``."""
        rows = self._fetch_rows("SELECT * FROM events WHERE arrival > ? ORDER BY arrival LIMIT ?", after, limit)
        return [_event_from_row(row) for row in rows]

    def list_latest_events(self, limit: int) -> list[dict[str, Any]]:
        """Return the last events, the newest first."""
        rows = self._fetch_rows("SELECT * FROM events ORDER BY arrival DESC LIMIT ?", limit)
        return [_event_from_row(row) for row in rows]

    def read_summary(self) -> dict[str, Any]:
        """Count events and what is missing; the first 20 gaps are inclusive pairs of sequence numbers."""
        with self._thread_connection() as tx:
            tx.execute("BEGIN")  # all numbers are of one instant
            return self._build_summary()

    def count_by_second(self, now: datetime, seconds: int) -> list[int]:
        """Count the new events of each of the last seconds, the oldest first."""
        last = int(now.timestamp())
        rows = self._fetch_rows("SELECT second, events FROM pulse WHERE second > ?", last - seconds)
        counts = {row["second"]: row["events"] for row in rows}
        return [counts.get(second, 0) for second in range(last - seconds + 1, last + 1)]

    def _build_summary(self) -> dict[str, Any]:
        by_type: Counter[str] = Counter()
        centres: dict[str, dict[str, Any]] = {}
        for row in self._fetch_rows("SELECT * FROM sources ORDER BY source"):
            centres[row["source"]] = dict(row) | {"events": 0} | self._read_sequence_state(row["source"])
        for row in self._fetch_rows("SELECT * FROM types ORDER BY type"):
            by_type[row["type"]] += row["events"]
            centres[row["source"]]["events"] += row["events"]
        for centre in centres.values():
            centre["missing"] = centre["highest"] - (centre["events"] - centre["doubled"])
        totals = {
            name: sum(centre[name] for centre in centres.values())
            for name in ("events", "repeats", "changed", "late", "doubled", "missing")
        }
        refusals = [dict(row) for row in self._fetch_rows("SELECT * FROM refusals ORDER BY last_at DESC")]
        return totals | {"by_type": by_type, "centres": [*centres.values()], "refused": refusals}

    def _read_sequence_state(self, source: str) -> dict[str, Any]:
        """Return the highest sequence number of a centre, and its first gaps."""
        last_query = "SELECT last FROM stretches WHERE source = ? ORDER BY first DESC LIMIT 1"
        stretches_query = "SELECT first, last FROM stretches WHERE source = ? ORDER BY first LIMIT ?"
        gaps, previous_last = [], 0
        for row in self._fetch_rows(stretches_query, source, MOST_GAPS + 1):
            if row["first"] > previous_last + 1:
                gaps.append([previous_last + 1, row["first"] - 1])
            previous_last = row["last"]
        return {"highest": self._fetch_rows(last_query, source)[0]["last"], "gaps": gaps[:MOST_GAPS]}

    @contextmanager
    def _write_transaction(self) -> Iterator[sqlite3.Connection]:
        with self._write_lock, self._thread_connection() as tx:
            tx.execute("BEGIN IMMEDIATE")
            yield tx

    def _fetch_rows(self, query: str, *values: int | str) -> list[sqlite3.Row]:
        return self._thread_connection().execute(query, values).fetchall()

    def _thread_connection(self) -> sqlite3.Connection:
        if not hasattr(self._thread_local, "connection"):
            self._thread_local.connection = self._open_connection()
        connection: sqlite3.Connection = self._thread_local.connection
        return connection

    def _open_connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _store_event(tx: sqlite3.Connection, event: dict[str, Any], now: datetime) -> bool:
    """Store the event if it is new, and count it; return whether it is new."""
    source, sequence = event["source"], int(event["sequence"])
    content = {name: event[name] for name in COMPARED_FIELDS} | {
        "sequence": sequence,
        "data": json.dumps(event["data"], ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    }
    tx.execute("INSERT INTO sources (source) VALUES (?) ON CONFLICT DO NOTHING", (source,))
    stored_event = tx.execute("SELECT * FROM events WHERE source = ? AND id = ?", (source, event["id"])).fetchone()
    if stored_event is not None:
        tx.execute("UPDATE events SET times = times + 1 WHERE arrival = ?", (stored_event["arrival"],))
        is_changed = any(stored_event[name] != value for name, value in content.items())
        update = "UPDATE sources SET repeats = repeats + 1, changed = changed + ? WHERE source = ?"
        tx.execute(update, (is_changed, source))
        return False
    tx.execute(
        'INSERT INTO events (source, id, received_at, subject, type, "time", sequence, data)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (source, event["id"], _format_instant(now), *content.values()),
    )
    count_type = "INSERT INTO types VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET events = events + 1"
    tx.execute(count_type, (source, event["type"]))
    _record_sequence_number(tx, source, sequence)
    return True


def _record_sequence_number(tx: sqlite3.Connection, source: str, number: int) -> None:
    """Join the sequence number with the stretches beside it; count a late or repeated one."""
    below = "SELECT first, last FROM stretches WHERE source = ? AND first <= ? ORDER BY first DESC LIMIT 1"
    stretch_below = tx.execute(below, (source, number)).fetchone()
    if stretch_below is not None and stretch_below["last"] >= number:
        tx.execute("UPDATE sources SET doubled = doubled + 1 WHERE source = ?", (source,))
        return
    above = "SELECT first, last FROM stretches WHERE source = ? AND first > ? ORDER BY first LIMIT 1"
    stretch_above = tx.execute(above, (source, number)).fetchone()
    first = last = number
    if stretch_below is not None and stretch_below["last"] == number - 1:
        first = stretch_below["first"]
    if stretch_above is not None:
        tx.execute("UPDATE sources SET late = late + 1 WHERE source = ?", (source,))
        if stretch_above["first"] == number + 1:
            last = stretch_above["last"]
            tx.execute("DELETE FROM stretches WHERE source = ? AND first = ?", (source, stretch_above["first"]))
    join = "INSERT INTO stretches VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last"
    tx.execute(join, (source, first, last))


def _event_from_row(row: sqlite3.Row) -> dict[str, Any]:
    return dict(row) | {"sequence": str(row["sequence"]), "data": json.loads(row["data"])}


def _format_instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
