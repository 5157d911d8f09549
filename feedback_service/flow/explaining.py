"""Why figures of different sources differ, in the words of whoever runs the centre; every version is kept.

Monitoring has to find the reasons (Order of Resolution 864, duties of a centre), and a report will quote them.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock, text
from feedback_service.access import journal, sight
from feedback_service.access.sessions import Visitor
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, ChangedMeanwhile, Invalid
from feedback_service.models import Explanation

SOURCES = "sources"
LONGEST = 2000  # characters


@dataclass(frozen=True, slots=True)
class Explained:
    """A version of an explanation: what was written, by whom and when."""

    version: int
    text: str
    author: str
    written_at: datetime


@reading
def explanations(tx: Session, by: Visitor, centre: str, first: date, last: date) -> list[Explained]:
    """What was written of this centre and period, the newest first; ``NotFound`` for a foreign centre."""
    return _written(tx, by, centre, first, last)


@transaction
def explain(
    tx: Session, by: Visitor, centre: str, first: date, last: date, *, words: str, after: int
) -> Explained:
    """A new version is kept beside the older ones; ``after`` is the newest that its writer saw, 0 for none.

    Raises ``NotFound`` for a foreign centre, ``Invalid`` for the text, ``ChangedMeanwhile`` when somebody else
    wrote since.
    """
    card = sight.of(tx, by.role, by.scopes).centre(centre)
    written = _written(tx, by, centre, first, last)
    if (written[0].version if written else 0) != after:
        raise ChangedMeanwhile()
    now = clock.now()
    new = Explanation(
        centre_id=card.id,
        topic=SOURCES,
        first=first,
        last=last,
        version=after + 1,
        text=_checked(words),
        author=by.email,
        written_at=now,
    )
    tx.add(new)
    journal.note(tx, [card.id], by.actor, "explained", f"{SOURCES} {first}/{last} {new.version}", now)
    return Explained(new.version, new.text, new.author, new.written_at)


def _written(tx: Session, by: Visitor, centre: str, first: date, last: date) -> list[Explained]:
    card = sight.of(tx, by.role, by.scopes).centre(centre)
    these = select(Explanation).where(
        *(Explanation.centre_id == card.id, Explanation.topic == SOURCES),
        *(Explanation.first == first, Explanation.last == last),
    )
    found = tx.scalars(these.order_by(Explanation.version.desc()))
    return [Explained(one.version, one.text, one.author, one.written_at) for one in found]


def _checked(words: str) -> str:
    try:
        clean = text.clean(words).strip()
    except ValueError:
        raise Invalid.field("/text", N_("It holds characters that cannot be kept.")) from None
    if not clean:
        raise Invalid.field("/text", N_("Write what you found out, in a sentence or two."))
    if len(clean) > LONGEST:
        raise Invalid.field("/text", N_("Use %(limit)s characters at most."), limit=LONGEST)
    return clean
