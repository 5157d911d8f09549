"""Users: finding and adding them, their scopes, and the link by which they set a password."""

import re
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service.access import audit_log, roles
from feedback_service.bearer_secrets import hash_secret, new_secret
from feedback_service.errors import N_, Conflict, FieldError, Invalid
from feedback_service.lookalikes import fold_to_latin
from feedback_service.mail import UnsendableAddress, smtp_address
from feedback_service.models import Centre, User, UserScope
from feedback_service.plain_text import BLANK, UnusableText, read_code
from feedback_service.vocabulary import ROLES

LINK_DAYS = 3  # how long a link that sets a password works
LONGEST_EMAIL = 254  # characters

NOT_AN_EMAIL = N_("This is not an e-mail address.")
NOT_DELIVERABLE = N_("Mail servers deliver only to Latin letters, digits and signs before the “@”.")
NO_SUCH_ROLE = N_("There is no such role.")
NO_SCOPE = N_("Say what the role reaches.")
WRONG_SCOPE = N_("“%(scope)s” means nothing for this role.")
NO_SUCH_CENTRE = N_("There is no centre %(scope)s.")
LOOKS_ALIKE = N_(
    "This e-mail looks like that of another user, %(known)s, but is written with other letters (Latin or Cyrillic). "
    "Mail servers take it for another one: %(email)s. Make sure that it is the right one."
)
EMAIL_TAKEN = N_("There is a user with this e-mail already.")

# In punycode; the last label begins with a letter and has two characters or more, as all that exist.
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class UserSummary:
    """A user as lists show it."""

    id: uuid.UUID
    email: str
    role: str
    scopes: tuple[str, ...]
    has_password: bool
    has_second_factor: bool
    disabled: bool
    version: int


def normalise_email(text: str) -> str:
    """Return the e-mail in the form in which it is stored and compared; empty for a text that is none.

    That is lower case, without spaces around it, and a domain of national letters in these, not in punycode.
    """
    try:
        name, at_sign, domain = read_code(text).casefold().rpartition("@")
        return f"{name}{at_sign}{domain.encode('idna').decode('idna')}"
    except ValueError:
        return ""


def find_by_email(tx: Session, email: str, *, lock: bool = False) -> User | None:
    """Find the user with this e-mail, whatever its case."""
    query = select(User).where(User.email == normalise_email(email)[:LONGEST_EMAIL])
    return tx.scalar(query.with_for_update() if lock else query)


def add_user(tx: Session, email: str, role: str, scopes: Iterable[str], now: datetime) -> User:
    """Add a user, who has no password yet.

    Raises ``Invalid`` naming every field at fault, ``Conflict`` when the e-mail is taken.
    """
    address, errors = normalise_email(email), list[FieldError]()
    if mistake := _find_email_error(email):
        errors.append(mistake)
    accepted_scopes = normalise_scopes(tx, role, scopes, errors)
    if errors:
        raise Invalid(errors)
    if find_by_email(tx, address) is not None:
        raise Conflict(EMAIL_TAKEN)
    user = User(id=uuid7(), email=address, role=role, created_at=now, version=1)
    tx.add(user)
    tx.flush()
    tx.add_all(UserScope(user_id=user.id, scope=scope) for scope in accepted_scopes)
    tx.flush()
    return user


def find_email_warning(tx: Session, user: User) -> FieldError | None:
    """Return a warning if another user's e-mail looks the same; both are named as mail servers read them."""
    look = fold_to_latin(user.email)
    for known in tx.scalars(select(User.email).where(User.id != user.id).order_by(User.email)):
        if fold_to_latin(known) == look:
            return FieldError("/email", LOOKS_ALIKE, {"email": smtp_address(user.email), "known": smtp_address(known)})
    return None


