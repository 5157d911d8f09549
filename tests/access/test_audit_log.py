"""The journal: only ever added to, and it shows when somebody did otherwise."""

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import Executable, delete, update
from sqlalchemy.orm import Session

from feedback_service.access import audit_log
from feedback_service.access.audit_log import COMMAND_LINE, INSTALLATION_CHAIN, Actor, ChainBreak, ChainHead
from feedback_service.database import transaction
from feedback_service.models import JournalEntry, JournalHead
from tests.support import stored

pytestmark = pytest.mark.usefixtures("context")

AT = datetime(2026, 11, 20, 10, 15, 0, 123456, tzinfo=UTC)
CENTRE = uuid.UUID(int=7)
WHO = Actor(uuid.UUID(int=1), "olena@rada.example")

note = transaction(audit_log.append_entry)


@transaction
def tampered(tx: Session, statement: Executable) -> None:
    """Somebody with access to the database does this."""
    tx.execute(statement)


@pytest.fixture
def entries() -> None:
    """Five entries of a centre, one of the installation."""
    for number in range(5):
        note([CENTRE], WHO, "saw", f"page {number}", AT)
    note([INSTALLATION_CHAIN], COMMAND_LINE, "user_added", "olena@rada.example head", AT)


def test_a_chain_that_nobody_touched_holds_together_to_its_head(entries: None) -> None:
    heads = {head.chain: head for head in stored.read_rows(JournalHead)}

    assert audit_log.check_chains() == [
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
def test_an_entry_that_was_changed_breaks_its_chain_there(entries: None, change: dict[str, object]) -> None:
    third = (JournalEntry.chain == CENTRE) & (JournalEntry.number == 3)
    tampered(update(JournalEntry).where(third).values(**change))

    assert ChainBreak(CENTRE, 3) in audit_log.check_chains()
    assert any(
        isinstance(proved, ChainHead) and proved.chain == INSTALLATION_CHAIN
        for proved in audit_log.check_chains()
    )


@pytest.mark.parametrize(("number", "broken"), [(1, 1), (3, 3), (5, 5)])
def test_an_entry_taken_out_or_cut_off_is_missed(entries: None, number: int, broken: int) -> None:
    tampered(delete(JournalEntry).where(JournalEntry.chain == CENTRE, JournalEntry.number == number))

    assert ChainBreak(CENTRE, broken) in audit_log.check_chains()


def test_a_chain_that_was_deleted_as_a_whole_is_missed(entries: None) -> None:
    tampered(delete(JournalEntry).where(JournalEntry.chain == CENTRE))
    assert ChainBreak(CENTRE, 1) in audit_log.check_chains()


def test_entries_exchanged_between_chains_are_noticed(entries: None) -> None:
    note([uuid.UUID(int=8)], WHO, "saw", "page 0", AT)
    tampered(delete(JournalEntry).where(JournalEntry.chain == CENTRE, JournalEntry.number == 1))
    tampered(update(JournalEntry).where(JournalEntry.chain == uuid.UUID(int=8)).values(chain=CENTRE))

    assert ChainBreak(CENTRE, 1) in audit_log.check_chains()


def test_an_entry_in_several_chains_is_numbered_in_each(entries: None) -> None:
    note([CENTRE, INSTALLATION_CHAIN, CENTRE], WHO, "user_changed", "x" * 400, AT)

    assert [head.number for head in audit_log.check_chains() if isinstance(head, ChainHead)] == [2, 6]
    assert max(len(entry.object) for entry in stored.read_rows(JournalEntry)) == audit_log.LONGEST_OBJECT
