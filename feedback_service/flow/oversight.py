"""Which centres somebody may see, who saw what, and the journal in which that is written."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import journal, sight, users
from feedback_service.access.roles import INSTALLATION
from feedback_service.access.sessions import Visitor
from feedback_service.access.sight import Sight
from feedback_service.database import reading, transaction
from feedback_service.errors import NotFound
from feedback_service.models import SignIn

PAGE = 50  # entries of the journal


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry of the journal as pages show it; nobody's e-mail: it was done at the command line."""

    number: int
    at: datetime
    email: str | None
    action: str
    object: str
    digest: str


@reading
def sight_of(tx: Session, visitor: Visitor) -> Sight:
    """Which centres the visitor may see, and which rows within them."""
    return sight.of(tx, visitor.role, visitor.scopes)


@transaction
def note_sight(tx: Session, visitor: Visitor, page: str, centres: Collection[uuid.UUID]) -> None:
    """The journal knows that this session saw the page; told once."""
    held = tx.get(SignIn, visitor.session_id, with_for_update=True)
    if held is None or page in held.noted:
        return
    held.noted = [*held.noted, page]
    chains = centres or users.chains(tx, visitor.role, visitor.scopes)
    journal.note(tx, chains, visitor.actor, "saw", page, clock.now())


@reading
def read_journal(tx: Session, visitor: Visitor, centre: str | None, before: int | None) -> list[Noted]:
    """Who saw and did what in one of the visitor's centres, the newest first, at most a page of it.

    ``centre`` is its code; none: what belongs to no centre, for operators. ``NotFound`` for anything else.
    """
    if centre is not None:
        chain = sight.of(tx, visitor.role, visitor.scopes).centre(centre).id
    elif visitor.may(INSTALLATION):
        chain = journal.INSTALLATION
    else:
        raise NotFound()
    found = journal.entries(tx, chain, before=before, limit=PAGE)
    return [
        Noted(each.number, each.at, each.email, each.action, each.object, each.digest.hex()) for each in found
    ]
