"""The head of a centre reads its comments, and sets aside what is not meant seriously."""

import uuid

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import journal, sight
from feedback_service.access.sessions import Visitor
from feedback_service.config import settings
from feedback_service.database import reading, transaction
from feedback_service.errors import NotFound
from feedback_service.surveys import comments
from feedback_service.surveys.comments import Found, Told, Wanted

PAGE = 25  # comments


@reading
def read_comments(
    tx: Session, by: Visitor, centre: str, wanted: Wanted, after: uuid.UUID | None = None
) -> Found:
    """A page of the centre's comments; ``NotFound`` for a foreign centre."""
    card = sight.of(tx, by.role, by.scopes).centre(centre)
    return comments.find(tx, card.id, wanted, least=settings().min_group, limit=PAGE, after=after)


@reading
def every_comment(tx: Session, by: Visitor, centre: str, wanted: Wanted) -> list[Told]:
    """All comments wanted, told as on the page; ``NotFound`` for a foreign centre."""
    card = sight.of(tx, by.role, by.scopes).centre(centre)
    return list(comments.every(tx, card.id, wanted, least=settings().min_group))


@transaction
def set_aside(tx: Session, by: Visitor, centre: str, comment: uuid.UUID, *, aside: bool) -> None:
    """The comment is set aside, not deleted, or back among the others; the journal knows who did it.

    The answer beside it counts as before. Raises ``NotFound``.
    """
    card = sight.of(tx, by.role, by.scopes).centre(centre)
    new = comments.set_aside(tx, card.id, comment, aside=aside)
    if new is None:
        raise NotFound()
    if new:
        action = "comment_set_aside" if aside else "comment_taken_back"
        journal.note(tx, [card.id], by.actor, action, str(comment), clock.now())
