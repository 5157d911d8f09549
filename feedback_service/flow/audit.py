"""Which centres a user may see, and the audit log of what users saw and did."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, noted_reads, users, visibility
from feedback_service.access.api_keys import ApiCaller
from feedback_service.access.noted_reads import SAW, EntryFilter, Read, ReadDetails
from feedback_service.access.roles import INSTALLATION
from feedback_service.access.sessions import CurrentUser
from feedback_service.database import DeferredWriter, reading, transaction
from feedback_service.errors import NotFound
from feedback_service.flow.duties import Stop, never_stop, repeat_until_partial
from feedback_service.models import JournalEntry, NotedRead, UserSession

PAGE_SIZE = 50  # entries of the audit log
READS_AT_ONCE = 100  # that one transaction enters
ALL_ENTRIES = EntryFilter()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit log as pages show it; without ``email`` a key read, or it was done at the command line.

    Without ``number`` these are reads of an hour that is not over: they are no entry yet.
    """

    number: int | None
    at: datetime
    email: str | None
    action: str
    object: str
    digest: str
    read: ReadDetails | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the audit log, the newest entry first; ``recent_reads`` stand on the newest page alone."""

    recent_reads: Sequence[AuditEntry]
    entries: Sequence[AuditEntry]


find_visibility = reading(visibility.find_visibility)


@transaction
def record_page_view(tx: Session, current_user: CurrentUser, page: str, centres: Collection[uuid.UUID]) -> None:
    """Write into the audit log that the user saw the page: once in a session."""
    user_session = tx.get(UserSession, current_user.session_id, with_for_update=True)
    if user_session is None or page in user_session.noted:
        return
    user_session.noted = [*user_session.noted, page]
    chains = centres or users.find_audit_chains(tx, current_user.role, current_user.scopes)
    audit_log.append_entry(tx, chains, current_user.actor, SAW, page, clock.now())


def note_read(
    reader: CurrentUser | ApiCaller, page: str, centres: Collection[str], parameters: Mapping[str, object]
) -> None:
    """Write into the audit log that somebody read figures or comments of these centres, by which parameters.

    Equal reads of one hour become one entry. The caller does not wait for the write. Raises ``Unavailable`` when
    very many reads wait for the database: then nobody reads on unseen.
    """
    recent_reads.add(noted_reads.describe_read(reader, page, centres, parameters, clock.now()))


@transaction
def _note_reads(tx: Session, reads: Sequence[Read]) -> None:
    noted_reads.note_reads(tx, reads)


recent_reads = DeferredWriter(_note_reads, retries=True)
_enter_reads = transaction(noted_reads.enter_reads)


def enter_reads(stop: Stop = never_stop) -> int:
    """Make entries of the reads of past hours; return how many. A duty of the worker."""
    return repeat_until_partial(READS_AT_ONCE, stop, _enter_reads, clock.now(), READS_AT_ONCE)


def read_audit_log(
    current_user: CurrentUser, centre: str | None, before_number: int | None, wanted: EntryFilter = ALL_ENTRIES
) -> AuditPage:
    """Return a page of the audit log of a centre (by its code) with the entries that are wanted.

    Without ``centre`` it is the log of the installation, which only operators see. Raises ``NotFound`` for a log
    that the user may not see.
    """
    recent_reads.write_now()
    return _read_audit_log(current_user, centre, before_number, wanted)


@reading
def _read_audit_log(
    tx: Session, current_user: CurrentUser, centre: str | None, before_number: int | None, wanted: EntryFilter
) -> AuditPage:
    if centre is not None:
        chain = visibility.find_visibility(tx, current_user).get_centre(centre).id
    elif current_user.has_right(INSTALLATION):
        chain = audit_log.INSTALLATION_CHAIN
    else:
        raise NotFound()
    conditions = noted_reads.entry_conditions(wanted)
    entries = audit_log.list_entries(tx, chain, *conditions, before=before_number, limit=PAGE_SIZE)
    recent = [] if before_number is not None else noted_reads.list_noted_reads(tx, chain, wanted, PAGE_SIZE)
    return AuditPage([_make_recent_read(row) for row in recent], [_make_entry(entry) for entry in entries])


def _make_entry(entry: JournalEntry) -> AuditEntry:
    object, read = noted_reads.read_details(entry.object, entry.at) if entry.action == SAW else (entry.object, None)
    return AuditEntry(entry.number, entry.at, entry.email, entry.action, object, entry.digest.hex(), read)


def _make_recent_read(row: NotedRead) -> AuditEntry:
    page, read = noted_reads.describe_noted_read(row)
    return AuditEntry(None, row.first_at, row.email, SAW, page, "", read)


check_audit_log = reading(audit_log.check_chains)
