"""Reads of figures and comments: equal ones of an hour become one entry of the audit log, whose chain stays whole."""

import threading
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.access import audit_log, noted_reads
from feedback_service.access.api_keys import ApiCaller
from feedback_service.access.audit_log import INSTALLATION_CHAIN, ChainHead
from feedback_service.access.noted_reads import MOST_CENTRES, EntryFilter, Read
from feedback_service.access.sessions import CurrentUser
from feedback_service.database import reading, transaction
from feedback_service.models import Centre, JournalEntry, NotedRead
from tests.support import stored, story

pytestmark = pytest.mark.usefixtures("context")

AT = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
NEXT_HOUR = AT + timedelta(hours=1)
NOVEMBER = {"from": "2026-11-01", "to": "2026-11-30"}
HEAD = CurrentUser(
    session_id=uuid.UUID(int=1),
    user_id=uuid.UUID(int=2),
    email="olena@rada.example",
    role="head",
    scopes=(story.CENTRE,),
    stage="full",
    began_at=AT,
    seen_at=AT,
    noted_pages=frozenset(),
)
PORTAL = ApiCaller(uuid.UUID(int=3), frozenset({"summaries:read"}), frozenset({story.CENTRE}), name="Портал громади")

note_reads, enter_reads = transaction(noted_reads.note_reads), transaction(noted_reads.enter_reads)
check_chains = reading(audit_log.check_chains)


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    """A centre whose figures are read."""
    story.create_centre()


def make_read(
    reader: CurrentUser | ApiCaller = HEAD, page: str = "home", at: datetime = AT, **parameters: object
) -> Read:
    """Describe a read of the centre's figures of November."""
    return noted_reads.describe_read(reader, page, {story.CENTRE}, {"period": NOVEMBER, **parameters}, at)


def read_entries() -> list[tuple[str | None, str]]:
    """Return the entries of the audit log, oldest first: e-mail and object."""
    entries = sorted(stored.read_rows(JournalEntry), key=lambda entry: entry.number)
    return [(entry.email, entry.object) for entry in entries]


@reading
def find_entries(tx: Session, wanted: EntryFilter) -> list[str]:
    """Return the objects of the centre's entries that the filter finds."""
    chain = tx.scalars(select(Centre.id)).one()
    conditions = noted_reads.entry_conditions(wanted)
    return [entry.object for entry in audit_log.list_entries(tx, chain, *conditions, before=None, limit=50)]


@reading
def find_noted_reads(tx: Session, wanted: EntryFilter) -> list[str]:
    """Return the pages of the centre's reads of this hour that the filter finds."""
    chain = tx.scalars(select(Centre.id)).one()
    return [row.page for row in noted_reads.list_noted_reads(tx, chain, wanted, 50)]


def test_equal_reads_of_an_hour_become_one_entry_that_counts_them() -> None:
    later = AT + timedelta(minutes=20)
    note_reads([make_read(), make_read()])
    note_reads([make_read(at=later)])

    enter_reads(NEXT_HOUR, 10)

    [(email, object)] = read_entries()
    page, details = noted_reads.read_details(object, AT)
    assert (email, page) == (HEAD.email, "home")
    assert details is not None
    assert (details.times, details.last_at) == (3, later)
    assert details.parameters == {"period": NOVEMBER, "centres": [story.CENTRE]}


def test_a_read_of_a_past_hour_is_counted_by_itself() -> None:
    note_reads([make_read(), make_read(at=NEXT_HOUR)])

    assert enter_reads(NEXT_HOUR, 10) == 1
    assert len(read_entries()) == len(stored.read_rows(NotedRead)) == 1


@pytest.mark.parametrize(
    "other",
    [
        make_read(page="breakdown"),
        make_read(by="service"),
        make_read(source="qr_case"),
        make_read(asked={"from": "2026-11-01", "to": "2026-11-29"}),
        make_read(PORTAL),
    ],
    ids=["page", "by", "source", "asked", "reader"],
)
def test_reads_that_differ_are_entries_of_their_own(other: Read) -> None:
    note_reads([make_read(), other])

    assert enter_reads(NEXT_HOUR, 10) == 2


def test_a_period_that_was_counted_as_asked_is_told_once() -> None:
    assert make_read(asked=NOVEMBER).details == make_read().details


@pytest.mark.parametrize("reader", [PORTAL, HEAD], ids=["key", "user"])
def test_a_reader_who_asks_for_ever_other_parameters_does_not_bury_the_others(
    reader: CurrentUser | ApiCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noted_reads, "MOST_DIFFERENT_READS", 3)
    other_reader = ApiCaller(uuid.UUID(int=4), PORTAL.scopes, PORTAL.centres, name=PORTAL.name)
    for number in range(3):
        note_reads([make_read(reader, workplace=f"window-{2 * number + each}") for each in range(2)])
    note_reads([make_read(reader, workplace="window-0"), make_read(other_reader), make_read(reader, at=NEXT_HOUR)])

    enter_reads(NEXT_HOUR + timedelta(hours=1), 100)

    read = [details for _email, object in read_entries() if (details := noted_reads.read_details(object, AT)[1])]
    named = {each.parameters["workplace"]: each.times for each in read if "workplace" in each.parameters}
    assert named == {"window-0": 2, "window-1": 1, "window-2": 1}
    [more] = [details for details in read if "more" in details.parameters]
    assert more.times == 3
    assert len(read) == 6, "another key, and the next hour, have their own"


