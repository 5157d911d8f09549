"""Invitations in people's hands: found by token or short code, begun on, spent once."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, select, true, update
from sqlalchemy.orm import Session

from feedback_service.cases import tokens
from feedback_service.cases.tokens import Keyring, TokenKey
from feedback_service.database import fetch_rows, table, write, write_guarded
from feedback_service.errors import InvitationCancelled, InvitationExpired, NotFound
from feedback_service.models import BegunAnswer, Case, Centre, CodeGuesses, Invitation, Service

GUESS_WINDOW = timedelta(minutes=10)
WRONG_GUESSES = 30  # in a window, for one centre: at 25,000 open codes a guesser needs 27 years to hit one


class InvitationFacts(NamedTuple):
    """What answering by an invitation needs of it."""

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
    """What an answer repeats of its case."""

    id: uuid.UUID
    front_office: str
    provider_edrpou: str | None
    workplace: str | None
    workplace_kind: str | None
    status: str
    status_at: datetime


class ServiceFacts(NamedTuple):
    """The service of a case."""

    id: uuid.UUID
    code: str
    local_code: str
    title: str


class CentreFacts(NamedTuple):
    """The centre of a case."""

    id: uuid.UUID
    code: str
    prefix: str
    name: str
    edrpou: str
    katottg: str
    controller: str | None
    contact: str | None
    languages: Sequence[str] | None


class Begun(NamedTuple):
    """An answer that is not final yet."""

    client_id: uuid.UUID
    answers: Mapping[str, Any]
    language: str
    source: str
    begun_at: datetime
    touched_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """An invitation in somebody's hand, with the case it is about and the answer begun on it."""

    token: str
    key: TokenKey
    invitation: InvitationFacts
    case: CaseFacts
    service: ServiceFacts
    centre: CentreFacts
    begun: Begun | None

    @property
    def scope(self) -> bytes:
        """Within what a client id means something: this token alone."""
        return self.token.encode()

    def answered_by(self, client: uuid.UUID) -> bool:
        """Whether it was this client that answered."""
        answered = self.invitation.client_hash
        return answered is not None and answered == self.key.client_hash(self.scope, client)

    def refuse_if_closed(self, today: date) -> None:
        """Raise ``InvitationCancelled`` or ``InvitationExpired``."""
        if self.invitation.cancelled:
            raise InvitationCancelled()
        if today > self.invitation.last_day:
            raise InvitationExpired()


