"""The register of centres, searched by code and by prefix."""

import re
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.centres import state_codes
from feedback_service.errors import NotFound
from feedback_service.facts import PublicCentre
from feedback_service.models import Centre

_SIGN = r"[^\w\x00-\x1f\x7f-\x9f]+"  # control characters are no sign: a code with one is nobody's
_SIGNS_AROUND = re.compile(rf"^{_SIGN}|{_SIGN}$")


def normalise_code(code: str) -> str:
    """Return the code in the spelling of the register: capitals, without spaces and glued signs around it."""
    return _SIGNS_AROUND.sub("", code.strip()).upper()


def find_centre(tx: Session, code: str) -> Centre | None:
    """Return the centre with this code in any spelling, or ``None``."""
    return next(iter(find_centres(tx, [code]).values()), None)


def require_centre(tx: Session, code: str) -> Centre:
    """Return the centre with this code in any spelling. Raises ``NotFound``."""
    centre = find_centre(tx, code)
    if centre is None:
        raise NotFound()
    return centre


def find_centres(tx: Session, codes: Iterable[str]) -> dict[str, Centre]:
    """Return the centres that exist, by code, in the order of their ids.

    The order is the same in every transaction, so transactions that lock rows in it cannot block each other.
    """
    # A database may refuse text with strange characters, so such codes never reach it.
    wanted = {code for code in map(normalise_code, codes) if state_codes.may_be_centre_code(code)}
    query = select(Centre).where(Centre.code.in_(wanted)).order_by(Centre.id)
    return {centre.code: centre for centre in tx.scalars(query)} if wanted else {}


def make_public_centre(centre: Centre) -> PublicCentre:
    """Return what everybody may know of the centre."""
    return PublicCentre(
        id=centre.id,
        code=centre.code,
        prefix=centre.prefix,
        name=centre.name,
        edrpou=centre.edrpou,
        katottg=centre.katottg,
        controller=centre.controller,
        contact=centre.contact,
        languages=tuple(centre.languages) if centre.languages else None,
    )


def find_by_prefix(tx: Session, prefix: str) -> Centre | None:
    """Return the centre whose short codes have this prefix, or ``None``."""
    return tx.scalar(select(Centre).where(Centre.prefix == prefix))
