"""The audit log: who saw and did what.

Entries are only added; the digest of each covers the digest of the one before (SHA-256). Every centre has its own
chain, and the installation has one for what belongs to no centre. ``check_chains`` detects entries that were changed
or deleted. Whoever writes down the head of a chain elsewhere can also detect that the whole chain was replaced.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from feedback_service.models import JournalEntry, JournalHead

INSTALLATION_CHAIN = uuid.UUID(int=0)
FIRST_DIGEST = bytes(32)
LONGEST_OBJECT = 300  # characters
_BATCH_SIZE = 1000  # entries in memory at once


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who did something; without id and e-mail: somebody at the command line."""

    user_id: uuid.UUID | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class ChainHead:
    """A chain that is whole; its last entry has this number and digest."""

    chain: uuid.UUID
    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """A chain that is broken; ``number`` is that of the first entry that is wrong or missing."""

    chain: uuid.UUID
    number: int


COMMAND_LINE = Actor()


def append_entry(
    tx: Session, chains: Iterable[uuid.UUID], actor: Actor, action: str, object: str, at: datetime
) -> None:
    """Add an entry to each of the chains, in the transaction of the action that it records."""
    for chain in sorted(set(chains)):  # always in the same order, so that two writers never deadlock
        append_to_chain(tx, chain, actor, action, object[:LONGEST_OBJECT], at)


def append_to_chain(tx: Session, chain: uuid.UUID, actor: Actor, action: str, object: str, at: datetime) -> None:
    """Add one entry. Whoever adds to several chains in one transaction does it in the order of their ids."""
    head = tx.get(JournalHead, chain, with_for_update=True)
    if head is None:
        head = JournalHead(chain=chain, number=0, digest=FIRST_DIGEST)
        tx.add(head)
    entry = JournalEntry(
        chain=chain,
        number=head.number + 1,
        at=at,
        user_id=actor.user_id,
        email=actor.email,
        action=action,
        object=object,
    )
    entry.digest = _digest_entry(head.digest, entry)
    tx.add(entry)
    head.number, head.digest = entry.number, entry.digest
    tx.flush()


def list_entries(
    tx: Session, chain: uuid.UUID, *conditions: ColumnElement[bool], before: int | None, limit: int
) -> Sequence[JournalEntry]:
    """List entries of a chain that fulfil the conditions, the newest first; ``before`` is a number."""
    query = select(JournalEntry).where(JournalEntry.chain == chain, *conditions)
    if before is not None:
        query = query.where(JournalEntry.number < before)
    return tx.scalars(query.order_by(JournalEntry.number.desc()).limit(limit)).all()


def check_chains(tx: Session) -> list[ChainHead | ChainBreak]:
    """Check every chain: return its head, or where it is broken."""
    chains = tx.scalars(select(JournalEntry.chain).distinct()).all()
    heads = {head.chain: (head.number, head.digest) for head in tx.scalars(select(JournalHead))}
    return [_check_chain(tx, chain, heads.get(chain)) for chain in sorted(heads.keys() | set(chains))]


def _check_chain(tx: Session, chain: uuid.UUID, head: tuple[int, bytes] | None) -> ChainHead | ChainBreak:
    number, digest = 0, FIRST_DIGEST
    query = select(JournalEntry).where(JournalEntry.chain == chain).order_by(JournalEntry.number)
    with tx.scalars(query, execution_options={"yield_per": _BATCH_SIZE}) as entries:
        for entry in entries:
            if entry.number != number + 1 or entry.digest != _digest_entry(digest, entry):
                return ChainBreak(chain, number + 1)
            number, digest = entry.number, entry.digest
    if head != (number, digest):
        return ChainBreak(chain, number + 1)
    return ChainHead(chain, number, digest)


def _digest_entry(previous_digest: bytes, entry: JournalEntry) -> bytes:
    fields = [
        str(entry.chain),
        entry.number,
        entry.at.isoformat(timespec="microseconds"),
        str(entry.user_id) if entry.user_id else None,
        entry.email,
        entry.action,
        entry.object,
    ]
    return hashlib.sha256(previous_digest + json.dumps(fields, ensure_ascii=False).encode()).digest()