# Statements of what people do all day are built once, so that SQLAlchemy compiles them once, and give plain rows: here
# the objects of its ORM would cost more than the database.
_INVITATIONS, _CASES, _SERVICES, _CENTRES, _BEGUN = map(
    table, (Invitation, Case, Service, Centre, BegunAnswer)
)
_FACTS: Sequence[tuple[type[Any], Table]] = (
    (InvitationFacts, _INVITATIONS),
    (CaseFacts, _CASES),
    (ServiceFacts, _SERVICES),
    (CentreFacts, _CENTRES),
    (Begun, _BEGUN),
)
_HELD = select(*(of.c[name] for facts, of in _FACTS for name in facts._fields)).select_from(
    _INVITATIONS.join(
        _CASES, and_(_CASES.c.centre_id == _INVITATIONS.c.centre_id, _CASES.c.id == _INVITATIONS.c.case_id)
    )
    .join(_SERVICES, and_(_SERVICES.c.centre_id == _CASES.c.centre_id, _SERVICES.c.id == _CASES.c.service_id))
    .join(_CENTRES, _CENTRES.c.id == _INVITATIONS.c.centre_id)
    .outerjoin(
        _BEGUN,
        and_(_BEGUN.c.centre_id == _INVITATIONS.c.centre_id, _BEGUN.c.invitation_id == _INVITATIONS.c.id),
    )
)
_THIS = (_INVITATIONS.c.centre_id == bindparam("whose"), _INVITATIONS.c.id == bindparam("which"))
_THIS_BEGUN = (_BEGUN.c.centre_id == bindparam("whose"), _BEGUN.c.invitation_id == bindparam("which"))
_BY_TOKEN = _HELD.where(_INVITATIONS.c.token_hash == bindparam("hash"))
_BY_TOKEN_LOCKED = _BY_TOKEN.with_for_update(of=_INVITATIONS)
_BY_ID_LOCKED = _HELD.add_columns(_INVITATIONS.c.key_id).where(*_THIS).with_for_update(of=_INVITATIONS)
_READ_BEGUN = select(*(_BEGUN.c[name] for name in Begun._fields)).where(*_THIS_BEGUN)
_BEGIN = insert(_BEGUN)
_TOUCH = update(_BEGUN).where(*_THIS_BEGUN)
# Who decided by what was read relies on its being so still: see ``optimistic_transaction``.
_UNTOUCHED = _BEGUN.c.touched_at == bindparam("was_touched_at")
_CHOSEN = _TOUCH.where(_UNTOUCHED)  # what is set comes with the values
_DROP_BEGUN = delete(_BEGUN).where(*_THIS_BEGUN, _UNTOUCHED)
_STARTING = (
    update(_INVITATIONS)
    .where(
        *_THIS,
        _INVITATIONS.c.answered_on.is_(None),
        _INVITATIONS.c.cancelled == bindparam("was_cancelled"),
        _INVITATIONS.c.started == bindparam("was_started"),
    )
    .values(opened=true(), started=true())
)
_OPENED = (
    update(_INVITATIONS)
    .where(_INVITATIONS.c.token_hash.in_(bindparam("hashes", expanding=True)), ~_INVITATIONS.c.opened)
    .values(opened=True)
)


def hold(connection: Connection, keyring: Keyring, token: str, *, lock: bool = False) -> Held:
    """The invitation behind a token; ``NotFound`` if there is none. One statement, unless keys were rotated.

    ``lock`` keeps everybody else from answering by it until the transaction ends.
    """
    normal = tokens.normal_token(token)
    if normal is None:
        raise NotFound()
    for key in keyring.keys:
        asked = _BY_TOKEN_LOCKED if lock else _BY_TOKEN
        for row in fetch_rows(connection, asked, {"hash": key.fingerprint("token", normal)}):
            held = _held(normal, key, row)
            return _after_waiting(connection, held) if lock else held
    raise NotFound()


def hold_again(connection: Connection, keyring: Keyring, centre: uuid.UUID, invitation: uuid.UUID) -> Held:
    """The invitation that an answer was begun on, locked.

    If its key was taken off the ring, the signing one stands in: nobody can open the link any more, but what
    was tapped counts.
    """
    [[*facts, key_id]] = fetch_rows(connection, _BY_ID_LOCKED, {"whose": centre, "which": invitation})
    try:
        key = keyring.by_id(key_id)
    except LookupError:
        key = keyring.signing
    return _after_waiting(connection, _held(key.token(invitation), key, facts))


def _held(token: str, key: TokenKey, row: Iterable[Any]) -> Held:
    values = iter(row)
    invitation, case, service, centre, begun = (
        facts._make(islice(values, len(facts._fields))) for facts, _ in _FACTS
    )
    return Held(token, key, invitation, case, service, centre, begun if begun.client_id else None)


def _after_waiting(connection: Connection, held: Held) -> Held:
    """Read the answer begun once more: who waited for the lock sees the invitation as it is now, but the rows
    joined to it as they were before."""
    if not held.invitation.started:
        return held
    begun = next(map(Begun._make, fetch_rows(connection, _READ_BEGUN, _this(held))), None)
    return replace(held, begun=begun)


def _this(held: Held) -> dict[str, Any]:
    return {"whose": held.invitation.centre_id, "which": held.invitation.id}


def _as_read(held: Held) -> dict[str, Any]:
    return _this(held) | {"was_cancelled": held.invitation.cancelled, "was_started": held.invitation.started}