def test_the_chain_is_whole_with_reads_in_it() -> None:
    note_reads([make_read(), make_read(), make_read(PORTAL, by="month"), make_read(by="service")])
    enter_reads(NEXT_HOUR, 2)
    enter_reads(NEXT_HOUR, 2)

    [head] = check_chains()
    assert isinstance(head, ChainHead)
    assert head.number == 3


def test_a_long_read_is_not_cut() -> None:
    note_reads([make_read(workplace="в" * 64, reasons=[f"reason-{number}" for number in range(40)])])
    enter_reads(NEXT_HOUR, 10)

    [(_email, object)] = read_entries()
    _page, details = noted_reads.read_details(object, AT)
    assert details is not None
    assert len(details.parameters["reasons"]) == 40


def test_a_read_by_a_key_names_the_key() -> None:
    note_reads([make_read(PORTAL, page="summaries")])
    enter_reads(NEXT_HOUR, 10)

    [(email, object)] = read_entries()
    _page, details = noted_reads.read_details(object, AT)
    assert email is None
    assert details is not None
    assert details.key_name == "Портал громади"


def test_a_read_of_very_many_centres_is_one_entry_of_the_installation() -> None:
    codes = {f"SN12{number:06}" for number in range(MOST_CENTRES + 1)}
    note_reads([noted_reads.describe_read(HEAD, "home", codes, {"period": NOVEMBER}, AT)])
    enter_reads(NEXT_HOUR, 10)

    [entry] = stored.read_rows(JournalEntry)
    _page, details = noted_reads.read_details(entry.object, AT)
    assert entry.chain == INSTALLATION_CHAIN
    assert details is not None
    assert details.parameters["centres"] == MOST_CENTRES + 1


@pytest.mark.parametrize(
    ("wanted", "pages"),
    [
        (EntryFilter(), "comments export home summaries"),
        (EntryFilter(who="OLENA@"), "comments export home"),
        (EntryFilter(who="Портал"), "summaries"),
        (EntryFilter(who="%"), ""),
        (EntryFilter(kind="figures"), "home summaries"),
        (EntryFilter(kind="exports"), "export"),
        (EntryFilter(kind="comments"), "comments"),
        (EntryFilter(who="olena", kind="figures"), "home"),
        (EntryFilter(kind="other_pages"), ""),
        (EntryFilter(kind="changes"), ""),
    ],
)
def test_who_and_what_filter_reads_before_and_after_they_are_entries(wanted: EntryFilter, pages: str) -> None:
    note_reads([*(make_read(page=page) for page in ("home", "export", "comments")), make_read(PORTAL, "summaries")])
    assert sorted(find_noted_reads(wanted)) == pages.split()

    enter_reads(NEXT_HOUR, 10)

    assert sorted(object.split()[0] for object in find_entries(wanted)) == pages.split()


def test_other_pages_and_changes_are_told_apart() -> None:
    [centre] = stored.read_rows(Centre)
    append_entry = transaction(audit_log.append_entry)
    append_entry([centre.id], HEAD.actor, "saw", f"comments {story.CENTRE}", AT)
    append_entry([centre.id], HEAD.actor, "saw", "keys", AT)
    append_entry([centre.id], HEAD.actor, "key_made", "Портал", AT)

    assert find_entries(EntryFilter(kind="comments")) == [f"comments {story.CENTRE}"]
    assert find_entries(EntryFilter(kind="other_pages")) == ["keys"]
    assert find_entries(EntryFilter(kind="changes")) == ["Портал"]


def test_no_read_is_lost_or_counted_twice_when_several_note_and_enter_at_once(app: Flask) -> None:
    pages = [f"page-{number}" for number in range(6)]

    def note(order: int) -> None:
        with app.app_context():
            for _ in range(5):
                note_reads([make_read(page=page) for page in pages[::order]])

    def enter() -> None:
        with app.app_context():
            for _ in range(8):
                enter_reads(NEXT_HOUR, 4)

    threads = [threading.Thread(target=note, args=(order,)) for order in (1, -1, 1)]
    threads += [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while enter_reads(NEXT_HOUR, 10):
        pass

    counted: Counter[str] = Counter()
    for _email, object in read_entries():
        page, details = noted_reads.read_details(object, AT)
        assert details is not None
        counted[page] += details.times
    assert counted == {page: 15 for page in pages}
    [head] = check_chains()
    assert isinstance(head, ChainHead)
