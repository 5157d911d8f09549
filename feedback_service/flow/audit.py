"""Which centres a user may see, and the audit log of what users saw and did."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, users, visibility
from feedback_service.access.roles import INSTALLATION
from feedback_service.access.sessions import CurrentUser
from feedback_service.database import reading, transaction
from feedback_service.errors import NotFound
from feedback_service.models import UserSession

PAGE_SIZE = 50  # entries of the audit log


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit log as pages show it; without ``email`` it was done at the command line."""

    number: int
    at: datetime
    email: str | None
    action: str
    object: str
    digest: str


find_visibility = reading(visibility.find_visibility)


@transaction
def record_page_view(tx: Session, current_user: CurrentUser, page: str, centres: Collection[uuid.UUID]) -> None:
    """Write into the audit log that the user saw the page: once in a session."""
    user_session = tx.get(UserSession, current_user.session_id, with_for_update=True)
    if user_session is None or page in user_session.noted:
        return
    user_session.noted = [*user_session.noted, page]
    chains = centres or users.find_audit_chains(tx, current_user.role, current_user.scopes)
    audit_log.append_entry(tx, chains, current_user.actor, "saw", page, clock.now())


@reading
def read_audit_log(
    tx: Session, current_user: CurrentUser, centre: str | None, before_number: int | None
) -> list[AuditEntry]:
    """Return a page of the audit log of a centre (by its code), the newest entry first.

    Without ``centre`` it is the log of the installation, which only operators see. Raises ``NotFound`` for a log
    that the user may not see.
    """
    if centre is not None:
        chain = visibility.find_visibility(tx, current_user).get_centre(centre).id
    elif current_user.has_right(INSTALLATION):
        chain = audit_log.INSTALLATION_CHAIN
    else:
        raise NotFound()
    entries = audit_log.list_entries(tx, chain, before=before_number, limit=PAGE_SIZE)
    return [
        AuditEntry(entry.number, entry.at, entry.email, entry.action, entry.object, entry.digest.hex())
        for entry in entries
    ]


check_audit_log = reading(audit_log.check_chains)
