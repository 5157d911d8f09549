"""Keys of case systems and portals, as people of a centre make and end them."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import journal, keys, roles, sight
from feedback_service.access.keys import Holder, KeyCard
from feedback_service.access.sessions import Visitor
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Conflict, FieldError, Invalid, NotAllowed, NotFound, Unavailable
from feedback_service.models import ApiKey, Centre
from feedback_service.text import clean

LONGEST_NAME = 100  # characters

NO_NAME = N_("Say which system the key is for, in up to %(longest)s characters.")
NO_SCOPE = N_("Choose what the key may do.")
NO_CENTRE = N_("Choose the centres that the key is for.")
NOT_YOURS = N_("This key is also for centres that are not yours; the operator can end it.")
MADE_ALREADY = N_("This key was made already, and keys are shown only once. End it and make another one.")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as somebody may see it: of its centres only their own, how many others there are."""

    card: KeyCard
    centres: tuple[str, ...]
    others: int

    @property
    def may_revoke(self) -> bool:
        """Whether they may end it."""
        return not self.others and self.card.revoked_at is None


@reading
def known_keys(tx: Session, by: Visitor) -> list[KnownKey]:
    """Every key for at least one of the visitor's centres, the newest first."""
    codes = sight.of(tx, by.role, by.scopes).codes
    found = []
    for card in keys.cards(tx):
        own = tuple(code for code in card.centres if code in codes)
        if own:
            found.append(KnownKey(card, own, len(card.centres) - len(own)))
    return found


@transaction
def make_key(
    tx: Session, by: Visitor, id: uuid.UUID, name: str, scopes: Sequence[str], centres: Sequence[str]
) -> str:
    """A new key, to be shown once; ``id`` is the form's, so that the same form makes one key only.

    Raises ``Invalid`` naming every field at fault, ``Conflict`` when the form made its key before.
    """
    if tx.get(ApiKey, id) is not None:
        raise Conflict(MADE_ALREADY)
    own = {card.code: card.id for card in sight.of(tx, by.role, by.scopes).centres}
    errors = list[FieldError]()
    try:
        called = clean(name).strip()
    except ValueError:
        called = ""
    if not called or len(called) > LONGEST_NAME:
        errors.append(FieldError("/name", NO_NAME, {"longest": LONGEST_NAME}))
    if not scopes or not set(scopes) <= set(roles.key_scopes(by.role)):
        errors.append(FieldError("/scope", NO_SCOPE))
    if not centres or not set(centres) <= own.keys():
        errors.append(FieldError("/centre", NO_CENTRE))
    if errors:
        raise Invalid(errors)
    ids = [own[code] for code in set(centres)]
    found = tx.scalars(select(Centre).where(Centre.id.in_(ids))).all()
    secret = keys.add(tx, scopes, found, name=called, id=id)
    journal.note(tx, ids, by.actor, "key_made", f"{called} {id}", clock.now())
    return secret


@transaction
def revoke_key(tx: Session, by: Visitor, id: uuid.UUID) -> None:
    """Nobody comes in with this key any more. Raises ``NotFound`` for a key of others' centres only."""
    own = {card.code: card.id for card in sight.of(tx, by.role, by.scopes).centres}
    key = tx.get(ApiKey, id, with_for_update=True)
    centres = set(keys.centres_of(tx, id))
    if key is None or centres.isdisjoint(own):
        raise NotFound()
    if not centres <= own.keys():
        raise NotAllowed(NOT_YOURS)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        journal.note(
            tx, [own[code] for code in centres], by.actor, "key_revoked", f"{key.name} {id}", clock.now()
        )


def note_use(holder: Holder) -> None:
    """A key was used on this day; written once a day, and not at all while the database is busy."""
    today = clock.kyiv_day(clock.now())
    if holder.last_used_on is None or holder.last_used_on < today:
        with suppress(Unavailable):
            _note_use(holder.key_id, today)


@transaction
def _note_use(tx: Session, id: uuid.UUID, today: date) -> None:
    earlier = or_(ApiKey.last_used_on.is_(None), ApiKey.last_used_on < today)
    tx.execute(update(ApiKey).where(ApiKey.id == id, earlier).values(last_used_on=today))
