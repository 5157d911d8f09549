"""The head of a centre explains in writing why figures of different channels differ; every version is kept.

The Order of Resolution 864 obliges a centre to find the reasons, and its report will quote them.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, visibility
from feedback_service.access.sessions import CurrentUser
from feedback_service.database import transaction
from feedback_service.errors import N_, ChangedMeanwhile, Invalid
from feedback_service.models import Explanation
from feedback_service.plain_text import read_text, refuse_unusable

CHANNELS_TOPIC = "sources"  # as it is stored; what is compared are channels
MAX_LENGTH = 2000  # characters
MAX_LISTED_VERSIONS = 50


@dataclass(frozen=True, slots=True)
class ExplanationVersion:
    """A version of an explanation: its text, its author and when it was written."""

    version: int
    text: str
    author: str
    written_at: datetime


@transaction
def add_explanation(
    tx: Session,
    current_user: CurrentUser,
    centre: str,
    first: date,
    last: date,
    *,
    explanation: str,
    after_version: int,
) -> None:
    """Store a new version; ``after_version`` is the newest one that its author saw, 0 for none.

    Raises ``NotFound`` for a centre of others, ``Invalid`` for the text, ``ChangedMeanwhile`` if somebody else wrote a
    version since.
    """
    centre_id = visibility.find_visibility(tx, current_user).get_centre(centre).id
    versions = list_explanations(tx, current_user, centre, first, last)
    if (versions[0].version if versions else 0) != after_version:
        raise ChangedMeanwhile()
    with refuse_unusable("/text"):
        text = read_text(explanation, MAX_LENGTH)
    if not text:
        raise Invalid.for_field("/text", N_("Write what you found out, in a sentence or two."))
    now = clock.now()
    version = after_version + 1
    tx.add(
        Explanation(
            centre_id=centre_id,
            topic=CHANNELS_TOPIC,
            first=first,
            last=last,
            version=version,
            text=text,
            author=current_user.email,
            written_at=now,
        )
    )
    explained = f"{CHANNELS_TOPIC} {first}/{last} {version}"
    audit_log.append_entry(tx, [centre_id], current_user.actor, "explained", explained, now)


def list_explanations(
    tx: Session, current_user: CurrentUser, centre: str, first: date, last: date
) -> list[ExplanationVersion]:
    """Return the explanations of this centre and period, newest first; raise ``NotFound`` for a centre of others."""
    centre_id = visibility.find_visibility(tx, current_user).get_centre(centre).id
    query = select(Explanation).filter_by(centre_id=centre_id, topic=CHANNELS_TOPIC, first=first, last=last)
    rows = tx.scalars(query.order_by(Explanation.version.desc()).limit(MAX_LISTED_VERSIONS))
    return [ExplanationVersion(row.version, row.text, row.author, row.written_at) for row in rows]
