"""The journal of who saw and did what: only ever added to, each entry bound to the one before by SHA-256.

Every centre has a chain of its own, and the installation has one for what belongs to no centre. ``check`` proves
that nothing was changed, taken out of the middle or cut off; whoever notes a chain's head elsewhere can also
prove that it was not written anew as a whole.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.database import reading
from feedback_service.models import JournalEntry, JournalHead

INSTALLATION = uuid.UUID(int=0)
BEGINNING = bytes(32)
LONGEST_OBJECT = 300  # characters
_PORTION = 1000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it; nobody by name at the command line."""

    user_id: uuid.UUID | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A chain that holds together, up to this entry."""

    chain: uuid.UUID
    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain does not hold together."""

    chain: uuid.UUID
    number: int


COMMAND_LINE = Actor()


def note(
    tx: Session, chains: Iterable[uuid.UUID], actor: Actor, action: str, object: str, at: datetime
) -> None:
    """Add an entry to each of the chains; written with what it tells of, or not at all."""
    for chain in sorted(set(chains)):  # always in the same order, so that two writers never wait in a ring
        head = tx.get(JournalHead, chain, with_for_update=True)
        if head is None:
            head = JournalHead(chain=chain, number=0, digest=BEGINNING)
            tx.add(head)
        entry = JournalEntry(
            chain=chain,
            number=head.number + 1,
            at=at,
            user_id=actor.user_id,
            email=actor.email,
            action=action,
            object=object[:LONGEST_OBJECT],
        )
        entry.digest = _digest(head.digest, entry)
        tx.add(entry)
        head.number, head.digest = entry.number, entry.digest
        tx.flush()


def entries(tx: Session, chain: uuid.UUID, *, before: int | None, limit: int) -> Sequence[JournalEntry]:
    """Entries of a chain, the newest first; ``before``: only those with a smaller number."""
    query = select(JournalEntry).where(JournalEntry.chain == chain)
    if before is not None:
        query = query.where(JournalEntry.number < before)
    return tx.scalars(query.order_by(JournalEntry.number.desc()).limit(limit)).all()


@reading
def check(tx: Session) -> list[Head | Break]:
    """What each chain proves: its head, or where it is broken."""
    entries = tx.scalars(select(JournalEntry.chain).distinct()).all()
    heads = {head.chain: (head.number, head.digest) for head in tx.scalars(select(JournalHead))}
    return [_check(tx, chain, heads.get(chain)) for chain in sorted(heads.keys() | set(entries))]


def _check(tx: Session, chain: uuid.UUID, head: tuple[int, bytes] | None) -> Head | Break:
    number, digest = 0, BEGINNING
    for entry in _entries(tx, chain):
        if entry.number != number + 1 or entry.digest != _digest(digest, entry):
            return Break(chain, number + 1)
        number, digest = entry.number, entry.digest
    if head != (number, digest):
        return Break(chain, number + 1)
    return Head(chain, number, digest)


def _entries(tx: Session, chain: uuid.UUID) -> Iterator[JournalEntry]:
    of_chain = select(JournalEntry).where(JournalEntry.chain == chain).order_by(JournalEntry.number)
    last = -1
    while portion := tx.scalars(of_chain.where(JournalEntry.number > last).limit(_PORTION)).all():
        yield from portion
        last = portion[-1].number
        tx.expunge_all()


def _digest(before: bytes, entry: JournalEntry) -> bytes:
    told = [
        str(entry.chain),
        entry.number,
        entry.at.isoformat(timespec="microseconds"),
        str(entry.user_id) if entry.user_id else None,
        entry.email,
        entry.action,
        entry.object,
    ]
    return hashlib.sha256(before + json.dumps(told, ensure_ascii=False).encode()).digest()