def _find_email_error(email: str) -> FieldError | None:
    """Return why no letter can go to this e-mail. An odd character is named, because nobody can see it."""
    try:
        read_code(email)
        address = smtp_address(normalise_email(email))
    except UnusableText as error:
        return FieldError("/email", NOT_AN_EMAIL if error.message == BLANK else error.message, error.params)
    except UnsendableAddress as error:
        return FieldError("/email", NOT_DELIVERABLE if error.wrong_name else NOT_AN_EMAIL)
    is_valid = len(address) <= LONGEST_EMAIL and _DOMAIN.fullmatch(address.rpartition("@")[2])
    return None if is_valid else FieldError("/email", NOT_AN_EMAIL)


def normalise_scopes(tx: Session, role: str, scopes: Iterable[str], errors: list[FieldError]) -> list[str]:
    """Return the scopes in their stored form; add what is wrong with them or with the role to ``errors``."""
    if role not in ROLES:
        errors.append(FieldError("/role", NO_SUCH_ROLE))
        return []
    accepted = set[str]()
    given_scopes = [scope for scope in scopes if scope.strip()]
    if not given_scopes:
        errors.append(FieldError("/scope", NO_SCOPE))
    for scope in given_scopes:
        try:
            accepted.add(roles.normalise_scope(role, scope))
        except ValueError:
            errors.append(FieldError("/scope", WRONG_SCOPE, {"scope": scope.strip()[:40]}))
    if role in roles.CENTRE_ROLES:
        known_codes = set(tx.scalars(select(Centre.code).where(Centre.code.in_(accepted))))
        errors += (FieldError("/scope", NO_SUCH_CENTRE, {"scope": code}) for code in sorted(accepted - known_codes))
    return sorted(accepted)


def replace_scopes(tx: Session, user: User, scopes: Iterable[str]) -> None:
    """Replace the user's scopes by these."""
    tx.execute(delete(UserScope).where(UserScope.user_id == user.id))
    tx.add_all(UserScope(user_id=user.id, scope=scope) for scope in scopes)
    tx.flush()


def list_scopes(tx: Session, user: User) -> tuple[str, ...]:
    """List the user's scopes, sorted."""
    query = select(UserScope.scope).where(UserScope.user_id == user.id).order_by(UserScope.scope)
    return tuple(tx.scalars(query))


def find_audit_chains(tx: Session, role: str, scopes: Collection[str]) -> list[uuid.UUID]:
    """Find the chains of the audit log for entries about somebody: their centres', or else the installation's."""
    if role not in roles.CENTRE_ROLES:
        return [audit_log.INSTALLATION_CHAIN]
    centre_ids = list(tx.scalars(select(Centre.id).where(Centre.code.in_(scopes))))
    return centre_ids or [audit_log.INSTALLATION_CHAIN]


def issue_password_link(user: User, now: datetime) -> str:
    """Make a link that sets a password once within three days, and return its secret; it replaces an earlier link."""
    secret = new_secret()
    user.link_hash, user.link_until = hash_secret(secret), now + timedelta(days=LINK_DAYS)
    return secret


def find_by_link(tx: Session, secret: str, now: datetime, *, lock: bool = False) -> User | None:
    """Find the user of a link, if the link still works."""
    query = select(User).where(User.link_hash == hash_secret(secret), User.link_until > now, User.disabled_at.is_(None))
    return tx.scalar(query.with_for_update() if lock else query)


def list_users(tx: Session) -> list[UserSummary]:
    """List all users, sorted by e-mail."""
    scopes_by_user: dict[uuid.UUID, list[str]] = {}
    for user_scope in tx.scalars(select(UserScope).order_by(UserScope.scope)):
        scopes_by_user.setdefault(user_scope.user_id, []).append(user_scope.scope)
    query = select(User).order_by(User.email)
    return [summarise_user(user, scopes_by_user.get(user.id, ())) for user in tx.scalars(query)]


def summarise_user(user: User, scopes: Collection[str]) -> UserSummary:
    """Return the user in the form that lists show."""
    return UserSummary(
        id=user.id,
        email=user.email,
        role=user.role,
        scopes=tuple(scopes),
        has_password=user.password_hash is not None,
        has_second_factor=user.second_factor is not None,
        disabled=user.disabled_at is not None,
        version=user.version,
    )
