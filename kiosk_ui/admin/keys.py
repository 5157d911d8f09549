"""Keys of case systems: made here, shown once, ended here."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import Conflict, Invalid
from feedback_service.flow import api_keys
from kiosk_ui.admin.admission import needs, sight, visitor
from kiosk_ui.admin.forms import FormError, describe_refusal, form_errors
from kiosk_ui.admin.layout import back_to, show


class KeyForm(NamedTuple):
    """What the form says of a new key."""

    name: str
    scope: Sequence[str]
    centre: Sequence[str]


@needs(roles.KEYS)
def keys() -> ResponseReturnValue:
    """All keys for the visitor's centres, and the form for another one."""
    preselected_centres = [centre.code for centre in sight().centres] if len(sight().centres) == 1 else []
    return _show_keys(KeyForm("", [], preselected_centres), uuid4())


@needs(roles.KEYS)
def make_key() -> ResponseReturnValue:
    """A new key, shown this once. The same form sent again makes no second one."""
    form = request.form
    key_form = KeyForm(form.get("name", ""), form.getlist("scope"), form.getlist("centre"))
    try:
        key_id = UUID(form.get("id", ""))
    except ValueError:
        key_id = uuid4()
    try:
        secret = api_keys.make_api_key(visitor(), key_id, key_form.name, key_form.scope, key_form.centre)
    except Invalid as refusal:
        return _show_keys(key_form, key_id, form_errors(refusal), 422)
    except Conflict as refusal:
        return _show_keys(key_form, uuid4(), [FormError("name", describe_refusal(refusal))], 409)
    return show("admin/key.html", secret=secret, name=key_form.name.strip())


@needs(roles.KEYS)
def revoke_key(key: UUID) -> ResponseReturnValue:
    """Nobody comes in with this key any more."""
    api_keys.revoke_api_key(visitor(), key)
    return back_to("admin.keys")


def _show_keys(
    key_form: KeyForm, key_id: UUID, errors: Sequence[FormError] = (), status: int = 200
) -> Response:
    allowed_scopes = roles.list_key_scopes(visitor().role)
    return show(
        "admin/keys.html",
        status,
        known=api_keys.list_api_keys(visitor()),
        scopes=[(scope, roles.SCOPE_LABELS[scope]) for scope in allowed_scopes],
        centres=sight().centres,
        typed=key_form,
        id=key_id,
        errors=errors,
    )
