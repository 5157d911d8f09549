"""Operators and staff of a centre make and revoke the API keys of case systems and portals."""

import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import api_keys, audit_log, roles, visibility
from feedback_service.access.api_keys import ApiCaller, ApiKeySummary
from feedback_service.access.sessions import CurrentUser
from feedback_service.centres.register import find_centres, normalise_code
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, Conflict, FieldError, Invalid, NotAllowed, NotFound, Unavailable
from feedback_service.models import ApiKey, Centre
from feedback_service.plain_text import UnusableText, read_line

MAX_NAME_LENGTH = 100  # characters

NO_NAME = N_("Say which system the key is for, in up to %(longest)s characters.")


@dataclass(frozen=True, slots=True)
class VisibleApiKey:
    """A key as one user sees it: the user's own ``centres`` that it is for, and the number of ``others``."""

    api_key: ApiKeySummary
    centres: tuple[str, ...]
    others: int

    @property
    def may_revoke(self) -> bool:
        """Whether the user may revoke it: nobody revokes a key that is also for centres of others."""
        return not self.others and self.api_key.revoked_at is None


@reading
def list_api_keys(tx: Session, current_user: CurrentUser) -> list[VisibleApiKey]:
    """Return every key for at least one of the user's centres, the newest first."""
    codes = visibility.find_visibility(tx, current_user).codes
    visible_keys = []
    for api_key in api_keys.list_api_keys(tx):
        own_centres = tuple(code for code in api_key.centres if code in codes)
        if own_centres:
            visible_keys.append(VisibleApiKey(api_key, own_centres, len(api_key.centres) - len(own_centres)))
    return visible_keys


@transaction
def make_api_key(
    tx: Session, current_user: CurrentUser, key_id: uuid.UUID, name: str, scopes: Sequence[str], centres: Sequence[str]
) -> str:
    """Make a key and return its secret, which is shown only once; ``key_id`` comes from the form.

    Raises ``Invalid`` naming every field at fault, or ``Conflict`` if the same form was sent before.
    """
    if tx.get(ApiKey, key_id) is not None:
        raise Conflict(N_("This key was made already, and keys are shown only once. End it and make another one."))
    own_centre_ids = visibility.find_visibility(tx, current_user).ids_by_code
    errors = list[FieldError]()
    clean_name = ""
    try:
        clean_name = read_line(name, MAX_NAME_LENGTH)
    except UnusableText as error:
        is_odd_character = "character" in error.params
        errors.append(
            FieldError("/name", error.message, error.params)
            if is_odd_character
            else FieldError("/name", NO_NAME, {"longest": MAX_NAME_LENGTH})
        )
    if not scopes or not set(scopes) <= set(roles.list_key_scopes(current_user.role)):
        errors.append(FieldError("/scope", N_("Choose what the key may do.")))
    if not centres or not set(centres) <= own_centre_ids.keys():
        errors.append(FieldError("/centre", N_("Choose the centres that the key is for.")))
    if errors:
        raise Invalid(errors)
    centre_ids = [own_centre_ids[code] for code in set(centres)]
    centre_rows = tx.scalars(select(Centre).where(Centre.id.in_(centre_ids))).all()
    secret = api_keys.add_api_key(tx, scopes, centre_rows, name=clean_name, key_id=key_id)
    audit_log.append_entry(tx, centre_ids, current_user.actor, "key_made", f"{clean_name} {key_id}", clock.now())
    return secret


@transaction
def revoke_api_key(tx: Session, current_user: CurrentUser, key_id: uuid.UUID) -> None:
    """Revoke the key.

    Raises ``NotFound`` for a key of other centres only, ``NotAllowed`` for one that is also for other centres.
    """
    own_centre_ids = visibility.find_visibility(tx, current_user).ids_by_code
    api_key = tx.get(ApiKey, key_id, with_for_update=True)
    centres = set(api_keys.list_centre_codes(tx, key_id))
    if api_key is None or centres.isdisjoint(own_centre_ids):
        raise NotFound()
    if not centres <= own_centre_ids.keys():
        raise NotAllowed(N_("This key is also for centres that are not yours; the operator can end it."))
    if api_key.revoked_at is None:
        api_key.revoked_at = now = clock.now()
        centre_ids = [own_centre_ids[code] for code in centres]
        audit_log.append_entry(tx, centre_ids, current_user.actor, "key_revoked", f"{api_key.name} {key_id}", now)


@transaction
def add_key(tx: Session, scopes: Collection[str], centres: Collection[str], name: str = "") -> str:
    """Make a key for an operator and return its secret; raise ``Invalid`` for an unknown scope or centre."""
    known = find_centres(tx, centres)
    if missing := set(map(normalise_code, centres)) - known.keys():
        raise Invalid.for_field("/centre", f"There is no centre {min(missing)}.")
    try:
        return api_keys.add_api_key(tx, scopes, known.values(), name=name)
    except ValueError as error:
        raise Invalid.for_field("/scope", f"This key cannot be made: {error}.") from error


@transaction
def revoke_by_secret(tx: Session, secret: str) -> None:
    """Revoke the key with this secret; raise ``NotFound`` if no key in use has it."""
    if not api_keys.revoke_api_key(tx, secret.strip()):
        raise NotFound("No key in use is this one.")


find_caller = reading(api_keys.find_caller)


def record_key_use(caller: ApiCaller) -> None:
    """Store that the key was used today: at most once a day, and not while the database is unavailable."""
    today = clock.kyiv_day(clock.now())
    if caller.last_used_on is None or caller.last_used_on < today:
        with suppress(Unavailable):
            _store_key_use(caller.key_id, today)


@transaction
def _store_key_use(tx: Session, key_id: uuid.UUID, today: date) -> None:
    not_used_today = or_(ApiKey.last_used_on.is_(None), ApiKey.last_used_on < today)
    tx.execute(update(ApiKey).where(ApiKey.id == key_id, not_used_today).values(last_used_on=today))
