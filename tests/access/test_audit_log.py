"""The audit log: entries are only added, and any other change is detected."""

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import Executable, delete, update
from sqlalchemy.orm import Session

from feedback_service.access import audit_log
from feedback_service.access.audit_log import COMMAND_LINE, INSTALLATION_CHAIN, Actor, ChainBreak, ChainHead
from feedback_service.database import reading, transaction
from feedback_service.models import JournalEntry, JournalHead
from tests.support import stored

pytestmark = pytest.mark.usefixtures("context")

AT = datetime(2026, 11, 20, 10, 15, 0, 123456, tzinfo=UTC)
CENTRE = uuid.UUID(int=7)
ACTOR = Actor(uuid.UUID(int=1), "olena@rada.example")

append_entry = transaction(audit_log.append_entry)
check_chains = reading(audit_log.check_chains)


@transaction
def tamper(tx: Session, statement: Executable) -> None:
    """Execute what somebody with access to the database might do."""
    tx.execute(statement)


@pytest.fixture
def entries() -> None:
    """Add five entries of a centre, one of the installation."""
    for number in range(5):
        append_entry([CENTRE], ACTOR, "saw", f"page {number}", AT)
    append_entry([INSTALLATION_CHAIN], COMMAND_LINE, "user_added", "olena@rada.example head", AT)


def test_an_unchanged_chain_is_whole_up_to_its_head(entries: None) -> None:
    heads = {head.chain: head for head in stored.read_rows(JournalHead)}

    assert check_chains() == [
        ChainHead(INSTALLATION_CHAIN, 1, heads[INSTALLATION_CHAIN].digest),
        ChainHead(CENTRE, 5, heads[CENTRE].digest),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"object": "page 22"},
        {"email": "taras@rada.example"},
        {"email": None},
        {"user_id": uuid.UUID(int=2)},
        {"action": "signed_in"},
        {"at": AT.replace(microsecond=0)},
        {"digest": bytes(32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_entry_breaks_its_chain_there(entries: None, change: dict[str, object]) -> None:
    third = (JournalEntry.chain == CENTRE) & (JournalEntry.number == 3)
    tamper(update(JournalEntry).where(third).values(**change))

    assert ChainBreak(CENTRE, 3) in check_chains()
    assert any(isinstance(result, ChainHead) and result.chain == INSTALLATION_CHAIN for result in check_chains())


@pytest.mark.parametrize(("number", "broken"), [(1, 1), (3, 3), (5, 5)])
def test_a_deleted_entry_breaks_its_chain_there(entries: None, number: int, broken: int) -> None:
    tamper(delete(JournalEntry).where(JournalEntry.chain == CENTRE, JournalEntry.number == number))

    assert ChainBreak(CENTRE, broken) in check_chains()


def test_a_deleted_chain_is_reported_as_broken(entries: None) -> None:
    tamper(delete(JournalEntry).where(JournalEntry.chain == CENTRE))
    assert ChainBreak(CENTRE, 1) in check_chains()


def test_an_entry_moved_to_another_chain_breaks_it(entries: None) -> None:
    append_entry([uuid.UUID(int=8)], ACTOR, "saw", "page 0", AT)
    tamper(delete(JournalEntry).where(JournalEntry.chain == CENTRE, JournalEntry.number == 1))
    tamper(update(JournalEntry).where(JournalEntry.chain == uuid.UUID(int=8)).values(chain=CENTRE))

    assert ChainBreak(CENTRE, 1) in check_chains()


def test_an_entry_in_several_chains_is_numbered_in_each(entries: None) -> None:
    append_entry([CENTRE, INSTALLATION_CHAIN, CENTRE], ACTOR, "user_changed", "x" * 400, AT)

    assert [head.number for head in check_chains() if isinstance(head, ChainHead)] == [2, 6]
    assert max(len(entry.object) for entry in stored.read_rows(JournalEntry)) == audit_log.LONGEST_OBJECT
