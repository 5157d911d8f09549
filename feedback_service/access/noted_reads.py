"""Who read which figures and comments, by what parameters, and how often.

Equal reads of one reader in one hour become one entry of the audit log, so that a program that asks every minute does
not bury the others. Until the hour is over they wait in a table of their own. Entries say ``saw``, and their object is
the name of the page and a JSON object: the parameters, the key that read, the number of reads and the last instant.

A reader who asks for ever other parameters would bury the others too, so only so many reads of an hour differ; the
others are counted together.
"""

import hashlib
import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_service.access import audit_log
from feedback_service.access.api_keys import ApiCaller
from feedback_service.access.audit_log import Actor
from feedback_service.access.sessions import CurrentUser
from feedback_service.clock import truncate_to_hour
from feedback_service.database import table_of
from feedback_service.models import Centre, JournalEntry, NotedRead

SAW = "saw"
MOST_CENTRES = 20  # a read of more is noted in the chain of the installation, and says only how many these are

MOST_DIFFERENT_READS = 200  # of one reader in an hour and chain; some more if several processes note at once
MORE = "more"  # in the details of what counts the others together

# Kinds of entries, for the filter of the journal: by the pages seen, or else by the action.
FIGURES = frozenset({"home", "breakdown", "compared", "summaries"})
EXPORTS = frozenset({"export", "export_comments"})
COMMENTS = frozenset({"comments", "export_comments"})
PAGES = {"figures": FIGURES, "exports": EXPORTS, "comments": COMMENTS}
KINDS = (*PAGES, "other_pages", "changes")


RowKey = tuple[uuid.UUID, datetime, bytes]  # chain, hour and hash


@dataclass(frozen=True, slots=True)
class Read:
    """One read: by whom, of which page or table, of which centres (codes), by which parameters."""

    actor: Actor
    page: str
    centres: frozenset[str]
    details: str  # JSON
    at: datetime


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries of the audit log are wanted: ``who`` is part of an e-mail or the start of a key's name."""

    who: str = ""
    kind: str = ""  # one of ``KINDS``; empty: all


@dataclass(frozen=True, slots=True)
class ReadDetails:
    """What an entry about a read says besides the page."""

    parameters: Mapping[str, Any]
    key_name: str | None  # of the key that read; ``None``: a user
    times: int
    last_at: datetime


def describe_read(
    reader: CurrentUser | ApiCaller, page: str, centres: Collection[str], parameters: Mapping[str, object], at: datetime
) -> Read:
    """Put a read into the form in which it is noted.

    Parameters that are ``None`` or empty are left out, and ``asked`` if it is the ``period`` that was counted.
    """
    details = {name: value for name, value in parameters.items() if value not in (None, False, "", [])}
    if details.get("asked") == details.get("period"):
        details.pop("asked", None)
    details["centres"] = sorted(centres) if len(centres) <= MOST_CENTRES else len(centres)
    actor = audit_log.COMMAND_LINE
    if isinstance(reader, CurrentUser):
        actor = reader.actor
    else:
        details |= {"key": reader.name, "key_id": str(reader.key_id)}
    return Read(actor, page, frozenset(centres), _write_json(details), at)


def note_reads(tx: Session, reads: Iterable[Read]) -> None:
    """Add the reads to those of their hours."""
    rows: dict[RowKey, dict[str, Any]] = {}
    different: dict[tuple[uuid.UUID, datetime, str], set[bytes]] = {}
    chains: dict[frozenset[str], list[uuid.UUID]] = {}
    for read in reads:
        if read.centres not in chains:
            chains[read.centres] = _find_chains(tx, read.centres)
        hour, reader_details = truncate_to_hour(read.at), _name_reader(read.details)
        reader = f"{read.actor.user_id} {reader_details}"
        for chain in chains[read.centres]:
            if (chain, hour, reader) not in different:
                different[chain, hour, reader] = _find_hashes(tx, chain, hour, read.actor, reader_details)
            known, details = different[chain, hour, reader], read.details
            read_hash = _hash_read(read, details)
            if read_hash not in known and len(known) >= MOST_DIFFERENT_READS:
                details = _write_json(reader_details | {MORE: True})
                read_hash = _hash_read(read, details)
            else:
                known.add(read_hash)
            row = rows.setdefault(
                (chain, hour, read_hash),
                {
                    "user_id": read.actor.user_id,
                    "email": read.actor.email,
                    "page": read.page,
                    "details": details,
                    "first_at": read.at,
                    "last_at": read.at,
                    "times": 0,
                },
            )
            row["times"] += 1
            row["last_at"] = max(row["last_at"], read.at)
    add_or_count = _ADD_OR_COUNT[tx.get_bind().dialect.name]
    for (chain, hour, read_hash), row in sorted(rows.items(), key=lambda item: item[0]):  # so writers never deadlock
        tx.execute(add_or_count, {"chain": chain, "hour": hour, "read_hash": read_hash, **row})


