"""Staff read the comments of a centre and set aside those that are not meant seriously."""

import uuid
from itertools import islice

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, visibility
from feedback_service.access.sessions import CurrentUser
from feedback_service.config import current_settings
from feedback_service.database import reading, transaction
from feedback_service.errors import NotFound
from feedback_service.surveys import comments
from feedback_service.surveys.comments import CommentFilter, CommentPage, CommentView

PAGE_SIZE = 25  # comments
MAX_EXPORTED = 10_000  # comments in a file; a shorter period shows the others


@reading
def read_comments(
    tx: Session,
    current_user: CurrentUser,
    centre: str,
    comment_filter: CommentFilter,
    after_id: uuid.UUID | None = None,
) -> CommentPage:
    """Return a page of the centre's comments; raise ``NotFound`` for a centre of others."""
    centre_id = visibility.find_visibility(tx, current_user).get_centre(centre).id
    min_group = current_settings().min_group
    return comments.find_comments(tx, centre_id, comment_filter, min_group=min_group, limit=PAGE_SIZE, after=after_id)


@reading
def read_all_comments(
    tx: Session, current_user: CurrentUser, centre: str, comment_filter: CommentFilter
) -> list[CommentView]:
    """Return the newest ``MAX_EXPORTED`` comments that match, as the page shows them.

    Raises ``NotFound`` for a centre of others.
    """
    centre_id = visibility.find_visibility(tx, current_user).get_centre(centre).id
    min_group = current_settings().min_group
    return list(islice(comments.iterate_comments(tx, centre_id, comment_filter, min_group=min_group), MAX_EXPORTED))


@transaction
def set_comment_aside(
    tx: Session, current_user: CurrentUser, centre: str, comment_id: uuid.UUID, *, aside: bool
) -> None:
    """Set a comment aside or take it back, and write that into the audit log.

    The comment is not deleted, and its response counts as before. Raises ``NotFound``.
    """
    centre_id = visibility.find_visibility(tx, current_user).get_centre(centre).id
    changed = comments.set_comment_aside(tx, centre_id, comment_id, is_aside=aside)
    if changed is None:
        raise NotFound()
    if changed:
        action = "comment_set_aside" if aside else "comment_taken_back"
        audit_log.append_entry(tx, [centre_id], current_user.actor, action, str(comment_id), clock.now())
