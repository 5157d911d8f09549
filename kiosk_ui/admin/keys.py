"""Keys of case systems: made here, shown once, ended here."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import Conflict, Invalid
from feedback_service.flow import integrations
from kiosk_ui.admin.admission import needs, sight, visitor
from kiosk_ui.admin.forms import Mistake, mistakes, said
from kiosk_ui.admin.layout import back_to, show


class Typed(NamedTuple):
    """What the form says of a new key."""

    name: str
    scope: Sequence[str]
    centre: Sequence[str]


@needs(roles.KEYS)
def keys() -> ResponseReturnValue:
    """All keys for the visitor's centres, and the form for another one."""
    only = [card.code for card in sight().centres] if len(sight().centres) == 1 else []
    return _page(Typed("", [], only), uuid4())


@needs(roles.KEYS)
def make_key() -> ResponseReturnValue:
    """A new key, shown this once. The same form sent again makes no second one."""
    form = request.form
    typed = Typed(form.get("name", ""), form.getlist("scope"), form.getlist("centre"))
    try:
        id = UUID(form.get("id", ""))
    except ValueError:
        id = uuid4()
    try:
        secret = integrations.make_key(visitor(), id, typed.name, typed.scope, typed.centre)
    except Invalid as refusal:
        return _page(typed, id, mistakes(refusal), 422)
    except Conflict as refusal:
        return _page(typed, uuid4(), [Mistake("name", said(refusal))], 409)
    return show("admin/key.html", secret=secret, name=typed.name.strip())


@needs(roles.KEYS)
def revoke_key(key: UUID) -> ResponseReturnValue:
    """Nobody comes in with this key any more."""
    integrations.revoke_key(visitor(), key)
    return back_to("admin.keys")


def _page(typed: Typed, id: UUID, wrong: Sequence[Mistake] = (), status: int = 200) -> Response:
    offered = roles.key_scopes(visitor().role)
    return show(
        "admin/keys.html",
        status,
        known=integrations.known_keys(visitor()),
        scopes=[(scope, roles.SCOPE_LABELS[scope]) for scope in offered],
        centres=sight().centres,
        typed=typed,
        id=id,
        errors=wrong,
    )
