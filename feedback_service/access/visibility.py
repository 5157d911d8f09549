"""What a user may see: which centres, and which answers of these centres."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from feedback_service.access.roles import CENTRE_ROLES, EVERYTHING
from feedback_service.access.sessions import CurrentUser
from feedback_service.errors import NotFound
from feedback_service.models import Centre, Response, Service


@dataclass(frozen=True, slots=True)
class CentreSummary:
    """A centre as lists show it."""

    id: uuid.UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Visibility:
    """The centres that a user may see, sorted by name, and the limits within them.

    ``providers`` and ``services`` limit the answers to cases of these providers or services; ``None``: no limit.
    Every count for the user must respect all three, or a provider would see the figures of another one.
    """

    centres: tuple[CentreSummary, ...]
    providers: frozenset[str] | None = None
    services: frozenset[str] | None = None

    @property
    def codes(self) -> frozenset[str]:
        """The codes of the centres."""
        return frozenset(self.ids_by_code)

    @property
    def ids_by_code(self) -> dict[str, uuid.UUID]:
        """The ids of the centres, by code."""
        return {centre.code: centre.id for centre in self.centres}

    def get_centre(self, code: str) -> CentreSummary:
        """Return the centre with this code; raise ``NotFound`` if it does not exist or is not visible."""
        for centre in self.centres:
            if centre.code == code:
                return centre
        raise NotFound()


def find_visibility(tx: Session, user: CurrentUser) -> Visibility:
    """Find what the user may see; an operator sees which centres exist."""
    return find_visibility_of_role(tx, user.role, user.scopes)


def find_visibility_of_role(tx: Session, role: str, scopes: Collection[str]) -> Visibility:
    """Find what a user of this role with these scopes may see."""
    query = select(Centre.id, Centre.code, Centre.name).where(_centre_condition(role, scopes))
    centres = (CentreSummary(*row) for row in tx.execute(query))
    sees_everything = EVERYTHING in scopes
    return Visibility(
        tuple(sorted(centres, key=lambda centre: (centre.name.casefold(), centre.code))),
        providers=frozenset(scopes) if role == "provider" else None,
        services=frozenset(scopes) if role == "central_body" and not sees_everything else None,
    )


def _centre_condition(role: str, scopes: Collection[str]) -> ColumnElement[bool]:
    if role in CENTRE_ROLES:
        return Centre.code.in_(scopes)
    if role == "council":
        return or_(Centre.edrpou.in_(scopes), Centre.code.in_(scopes))
    if role == "oblast":
        return or_(false(), *(Centre.katottg.startswith(scope, autoescape=True) for scope in scopes))
    if role == "provider":
        return Centre.id.in_(select(Response.centre_id).where(Response.provider_edrpou.in_(scopes)))
    if EVERYTHING in scopes:
        return Centre.id.is_not(None)
    return Centre.id.in_(select(Service.centre_id).where(Service.code.in_(scopes)))
