"""Invitations: found by token with all that belongs to them, opened, started, answered once.

Nothing here commits. Writes of a story that read before (``mark_started``, ``mark_answered``, and in ``drafts``
``save_draft``, ``delete_draft``) repeat what it read in their conditions, and raise ``LostRace`` if that is no longer
so. A second draft breaks a unique key instead (``IntegrityError``), which repeats the story in the same way.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, bindparam, select, true, update
from sqlalchemy.orm import Session

from feedback_service.database import fetch_rows, table_of, write_guarded
from feedback_service.errors import InvitationCancelled, InvitationExpired, NotFound
from feedback_service.facts import PublicCentre, ServiceFacts
from feedback_service.keyring import Keyring, TokenKey, normalise_token
from feedback_service.models import Case, Centre, DraftAnswer, Invitation, Service


class InvitationFacts(NamedTuple):
    """An invitation; the fields are columns of its table."""

    centre_id: uuid.UUID
    id: uuid.UUID
    token_hash: bytes
    questionnaire: str
    issued_on: date
    last_day: date
    cancelled: bool
    opened: bool
    started: bool
    answered_on: date | None
    client_hash: bytes | None
    left_begun: bool


class CaseFacts(NamedTuple):
    """A case; the fields are columns of its table."""

    id: uuid.UUID
    front_office: str
    provider_edrpou: str | None
    workplace: str | None
    workplace_kind: str | None
    status: str
    status_at: datetime


class DraftFacts(NamedTuple):
    """A draft answer; the fields are columns of its table. ``client_id`` is the first client."""

    client_id: uuid.UUID
    answers: Mapping[str, Any]
    owners: Mapping[str, str]
    language: str
    source: str
    begun_at: datetime
    touched_at: datetime


@dataclass(frozen=True, slots=True)
class InvitationContext:
    """An invitation with its token, its case, the service, the centre, and its draft answer if there is one."""

    token: str
    key: TokenKey
    invitation: InvitationFacts
    case: CaseFacts
    service: ServiceFacts
    centre: PublicCentre
    draft: DraftFacts | None

    @property
    def statement_key(self) -> dict[str, Any]:
        """The parameters by which statements find the rows of this invitation."""
        return {"of_centre": self.invitation.centre_id, "of_id": self.invitation.id}

    @property
    def client_namespace(self) -> bytes:
        """What is mixed into the hashes of client ids: the token. So the same client id by two links is two clients."""
        return self.token.encode()

    def was_answered_by(self, client_id: uuid.UUID) -> bool:
        """Tell whether this client gave the final answer."""
        client_hash = self.invitation.client_hash
        return client_hash is not None and client_hash == self.hash_client_id(client_id)

    def is_first_client(self, client_id: uuid.UUID) -> bool:
        """Tell whether this client began the draft, or begins it now because there is none."""
        return self.draft is None or self.draft.client_id == client_id

    def hash_client_id(self, client_id: uuid.UUID) -> bytes:
        """Return what is stored instead of the client id."""
        return self.key.hash_client_id(self.client_namespace, client_id)

    def refuse_cancelled_or_expired(self, today: date) -> None:
        """Raise ``InvitationCancelled`` or ``InvitationExpired``."""
        if self.invitation.cancelled:
            raise InvitationCancelled()
        if today > self.invitation.last_day:
            raise InvitationExpired()


# These statements run at every visit. They are built once, so that they are compiled once, and return plain rows: ORM
# objects would cost more time here than the database.
_INVITATIONS, _CASES, _SERVICES, _CENTRES, DRAFTS = map(table_of, (Invitation, Case, Service, Centre, DraftAnswer))
_FACT_TABLES: Sequence[tuple[type[Any], Table]] = (
    (InvitationFacts, _INVITATIONS),
    (CaseFacts, _CASES),
    (ServiceFacts, _SERVICES),
    (PublicCentre, _CENTRES),
    (DraftFacts, DRAFTS),
)
_SELECT_CONTEXT = select(*(of.c[name] for facts, of in _FACT_TABLES for name in facts._fields)).select_from(
    _INVITATIONS.join(
        _CASES, and_(_CASES.c.centre_id == _INVITATIONS.c.centre_id, _CASES.c.id == _INVITATIONS.c.case_id)
    )
    .join(_SERVICES, and_(_SERVICES.c.centre_id == _CASES.c.centre_id, _SERVICES.c.id == _CASES.c.service_id))
    .join(_CENTRES, _CENTRES.c.id == _INVITATIONS.c.centre_id)
    .outerjoin(
        DRAFTS,
        and_(DRAFTS.c.centre_id == _INVITATIONS.c.centre_id, DRAFTS.c.invitation_id == _INVITATIONS.c.id),
    )
)
_IS_INVITATION = (_INVITATIONS.c.centre_id == bindparam("of_centre"), _INVITATIONS.c.id == bindparam("of_id"))
IS_DRAFT = (DRAFTS.c.centre_id == bindparam("of_centre"), DRAFTS.c.invitation_id == bindparam("of_id"))
_FIND_BY_TOKEN = _SELECT_CONTEXT.where(_INVITATIONS.c.token_hash == bindparam("hash"))
_LOCK_BY_TOKEN = _FIND_BY_TOKEN.with_for_update(of=_INVITATIONS)
_LOCK_BY_ID = _SELECT_CONTEXT.add_columns(_INVITATIONS.c.key_id).where(*_IS_INVITATION).with_for_update(of=_INVITATIONS)
_READ_DRAFT = select(*(DRAFTS.c[name] for name in DraftFacts._fields)).where(*IS_DRAFT)
_CHANGE_OPEN_INVITATION = (  # the parameters name further columns to set
    update(_INVITATIONS)
    .where(
        *_IS_INVITATION,
        _INVITATIONS.c.answered_on.is_(None),
        _INVITATIONS.c.cancelled == bindparam("was_cancelled"),
        _INVITATIONS.c.started == bindparam("was_started"),
    )
    .values(opened=true(), started=true())
)
_MARK_OPENED = (
    update(_INVITATIONS)
    .where(_INVITATIONS.c.token_hash.in_(bindparam("hashes", expanding=True)), ~_INVITATIONS.c.opened)
    .values(opened=True)
)


def find_by_token(connection: Connection, keyring: Keyring, token: str, *, lock: bool = False) -> InvitationContext:
    """Return the invitation with this token; raises ``NotFound``. Costs one statement, unless keys were rotated.

    With ``lock``, nobody else can answer by it until the transaction ends.
    """
    normal_token = normalise_token(token)
    if normal_token is None:
        raise NotFound()
    for key in keyring.keys:
        statement = _LOCK_BY_TOKEN if lock else _FIND_BY_TOKEN
        for row in fetch_rows(connection, statement, {"hash": key.hash_secret("token", normal_token)}):
            context = _build_context(normal_token, key, row)
            return _reread_draft(connection, context) if lock else context
    raise NotFound()


def lock_by_id(
    connection: Connection, keyring: Keyring, centre_id: uuid.UUID, invitation_id: uuid.UUID
) -> InvitationContext:
    """Return the invitation of a draft answer, locked.

    If its key is no longer in the keyring, the signing key takes its place: nobody can open the link any more, but
    the draft counts.
    """
    [[*facts, key_id]] = fetch_rows(connection, _LOCK_BY_ID, {"of_centre": centre_id, "of_id": invitation_id})
    try:
        key = keyring.get_key(key_id)
    except LookupError:
        key = keyring.signing_key
    return _reread_draft(connection, _build_context(key.derive_token(invitation_id), key, facts))


def _build_context(token: str, key: TokenKey, row: Iterable[Any]) -> InvitationContext:
    values = iter(row)
    invitation, case, service, centre, draft = (
        facts._make(islice(values, len(facts._fields))) for facts, _ in _FACT_TABLES
    )
    if centre.languages is not None:
        centre = centre._replace(languages=tuple(centre.languages) or None)  # a list in the database
    return InvitationContext(token, key, invitation, case, service, centre, draft if draft.client_id else None)


def _reread_draft(connection: Connection, context: InvitationContext) -> InvitationContext:
    """Read the draft again.

    A transaction that waited for the lock sees the invitation as it is now, but the joined rows as they were before.
    """
    if not context.invitation.started:
        return context
    draft = next(map(DraftFacts._make, fetch_rows(connection, _READ_DRAFT, context.statement_key)), None)
    return replace(context, draft=draft)


def mark_opened(tx: Session, hashes: Sequence[bytes]) -> None:
    """Note that people have looked at the surveys of the tokens with these hashes."""
    tx.execute(_MARK_OPENED, {"hashes": hashes})


def mark_started(connection: Connection, context: InvitationContext) -> None:
    """Note that there is a draft answer. Raises ``LostRace`` if somebody else was first."""
    _change_open_invitation(connection, context, {})


def mark_answered(
    connection: Connection,
    context: InvitationContext,
    client_id: uuid.UUID,
    *,
    answered_on: date,
    was_abandoned: bool = False,
) -> None:
    """Note the day of the final answer and the client that gave it. Raises ``LostRace`` if somebody else was first.

    ``was_abandoned``: the answer was a draft that its client did not send.
    """
    client_hash = context.hash_client_id(client_id)
    values = {"answered_on": answered_on, "client_hash": client_hash, "left_begun": was_abandoned}
    _change_open_invitation(connection, context, values)


def _change_open_invitation(connection: Connection, context: InvitationContext, values: Mapping[str, Any]) -> None:
    invitation = context.invitation
    expected = {"was_cancelled": invitation.cancelled, "was_started": invitation.started}
    write_guarded(connection, _CHANGE_OPEN_INVITATION, {**context.statement_key, **expected, **values})
