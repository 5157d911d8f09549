"""Draft answers: what people have chosen so far by an invitation."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from feedback_service.cases.invitations import DRAFTS, IS_DRAFT, DraftFacts, InvitationContext, mark_started
from feedback_service.database import execute_write, write_guarded

_INSERT_DRAFT = insert(DRAFTS)
_TOUCH_DRAFT = update(DRAFTS).where(*IS_DRAFT)
# A story decided by the draft that it read, so the draft must still be the same: see ``optimistic_transaction``. That
# is enough: who answers deletes the draft, and a cancellation takes back no draft.
_IS_UNTOUCHED = DRAFTS.c.touched_at == bindparam("was_touched_at")
_UPDATE_DRAFT = _TOUCH_DRAFT.where(_IS_UNTOUCHED)  # the parameters name the columns to set
_DELETE_DRAFT = delete(DRAFTS).where(*IS_DRAFT, _IS_UNTOUCHED)


def save_draft(connection: Connection, context: InvitationContext, draft: DraftFacts) -> None:
    """Insert or update the draft answer. Raises ``LostRace``, or ``IntegrityError`` for a second
    first tap, if somebody else answered or saved a draft meanwhile; both repeat the story.
    """
    values = draft._asdict()
    if context.draft is None:
        ids = {"centre_id": context.invitation.centre_id, "invitation_id": context.invitation.id}
        execute_write(connection, _INSERT_DRAFT, ids | values)
        mark_started(connection, context)
    else:
        guard = {"was_touched_at": context.draft.touched_at}
        write_guarded(connection, _UPDATE_DRAFT, context.statement_key | values | guard)


def delete_draft(connection: Connection, context: InvitationContext, draft: DraftFacts) -> None:
    """Delete the draft, because it is final now. Raises ``LostRace`` if it was changed meanwhile."""
    write_guarded(connection, _DELETE_DRAFT, context.statement_key | {"was_touched_at": draft.touched_at})


def find_abandoned_drafts(tx: Session, before: datetime, limit: int) -> Sequence[tuple[uuid.UUID, uuid.UUID]]:
    """Return centre and invitation of drafts that nobody has changed since ``before``, the oldest first.

    The drafts are locked. Drafts that another worker has locked are left out.
    """
    query = select(DRAFTS.c.centre_id, DRAFTS.c.invitation_id).where(DRAFTS.c.touched_at <= before)
    locked_query = query.order_by(DRAFTS.c.touched_at).limit(limit).with_for_update(skip_locked=True)
    return [(centre_id, invitation_id) for centre_id, invitation_id in tx.execute(locked_query)]


def postpone_draft(tx: Session, centre_id: uuid.UUID, invitation_id: uuid.UUID, now: datetime) -> None:
    """Have an abandoned draft tried again later, as if somebody had changed it now."""
    tx.execute(_TOUCH_DRAFT.values(touched_at=now), {"of_centre": centre_id, "of_id": invitation_id})