def enter_reads(tx: Session, now: datetime, limit: int) -> int:
    """Make entries of at most ``limit`` lines of reads whose hour is over; return how many."""
    query = select(NotedRead).where(NotedRead.hour < truncate_to_hour(now))
    query = query.order_by(NotedRead.chain, NotedRead.hour, NotedRead.read_hash).limit(limit)
    rows = tx.scalars(query.with_for_update(skip_locked=True)).all()
    for row in sorted(rows, key=lambda row: (row.chain, row.first_at)):
        actor = Actor(row.user_id, row.email)
        audit_log.append_to_chain(tx, row.chain, actor, SAW, _describe_row(row), row.first_at)
        tx.delete(row)
    return len(rows)


def list_noted_reads(tx: Session, chain: uuid.UUID, wanted: EntryFilter, limit: int) -> Sequence[NotedRead]:
    """List the newest reads of a chain that are no entries yet."""
    query = select(NotedRead).where(NotedRead.chain == chain)
    if wanted.who:
        query = query.where(_is_by(wanted.who, NotedRead.email, NotedRead.details))
    if wanted.kind:
        query = query.where(NotedRead.page.in_(PAGES.get(wanted.kind, ())))
    return tx.scalars(query.order_by(NotedRead.last_at.desc(), NotedRead.read_hash).limit(limit)).all()


def entry_conditions(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of the filter on entries of the audit log."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.who:
        conditions.append(_is_by(wanted.who, JournalEntry.email, JournalEntry.object))
    if wanted.kind == "changes":
        conditions.append(JournalEntry.action != SAW)
    elif wanted.kind == "other_pages":
        conditions += [JournalEntry.action == SAW, ~_names_page(FIGURES | EXPORTS | COMMENTS)]
    elif wanted.kind:
        conditions += [JournalEntry.action == SAW, _names_page(PAGES[wanted.kind])]
    return conditions


def read_details(object: str, at: datetime) -> tuple[str, ReadDetails | None]:
    """Take the object of an entry that says ``saw`` apart: page, and details if it is a read with parameters."""
    page, _space, text = object.partition(" ")
    if not text.startswith("{"):
        return object, None
    details = json.loads(text)
    times, last_at = details.pop("times", 1), details.pop("until", None)
    has_key = details.pop("key_id", None) is not None
    key_name = details.pop("key", "") if has_key else None
    return page, ReadDetails(details, key_name, times, datetime.fromisoformat(last_at) if last_at else at)


def describe_noted_read(row: NotedRead) -> tuple[str, ReadDetails | None]:
    """Do the same as ``read_details`` for a read that is no entry yet."""
    return read_details(_describe_row(row), row.first_at)


def _describe_row(row: NotedRead) -> str:
    if row.times == 1:
        return f"{row.page} {row.details}"
    until = row.last_at.isoformat(timespec="seconds")
    return f"{row.page} {_write_json(json.loads(row.details) | {'times': row.times, 'until': until})}"


def _hash_read(read: Read, details: str) -> bytes:
    return hashlib.sha256(json.dumps([str(read.actor.user_id), read.page, details]).encode()).digest()


def _name_reader(details: str) -> dict[str, str]:
    """Return the part of the details that names the key that read; nothing for a user."""
    return {name: text for name, text in json.loads(details).items() if name in ("key", "key_id")}


def _find_hashes(
    tx: Session, chain: uuid.UUID, hour: datetime, actor: Actor, reader_details: Mapping[str, str]
) -> set[bytes]:
    """Return which different reads of this reader are noted for the hour, without what counts the others together."""
    query = select(NotedRead.read_hash, NotedRead.details).where(
        NotedRead.chain == chain, NotedRead.hour == hour, NotedRead.user_id.is_not_distinct_from(actor.user_id)
    )
    rows = tx.execute(query.where(NotedRead.details.contains(reader_details.get("key_id", ""), autoescape=True)))
    return {read_hash for read_hash, details in rows if MORE not in json.loads(details)}


def _write_json(details: Mapping[str, object]) -> str:
    return json.dumps(details, ensure_ascii=False, sort_keys=True)


def _find_chains(tx: Session, centres: Collection[str]) -> list[uuid.UUID]:
    if len(centres) > MOST_CENTRES:
        return [audit_log.INSTALLATION_CHAIN]
    return list(tx.scalars(select(Centre.id).where(Centre.code.in_(centres)))) or [audit_log.INSTALLATION_CHAIN]


def _is_by(
    who: str, email: InstrumentedAttribute[str | None], details: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    key = '"key": ' + json.dumps(who, ensure_ascii=False)[:-1]
    return email.contains(who.lower(), autoescape=True) | details.contains(key, autoescape=True)


def _names_page(pages: Iterable[str]) -> ColumnElement[bool]:
    """Whether the first word of the object is one of these pages."""
    page = JournalEntry.object
    return or_(*((page == name) | page.startswith(f"{name} ", autoescape=True) for name in sorted(pages)))


def _insert_or_count(insert: Any) -> Any:
    table = table_of(NotedRead)
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=["chain", "hour", "read_hash"],
        set_={
            "times": table.c.times + statement.excluded.times,
            "last_at": case(
                (statement.excluded.last_at > table.c.last_at, statement.excluded.last_at), else_=table.c.last_at
            ),
        },
    )


_ADD_OR_COUNT = {"sqlite": _insert_or_count(sqlite.insert), "postgresql": _insert_or_count(postgresql.insert)}