def note_opened(tx: Session, hashes: Sequence[bytes]) -> None:
    """People have looked at the surveys behind the tokens with these hashes."""
    tx.execute(_OPENED, {"hashes": hashes})


def spend(
    connection: Connection, held: Held, client: uuid.UUID, *, on: date, left_begun: bool = False
) -> None:
    """Note that it was answered, and by which client; ``LostRace`` if somebody was first. The database decides."""
    client_hash = held.key.client_hash(held.scope, client)
    spent = {"answered_on": on, "client_hash": client_hash, "left_begun": left_begun}
    write_guarded(connection, _STARTING, _as_read(held) | spent)


def keep_begun(
    connection: Connection,
    held: Held,
    *,
    client: uuid.UUID,
    answers: Mapping[str, Any],
    language: str,
    source: str,
    at: datetime,
) -> None:
    """Keep what was chosen so far on the invitation; where the person came from is kept from the first time.

    ``LostRace`` if somebody else answered or chose meanwhile.
    """
    chosen = {"client_id": client, "answers": dict(answers), "language": language, "touched_at": at}
    if held.begun is None:
        key = {"centre_id": held.invitation.centre_id, "invitation_id": held.invitation.id}
        write(connection, _BEGIN, key | chosen | {"source": source, "begun_at": at})
        write_guarded(connection, _STARTING, _as_read(held))
    else:
        write_guarded(connection, _CHOSEN, _this(held) | chosen | {"was_touched_at": held.begun.touched_at})


def drop_begun(connection: Connection, held: Held, begun: Begun) -> None:
    """Forget what was kept: it is final now. ``LostRace`` if it was touched meanwhile."""
    write_guarded(connection, _DROP_BEGUN, _this(held) | {"was_touched_at": begun.touched_at})


def left(tx: Session, before: datetime, limit: int) -> Sequence[tuple[uuid.UUID, uuid.UUID]]:
    """Where answers were begun and not touched since ``before``: centre and invitation.

    They are taken so that no other worker takes them.
    """
    query = select(_BEGUN.c.centre_id, _BEGUN.c.invitation_id).where(_BEGUN.c.touched_at <= before)
    taken = query.order_by(_BEGUN.c.touched_at).limit(limit).with_for_update(skip_locked=True)
    return [(centre, invitation) for centre, invitation in tx.execute(taken)]


def put_off(tx: Session, centre: uuid.UUID, invitation: uuid.UUID, at: datetime) -> None:
    """Give an answer that was left another turn later, as if it had been touched now."""
    tx.execute(_TOUCH.values(touched_at=at), {"whose": centre, "which": invitation})


def wrong_guesses(tx: Session, centre: Centre, now: datetime) -> CodeGuesses:
    """The count of wrong codes for this centre in the current window.

    Nobody else has it until the transaction ends: of guesses made at once, each sees the one before.
    """
    counted = tx.get(CodeGuesses, centre.id, with_for_update=True, populate_existing=True)
    if counted is None:
        counted = CodeGuesses(centre_id=centre.id, window_began_at=now, wrong=0)
        tx.add(counted)
        tx.flush()  # of two first guesses, the second finds the row kept already and is told again
    elif counted.window_began_at + GUESS_WINDOW <= now:
        counted.window_began_at, counted.wrong = now, 0
    return counted


def seconds_to_wait(counted: CodeGuesses, now: datetime) -> int:
    """The seconds until another short code may be tried; 0 when one may be tried now."""
    if counted.wrong < WRONG_GUESSES:
        return 0
    return int((counted.window_began_at + GUESS_WINDOW - now).total_seconds()) + 1


def by_short_code(tx: Session, keyring: Keyring, centre: Centre, code: str) -> str | None:
    """The token of the centre's invitation with these eight characters, or ``None``."""
    hashes = keyring.fingerprints("short-code", code)
    query = select(Invitation).where(
        Invitation.centre_id == centre.id, Invitation.short_code_hash.in_(hashes)
    )
    invitation = tx.scalar(query)
    return keyring.by_id(invitation.key_id).token(invitation.id) if invitation else None
