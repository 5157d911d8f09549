"""Invitations in people's hands: found by token or short code, begun on, spent once."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from feedback_service.cases import tokens
from feedback_service.cases.tokens import Keyring, TokenKey
from feedback_service.db import table
from feedback_service.errors import InvitationCancelled, InvitationExpired, NotFound
from feedback_service.models import BegunAnswer, Case, Centre, CodeGuesses, Invitation, Service

GUESS_WINDOW = timedelta(minutes=10)
WRONG_GUESSES = 30  # in a window, for one centre: at 25,000 open codes a guesser needs 27 years to hit one


@dataclass(frozen=True, slots=True)
class Held:
    """An invitation in somebody's hand, with the case it is about."""

    token: str
    key: TokenKey
    invitation: Invitation
    case: Case
    service: Service
    centre: Centre

    @property
    def scope(self) -> bytes:
        """Within what a client id means something: this token alone."""
        return self.token.encode()

    def answered_by(self, client: uuid.UUID) -> bool:
        """Whether it was this client that answered."""
        return self.invitation.client_hash == self.key.client_hash(self.scope, client)

    def refuse_if_closed(self, today: date) -> None:
        """Raise ``InvitationCancelled`` or ``InvitationExpired``."""
        if self.invitation.cancelled:
            raise InvitationCancelled()
        if today > self.invitation.last_day:
            raise InvitationExpired()


_HELD = (
    select(Invitation, Case, Service, Centre)
    .join(Case, (Case.centre_id == Invitation.centre_id) & (Case.id == Invitation.case_id))
    .join(Service, (Service.centre_id == Case.centre_id) & (Service.id == Case.service_id))
    .join(Centre, Centre.id == Invitation.centre_id)
)
# Said once, so that SQLAlchemy works them out once.
_BY_TOKEN = _HELD.where(Invitation.token_hash.in_(bindparam("hashes", expanding=True)))
_BY_TOKEN_LOCKED = _BY_TOKEN.with_for_update(of=Invitation)
_INVITATIONS = table(Invitation)
_OPENED = (
    update(_INVITATIONS)
    .where(_INVITATIONS.c.token_hash.in_(bindparam("hashes", expanding=True)))
    .values(opened=True)
)
_SPENT = (
    update(_INVITATIONS)
    .where(
        _INVITATIONS.c.centre_id == bindparam("whose"),
        _INVITATIONS.c.id == bindparam("which"),
        _INVITATIONS.c.answered_on.is_(None),
    )
    .values(opened=True, started=True)
    .values({name: bindparam(name) for name in ("answered_on", "client_hash", "left_begun")})
    .returning(_INVITATIONS.c.id)
)


def hold(tx: Session, keyring: Keyring, token: str, *, lock: bool = False) -> Held:
    """The invitation behind a token; ``NotFound`` if there is none.

    ``lock`` keeps everybody else from answering by it until the transaction ends.
    """
    normal = tokens.normal_token(token)
    if normal is None:
        raise NotFound()
    hashes = {"hashes": keyring.fingerprints("token", normal)}
    found = tx.execute(_BY_TOKEN_LOCKED if lock else _BY_TOKEN, hashes).one_or_none()
    if found is None:
        raise NotFound()
    invitation, case, service, centre = found
    return Held(normal, keyring.by_id(invitation.key_id), invitation, case, service, centre)


def hold_again(tx: Session, keyring: Keyring, begun: BegunAnswer) -> Held:
    """The invitation that an answer was begun on, locked.

    If its key was taken off the ring, the signing one stands in: nobody can open the link any more, but what
    was tapped counts.
    """
    query = _HELD.where(Invitation.centre_id == begun.centre_id, Invitation.id == begun.invitation_id)
    invitation, case, service, centre = tx.execute(query.with_for_update(of=Invitation)).one()
    try:
        key = keyring.by_id(invitation.key_id)
    except LookupError:
        key = keyring.signing
    return Held(key.token(invitation.id), key, invitation, case, service, centre)


def note_opened(tx: Session, keyring: Keyring, token: str) -> None:
    """A person has looked at the survey behind the token."""
    tx.execute(_OPENED, {"hashes": keyring.fingerprints("token", tokens.normal_token(token) or "")})


def spend(tx: Session, held: Held, client: uuid.UUID, *, on: date, left_begun: bool = False) -> bool:
    """Note that it was answered, and by which client; ``False`` if somebody was first. The database decides."""
    this_one = {"whose": held.invitation.centre_id, "which": held.invitation.id}
    spent = {
        "answered_on": on,
        "client_hash": held.key.client_hash(held.scope, client),
        "left_begun": left_begun,
    }
    return tx.scalar(_SPENT, this_one | spent) is not None


def begun_on(tx: Session, invitation: Invitation) -> BegunAnswer | None:
    """The answer begun on the invitation, if any."""
    if not invitation.started:
        return None
    return tx.get(BegunAnswer, (invitation.centre_id, invitation.id))


def keep_begun(
    tx: Session,
    held: Held,
    begun: BegunAnswer | None,
    *,
    client: uuid.UUID,
    answers: Mapping[str, Any],
    language: str,
    source: str,
    at: datetime,
) -> None:
    """Keep what was chosen so far on the invitation."""
    if begun is None:
        begun = BegunAnswer(
            centre_id=held.invitation.centre_id, invitation_id=held.invitation.id, begun_at=at
        )
        tx.add(begun)
    begun.client_id, begun.answers, begun.touched_at = client, dict(answers), at
    begun.language, begun.source = language, source
    held.invitation.opened = held.invitation.started = True


def drop_begun(tx: Session, begun: BegunAnswer) -> None:
    """Forget what was kept: it is final now."""
    this_one = (BegunAnswer.centre_id == begun.centre_id, BegunAnswer.invitation_id == begun.invitation_id)
    tx.execute(delete(BegunAnswer).where(*this_one))


def left(tx: Session, before: datetime, limit: int) -> list[BegunAnswer]:
    """Answers begun and not touched since ``before``, taken so that no other worker takes them."""
    query = select(BegunAnswer).where(BegunAnswer.touched_at <= before).order_by(BegunAnswer.touched_at)
    return list(tx.scalars(query.limit(limit).with_for_update(skip_locked=True)))


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
